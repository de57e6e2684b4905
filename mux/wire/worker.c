/* The worker of a wire: a process of its own, which maps the guests plugged in and nothing else. */

#include "worker.h"

#include "fd.h"
#include "log.h"
#include "monotonic.h"
#include "worker_parts.h"
#include "worker_sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#define MESSAGES_AT_ONCE 64 /* then guests have their turn */

static void end(struct worker *worker, int status)
{
	worker->ended = true;
	worker->status = status;
	event_base_loopbreak(worker->base);
}

static void act(struct worker *worker, struct worker_message *message)
{
	switch (message->type) {
	case WIRE_POLL:
		worker->setup.poll_ns = message->setup.poll_ns;
		worker_poll_init(&worker->poll, message->setup.poll_ns, monotonic_ns());
		worker_wake_all(worker);
		break;
	case WIRE_PLUG:
	case WIRE_PLUG_TAP:
		worker_plug_in(worker, message);
		break;
	case WIRE_SET:
		worker_set(worker, &message->port);
		break;
	case WIRE_UNPLUG:
		worker_unplug(worker, message->port.port);
		break;
	case WIRE_CAPTURE:
		worker_capture(worker, message);
		break;
	default: /* a second setup */
		log_error("worker: it ends: message %u comes too late", message->type);
		end(worker, 1);
	}
	close_fd(&message->fd);
}

/* Ports of a cable are two, whatever a message may say. */
static bool suits(const struct worker *worker, const struct worker_message *message)
{
	return message->type < WIRE_PLUG || message->type > WIRE_UNPLUG ||
		message->port.port < worker->wire->type->ports_most;
}

static void control_ready(int fd, short what, void *argument)
{
	struct worker *worker = argument;

	(void)what;
	for (unsigned i = 0; i < MESSAGES_AT_ONCE && !worker->ended; i++) {
		struct worker_message message;
		int error = worker_control_receive(fd, &message);

		if (error == -EAGAIN)
			return;
		if (!error && suits(worker, &message)) {
			act(worker, &message);
			continue;
		}
		close_fd(&message.fd);
		if (error != -EPIPE)
			log_error("worker: it ends: what it is told makes no sense: %s",
				strerror(error ? -error : EPROTO));
		end(worker, error != -EPIPE);
	}
}

static void untold_ready(int fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	worker_tell(argument);
}

/* Frames that are not late any more make room for those of blocked ports. */
static void late_ready(int fd, short what, void *argument)
{
	struct worker *worker = argument;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return; /* it was set anew meanwhile */
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++) {
		struct port *port = worker->plug[i].port;

		if (port && port->blocked)
			worker_wake(worker, port);
	}
}

static int map_counters(struct worker *worker, int fd)
{
	size_t size = WIRE_PORTS_MAX * sizeof(struct port_counters);
	struct stat stat;
	void *counters;

	if (fstat(fd, &stat) < 0)
		return -errno;
	if ((size_t)stat.st_size < size)
		return -EPROTO;
	counters = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counters == MAP_FAILED)
		return -errno;
	worker->counters = counters;
	return 0;
}

static int make_loop(struct worker *worker)
{
	struct event_config *config = event_config_new();

	worker->late_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (!config || worker->late_fd < 0)
		return -ENOMEM;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	worker->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!worker->base)
		return -ENOMEM;
	worker->control = event_new(worker->base, worker->control_fd, EV_READ | EV_PERSIST,
		control_ready, worker);
	worker->untold =
		event_new(worker->base, worker->control_fd, EV_WRITE, untold_ready, worker);
	worker->late =
		event_new(worker->base, worker->late_fd, EV_READ | EV_PERSIST, late_ready, worker);
	if (!worker->control || !worker->untold || !worker->late)
		return -ENOMEM;
	if (event_add(worker->control, NULL) < 0 || event_add(worker->late, NULL) < 0)
		return -ENOMEM;
	return 0;
}

/* Once the first message, WIRE_SETUP, has come. 0 or -errno. */
static int set_up(struct worker *worker, const struct worker_message *message)
{
	int error = map_counters(worker, message->fd);

	worker->setup = message->setup;
	worker->late_ns = UINT64_MAX;
	worker_poll_init(&worker->poll, worker->setup.poll_ns, monotonic_ns());
	if (!error)
		error = make_loop(worker);
	if (error)
		return error;
	worker->wire = wire_create(worker->setup.kind == WIRE_CABLE ? &wire_cable : &wire_switch,
		worker->setup.ageing_s);
	if (!worker->wire)
		return -ENOMEM;
	worker->wire->now_ns = monotonic_ns();
	return 0;
}

static void release(struct worker *worker)
{
	for (uint32_t i = 0; i < WIRE_PORTS_MAX && worker->wire; i++)
		worker_unplug(worker, i);
	wire_destroy(worker->wire);
	for (size_t i = 0; i < 3; i++) {
		struct event *event =
			(struct event *[]){ worker->control, worker->untold, worker->late }[i];

		if (event)
			event_free(event);
	}
	if (worker->base)
		event_base_free(worker->base);
	close_fd(&worker->late_fd);
	if (worker->counters)
		munmap(worker->counters, WIRE_PORTS_MAX * sizeof(struct port_counters));
	close(worker->control_fd);
}

/* The first message, for which there is all the time in the world. */
static int await_setup(int control_fd, struct worker_message *message)
{
	struct pollfd readable = { .fd = control_fd, .events = POLLIN };
	int error;

	do {
		poll(&readable, 1, -1);
		error = worker_control_receive(control_fd, message);
	} while (error == -EAGAIN);
	if (!error && message->type != WIRE_SETUP)
		error = -EPROTO;
	return error;
}

static int serve(struct worker *worker)
{
	struct worker_message message = { .fd = -1 };
	int error = await_setup(worker->control_fd, &message);

	if (!error)
		error = set_up(worker, &message);
	close_fd(&message.fd);
	if (error == -EPIPE)
		return 0;
	if (error) {
		log_error("worker: no setup: %s", strerror(-error));
		return 1;
	}
	prctl(PR_SET_NAME, worker->setup.name);
	if (worker_sandbox_seal())
		return 1;
	worker_tell_ready(worker);
	worker_loop(worker);
	return worker->status;
}

int worker_main(int control_fd)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP,
		SIGTTOU };
	struct worker *worker = calloc(1, sizeof(*worker));
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* also of a worker that does not come to look */
	if (worker_sandbox_begin(control_fd) || !worker) {
		log_error("worker: it cannot start: %s", strerror(errno));
		free(worker);
		return 1;
	}
	worker->control_fd = control_fd;
	worker->late_fd = -1;
	status = serve(worker);
	release(worker);
	free(worker);
	return status;
}
