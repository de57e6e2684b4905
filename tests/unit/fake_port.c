/* A port of a wire without anybody behind it. */
#include "fake_port.h"

#include "compiler.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS 4096 /* of a batch */

struct batch {
	struct frame frame[PORT_BATCH];
	struct iovec iov[VECTORS];
	unsigned count;
};

static void *need(void *memory)
{
	if (!memory) {
		fputs("fake_port: out of memory\n", stderr);
		abort();
	}
	return memory;
}

static struct fake_port *of_port(struct port *port)
{
	return CONTAINER_OF(port, struct fake_port, port);
}

static void append(struct fake_frames *frames, const struct fake_frame *frame)
{
	if (frames->end == frames->size) {
		frames->size = frames->size ? 2 * frames->size : 16;
		frames->frame =
			need(reallocarray(frames->frame, frames->size, sizeof(frames->frame[0])));
	}
	frames->frame[frames->end++] = *frame;
}

static void clear(struct fake_frames *frames)
{
	for (unsigned i = 0; i < frames->end; i++)
		free(frames->frame[i].bytes);
	free(frames->frame);
	*frames = (struct fake_frames){ 0 };
}

/* The vectors of one more frame of the batch; 0 if it does not fit any more. */
static unsigned lay_out(struct batch *batch, const struct fake_frame *frame, uint32_t piece)
{
	unsigned first = batch->count;

	if (!piece)
		piece = frame->length;
	for (uint32_t at = 0; at < frame->length; at += piece) {
		if (batch->count == VECTORS) {
			batch->count = first;
			return 0;
		}
		batch->iov[batch->count++] = (struct iovec){
			.iov_base = frame->bytes + at,
			.iov_len = frame->length - at < piece ? frame->length - at : piece,
		};
	}
	return batch->count - first;
}

static bool is_plain(const struct virtio_net_hdr_v1 *header)
{
	static const struct virtio_net_hdr_v1 nothing;

	return memcmp(header, &nothing, sizeof(nothing)) == 0;
}

static unsigned peek(struct port *port, const struct frame **frames)
{
	struct fake_port *fake = of_port(port);
	struct batch *batch = fake->batch;
	unsigned count = 0;

	batch->count = 0;
	while (count < PORT_BATCH && fake->queue.first + count < fake->queue.end) {
		const struct fake_frame *next = &fake->queue.frame[fake->queue.first + count];
		unsigned first = batch->count;
		unsigned vectors = lay_out(batch, next, fake->piece);

		if (!vectors)
			break;
		batch->frame[count++] = (struct frame){
			.header = next->header,
			.iov = batch->iov + first,
			.count = vectors,
			.length = next->length,
			.plain = is_plain(&next->header),
		};
	}
	*frames = batch->frame;
	return count;
}

static void consume(struct port *port, unsigned count)
{
	struct fake_port *fake = of_port(port);

	if (count > fake_port_waiting(fake)) {
		fputs("fake_port: more consumed than was there\n", stderr);
		abort();
	}
	fake->queue.first += count;
	if (fake->endless && fake->queue.first == fake->queue.end)
		fake->queue.first = 0;
}

static void keep(struct fake_port *fake, const struct frame *frame)
{
	struct fake_frame copy = { .header = frame->header, .length = frame->length };
	uint32_t at = 0;

	copy.bytes = need(malloc(frame->length));
	for (unsigned i = 0; i < frame->count; i++) {
		if (frame->iov[i].iov_len > frame->length - at) {
			fputs("fake_port: a frame is longer than it says\n", stderr);
			abort();
		}
		memcpy(copy.bytes + at, frame->iov[i].iov_base, frame->iov[i].iov_len);
		at += (uint32_t)frame->iov[i].iov_len;
	}
	if (at != frame->length) {
		fputs("fake_port: a frame is shorter than it says\n", stderr);
		abort();
	}
	append(&fake->received, &copy);
}

static enum port_result deliver(struct port *port, const struct frame *frame)
{
	struct fake_port *fake = of_port(port);

	if (fake->on_delivery)
		fake->on_delivery(fake->owner);
	if (frame->length > fake->longest) {
		port->counters->dropped[DROP_TOO_LONG]++;
		return PORT_DROPPED;
	}
	if (!fake->room)
		return PORT_NO_ROOM;
	if (fake->room != FAKE_PORT_UNLIMITED)
		fake->room--;
	fake->received_count++;
	fake->received_bytes += frame->length;
	if (!fake->forgets)
		keep(fake, frame);
	return PORT_DELIVERED;
}

static unsigned deliver_many(struct port *port, const struct frame *frame, unsigned count)
{
	unsigned went = 0;

	for (; went < count; went++) {
		enum port_result result = deliver(port, &frame[went]);

		if (result == PORT_NO_ROOM)
			break;
		if (result == PORT_DROPPED)
			continue;
		port->counters->frames_received++;
		port->counters->bytes_received += frame[went].length;
	}
	return went;
}

static void flush(struct port *port)
{
	struct fake_port *fake = of_port(port);

	fake->flushed++;
}

static bool arm(struct port *port, bool to_send, bool room)
{
	struct fake_port *fake = of_port(port);

	fake->armed_to_send = to_send;
	fake->armed_room = room;
	return (to_send && fake_port_waiting(fake)) || (room && fake->room);
}

void fake_port_init(struct fake_port *fake, uint16_t number)
{
	static const struct port_ops ops = {
		.peek = peek,
		.consume = consume,
		.deliver = deliver,
		.deliver_many = deliver_many,
		.flush = flush,
		.arm = arm,
	};

	*fake = (struct fake_port){
		.port = {
			.ops = &ops,
			.number = number,
			.sends = true,
			.receives = true,
			.settings = { .link = 1 },
			.counters = need(aligned_alloc(alignof(struct port_counters),
				sizeof(struct port_counters))),
		},
		.room = FAKE_PORT_UNLIMITED,
		.longest = FAKE_PORT_UNLIMITED,
		.batch = need(calloc(1, sizeof(struct batch))),
	};
	memset(fake->port.counters, 0, sizeof(*fake->port.counters));
	memset(fake->port.settings.allowed, 0xff, sizeof(fake->port.settings.allowed));
}

void fake_port_release(struct fake_port *fake)
{
	clear(&fake->queue);
	clear(&fake->received);
	free(fake->batch);
	free(fake->port.counters);
	fake->batch = NULL;
	fake->port.counters = NULL;
}

void fake_port_queue(struct fake_port *fake, const struct virtio_net_hdr_v1 *header,
	const void *bytes, uint32_t length)
{
	struct fake_frame frame = { .length = length };

	if (header)
		frame.header = *header;
	frame.bytes = need(malloc(length));
	memcpy(frame.bytes, bytes, length);
	append(&fake->queue, &frame);
}

unsigned fake_port_waiting(const struct fake_port *fake)
{
	return fake->queue.end - fake->queue.first;
}

unsigned fake_port_kept(const struct fake_port *fake)
{
	return fake->received.end - fake->received.first;
}

const struct fake_frame *fake_port_take(struct fake_port *fake)
{
	if (!fake_port_kept(fake))
		return NULL;
	return &fake->received.frame[fake->received.first++];
}

void fake_port_clear(struct fake_port *fake)
{
	clear(&fake->received);
}
