/* The rings of a vhost-user front-end: stopped, started, enabled. */

#include "bell.h"
#include "compiler.h"
#include "fd.h"
#include "vhost_parts.h"

#include <errno.h>

#include <linux/virtio_ring.h>

#define LOOK_US 1000 /* between looks at a ring that has no kicks */

/*
 * How it works. A ring is started by SET_VRING_KICK, once features, memory, size and addresses are
 * known, and stopped by GET_VRING_BASE. Whether it is enabled is another thing: without
 * VHOST_USER_F_PROTOCOL_FEATURES it always is. While features or memory change, the queues are off;
 * then they go on where they were.
 *
 * A kick is an edge: its eventfd is never read, because the front-end can make reading wait. A call
 * has to be an eventfd, since nothing else can be signalled without waiting. Errors end the
 * connection; where a queue makes no sense its error descriptor is signalled first, so that the
 * front-end knows that it is its guest's fault, and that another connection would end alike.
 */

static bool is_running(const struct vhost_ring *ring)
{
	return ring->queue->desc;
}

static void interrupt(struct virtqueue *queue)
{
	const struct vhost_ring *ring = queue->owner;

	if (ring->call_fd < 0)
		return;
	bell_ring(ring->call_fd);
	if (ring->session->port.port.counters)
		ring->session->port.port.counters->notifications++;
}

void vhost_rings_init(struct vhost_session *session)
{
	for (unsigned i = 0; i < VHOST_RINGS; i++) {
		struct vhost_ring *ring = &session->ring[i];
		struct virtqueue *queue = i ? &session->port.transmit : &session->port.receive;

		*ring = (struct vhost_ring){
			.session = session,
			.queue = queue,
			.kick_fd = -1,
			.call_fd = -1,
			.error_fd = -1,
		};
		queue->memory = &session->port.memory;
		queue->interrupt = interrupt;
		queue->owner = ring;
		queue->index = (uint16_t)i;
	}
}

static void replace_fd(int *fd, int by)
{
	close_fd(fd);
	*fd = by;
}

static void forget_kick(struct vhost_ring *ring)
{
	if (ring->kick)
		event_free(ring->kick);
	ring->kick = NULL;
	replace_fd(&ring->kick_fd, -1);
	ring->started = false;
}

void vhost_rings_release(struct vhost_session *session)
{
	for (unsigned i = 0; i < VHOST_RINGS; i++) {
		struct vhost_ring *ring = &session->ring[i];

		if (ring->queue->broken && ring->error_fd >= 0)
			bell_ring(ring->error_fd);
		if (is_running(ring))
			virtqueue_disable(ring->queue);
		forget_kick(ring);
		replace_fd(&ring->call_fd, -1);
		replace_fd(&ring->error_fd, -1);
	}
}

static void pause_ring(struct vhost_ring *ring)
{
	if (!is_running(ring))
		return;
	ring->base = ring->queue->next_avail;
	virtqueue_disable(ring->queue);
}

void vhost_rings_pause(struct vhost_session *session)
{
	for (unsigned i = 0; i < VHOST_RINGS; i++)
		pause_ring(&session->ring[i]);
}

void vhost_rings_reset(struct vhost_session *session)
{
	vhost_rings_pause(session);
	for (unsigned i = 0; i < VHOST_RINGS; i++) {
		forget_kick(&session->ring[i]);
		session->ring[i].enabled = false;
		session->ring[i].base = 0;
	}
}

uint16_t vhost_ring_stop(struct vhost_ring *ring)
{
	pause_ring(ring);
	forget_kick(ring);
	return ring->base;
}

/* The addresses of the queue, in the guest's terms. */
static bool place(struct vhost_ring *ring)
{
	const struct shared_memory *memory = &ring->session->memory;
	struct virtqueue *queue = ring->queue;

	return shared_memory_translate(memory, ring->desc_address, &queue->desc_address) &&
		shared_memory_translate(memory, ring->avail_address, &queue->avail_address) &&
		shared_memory_translate(memory, ring->used_address, &queue->used_address);
}

