/*
 * A TAP interface (Linux' tuntap) as a port: the host's end of a switch.
 *
 * How it works. The interface takes and gives the same header that guests do, so frames pass with
 * their checksums and segmentation left to others. A frame to the host goes from the sender's
 * memory to the kernel by one writev(). Frames from the host are read one by one, as TAP has
 * no other way, into buffers of the port's own, as many as a wire takes in one turn; those not
 * consumed stay. What the kernel says about a frame is checked like a guest's.
 */
#include "tap_port.h"

#include "compiler.h"
#include "offload.h"
#include "port.h"
#include "virtio_net_bits.h"
#include "wire.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

#define BIT(feature) (1ULL << (feature))
#define HEADER_SIZE ((int)sizeof(struct virtio_net_hdr_v1))
#define BUFFER_SIZE 66048 /* a header and the longest frame there is, tags included */
#define BATCH_BYTES (1U << 20) /* about so much is read in one turn */
#define ALIGNMENT 64U
#define PIECES_MOST 1024 /* of one frame: what writev() takes */

/* What the kernel may leave to us, and we to it: as if a guest had negotiated it. */
#define FEATURES \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | \
		BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN) | \
		BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) | \
		BIT(VIRTIO_NET_F_GUEST_ECN))
#define FEATURES_USO \
	(BIT(VIRTIO_NET_F_HOST_USO) | BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6))

/* Younger than some systems' headers. */
#define OFFLOAD_USO (0x20U | 0x40U) /* TUN_F_USO4, TUN_F_USO6 */
#define OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

struct tap_port {
	struct port port;
	struct vhost_session_owner owner;
	int fd; /* owned */
	struct event *readable, *writable; /* each fires once */
	struct event *news; /* what the owner hears outside of calls to the port */
	bool known; /* the owner has heard changed() */
	const char *gone; /* why it is of no use any more, or NULL */
	uint8_t *buffer; /* owned: frames that were read, one behind the other */
	struct iovec iov[PORT_BATCH];
	struct frame frame[PORT_BATCH];
	unsigned first; /* not consumed */
	unsigned count;
	struct iovec pieces[PIECES_MOST]; /* of a frame that is written */
};

static struct tap_port *of_port(struct port *port)
{
	return CONTAINER_OF(port, struct tap_port, port);
}

/* Its owner must not hear of it, and destroy it, in the midst of a turn. */
static void lose(struct tap_port *tap, const char *reason)
{
	if (tap->gone)
		return;
	tap->gone = reason;
	tap->port.sends = false;
	tap->port.receives = false;
	event_active(tap->news, EV_TIMEOUT, 0);
}

static enum port_result drop(struct tap_port *tap, enum port_drop reason)
{
	tap->port.counters->dropped[reason]++;
	return PORT_DROPPED;
}

/* A header and a frame lie at bytes: the next frame, if it makes sense. */
static void take_in(struct tap_port *tap, uint8_t *bytes, size_t length)
{
	struct frame *frame = &tap->frame[tap->count];
	bool valid;

	if (length < (size_t)HEADER_SIZE + FRAME_LENGTH_LEAST ||
		length > (size_t)HEADER_SIZE + FRAME_LENGTH_MAX) {
		drop(tap, DROP_MALFORMED);
		return;
	}
	memcpy(&frame->header, bytes, sizeof(frame->header));
	tap->iov[tap->count] = (struct iovec){ bytes + HEADER_SIZE, length - HEADER_SIZE };
	frame->iov = &tap->iov[tap->count];
	frame->count = 1;
	frame->length = (uint32_t)(length - HEADER_SIZE);
	valid = frame->header.flags == VIRTIO_NET_HDR_F_DATA_VALID && !frame->header.gso_type;
	if (!offload_check(frame, tap->port.accepted)) {
		drop(tap, DROP_MALFORMED);
		return;
	}
	if (valid) { /* the kernel has seen that the checksum is right; no guest may say so */
		frame->header.flags = VIRTIO_NET_HDR_F_DATA_VALID;
		frame->plain = false;
	}
	tap->count++;
}

/* Whether there may be more to read. */
static bool read_on(struct tap_port *tap)
{
	switch (errno) {
	case EINTR:
		return true;
	case EAGAIN:
	case EIO: /* it is down */
		return false;
	default:
		lose(tap, "the interface is gone");
		return false;
	}
}

