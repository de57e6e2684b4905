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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
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

/* Also where it is there already: it stays open over execve(). */
static bool place(int fd, int number)
{
	return dup2(fd, number) == number && !fcntl(number, F_SETFD, 0);
}

/*
 * In the child. It hears of its end by the socket: signals of the terminal or the service manager
 * come to muxd, which decides. Nothing but what is passed here stays open.
 */
static _Noreturn void become_worker(const char *name, int control, pid_t parent)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	char title[WIRE_NAME_MAX + 16];
	char word[] = WORKER_WORD;
	char *words[] = { title, word, NULL };
	char *none[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t mask;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	snprintf(title, sizeof(title), "muxd: wire %s", name);
	if (null < 0 || !place(null, STDIN_FILENO) || !place(null, STDOUT_FILENO) ||
		!place(control, WORKER_CONTROL_FD) || getppid() != parent)
		_exit(1);
	close_range(WORKER_CONTROL_FD + 1, ~0U, 0);
	execve("/proc/self/exe", words, none);
	_exit(1);
}

/* As options->start (wires.h). */
static int start_process(const char *name, int *control, pid_t *id)
{
	int pair[2] = { -1, -1 };
	pid_t parent = getpid();
	int life;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	*id = fork();
	if (!*id)
		become_worker(name, pair[1], parent);
	life = *id < 0 ? -errno : pidfd_open(*id, 0);
	if (*id > 0 && life < 0) {
		life = -errno;
		kill(*id, SIGKILL);
		waitpid(*id, NULL, 0);
	}
	close(pair[1]);
	if (life < 0)
		close(pair[0]);
	else
		*control = pair[0];
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
