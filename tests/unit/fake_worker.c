/* A wire and its front-ends' sessions, served a turn at a time. */
#include "fake_worker.h"

#include "monotonic.h"

#include <stdlib.h>
#include <sys/socket.h>

static struct fake_plug *plug_of(struct fake_worker *worker, const struct port *port)
{
	return &worker->plug[port->number];
}

static void woken(void *owner, struct port *port)
{
	plug_of(owner, port)->wakes++;
}

static void changed(void *owner, struct port *port, uint32_t flags, uint64_t features)
{
	(void)features;
	plug_of(owner, port)->flags = flags;
}

static void closed(void *owner, struct port *port, const char *reason)
{
	struct fake_worker *worker = owner;
	unsigned number = port->number;

	worker->plug[number].reason = reason;
	fake_worker_unplug(worker, number);
}

void fake_worker_create(struct fake_worker *worker, const struct wire_type *type)
{
	*worker = (struct fake_worker){
		.base = event_base_new(),
		.wire = wire_create(type, 300),
	};
	if (!worker->base || !worker->wire)
		abort();
}

void fake_worker_destroy(struct fake_worker *worker)
{
	for (unsigned i = 0; i < FAKE_WORKER_PORTS; i++)
		fake_worker_unplug(worker, i);
	wire_destroy(worker->wire);
	event_base_free(worker->base);
}

void fake_worker_plug(struct fake_worker *worker, unsigned number, int fd, uint32_t mtu)
{
	const struct vhost_session_owner owner = { woken, changed, closed, worker };
	struct vhost_session *session = vhost_session_create(worker->base, fd, mtu, &owner);
	struct port *port;

	if (!session)
		abort();
	port = &vhost_session_port(session)->port;
	port->number = (uint16_t)number;
	port->counters = &worker->counters[number];
	port->settings.link = 1;
	for (size_t i = 0; i < sizeof(port->settings.allowed); i++)
		port->settings.allowed[i] = 0xff;
	worker->plug[number] = (struct fake_plug){ .session = session };
	wire_plug(worker->wire, port);
	worker->ahead_ns += 1000000000;
}

int fake_worker_connect(struct fake_worker *worker, unsigned number)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	fake_worker_plug(worker, number, pair[1], 1500);
	return pair[0];
}

void fake_worker_unplug(struct fake_worker *worker, unsigned number)
{
	struct fake_plug *plug = &worker->plug[number];

	if (!plug->session)
		return;
	wire_unplug(&vhost_session_port(plug->session)->port);
	vhost_session_destroy(plug->session);
	plug->session = NULL;
	plug->flags = 0;
}

static void drop_broken(struct fake_worker *worker)
{
	for (unsigned i = 0; i < FAKE_WORKER_PORTS; i++) {
		const struct fake_plug *plug = &worker->plug[i];
		const char *reason;

		if (!plug->session)
			continue;
		reason = vhost_port_broken(vhost_session_port(plug->session));
		if (reason)
			closed(worker, &vhost_session_port(plug->session)->port, reason);
	}
}

/* Whether there was, or is, something to do. */
static bool work(struct fake_worker *worker)
{
	struct wire *wire = worker->wire;
	bool worked = false;

	wire->now_ns = monotonic_ns() + worker->ahead_ns;
	for (unsigned i = 0; i < FAKE_WORKER_PORTS; i++) {
		struct port *port = wire->port[i];

		if (port && port->sends && wire->type->forward(wire, port))
			worked = true;
	}
	wire_flush(wire);
	for (unsigned i = 0; i < FAKE_WORKER_PORTS; i++) {
		struct port *port = wire->port[i];

		if (port && port->ops->arm(port, port->sends && !port->blocked, port->starved))
			worked = true;
	}
	return worked;
}

void fake_worker_turn(void *context)
{
	struct fake_worker *worker = context;

	event_base_loop(worker->base, EVLOOP_NONBLOCK);
	/* A guest on another processor may never let it end. */
	for (unsigned i = 0; i < 16 && work(worker); i++)
		;
	drop_broken(worker);
}
