/* The cable: two ports, and what one sends waits in its own ring until the other takes it. */
#include "compiler.h"
#include "wire.h"

#include <stdlib.h>

/* For an end that is away: as long as its guest is shown a carrier. */
#define PATIENCE_NS 1000000000

struct cable {
	struct wire wire;
	uint64_t patient_until_ns;
};

static struct port *other_end(const struct wire *wire, const struct port *port)
{
	return wire->port[!port->number];
}

/* The port is new, or gone, at one end: the other waits for nothing any more. */
static void start_over(struct wire *wire, struct port *port)
{
	struct port *other = other_end(wire, port);

	((struct cable *)wire)->patient_until_ns = wire->now_ns + PATIENCE_NS;
	port->blocked = false;
	port->starved = false;
	port->sent = false;
	port->done = 0;
	if (other) {
		other->blocked = false;
		other->starved = false;
		other->done = 0;
	}
}

/* A front-end whose worker died plugs in again at once, though not always as the first. */
static bool is_expected(const struct cable *cable, const struct port *to)
{
	return cable->wire.now_ns < cable->patient_until_ns &&
		(!to || (to->settings.link && !to->receives));
}

static enum port_result pass(struct port *from, struct port *to, const struct frame *frame)
{
	if (!from->sent)
		wire_sent(from, frame, 1);
	from->sent = true;
	if (to && from->settings.link)
		return wire_deliver(to, frame, &from->done);
	from->counters->dropped[DROP_LINK_DOWN]++;
	return PORT_DROPPED;
}

/* As most go: plain frames into a guest that has buffers. How many went. */
static unsigned pass_many(struct port *from, struct port *to, const struct frame *frame,
	unsigned count)
{
	unsigned passed;

	if (from->sent || !to || !from->settings.link)
		return 0;
	passed = wire_deliver_many(to, frame, count);
	if (passed)
		wire_sent(from, frame, passed);
	return passed;
}

static unsigned cable_forward(struct wire *wire, struct port *from)
{
	const struct cable *cable = (const struct cable *)wire;
	struct port *to = other_end(wire, from);
	const struct frame *frame;
	unsigned count, passed = 0;

	if (UNLIKELY(from->settings.link && is_expected(cable, to))) {
		from->blocked = true;
		wire->wait_until_ns = cable->patient_until_ns;
		return 0;
	}
	count = from->ops->peek(from, &frame);
	while (passed < count) {
		passed += pass_many(from, to, &frame[passed], count - passed);
		if (passed == count || pass(from, to, &frame[passed]) == PORT_NO_ROOM)
			break;
		from->sent = false;
		from->done = 0;
		passed++;
	}
	from->blocked = passed < count;
	if (to && !from->blocked && !to->impairment)
		to->starved = false;
	if (passed) {
		from->ops->consume(from, passed);
		wire_touch(from);
	}
	return passed;
}

const struct wire_type wire_cable = {
	.name = "cable",
	.ports_most = 2,
	.waits = true,
	.instance_size = sizeof(struct cable),
	.plugged = start_over,
	.unplugged = start_over,
	.forward = cable_forward,
};
