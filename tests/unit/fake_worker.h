#ifndef FAKE_WORKER_H
#define FAKE_WORKER_H

#include "vhost_session.h"
#include "wire.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#define FAKE_WORKER_PORTS 4

/* A port of the wire and its front-end. */
struct fake_plug {
	struct vhost_session *session; /* NULL: none, or it has closed */
	const char *reason; /* why it closed */
	uint32_t flags;
	unsigned wakes;
};

/* A wire and its front-ends' sessions, served in the caller's thread, a turn at a time. */
struct fake_worker {
	struct event_base *base;
	struct wire *wire;
	struct port_counters counters[FAKE_WORKER_PORTS];
	struct fake_plug plug[FAKE_WORKER_PORTS];
	uint64_t ahead_ns; /* of the clock: after a plugging nobody is waited for any more */
};

/* Aborts when the system has nothing to give. */
void fake_worker_create(struct fake_worker *worker, const struct wire_type *type);
void fake_worker_destroy(struct fake_worker *worker);

/* Plug in a connection, which is taken. */
void fake_worker_plug(struct fake_worker *worker, unsigned number, int fd, uint32_t mtu);
/* The same, with one end of a new pair of sockets. Returns the other. */
int fake_worker_connect(struct fake_worker *worker, unsigned number);
void fake_worker_unplug(struct fake_worker *worker, unsigned number);

/*
 * Events, frames, and a request to be kicked at the next: all there is to do now. The context is
 * the worker: front-ends take turns with it.
 */
void fake_worker_turn(void *context);

#endif
