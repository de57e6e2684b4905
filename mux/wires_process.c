/* The process of a wire's worker: muxd itself, executed once more, until it is reaped. */

#include "child_process.h"
#include "monotonic.h"
#include "mux.h"
#include "wires_parts.h"
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_S 2 /* with a worker that was told to end */

struct wires_process {
	struct wires *wires;
	struct mux_wire *wire; /* whom its end matters; NULL: nobody */
	pid_t id; /* 0: there is nothing to reap */
	int life; /* owned; readable when it has ended */
	struct event ended;
	struct event overdue;
	LIST_ENTRY(wires_process) link;
};

/* As options->start (wires.h). */
static int start_process(const char *name, int *control, pid_t *id)
{
	char title[WIRE_NAME_MAX + 16];

	snprintf(title, sizeof(title), "muxd: wire %s", name);
	return child_process_start(title, WORKER_WORD, SOCK_SEQPACKET, control, id);
}

static void process_free(struct wires_process *process)
{
	event_del(&process->ended);
	event_del(&process->overdue);
	LIST_REMOVE(process, link);
	close(process->life);
	free(process);
}

static void process_ended(evutil_socket_t fd, short what, void *owner)
{
	struct wires_process *process = owner;
	struct mux_wire *wire = process->wire;
	char how[96];

	(void)fd;
	(void)what;
	child_process_reap(process->id, how, sizeof(how));
	process_free(process);
	if (wire)
		wires_worker_ended(wire, how);
}

static void process_overdue(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	wires_process_kill(owner);
}

struct wires_process *wires_process_start(struct mux_wire *wire, int *control, int *error)
{
	struct wires *wires = wire->wires;
	struct wires_process *process = calloc(1, sizeof(*process));

	*error = -ENOMEM;
	if (!process)
		return NULL;
	process->life = (wires->options->start ? wires->options->start : start_process)(wire->name,
		control, &process->id);
	if (process->life < 0) {
		*error = process->life;
		free(process);
		return NULL;
	}
	process->wires = wires;
	process->wire = wire;
	event_assign(&process->ended, wires->mux->base, process->life, EV_READ, process_ended,
		process);
	event_assign(&process->overdue, wires->mux->base, -1, 0, process_overdue, process);
	event_add(&process->ended, NULL);
	LIST_INSERT_HEAD(&wires->processes, process, link);
	return process;
}

void wires_process_kill(struct wires_process *process)
{
	if (process->id)
		kill(process->id, SIGKILL);
}

void wires_process_leave(struct wires_process *process)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };

	process->wire = NULL;
	event_add(&process->overdue, &patience);
}

void wires_processes_wait(struct wires *wires)
{
	uint64_t end = monotonic_ms() + (uint64_t)PATIENCE_S * 1000;

	while (!LIST_EMPTY(&wires->processes)) {
		struct wires_process *process = LIST_FIRST(&wires->processes);
		struct pollfd life = { .fd = process->life, .events = POLLIN };
		uint64_t now = monotonic_ms();
		char how[96];

		if (process->id && poll(&life, 1, now < end ? (int)(end - now) : 0) <= 0)
			wires_process_kill(process);
		child_process_reap(process->id, how, sizeof(how));
		process_free(process);
	}
}

pid_t wires_process_id(const struct wires_process *process)
{
	return process ? process->id : 0;
}
