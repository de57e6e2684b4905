#ifndef WORKER_PARTS_H
#define WORKER_PARTS_H

#include "wire.h"
#include "wire_control.h"
#include "worker_control.h"
#include "worker_poll.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct tap_port;
struct vhost_session;

/* A place on the wire and what is plugged in there. */
struct worker_plug {
	struct port *port; /* of one of the next two; NULL: the place is free */
	struct vhost_session *session; /* owned */
	struct tap_port *tap; /* owned */
	uint32_t id; /* which plugging it is, in the main process's words */
	bool active; /* looked at in each turn; otherwise its kick is awaited */
	uint64_t worked_ns; /* when it sent something last, or was woken */
	uint32_t flags; /* enum port_flag */
	uint64_t features;
	bool state_untold; /* the main process does not know flags and features yet */
	bool gone_untold; /* nor that what was plugged in has gone, */
	uint32_t gone_id; /* which plugging that was, */
	char gone_reason[WIRE_REASON_MAX + 1]; /* and why */
};

/* The worker's process. One thread. */
struct worker {
	int control_fd;
	struct event_base *base;
	struct event *control; /* messages from the main process */
	struct event *untold; /* room for what it does not know yet */
	struct event *late; /* a frame held back is due: */
	int late_fd; /* owned: a clock of its own, for libevent's counts milliseconds */
	struct wire *wire;
	struct port_counters *counters; /* WIRE_PORTS_MAX of them, shared with the main process */
	struct wire_setup setup;
	struct worker_poll poll;
	struct worker_plug plug[WIRE_PORTS_MAX];
	uint16_t active[WIRE_PORTS_MAX]; /* numbers of the active ports, in no order */
	unsigned active_count;
	unsigned turn; /* counts them */
	uint64_t late_ns; /* when the next frame held back is due */
	uint64_t looked_ns; /* when events were looked for last, without sleeping */
	bool ended; /* the main process is gone, or makes no sense */
	int status; /* of exit */
};

/* worker_loop.c: look at a port from now on; at all that may have something to send. */
void worker_wake(struct worker *worker, struct port *port);
void worker_wake_all(struct worker *worker);
void worker_forget(struct worker *worker, struct port *port); /* it is being unplugged */
void worker_loop(struct worker *worker); /* until the worker has ended */

/* worker_ports.c: what the main process wants. */
void worker_plug_in(struct worker *worker, struct worker_message *message);
void worker_unplug(struct worker *worker, uint32_t number);
void worker_set(struct worker *worker, const struct wire_port *settings);
void worker_capture(struct worker *worker, struct worker_message *message);
/* Ports whose driver has broken a queue. */
void worker_drop_broken(struct worker *worker);

/* worker_tell.c: news for the main process, told as it takes them. */
void worker_tell(struct worker *worker);
void worker_tell_ready(struct worker *worker);
void worker_tell_note(struct worker *worker, const char *text);

#endif