static void read_frames(struct tap_port *tap)
{
	size_t used = 0;

	tap->first = 0;
	tap->count = 0;
	for (unsigned i = 0; i < PORT_BATCH && used < BATCH_BYTES; i++) {
		ssize_t length = read(tap->fd, tap->buffer + used, BUFFER_SIZE);

		if (length < 0 && !read_on(tap))
			return;
		if (length <= 0)
			continue;
		take_in(tap, tap->buffer + used, (size_t)length);
		used += ((size_t)length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	}
}

static unsigned tap_peek(struct port *port, const struct frame **frames)
{
	struct tap_port *tap = of_port(port);

	if (tap->first == tap->count && !tap->gone)
		read_frames(tap);
	*frames = &tap->frame[tap->first];
	return tap->count - tap->first;
}

static void tap_consume(struct port *port, unsigned count)
{
	of_port(port)->first += count;
}

static enum port_result tap_deliver(struct port *port, const struct frame *frame)
{
	struct tap_port *tap = of_port(port);
	struct virtio_net_hdr_v1 header = frame->header;

	if (tap->gone)
		return drop(tap, DROP_LINK_DOWN);
	if (frame->count >= PIECES_MOST)
		return drop(tap, DROP_TOO_LONG);
	tap->pieces[0] = (struct iovec){ &header, HEADER_SIZE };
	memcpy(tap->pieces + 1, frame->iov, frame->count * sizeof(*frame->iov));
	while (writev(tap->fd, tap->pieces, (int)frame->count + 1) < 0) {
		switch (errno) {
		case EINTR:
			break;
		case EAGAIN:
			return PORT_NO_ROOM;
		case EIO:
			return drop(tap, DROP_LINK_DOWN);
		case ENOMEM:
		case ENOBUFS:
			return drop(tap, DROP_NO_ROOM);
		case EBADFD:
			lose(tap, "the interface is gone");
			return drop(tap, DROP_LINK_DOWN);
		default: /* the kernel judges headers too, and its sender may have changed it */
			return drop(tap, DROP_MALFORMED);
		}
	}
	return PORT_DELIVERED;
}

/* Every frame was a call of its own. */
static void tap_flush(struct port *port)
{
	(void)port;
}

static bool tap_arm(struct port *port, bool to_send, bool room)
{
	struct tap_port *tap = of_port(port);

	if (tap->gone)
		return false;
	if (to_send && tap->first < tap->count)
		return true;
	if (to_send && !event_pending(tap->readable, EV_READ, NULL))
		event_add(tap->readable, NULL);
	if (room && !event_pending(tap->writable, EV_WRITE, NULL))
		event_add(tap->writable, NULL);
	return false; /* what is there already makes them fire */
}

static void tap_ready(evutil_socket_t fd, short what, void *context)
{
	struct tap_port *tap = context;

	(void)fd;
	if (what & EV_READ)
		tap->port.counters->wakeups++;
	tap->owner.wake(tap->owner.owner, &tap->port);
}

static void tap_news(evutil_socket_t fd, short what, void *context)
{
	struct tap_port *tap = context;

	(void)fd;
	(void)what;
	if (!tap->known && !tap->gone) {
		tap->known = true;
		tap->owner.changed(tap->owner.owner, &tap->port,
			PORT_FLAG_CONNECTED | PORT_FLAG_SENDS | PORT_FLAG_RECEIVES,
			tap->port.accepted);
	}
	if (tap->gone)
		tap->owner.closed(tap->owner.owner, &tap->port, tap->gone);
}

/* Features as a guest would have accepted them, or 0: this is no interface that we can use. */
static uint64_t set_up(int fd)
{
	struct ifreq request = { 0 };
	int size = HEADER_SIZE;
	int flags = fcntl(fd, F_GETFL);

	if (ioctl(fd, TUNGETIFF, &request) < 0 || !(request.ifr_flags & IFF_TAP) ||
		!(request.ifr_flags & IFF_VNET_HDR))
		return 0;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
		return 0;
	if (ioctl(fd, TUNSETOFFLOAD, OFFLOADS | OFFLOAD_USO) == 0)
		return FEATURES | FEATURES_USO;
	return ioctl(fd, TUNSETOFFLOAD, OFFLOADS) == 0 ? FEATURES : 0;
}

static bool acquire(struct tap_port *tap, struct event_base *base)
{
	tap->buffer = malloc(BATCH_BYTES + BUFFER_SIZE);
	tap->readable = event_new(base, tap->fd, EV_READ, tap_ready, tap);
	tap->writable = event_new(base, tap->fd, EV_WRITE, tap_ready, tap);
	tap->news = event_new(base, -1, 0, tap_news, tap);
	return tap->buffer && tap->readable && tap->writable && tap->news;
}

struct tap_port *tap_port_create(struct event_base *base, int fd,
	const struct vhost_session_owner *owner)
{
	static const struct port_ops ops = {
		.peek = tap_peek,
		.consume = tap_consume,
		.deliver = tap_deliver,
		.flush = tap_flush,
		.arm = tap_arm,
	};
	uint64_t features = set_up(fd);
	struct tap_port *tap = features ? calloc(1, sizeof(*tap)) : NULL;

	if (!tap) {
		close(fd);
		return NULL;
	}
	tap->fd = fd;
	tap->owner = *owner;
	tap->port.ops = &ops;
	tap->port.accepted = features;
	tap->port.sends = true;
	tap->port.receives = true;
	if (!acquire(tap, base)) {
		tap_port_destroy(tap);
		return NULL;
	}
	event_active(tap->news, EV_TIMEOUT, 0);
	return tap;
}

void tap_port_destroy(struct tap_port *tap)
{
	if (!tap)
		return;
	if (tap->readable)
		event_free(tap->readable);
	if (tap->writable)
		event_free(tap->writable);
	if (tap->news)
		event_free(tap->news);
	free(tap->buffer);
	close(tap->fd);
	free(tap);
}

struct port *tap_port_port(struct tap_port *tap)
{
	return &tap->port;
}
