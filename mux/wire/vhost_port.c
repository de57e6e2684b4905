/* A guest's network card as a port: its two queues (Virtio 1.2, section 5.1.6), in its memory. */
#include "vhost_port.h"

#include "compiler.h"
#include "copy.h"
#include "offload.h"
#include "virtio_net_bits.h"
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

#define LONG_FRAME 8192
#define TURN_BYTES (128U << 10) /* of long frames, looked at in one turn */
#define BIT(feature) (1ULL << (feature))

/*
 * How it works. Requests are looked at many at a time, so that what the guest's processor has
 * written is on its way here while others are worked on; each descriptor and each header is copied
 * once and judged by that copy. Requests are taken, and go back, one after the other in the order
 * of their coming: so a ring can be gone on with, by whoever comes next, from its used index.
 */
struct vhost_batch {
	struct virtqueue_view sent;
	struct frame frame[PORT_BATCH]; /* of them, those that make sense */
	unsigned behind[PORT_BATCH]; /* each frame: requests of sent up to it */
	unsigned first; /* frame not consumed */
	unsigned count; /* frames in all */
	unsigned returned; /* requests of sent that went back */
	struct virtqueue_view buffers;
	unsigned filled; /* of the buffers */
};

uint64_t vhost_port_features(void)
{
	return BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) |
		BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_NET_F_MRG_RXBUF) |
		BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
		BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) |
		BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_HOST_USO) |
		BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) |
		BIT(VIRTIO_NET_F_GUEST_ECN) | BIT(VIRTIO_NET_F_GUEST_USO4) |
		BIT(VIRTIO_NET_F_GUEST_USO6) | BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_STATUS);
}

static struct vhost_port *of_port(struct port *port)
{
	return CONTAINER_OF(port, struct vhost_port, port);
}

/* Requests of the transmit queue go back, up to that one of those looked at. */
static void give_back(struct vhost_port *vhost, unsigned up_to)
{
	struct vhost_batch *batch = vhost->batch;

	virtqueue_return(&vhost->transmit, &batch->sent.request[batch->returned],
		up_to - batch->returned);
	batch->returned = up_to;
	wire_touch(&vhost->port);
}

/* The header in front of a frame, copied; the frame's vector begins behind it. */
static inline void split_header(const struct virtqueue_request *request, uint32_t size,
	struct frame *frame)
{
	struct iovec *iov = request->iov;
	unsigned count = request->readable;
	size_t left = size;

	if (LIKELY(iov->iov_len >= left)) {
		memcpy(&frame->header, iov->iov_base, sizeof(struct virtio_net_hdr));
	} else {
		struct copy_place from = { iov, count, 0 };

		copy_out(&frame->header, &from, sizeof(struct virtio_net_hdr));
	}
	frame->header.num_buffers = 0;
	for (; UNLIKELY(left >= iov->iov_len); count--)
		left -= (iov++)->iov_len;
	iov->iov_base = (uint8_t *)iov->iov_base + left;
	iov->iov_len -= left;
	frame->iov = iov;
	frame->count = count;
	frame->length = request->readable_length - size;
}

