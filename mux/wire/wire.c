/* What cables and switches have in common: ports, the way to them, and who hears at a turn's end.
 */
#include "wire.h"

#include "capture.h"
#include "compiler.h"
#include "impair.h"
#include "offload.h"

#include <assert.h>
#include <stdlib.h>

struct wire *wire_create(const struct wire_type *type, uint32_t ageing_s)
{
	struct wire *wire = calloc(1, type->instance_size);

	if (!wire)
		return NULL;
	wire->type = type;
	wire->ageing_s = ageing_s;
	wire->segment = malloc(sizeof(*wire->segment));
	if (!wire->segment) {
		wire_destroy(wire);
		return NULL;
	}
	return wire;
}

void wire_destroy(struct wire *wire)
{
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++)
		if (wire->port[i])
			wire_unplug(wire->port[i]);
	capture_destroy(wire->capture);
	free(wire->segment);
	free(wire);
}

static void remove_impairment(struct port *port)
{
	if (!port->impairment)
		return;
	impairment_destroy(port->impairment);
	port->impairment = NULL;
	port->wire->impaired_count--;
}

/* One that is not wanted any more goes when nothing is under way. */
static void set_impairment(struct port *port)
{
	if (port->impairment) {
		impairment_set(port->impairment, &port->settings);
	} else if (impairment_wanted(&port->settings)) {
		port->impairment = impairment_create(&port->settings);
		port->wire->impaired_count += port->impairment != NULL;
	}
}

void wire_plug(struct wire *wire, struct port *port)
{
	assert(port->number < wire->type->ports_most && !wire->port[port->number]);
	port->wire = wire;
	port->touched = false;
	port->impairment = NULL;
	wire->port[port->number] = port;
	wire->port_count++;
	set_impairment(port);
	wire->type->plugged(wire, port);
}

static void forget_touch(struct wire *wire, const struct port *port)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < wire->touched_count; i++)
		if (wire->touched[i] != port->number)
			wire->touched[kept++] = wire->touched[i];
	wire->touched_count = kept;
}

void wire_unplug(struct port *port)
{
	struct wire *wire = port->wire;

	if (!wire)
		return;
	remove_impairment(port);
	forget_touch(wire, port);
	wire->port[port->number] = NULL;
	wire->port_count--;
	wire->type->unplugged(wire, port);
	port->wire = NULL;
	port->touched = false;
}

void wire_set(struct port *port, const struct port_settings *settings)
{
	port->settings = *settings;
	set_impairment(port);
	if (port->wire->type->settings_changed)
		port->wire->type->settings_changed(port->wire, port);
}

void wire_touch(struct port *port)
{
	struct wire *wire = port->wire;

	if (port->touched || !wire)
		return;
	port->touched = true;
	wire->touched[wire->touched_count++] = port->number;
}

void wire_flush(struct wire *wire)
{
	for (unsigned i = 0; i < wire->touched_count; i++) {
		struct port *port = wire->port[wire->touched[i]];

		port->touched = false;
		port->ops->flush(port);
	}
	wire->touched_count = 0;
}

void wire_sent(struct port *from, const struct frame *frame, unsigned count)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < count; i++)
		bytes += frame[i].length;
	from->counters->frames_sent += count;
	from->counters->bytes_sent += bytes;
	if (LIKELY(!from->wire->capture))
		return;
	for (unsigned i = 0; i < count; i++)
		capture_frame(from->wire->capture, from->number, CAPTURE_SENT, &frame[i]);
}

static enum port_result put(struct port *to, const struct frame *frame)
{
	enum port_result result = to->ops->deliver(to, frame);

	if (LIKELY(result == PORT_DELIVERED)) {
		to->counters->frames_received++;
		to->counters->bytes_received += frame->length;
		if (UNLIKELY(to->wire->capture))
			capture_frame(to->wire->capture, to->number, CAPTURE_RECEIVED, frame);
		wire_touch(to);
	} else if (result == PORT_NO_ROOM) {
		to->starved = to->wire->type->waits;
	}
	return result;
}

