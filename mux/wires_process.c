/* The process of a wire's worker: muxd itself, executed once more, until it is reaped. */

#include "fd.h"
#include "monotonic.h"
#include "mux.h"
#include "wires_parts.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
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

/* What a worker begins with: its end of the control sockets, our stderr, no other descriptor. */
static int arrange(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int control)
{
	sigset_t mask;
	int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);

	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, STDIN_FILENO, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, control, WORKER_CONTROL_FD);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(actions, WORKER_CONTROL_FD + 1);
	sigemptyset(&mask);
	posix_spawnattr_setsigmask(attributes, &mask);
	posix_spawnattr_setpgroup(attributes, 0); /* signals of the terminal are for muxd */
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	return error;
}

/*
 * We sleep until the new program runs, so that no copy of us outlives us with our sockets. 0 or
 * -errno.
 */
static int spawn(const char *name, int control, pid_t *id)
{
	char title[WIRE_NAME_MAX + 16];
	char word[] = WORKER_WORD;
	char *words[] = { title, word, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	snprintf(title, sizeof(title), "muxd: wire %s", name);
	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	posix_spawnattr_init(&attributes);
	error = arrange(&actions, &attributes, control);
	if (!error)
		error = posix_spawn(id, "/proc/self/exe", &actions, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* As options->start (wires.h). */
static int start_process(const char *name, int *control, pid_t *id)
{
	AUTO_CLOSE int ours = -1;
	AUTO_CLOSE int theirs = -1;
	int pair[2], life;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	life = spawn(name, theirs, id);
	if (life)
		return life;
	life = pidfd_open(*id, 0);
	if (life < 0) {
		life = -errno;
		kill(*id, SIGKILL);
		waitpid(*id, NULL, 0);
		return life;
	}
	*control = take_fd(&ours);
	return life;
}

static void process_free(struct wires_process *process)
{
	event_del(&process->ended);
	event_del(&process->overdue);
	LIST_REMOVE(process, link);
	close(process->life);
	free(process);
}

/* How it ended, in words. */
static const char *reap(const struct wires_process *process, char *how, size_t size)
{
	int status = 0;

	if (!process->id || waitpid(process->id, &status, 0) != process->id)
		snprintf(how, size, "it ended");
	else if (WIFSIGNALED(status))
		snprintf(how, size, "signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		snprintf(how, size, "exit status %d", WEXITSTATUS(status));
	return how;
}

static void process_ended(evutil_socket_t fd, short what, void *owner)
{
	struct wires_process *process = owner;
	struct mux_wire *wire = process->wire;
	char how[96];

	(void)fd;
	(void)what;
	reap(process, how, sizeof(how));
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
		reap(process, how, sizeof(how));
		process_free(process);
	}
}

pid_t wires_process_id(const struct wires_process *process)
{
	return process ? process->id : 0;
}
