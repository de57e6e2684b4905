#ifndef WIRE_H
#define WIRE_H

#include "port.h"

#include <stddef.h>
#include <stdint.h>

struct capture;
struct offload_segment;
struct wire;

/* What carries frames between ports: the cable, the switch. One constant at the end of its file. */
struct wire_type {
	const char *name;
	unsigned ports_most;
	bool waits; /* a frame for a port without room waits; else it is dropped */
	size_t instance_size; /* of the struct that begins with struct wire */
	void (*plugged)(struct wire *wire, struct port *port);
	void (*unplugged)(struct wire *wire, struct port *port); /* forget all about it */
	/*
	 * Forward what waits at the port, at most a batch: peek(), then for each frame wire_sent()
	 * once and wire_deliver(), then consume(). How many frames left it.
	 */
	unsigned (*forward)(struct wire *wire, struct port *from);
	void (*settings_changed)(struct wire *wire, struct port *port); /* optional */
};

/*
 * One wire in its worker: the ports plugged in, by number. Borrows them. One thread.
 *
 * A turn of the worker: forward() for each port that may have sent something, wire_run_late(), then
 * wire_flush().
 */
struct wire {
	const struct wire_type *type;
	struct port *port[WIRE_PORTS_MAX];
	unsigned port_count;
	uint16_t touched[WIRE_PORTS_MAX]; /* numbers of ports to be flushed */
	unsigned touched_count;
	struct capture *capture; /* owned; NULL: nobody looks */
	struct offload_segment *segment; /* owned: a frame as its receiver takes it */
	uint64_t now_ns; /* monotonic, as of the beginning of this turn */
	uint32_t ageing_s;
	unsigned impaired_count; /* ports with an impairment */
	uint64_t wait_until_ns; /* frames wait for an end of a cable that is away; 0: none do */
};

extern const struct wire_type wire_cable, wire_switch;

struct wire *wire_create(const struct wire_type *type, uint32_t ageing_s); /* NULL: no memory */
void wire_destroy(struct wire *wire);
void wire_plug(struct wire *wire, struct port *port); /* its number is free and below ports_most */
void wire_unplug(struct port *port);
void wire_set(struct port *port, const struct port_settings *settings);

/*
 * The one way to a port: link, impairments, capture and counters are seen to, and what the other
 * end did not accept (checksum, segmentation) is completed here. done counts the segments of the
 * frame already delivered: 0 at first, kept by the caller of a frame that is tried again after
 * PORT_NO_ROOM.
 */
enum port_result wire_deliver(struct port *to, const struct frame *frame, unsigned *done);

/*
 * The same for many frames, one after the other, until one finds no room, or needs wire_deliver()
 * for another reason; how many went before it.
 */
unsigned wire_deliver_many(struct port *to, const struct frame *frame, unsigned count);

/* Frames come from a port: they are counted and captured there. Once for each. */
void wire_sent(struct port *from, const struct frame *frame, unsigned count);

/* The port, on a wire, is to be flushed at the end of this turn. */
void wire_touch(struct port *port);

/*
 * Deliver what impairments have held back until now. When to come again: monotonic nanoseconds, or
 * UINT64_MAX when nothing is under way, or only what waits for a starved port. Blocked ports may
 * have room for their frames then, or need not wait any more for an end that is away.
 */
uint64_t wire_run_late(struct wire *wire);

/* Tell everybody who was delivered to, or consumed from, in this turn. */
void wire_flush(struct wire *wire);

#endif