static int start(struct vhost_ring *ring)
{
	struct vhost_session *session = ring->session;
	struct virtqueue *queue = ring->queue;

	if (!place(ring))
		return vhost_session_refuse(session, "ring outside the memory it shares");
	queue->size = ring->size;
	queue->event_index = session->features & VHOST_BIT(VIRTIO_RING_F_EVENT_IDX);
	queue->indirect = session->features & VHOST_BIT(VIRTIO_RING_F_INDIRECT_DESC);
	if (virtqueue_enable_at(queue, ring->base))
		return vhost_session_refuse(session, queue->broken);
	return 0;
}

static bool can_start(const struct vhost_ring *ring)
{
	return ring->started && !is_running(ring) && ring->session->negotiated &&
		ring->session->memory.count && ring->size && ring->placed;
}

static bool is_enabled(const struct vhost_ring *ring)
{
	return ring->enabled ||
		!(ring->session->features & VHOST_BIT(VHOST_USER_F_PROTOCOL_FEATURES));
}

static uint32_t flags(const struct vhost_session *session)
{
	const struct port *port = &session->port.port;

	return (session->negotiated ? PORT_FLAG_CONNECTED : 0U) |
		(port->sends ? PORT_FLAG_SENDS : 0U) | (port->receives ? PORT_FLAG_RECEIVES : 0U);
}

int vhost_rings_update(struct vhost_session *session)
{
	struct vhost_port *port = &session->port;

	for (unsigned i = 0; i < VHOST_RINGS; i++) {
		struct vhost_ring *ring = &session->ring[i];

		if (can_start(ring) && start(ring))
			return -EPROTO;
	}
	port->receive_enabled = is_enabled(&session->ring[0]);
	port->transmit_enabled = is_enabled(&session->ring[1]);
	vhost_port_update(port, session->features);
	session->owner.changed(session->owner.owner, &port->port, flags(session),
		session->features);
	session->owner.wake(session->owner.owner, &port->port);
	return 0;
}

static void kicked(evutil_socket_t fd, short what, void *context)
{
	struct vhost_ring *ring = context;
	struct vhost_session *session = ring->session;

	(void)fd;
	if (what & EV_READ && session->port.port.counters)
		session->port.port.counters->wakeups++;
	session->owner.wake(session->owner.owner, &session->port.port);
}

/* Before anything else is done with it: most questions to a file, its peer can leave unanswered. */
static int check_eventfd(struct vhost_session *session, int fd, const char *refusal)
{
	int error = fd < 0 ? 0 : bell_check(fd);

	if (!error)
		return 0;
	return vhost_session_refuse(session,
		error == -EINVAL ? refusal : "the host's fs.aio-max-nr is used up");
}

int vhost_ring_set_kick(struct vhost_ring *ring, int fd)
{
	struct vhost_session *session = ring->session;
	const struct timeval pause = { .tv_usec = LOOK_US };

	forget_kick(ring);
	ring->kick_fd = fd;
	if (check_eventfd(session, fd, "kick that is no eventfd"))
		return -EPROTO;
	ring->kick = event_new(session->base, fd,
		fd < 0 ? EV_PERSIST : EV_READ | EV_PERSIST | EV_ET, kicked, ring);
	if (!ring->kick || event_add(ring->kick, fd < 0 ? &pause : NULL))
		return vhost_session_refuse(session, "kick that cannot be waited for");
	ring->started = true;
	return vhost_rings_update(session);
}

int vhost_ring_set_call(struct vhost_ring *ring, int fd)
{
	replace_fd(&ring->call_fd, fd);
	if (check_eventfd(ring->session, fd, "call that is no eventfd"))
		return -EPROTO;
	if (fd >= 0)
		bell_ring(fd); /* there may have been reason to before */
	return 0;
}

int vhost_ring_set_error(struct vhost_ring *ring, int fd)
{
	replace_fd(&ring->error_fd, fd);
	return check_eventfd(ring->session, fd, "error descriptor that is no eventfd");
}
