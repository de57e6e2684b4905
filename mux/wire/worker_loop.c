/*
 * The loop of a wire's worker.
 *
 * How it works. A port is active while it may have something to send: only active ports are looked
 * at, turn for turn, so the others cost nothing, however many there are. A port that has been
 * silent for a while is asked to kick again (arm) and is not looked at any more. When no port had
 * anything for as long as worker_poll allows, all are armed, looked at once more, for a frame may
 * have come before its sender knew that it has to kick, and then the worker sleeps until an event.
 */

#include "monotonic.h"
#include "worker_parts.h"

#include <sys/timerfd.h>

#define SILENT_NS 1000000 /* a port without frames for that long waits for its kick */
#define LOOK_NS 50000 /* between looks for events, as long as nobody sleeps */
#define BROKEN_NS 1000000 /* between searches for broken queues, as long as nobody sleeps */
#define LATE_LEAST_NS 100000 /* for a late frame whose receiver has no room yet */
#define SILENT_TURNS 32 /* a silent port that is polled nevertheless has one in so many turns, */
#define FEW_PORTS 4 /* unless there are no more than that */
#define CLOCK_TURNS 8 /* between looks at the clock, where turns are short */

static void activate(struct worker *worker, struct worker_plug *plug)
{
	plug->worked_ns = worker->wire->now_ns;
	if (plug->active)
		return;
	plug->active = true;
	worker->active[worker->active_count++] = plug->port->number;
}

static void deactivate(struct worker *worker, unsigned place)
{
	worker->plug[worker->active[place]].active = false;
	worker->active[place] = worker->active[--worker->active_count];
}

void worker_wake(struct worker *worker, struct port *port)
{
	activate(worker, &worker->plug[port->number]);
	if (!port->starved)
		return;
	port->starved = false; /* there may be room now, for whoever waits for that */
	worker_wake_all(worker);
}

void worker_wake_all(struct worker *worker)
{
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++) {
		if (worker->plug[i].port)
			activate(worker, &worker->plug[i]);
	}
}

void worker_forget(struct worker *worker, struct port *port)
{
	for (unsigned i = 0; i < worker->active_count; i++) {
		if (worker->active[i] == port->number) {
			deactivate(worker, i);
			return;
		}
	}
}

/* Ask a port to kick. True if it need not: there is something to do already. */
static bool arm(struct port *port)
{
	return port->ops->arm(port, port->sends && !port->blocked, port->starved);
}

static bool is_silent(const struct worker *worker, const struct worker_plug *plug)
{
	return worker->wire->now_ns - plug->worked_ns > SILENT_NS;
}

/* Whether this port's kick may be awaited, while others are looked at. */
static bool may_rest(const struct worker *worker, const struct worker_plug *plug)
{
	if (!plug->port->sends)
		return true;
	return worker->poll.most_ns != WIRE_POLL_ALWAYS && !plug->port->blocked &&
		is_silent(worker, plug);
}

/* Once for each active port; where silent ones are never left alone, once in a while for those.
 * Whether anything moved. */
static bool turn(struct worker *worker)
{
	struct wire *wire = worker->wire;
	bool for_all = worker->active_count <= FEW_PORTS || ++worker->turn % SILENT_TURNS == 0;
	bool worked = false;

	for (unsigned i = 0; i < worker->active_count; i++) {
		struct worker_plug *plug = &worker->plug[worker->active[i]];

		if (!for_all && is_silent(worker, plug))
			continue;
		if (plug->port->sends && wire->type->forward(wire, plug->port)) {
			plug->worked_ns = wire->now_ns;
			worked = true;
		} else if (may_rest(worker, plug) && !arm(plug->port)) {
			deactivate(worker, i--);
		}
	}
	worker->late_ns = wire_run_late(wire);
	worked = worked || wire->touched_count; /* room for those whose turn was before */
	wire_flush(wire);
	return worked;
}

/* All ports are asked to kick. False if one need not. */
static bool arm_all(struct worker *worker)
{
	bool idle = true;

	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++) {
		struct port *port = worker->plug[i].port;

		if (port && (worker->plug[i].active || port->starved) && arm(port)) {
			worker_wake(worker, port);
			idle = false;
		}
	}
	if (!idle)
		return false;
	while (worker->active_count)
		deactivate(worker, 0);
	return true;
}

static void await_late(const struct worker *worker)
{
	uint64_t now_ns = monotonic_ns();
	uint64_t wait_ns = worker->late_ns > now_ns + LATE_LEAST_NS ? worker->late_ns - now_ns
								    : LATE_LEAST_NS;
	const struct itimerspec when = {
		.it_value.tv_sec = (time_t)(wait_ns / 1000000000),
		.it_value.tv_nsec = (long)(wait_ns % 1000000000),
	};

	timerfd_settime(worker->late_fd, 0, &when, NULL);
}

static void sleep_or_look(struct worker *worker, bool may_sleep)
{
	struct wire *wire = worker->wire;

	if (may_sleep) {
		worker_drop_broken(worker);
		may_sleep = arm_all(worker);
	}
	if (may_sleep) {
		worker_poll_sleep(&worker->poll);
		if (worker->late_ns != UINT64_MAX)
			await_late(worker);
		event_base_loop(worker->base, EVLOOP_ONCE);
		wire->now_ns = monotonic_ns();
	} else if (wire->now_ns - worker->looked_ns > LOOK_NS) {
		/* Once: alone, the other flag means until nobody has anything to say. */
		event_base_loop(worker->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		worker->looked_ns = wire->now_ns;
	}
}

void worker_loop(struct worker *worker)
{
	struct wire *wire = worker->wire;
	unsigned turns = 0;
	uint64_t searched_ns = 0;

	while (!worker->ended) {
		bool worked = turn(worker);

		if (turns++ % CLOCK_TURNS == 0 || worker->active_count > FEW_PORTS)
			wire->now_ns = monotonic_ns();
		if (worked)
			worker_poll_worked(&worker->poll, wire->now_ns);
		if (wire->now_ns - searched_ns > BROKEN_NS) {
			worker_drop_broken(worker);
			searched_ns = wire->now_ns;
		}
		sleep_or_look(worker,
			!worker->active_count ||
				(!worked && worker_poll_is_over(&worker->poll, wire->now_ns)));
	}
}
