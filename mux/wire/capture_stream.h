#ifndef CAPTURE_STREAM_H
#define CAPTURE_STREAM_H

#include "capture_ring.h"
#include "wire.h"

#include <stdbool.h>
#include <stdint.h>

struct event;
struct event_base;

/* A port as a stream knows it. */
struct capture_interface {
	bool known; /* to the reader, as this number and name */
	uint32_t number;
	uint64_t received; /* frames captured or left out */
	uint64_t left_out;
	uint64_t left_out_lately; /* of these, since the last frame that was not */
	uint64_t left_out_told; /* of these, in the last statistics */
	char name[WIRE_PORT_NAME_MAX + 1];
};

/* One reader of pcapng. */
struct capture_stream {
	int fd; /* owned */
	struct capture_ring ring;
	struct event *writable; /* pending while there is something to write */
	struct event *readable; /* its end */
	bool waiting; /* writable is pending */
	void (*ended)(struct capture_stream *stream); /* the reader is gone */
	void (*caught_up)(struct capture_stream *stream); /* it has all that was for it */
	void *owner;
	uint32_t port; /* or WIRE_ALL_PORTS */
	uint32_t snap_length; /* 0: all */
	uint32_t interfaces; /* known to the reader */
	struct capture_interface interface[WIRE_PORTS_MAX];
};

/*
 * Its reader has the other end of this stream socket, which is taken in any case. Fields from ended
 * on are the owner's; ended() may destroy the stream. 0, -ENOMEM, or -EINVAL where it is none.
 */
int capture_stream_create(struct capture_stream **created, struct event_base *base, int fd);
void capture_stream_destroy(struct capture_stream *stream); /* writes what can be written at once */

/* What is in the ring goes out when the reader takes it. */
void capture_stream_send(struct capture_stream *stream);

#endif