static enum port_result drop(struct port *to, enum port_drop reason)
{
	to->counters->dropped[reason]++;
	return PORT_DROPPED;
}

/* What the receiver has not accepted is done here: the frame becomes one or many others. */
static enum port_result put_segments(struct port *to, const struct frame *frame, unsigned *done)
{
	struct offload_segment *segment = to->wire->segment;
	unsigned count = offload_segments(frame, to->accepted);

	for (; *done < count; (*done)++) {
		if (!offload_segment(frame, to->accepted, *done, segment))
			return drop(to, DROP_MALFORMED);

		enum port_result result = put(to, &segment->frame);

		if (result != PORT_DELIVERED)
			return result;
	}
	if (!count)
		return drop(to, DROP_NOT_SEGMENTED);
	if (count > 1)
		to->counters->frames_segmented++;
	else
		to->counters->checksums_completed++;
	return PORT_DELIVERED;
}

/* As it lies there. Headers by which the receiver makes segments are pinned first. */
static bool passes(const struct frame *frame, const struct port *to)
{
	return LIKELY(frame->plain) ||
		(!frame->header.gso_type && offload_accepted(frame, to->accepted));
}

static enum port_result complete(struct port *to, const struct frame *frame, unsigned *done)
{
	if (passes(frame, to))
		return put(to, frame);
	if (!offload_accepted(frame, to->accepted))
		return put_segments(to, frame, done);
	if (!offload_segment(frame, to->accepted, 0, to->wire->segment))
		return drop(to,
			DROP_MALFORMED); /* its sender has changed it since it was checked */
	return put(to, &to->wire->segment->frame);
}

static enum port_result delay(struct port *to, const struct frame *frame)
{
	enum port_result result = impairment_take(to->impairment, frame, to->wire->now_ns);

	return result == PORT_DROPPED ? drop(to, DROP_IMPAIRED) : result;
}

enum port_result wire_deliver(struct port *to, const struct frame *frame, unsigned *done)
{
	if (UNLIKELY(!to->receives || !to->settings.link))
		return drop(to, DROP_LINK_DOWN);
	if (UNLIKELY(to->impairment))
		return delay(to, frame);
	return complete(to, frame, done);
}

unsigned wire_deliver_many(struct port *to, const struct frame *frame, unsigned count)
{
	unsigned alike = 0, delivered;

	if (!to->ops->deliver_many || !to->receives || !to->settings.link || to->impairment ||
		to->wire->capture)
		return 0;
	while (alike < count && passes(&frame[alike], to))
		alike++;
	delivered = alike ? to->ops->deliver_many(to, frame, alike) : 0;
	if (delivered)
		wire_touch(to);
	return delivered;
}

static enum port_result deliver_late(struct port *to, const struct frame *frame, unsigned *done)
{
	enum port_result result;

	if (!to->receives || !to->settings.link)
		return drop(to, DROP_LINK_DOWN);
	result = complete(to, frame, done);
	if (result == PORT_NO_ROOM && !to->wire->type->waits)
		return drop(to, DROP_NO_ROOM);
	to->starved = result == PORT_NO_ROOM;
	return result;
}

static uint64_t run_late(struct port *to)
{
	uint64_t next_ns = impairment_run(to->impairment, to->wire->now_ns, to, deliver_late);

	if (impairment_empty(to->impairment) && !impairment_wanted(&to->settings))
		remove_impairment(to);
	return next_ns;
}

uint64_t wire_run_late(struct wire *wire)
{
	uint64_t next_ns;

	if (wire->wait_until_ns <= wire->now_ns)
		wire->wait_until_ns = 0;
	next_ns = wire->wait_until_ns ? wire->wait_until_ns : UINT64_MAX;
	for (unsigned i = 0; wire->impaired_count && i < WIRE_PORTS_MAX; i++) {
		struct port *port = wire->port[i];
		uint64_t due_ns = port && port->impairment ? run_late(port) : UINT64_MAX;

		if (due_ns < next_ns)
			next_ns = due_ns;
	}
	return next_ns;
}
