/* Plugging in and out, as the main process wants it, and the carriers that follow from it. */

#include "capture.h"
#include "monotonic.h"
#include "tap_port.h"
#include "vhost_session.h"
#include "worker_parts.h"

#include <stdio.h>
#include <string.h>

/* How a port of a cable depends on the other end: where nobody listens there is no carrier. */
static bool other_end_listens(const struct worker *worker, uint32_t number)
{
	const struct port *other = worker->plug[1 - number].port;

	return other && other->settings.link && other->receives;
}

static void show_carriers(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->wire->type->ports_most; i++) {
		const struct worker_plug *plug = &worker->plug[i];
		bool up;

		if (!plug->session)
			continue;
		up = plug->port->settings.link;
		if (worker->setup.kind == WIRE_CABLE)
			up = up && other_end_listens(worker, i);
		vhost_session_set_link(plug->session, up);
	}
}

/* Events come while the loop sleeps: what it knows of the time is as old as its sleep. */
static void look_at_clock(struct worker *worker)
{
	worker->wire->now_ns = monotonic_ns();
}

static void port_woken(void *owner, struct port *port)
{
	look_at_clock(owner);
	worker_wake(owner, port);
}

static void port_changed(void *owner, struct port *port, uint32_t flags, uint64_t features)
{
	struct worker *worker = owner;
	struct worker_plug *plug = &worker->plug[port->number];

	plug->flags = flags;
	plug->features = features;
	plug->state_untold = true;
	worker_tell(worker);
	show_carriers(worker);
	worker_wake_all(worker); /* who waited for this one may send to it now */
}

static void pull(struct worker *worker, struct worker_plug *plug)
{
	struct vhost_session *session = plug->session;
	struct tap_port *tap = plug->tap;

	if (!plug->port)
		return;
	look_at_clock(worker);
	worker_forget(worker, plug->port);
	wire_unplug(plug->port);
	plug->port = NULL;
	plug->session = NULL;
	plug->tap = NULL;
	plug->state_untold = false;
	vhost_session_destroy(session);
	tap_port_destroy(tap);
	show_carriers(worker);
	worker_wake_all(worker); /* what waited for this one need not */
}

static void gone(struct worker *worker, struct worker_plug *plug, const char *reason)
{
	plug->gone_untold = true;
	plug->gone_id = plug->id;
	snprintf(plug->gone_reason, sizeof(plug->gone_reason), "%s", reason);
	worker_tell(worker);
}

/* What is plugged in misbehaved, or went away: close it, and tell. */
static void lose(struct worker *worker, struct worker_plug *plug, const char *reason)
{
	gone(worker, plug, reason);
	pull(worker, plug);
}

static void port_closed(void *owner, struct port *port, const char *reason)
{
	struct worker *worker = owner;

	lose(worker, &worker->plug[port->number], reason);
}

static void make_port(struct worker *worker, struct worker_plug *plug,
	struct worker_message *message)
{
	const struct vhost_session_owner owner = {
		.wake = port_woken,
		.changed = port_changed,
		.closed = port_closed,
		.owner = worker,
	};

	if (message->type == WIRE_PLUG_TAP) {
		plug->tap = tap_port_create(worker->base, message->fd, &owner);
		plug->port = plug->tap ? tap_port_port(plug->tap) : NULL;
	} else {
		plug->session =
			vhost_session_create(worker->base, message->fd, worker->setup.mtu, &owner);
		plug->port = plug->session ? &vhost_session_port(plug->session)->port : NULL;
	}
	message->fd = -1;
}

void worker_plug_in(struct worker *worker, struct worker_message *message)
{
	const struct wire_port *wanted = &message->port;
	struct worker_plug *plug = &worker->plug[wanted->port];

	pull(worker, plug);
	plug->id = wanted->plug;
	plug->flags = 0;
	plug->features = 0;
	make_port(worker, plug, message);
	if (!plug->port) {
		gone(worker, plug, "it cannot be plugged in: memory is short");
		return;
	}
	plug->port->number = (uint16_t)wanted->port;
	plug->port->counters = &worker->counters[wanted->port];
	plug->port->settings = wanted->settings;
	snprintf(plug->port->name, sizeof(plug->port->name), "%s", wanted->name);
	look_at_clock(worker);
	wire_plug(worker->wire, plug->port);
	worker_set(worker, wanted);
	worker_wake(worker, plug->port);
}

void worker_unplug(struct worker *worker, uint32_t number)
{
	pull(worker, &worker->plug[number]);
}

void worker_set(struct worker *worker, const struct wire_port *settings)
{
	struct worker_plug *plug = &worker->plug[settings->port];

	if (!plug->port)
		return; /* it has gone, which the main process has not heard yet */
	wire_set(plug->port, &settings->settings);
	show_carriers(worker);
	worker_wake_all(worker);
}

void worker_capture(struct worker *worker, struct worker_message *message)
{
	const struct wire_capture *capture = &message->capture;
	int error = capture_start(worker->wire, worker->base, message->fd, capture->port,
		capture->snap_length);

	message->fd = -1;
	if (error) {
		char text[WIRE_REASON_MAX + 1];

		snprintf(text, sizeof(text), "no capture: %s", strerror(-error));
		worker_tell_note(worker, text);
	}
}

void worker_drop_broken(struct worker *worker)
{
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++) {
		struct worker_plug *plug = &worker->plug[i];
		const char *reason;

		if (!plug->session)
			continue;
		reason = vhost_port_broken(vhost_session_port(plug->session));
		if (reason)
			lose(worker, plug, reason);
	}
}
