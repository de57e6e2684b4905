/*
 * Captures what passes the ports of a wire.
 *
 * How it works: a frame is copied once for each stream that wants it, straight to where it lies in
 * the block that goes out, and everything about it is done to that copy. A block that finds no room
 * is left out; that is counted, and said with the next frame of the interface, or as soon as the
 * reader has caught up.
 */
#include "capture.h"

#include "capture_stream.h"
#include "offload.h"
#include "pcapng.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct capture {
	struct wire *wire; /* borrowed; owns this */
	struct capture_stream *stream[CAPTURE_STREAMS]; /* owned */
	unsigned count;
};

static uint64_t real_time_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void stream_ended(struct capture_stream *stream)
{
	struct capture *capture = stream->owner;

	for (unsigned i = 0; i < capture->count; i++) {
		if (capture->stream[i] == stream) {
			capture->stream[i] = capture->stream[--capture->count];
			break;
		}
	}
	capture_stream_destroy(stream);
	if (!capture->count)
		capture_destroy(capture);
}

void capture_destroy(struct capture *capture)
{
	if (!capture)
		return;
	for (unsigned i = 0; i < capture->count; i++)
		capture_stream_destroy(capture->stream[i]);
	capture->wire->capture = NULL;
	free(capture);
}

/* What was left out is said also when no frame follows. */
static void stream_caught_up(struct capture_stream *stream)
{
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++) {
		struct capture_interface *interface = &stream->interface[i];
		uint8_t *block;

		if (!interface->known || interface->left_out == interface->left_out_told)
			continue;
		block = capture_ring_reserve(&stream->ring, PCAPNG_BLOCK_MOST);
		if (!block)
			return;
		capture_ring_commit(&stream->ring,
			pcapng_put_statistics(block, interface->number, real_time_ns(),
				interface->received, interface->left_out));
		interface->left_out_told = interface->left_out;
	}
}

static void add_stream(struct capture *capture, struct capture_stream *stream)
{
	uint8_t *block = capture_ring_reserve(&stream->ring, PCAPNG_BLOCK_MOST);

	assert(block); /* nothing is in it */
	capture_ring_commit(&stream->ring, pcapng_put_section(block));
	stream->ended = stream_ended;
	stream->caught_up = stream_caught_up;
	stream->owner = capture;
	capture->stream[capture->count++] = stream;
	capture->wire->capture = capture;
	capture_stream_send(stream); /* the reader sees at once that it is one */
}

int capture_start(struct wire *wire, struct event_base *base, int fd, uint32_t port,
	uint32_t snap_length)
{
	struct capture *capture = wire->capture;
	struct capture_stream *stream;
	int error;

	if (capture && capture->count == CAPTURE_STREAMS) {
		close(fd);
		return -EBUSY;
	}
	error = capture_stream_create(&stream, base, fd);
	if (error)
		return error;
	if (!capture)
		capture = calloc(1, sizeof(*capture));
	if (!capture) {
		capture_stream_destroy(stream);
		return -ENOMEM;
	}
	capture->wire = wire;
	stream->port = port;
	stream->snap_length = snap_length;
	add_stream(capture, stream);
	return 0;
}

/* The reader knows the port by a number and the name it has now. False: no room to say so. */
static bool introduce(struct capture_stream *stream, struct capture_interface *interface,
	const struct port *port)
{
	char description[32];
	uint8_t *block;

	if (interface->known && strcmp(interface->name, port->name) == 0)
		return true;
	block = capture_ring_reserve(&stream->ring, PCAPNG_BLOCK_MOST);
	if (!block)
		return false;
	*interface = (struct capture_interface){ .known = true, .number = stream->interfaces++ };
	snprintf(interface->name, sizeof(interface->name), "%s", port->name);
	snprintf(description, sizeof(description), "port %u", port->number);
	capture_ring_commit(&stream->ring,
		pcapng_put_interface(block, *port->name ? port->name : description, description,
			stream->snap_length));
	return true;
}

/* How much of a frame has to be copied: all of it where a checksum of all of it is missing. */
static uint32_t length_to_copy(const struct capture_stream *stream, const struct frame *frame)
{
	return frame->plain && stream->snap_length && stream->snap_length < frame->length
		? stream->snap_length
		: frame->length;
}

static bool record(struct capture_stream *stream, struct capture_interface *interface,
	const struct frame *frame, struct pcapng_frame *captured)
{
	uint32_t length = length_to_copy(stream, frame);
	uint8_t *block = capture_ring_reserve(&stream->ring, PCAPNG_BLOCK_MOST + (size_t)length);
	uint8_t *bytes;

	if (!block)
		return false;
	bytes = pcapng_frame_bytes(block);
	captured->captured = frame_copy(frame, 0, bytes, length);
	offload_complete(&frame->header, bytes, captured->captured);
	if (stream->snap_length && captured->captured > stream->snap_length)
		captured->captured = stream->snap_length;
	captured->length = frame->length;
	captured->interface = interface->number;
	captured->left_out = interface->left_out_lately;
	interface->left_out_lately = 0;
	capture_ring_commit(&stream->ring, pcapng_put_frame(block, captured));
	capture_stream_send(stream);
	return true;
}

void capture_frame(struct capture *capture, uint32_t port, enum capture_direction direction,
	const struct frame *frame)
{
	struct pcapng_frame captured = {
		.time_ns = real_time_ns(),
		.inbound = direction == CAPTURE_RECEIVED,
	};

	for (unsigned i = 0; i < capture->count; i++) {
		struct capture_stream *stream = capture->stream[i];
		struct capture_interface *interface = &stream->interface[port];

		if (stream->port != WIRE_ALL_PORTS && stream->port != port)
			continue;
		if (!introduce(stream, interface, capture->wire->port[port]) ||
			!record(stream, interface, frame, &captured)) {
			interface->left_out++;
			interface->left_out_lately++;
		}
		interface->received++;
	}
}