static inline bool make_frame(const struct virtqueue_request *request, uint32_t header_size,
	uint64_t features, struct frame *frame)
{
	if (request->readable_length - header_size - FRAME_LENGTH_LEAST >
		FRAME_LENGTH_MAX - FRAME_LENGTH_LEAST)
		return false;
	split_header(request, header_size, frame);
	if (LIKELY(!(frame->header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
		    frame->header.gso_type == VIRTIO_NET_HDR_GSO_NONE)) {
		frame->header = (struct virtio_net_hdr_v1){ 0 };
		frame->plain = true;
		return true;
	}
	return offload_check(frame, features);
}

static void look_at_sent(struct vhost_port *vhost)
{
	struct vhost_batch *batch = vhost->batch;
	unsigned requests = virtqueue_look(&vhost->transmit, &batch->sent, PORT_BATCH);

	batch->first = 0;
	batch->count = 0;
	batch->returned = 0;
	for (unsigned i = 0; i < requests; i++) {
		struct frame *frame = &batch->frame[batch->count];

		if (UNLIKELY(!vhost->transmit_enabled))
			vhost->port.counters->dropped[DROP_LINK_DOWN]++;
		else if (LIKELY(make_frame(&batch->sent.request[i], vhost->header_size,
				 vhost->port.accepted, frame)))
			batch->behind[batch->count++] = i + 1;
		else
			vhost->port.counters->dropped[DROP_MALFORMED]++;
	}
	if (requests && !batch->count)
		give_back(vhost, requests);
}

/*
 * Long frames are fewer in a turn: the receiver works on the first while the next are copied, and
 * others need not wait long.
 */
static unsigned within_turn(const struct frame *frame, unsigned count)
{
	uint32_t bytes = 0;
	unsigned i;

	if (LIKELY(!count || frame->length <= LONG_FRAME))
		return count;
	for (i = 0; i < count && bytes < TURN_BYTES; i++)
		bytes += frame[i].length;
	return i;
}

static unsigned vhost_peek(struct port *port, const struct frame **frames)
{
	struct vhost_port *vhost = of_port(port);
	struct vhost_batch *batch = vhost->batch;

	if (batch->first == batch->count)
		look_at_sent(vhost);
	*frames = &batch->frame[batch->first];
	return within_turn(*frames, batch->count - batch->first);
}

static void vhost_consume(struct port *port, unsigned count)
{
	struct vhost_port *vhost = of_port(port);
	struct vhost_batch *batch = vhost->batch;

	if (!count)
		return;
	batch->first += count;
	give_back(vhost,
		batch->first == batch->count ? batch->sent.count : batch->behind[batch->first - 1]);
}

static enum port_result drop(struct vhost_port *vhost, enum port_drop reason)
{
	vhost->port.counters->dropped[reason]++;
	return PORT_DROPPED;
}

/* Look at the receive queue again from the oldest buffer on. Whether there is one, with room. */
static bool look_for_buffers(struct vhost_port *vhost, unsigned most)
{
	struct vhost_batch *batch = vhost->batch;

	batch->filled = 0;
	virtqueue_look(&vhost->receive, &batch->buffers, most);
	for (unsigned i = 0; i < batch->buffers.count; i++) {
		if (LIKELY(batch->buffers.request[i].writable_length >= vhost->header_size))
			continue;
		vhost->receive.broken = "receive buffer too small for a header";
		batch->buffers.count = 0;
	}
	return batch->buffers.count;
}

/* The next buffers of those looked at are filled, as is written in them. */
static void hand_over(struct vhost_port *vhost, unsigned count)
{
	struct vhost_batch *batch = vhost->batch;

	virtqueue_return(&vhost->receive, &batch->buffers.request[batch->filled], count);
	batch->filled += count;
}

static const struct iovec *room_of(const struct virtqueue_request *request)
{
	return request->iov + request->readable;
}

/* How many of the buffers looked at a frame takes: 0 if they are not enough. */
static unsigned buffers_for(const struct vhost_batch *batch, size_t length)
{
	for (unsigned i = batch->filled; i < batch->buffers.count; i++) {
		if (batch->buffers.request[i].writable_length >= length)
			return i + 1 - batch->filled;
		length -= batch->buffers.request[i].writable_length;
	}
	return 0;
}

/* All buffers that were seen are looked at; the driver has no more, or will have. */
static bool may_get_room(const struct vhost_port *vhost)
{
	const struct virtqueue *queue = &vhost->receive;
	uint16_t waiting = (uint16_t)(queue->seen_avail - queue->next_avail);

	return vhost->batch->buffers.count == waiting && waiting < queue->size;
}

/* One frame over many buffers, its header in the first. */
static enum port_result deliver_merged(struct vhost_port *vhost, const struct frame *frame)
{
	struct vhost_batch *batch = vhost->batch;
	struct virtio_net_hdr_v1 header = frame->header;
	struct copy_place from = { frame->iov, frame->count, 0 };
	size_t left = vhost->header_size + (size_t)frame->length;
	unsigned count = buffers_for(batch, left);

	if (!count) {
		look_for_buffers(vhost, VIRTQUEUE_VIEW_REQUESTS);
		count = buffers_for(batch, left);
	}
	if (!count)
		return may_get_room(vhost) ? PORT_NO_ROOM : drop(vhost, DROP_TOO_LONG);
	header.num_buffers = (uint16_t)count;
	for (unsigned i = 0; i < count; i++) {
		struct virtqueue_request *request = &batch->buffers.request[batch->filled + i];
		struct copy_place to = { room_of(request), request->writable, 0 };
		uint32_t length = request->writable_length;

		if (length > left)
			length = (uint32_t)left;
		left -= length;
		copy_between(&to, &from,
			length - (i ? 0 : copy_in(&to, &header, vhost->header_size)));
		request->written = length;
	}
	hand_over(vhost, count);
	return PORT_DELIVERED;
}

/* One frame in one buffer that is long enough for it. */
static void deliver_whole(struct vhost_port *vhost, const struct frame *frame,
	struct virtqueue_request *request)
{
	struct virtio_net_hdr_v1 header = frame->header;
	struct copy_place to = { room_of(request), request->writable, 0 };
	struct copy_place from = { frame->iov, frame->count, 0 };

	header.num_buffers = 1;
	copy_in(&to, &header, vhost->header_size);
	copy_between(&to, &from, frame->length);
	request->written = vhost->header_size + frame->length;
	hand_over(vhost, 1);
}

static bool have_buffers(struct vhost_port *vhost)
{
	return vhost->batch->filled < vhost->batch->buffers.count ||
		look_for_buffers(vhost, PORT_BATCH);
}

static enum port_result vhost_deliver(struct port *port, const struct frame *frame)
{
	struct vhost_port *vhost = of_port(port);

	if (UNLIKELY(!have_buffers(vhost)))
		return PORT_NO_ROOM;

	struct virtqueue_request *request = &vhost->batch->buffers.request[vhost->batch->filled];

	if (vhost->header_size + frame->length <= request->writable_length) {
		deliver_whole(vhost, frame, request);
		return PORT_DELIVERED;
	}
	if (!vhost->mergeable)
		return drop(vhost, DROP_TOO_LONG);
	return deliver_merged(vhost, frame);
}

/*
 * Frames in one piece into buffers in one piece and long enough, as most are: one after the other,
 * until one is different. How many.
 */
VECTOR_CLONES static unsigned deliver_singles(const struct frame *frame,
	struct virtqueue_request *request, unsigned count, uint32_t header_size)
{
	const uint16_t one_buffer = 1;
	unsigned i;

	for (i = 0; i < count; i++) {
		uint32_t length = header_size + frame[i].length;

		if (UNLIKELY(frame[i].count != 1 || request[i].writable != 1 ||
			    request[i].writable_length < length))
			break;

		uint8_t *to = request[i].iov[request[i].readable].iov_base;

		memcpy(to, &frame[i].header, sizeof(struct virtio_net_hdr));
		if (LIKELY(header_size > sizeof(struct virtio_net_hdr)))
			memcpy(to + sizeof(struct virtio_net_hdr), &one_buffer, sizeof(one_buffer));
		copy_inline(to + header_size, frame[i].iov->iov_base, frame[i].length);
		request[i].written = length;
	}
	return i;
}

static unsigned deliver_as_many_singles(struct vhost_port *vhost, const struct frame *frame,
	unsigned count)
{
	struct vhost_batch *batch = vhost->batch;
	unsigned room = batch->buffers.count - batch->filled;
	uint64_t bytes = 0;

	if (count > room)
		count = room;
	count = deliver_singles(frame, &batch->buffers.request[batch->filled], count,
		vhost->header_size);
	for (unsigned i = 0; i < count; i++)
		bytes += frame[i].length;
	vhost->port.counters->frames_received += count;
	vhost->port.counters->bytes_received += bytes;
	hand_over(vhost, count);
	return count;
}

static unsigned vhost_deliver_many(struct port *port, const struct frame *frame, unsigned count)
{
	struct vhost_port *vhost = of_port(port);
	unsigned gone = 0;

	while (gone < count && have_buffers(vhost)) {
		gone += deliver_as_many_singles(vhost, &frame[gone], count - gone);
		if (gone == count || vhost->batch->filled == vhost->batch->buffers.count)
			continue;

		enum port_result result = vhost_deliver(port, &frame[gone]);

		if (result == PORT_NO_ROOM)
			break;
		port->counters->frames_received += result == PORT_DELIVERED;
		port->counters->bytes_received += result == PORT_DELIVERED ? frame[gone].length : 0;
		gone++;
	}
	return gone;
}

static void vhost_flush(struct port *port)
{
	struct vhost_port *vhost = of_port(port);

	virtqueue_flush(&vhost->receive);
	virtqueue_flush(&vhost->transmit);
}

/* Frames not consumed, requests seen and not looked at: all are something to peek. */
static bool vhost_arm(struct port *port, bool to_send, bool room)
{
	struct vhost_port *vhost = of_port(port);
	bool work = false;

	if (to_send)
		work = virtqueue_arm(&vhost->transmit) ||
			vhost->transmit.seen_avail != vhost->transmit.next_avail;
	if (room)
		work |= virtqueue_arm(&vhost->receive);
	return work;
}

int vhost_port_init(struct vhost_port *vhost)
{
	static const struct port_ops ops = {
		.peek = vhost_peek,
		.consume = vhost_consume,
		.deliver = vhost_deliver,
		.deliver_many = vhost_deliver_many,
		.flush = vhost_flush,
		.arm = vhost_arm,
	};

	*vhost = (struct vhost_port){
		.port.ops = &ops,
		.header_size = sizeof(struct virtio_net_hdr),
		.batch = aligned_alloc(64, (sizeof(struct vhost_batch) + 63) / 64 * 64),
	};
	if (!vhost->batch)
		return -ENOMEM;
	vhost_port_update(vhost, 0);
	return 0;
}

void vhost_port_release(struct vhost_port *vhost)
{
	free(vhost->batch);
	vhost->batch = NULL;
}

/* Nothing that was looked at holds any more. */
static void forget(struct vhost_port *vhost)
{
	struct vhost_batch *batch = vhost->batch;

	batch->sent.count = 0;
	batch->buffers.count = 0;
	batch->first = 0;
	batch->count = 0;
	batch->returned = 0;
	batch->filled = 0;
	vhost->port.sent = false;
	vhost->port.done = 0;
	vhost->port.blocked = false;
	vhost->port.starved = false;
}

void vhost_port_update(struct vhost_port *vhost, uint64_t features)
{
	bool merges = features & BIT(VIRTIO_NET_F_MRG_RXBUF);
	bool modern = features & BIT(VIRTIO_F_VERSION_1);

	forget(vhost);
	vhost->mergeable = merges;
	vhost->header_size = merges || modern ? sizeof(struct virtio_net_hdr_v1)
					      : sizeof(struct virtio_net_hdr);
	vhost->port.accepted = features;
	vhost->port.sends = vhost->transmit.desc;
	vhost->port.receives = vhost->receive.desc && vhost->receive_enabled;
	if (vhost->receive.desc)
		vhost->receive.interrupt(&vhost->receive);
	if (vhost->transmit.desc)
		vhost->transmit.interrupt(&vhost->transmit);
}

const char *vhost_port_broken(const struct vhost_port *vhost)
{
	const char *broken = __atomic_load_n(&vhost->broken, __ATOMIC_ACQUIRE);

	if (broken)
		return broken;
	return vhost->receive.broken ? vhost->receive.broken : vhost->transmit.broken;
}
