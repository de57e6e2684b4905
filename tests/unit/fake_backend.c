/* A vhost-user back-end for front-ends under test, in a thread. */

#include "fake_backend.h"

#include "compiler.h"
#include "unix_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#define BIT(number) (1ULL << (number))

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void complain(struct fake_backend *backend, const char *what)
{
	if (!backend->complaint)
		backend->complaint = what;
}

static void unmap(struct fake_backend *backend)
{
	for (unsigned i = 0; i < backend->memory.count; i++)
		munmap(backend->memory.region[i].host, backend->memory.region[i].size);
	backend->memory.count = 0;
}

static void forget_connection(struct fake_backend *backend)
{
	drop(&backend->fd);
	drop(&backend->channel_fd);
	vhost_reader_next(&backend->reader);
	for (unsigned i = 0; i < FAKE_BACKEND_QUEUES; i++) {
		drop(&backend->ring[i].kick_fd);
		drop(&backend->ring[i].call_fd);
		drop(&backend->ring[i].error_fd);
		backend->ring[i] = (struct fake_backend_ring){
			.kick_fd = -1,
			.call_fd = -1,
			.error_fd = -1,
		};
	}
	unmap(backend);
	memset(&backend->table, 0, sizeof(backend->table));
	backend->request_count = 0;
	backend->accepted = backend->agreed = backend->status = backend->mtu = 0;
	backend->boasted = false;
}

/* One of those that came along. */
static int take_one(struct fake_backend *backend, unsigned index)
{
	int fd = backend->reader.fd[index];

	backend->reader.fd[index] = -1;
	return fd;
}

static int take_descriptor(struct fake_backend *backend)
{
	if (backend->reader.fd_count != 1)
		complain(backend, "a message without the descriptor it needs, or with more");
	return backend->reader.fd_count > 0 ? take_one(backend, 0) : -1;
}

static struct fake_backend_ring *ring_of(struct fake_backend *backend, uint64_t index)
{
	if (index < FAKE_BACKEND_QUEUES)
		return &backend->ring[index];
	complain(backend, "a ring that is not there");
	return &backend->ring[0];
}

static void map(struct fake_backend *backend, const struct vhost_user_memory *table)
{
	unmap(backend);
	backend->table = *table;
	if (table->count != backend->reader.fd_count) {
		complain(backend, "as many descriptors as regions of memory are needed");
		return;
	}
	for (uint32_t i = 0; i < table->count; i++) {
		const struct vhost_user_region *region = &table->region[i];
		int fd = take_one(backend, i);
		void *host = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			(off_t)region->mmap_offset);

		drop(&fd);
		if (host == MAP_FAILED) {
			complain(backend, "memory that cannot be mapped");
			break;
		}
		backend->memory.region[backend->memory.count++] =
			(struct guest_memory_region){ region->guest_address, region->size, host };
	}
}

static void interrupt(struct virtqueue *queue)
{
	const struct fake_backend_ring *ring = queue->owner;

	eventfd_write(ring->call_fd, 1);
}

/* All is known of it by now. */
static void start_ring(struct fake_backend *backend, struct fake_backend_ring *ring)
{
	ring->queue = (struct virtqueue){
		.memory = &backend->memory,
		.interrupt = interrupt,
		.owner = ring,
		.desc_address = ring->address.desc_user_addr,
		.avail_address = ring->address.avail_user_addr,
		.used_address = ring->address.used_user_addr,
		.size = ring->size,
		.event_index = backend->accepted & BIT(VIRTIO_RING_F_EVENT_IDX),
		.indirect = backend->accepted & BIT(VIRTIO_RING_F_INDIRECT_DESC),
	};
	ring->started = virtqueue_enable_at(&ring->queue, ring->base) == 0;
	if (!ring->started)
		complain(backend, "a ring that makes no sense");
}

static void set_vring(struct fake_backend *backend, const struct vhost_user_message *message)
{
	struct fake_backend_ring *ring = ring_of(backend, message->payload.state.index);
	uint32_t value = message->payload.state.num;

	if (ring->started && message->header.request != VHOST_USER_SET_VRING_ENABLE)
		complain(backend, "a running ring is changed");
	if (message->header.request == VHOST_USER_SET_VRING_NUM)
		ring->size = (uint16_t)value;
	if (message->header.request == VHOST_USER_SET_VRING_BASE)
		ring->base = (uint16_t)value;
	if (message->header.request == VHOST_USER_SET_VRING_ENABLE)
		ring->enabled = backend->enabled = value;
	if (message->header.request == VHOST_USER_SET_VRING_ADDR)
		ring->address = message->payload.address;
}

static void set_kick(struct fake_backend *backend, const struct vhost_user_message *message)
{
	struct fake_backend_ring *ring = ring_of(backend, message->payload.number);

	drop(&ring->kick_fd);
	ring->kick_fd = take_descriptor(backend);
	start_ring(backend, ring);
	if (!(backend->accepted & BIT(VHOST_USER_F_PROTOCOL_FEATURES)))
		ring->enabled = true;
}

static void set_call(struct fake_backend *backend, const struct vhost_user_message *message)
{
	struct fake_backend_ring *ring = ring_of(backend, message->payload.number);

	drop(&ring->call_fd);
	ring->call_fd = take_descriptor(backend);
}

static void set_error(struct fake_backend *backend, const struct vhost_user_message *message)
{
	struct fake_backend_ring *ring = ring_of(backend, message->payload.number);

	drop(&ring->error_fd);
	ring->error_fd = take_descriptor(backend);
}

/* What has an answer of its own. */
static bool ask(struct fake_backend *backend, struct vhost_user_message *message)
{
	struct fake_backend_ring *ring;
	uint32_t size = message->payload.config.size;

	switch (message->header.request) {
	case VHOST_USER_GET_FEATURES:
		message->payload.number = backend->features;
		message->header.size = sizeof(uint64_t);
		return true;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		message->payload.number = backend->protocol_features;
		message->header.size = sizeof(uint64_t);
		return true;
	case VHOST_USER_GET_CONFIG:
		if (size > FAKE_BACKEND_CONFIG || message->payload.config.offset)
			complain(backend, "more configuration wanted than there is");
		else
			memcpy(message->payload.config.bytes, backend->config, size);
		return true;
	case VHOST_USER_GET_VRING_BASE:
		ring = ring_of(backend, message->payload.state.index);
		ring->started = false;
		drop(&ring->kick_fd);
		message->payload.state.num = ring->queue.next_avail;
		return true;
	default:
		return false;
	}
}

static void tell(struct fake_backend *backend, const struct vhost_user_message *message)
{
	switch (message->header.request) {
	case VHOST_USER_SET_OWNER:
		break;
	case VHOST_USER_SET_FEATURES:
		backend->accepted = message->payload.number;
		if (backend->accepted & ~backend->features && !backend->boasted)
			complain(backend, "features that were not offered");
		break;
	case VHOST_USER_SET_PROTOCOL_FEATURES:
		backend->agreed = message->payload.number;
		if (backend->agreed & ~backend->protocol_features && !backend->boasted)
			complain(backend, "protocol features that were not offered");
		break;
	case VHOST_USER_SET_MEM_TABLE:
		map(backend, &message->payload.memory);
		break;
	case VHOST_USER_SET_VRING_NUM:
	case VHOST_USER_SET_VRING_BASE:
	case VHOST_USER_SET_VRING_ENABLE:
	case VHOST_USER_SET_VRING_ADDR:
		set_vring(backend, message);
		break;
	case VHOST_USER_SET_VRING_KICK:
		set_kick(backend, message);
		break;
	case VHOST_USER_SET_VRING_CALL:
		set_call(backend, message);
		break;
	case VHOST_USER_SET_VRING_ERR:
		set_error(backend, message);
		break;
	case VHOST_USER_SET_BACKEND_REQ_FD:
		drop(&backend->channel_fd);
		backend->channel_fd = take_descriptor(backend);
		break;
	case VHOST_USER_NET_SET_MTU:
		backend->mtu = message->payload.number;
		break;
	case VHOST_USER_SET_STATUS:
		backend->status = message->payload.number;
		break;
	default:
		complain(backend, "a request nobody knows");
		break;
	}
}

static void handle(struct fake_backend *backend)
{
	struct vhost_user_message *message = &backend->reader.message;
	bool acknowledge = message->header.flags & VHOST_USER_NEED_REPLY;
	bool answer = ask(backend, message);

	if (backend->request_count < FAKE_BACKEND_REQUESTS)
		backend->request[backend->request_count++] = message->header.request;
	if (!answer)
		tell(backend, message);
	if (!answer && !acknowledge)
		return;
	if (!answer) {
		message->header.size = sizeof(uint64_t);
		message->payload.number = 0;
	}
	message->header.flags = VHOST_USER_VERSION | VHOST_USER_REPLY;
	if (!backend->spoil || backend->spoil(backend, message))
		vhost_send(backend->fd, message, NULL, 0);
}

static void read_messages(struct fake_backend *backend)
{
	int result = 1;

	while (result > 0 && backend->fd >= 0) {
		result = vhost_read(&backend->reader, backend->fd);
		if (result > 0)
			handle(backend);
		if (result > 0)
			vhost_reader_next(&backend->reader);
	}
	if (result < 0)
		forget_connection(backend);
}

static void accept_connection(struct fake_backend *backend)
{
	struct sockaddr_un peer = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(peer);
	int fd = accept4(backend->listen_fd, (struct sockaddr *)&peer, &length,
		SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	forget_connection(backend);
	backend->fd = fd;
	backend->connections++;
	memset(backend->peer, 0, sizeof(backend->peer));
	if (length > offsetof(struct sockaddr_un, sun_path) + 1)
		memcpy(backend->peer, peer.sun_path + 1,
			length - offsetof(struct sockaddr_un, sun_path) - 1);
}

static void copy(struct virtqueue_chain *to, const struct virtqueue_chain *from, uint32_t *length)
{
	*length = 0;
	if (to->writable && from->readable) {
		size_t room = to->iov[to->readable].iov_len, rest = from->iov[0].iov_len;

		*length = (uint32_t)(rest < room ? rest : room);
		memcpy(to->iov[to->readable].iov_base, from->iov[0].iov_base, *length);
	}
}

static void turn_frames_round(struct fake_backend *backend)
{
	struct fake_backend_ring *receive = &backend->ring[0], *transmit = &backend->ring[1];
	struct virtqueue_chain *from = &backend->from, *to = &backend->to;
	uint32_t length;

	if (backend->idle || !receive->started || !transmit->started || !receive->enabled ||
		!transmit->enabled)
		return;
	while (virtqueue_pop(&transmit->queue, from)) {
		if (!virtqueue_pop(&receive->queue, to)) {
			virtqueue_unpop(&transmit->queue);
			break;
		}
		copy(to, from, &length);
		virtqueue_push(&receive->queue, to->head, length);
		virtqueue_push(&transmit->queue, from->head, 0);
		backend->frames++;
	}
	virtqueue_flush(&receive->queue);
	virtqueue_flush(&transmit->queue);
	if (receive->queue.broken || transmit->queue.broken)
		complain(backend, "a ring that breaks");
}

static void serve(struct fake_backend *backend)
{
	uint64_t count;
	bool kicked = false;

	backend->enabled = false;
	if (backend->listen_fd >= 0)
		accept_connection(backend);
	if (backend->asleep)
		return;
	if (backend->fd >= 0)
		read_messages(backend);
	for (unsigned i = 0; i < FAKE_BACKEND_QUEUES; i++)
		if (backend->ring[i].kick_fd >= 0 &&
			read(backend->ring[i].kick_fd, &count, sizeof(count)) > 0)
			kicked = true;
	if (kicked || backend->enabled)
		turn_frames_round(backend);
}

static void *run(void *owner)
{
	struct fake_backend *backend = owner;
	uint64_t count;

	for (;;) {
		fake_backend_lock(backend);
		bool awake = !backend->asleep, serving = awake && !backend->idle;
		struct pollfd poll_fd[] = {
			{ .fd = backend->wake_fd, .events = POLLIN },
			{ .fd = backend->listen_fd, .events = POLLIN },
			{ .fd = awake ? backend->fd : -1, .events = POLLIN },
			{ .fd = serving ? backend->ring[0].kick_fd : -1, .events = POLLIN },
			{ .fd = serving ? backend->ring[1].kick_fd : -1, .events = POLLIN },
		};
		bool stopping = backend->stopping;

		fake_backend_unlock(backend);
		if (stopping)
			return NULL;
		if (poll(poll_fd, ARRAY_SIZE(poll_fd), -1) < 0)
			continue;
		if (poll_fd[0].revents)
			(void)!read(backend->wake_fd, &count, sizeof(count));
		fake_backend_lock(backend);
		serve(backend);
		fake_backend_unlock(backend);
	}
}

void fake_backend_lock(struct fake_backend *backend)
{
	pthread_mutex_lock(&backend->lock);
}

void fake_backend_unlock(struct fake_backend *backend)
{
	pthread_mutex_unlock(&backend->lock);
	eventfd_write(backend->wake_fd, 1);
}

void fake_backend_create(struct fake_backend *backend, const char *path)
{
	memset(backend, 0, sizeof(*backend));
	backend->features = UINT64_MAX & ~BIT(VIRTIO_NET_F_MAC);
	backend->protocol_features = UINT64_MAX;
	backend->fd = backend->channel_fd = backend->listen_fd = -1;
	for (unsigned i = 0; i < FAKE_BACKEND_QUEUES; i++)
		backend->ring[i].kick_fd = backend->ring[i].call_fd = backend->ring[i].error_fd =
			-1;
	backend->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	backend->config[offsetof(struct virtio_net_config, status)] = VIRTIO_NET_S_LINK_UP;
	snprintf(backend->path, sizeof(backend->path), "%s", path);
	pthread_mutex_init(&backend->lock, NULL);
	if (pthread_create(&backend->thread, NULL, run, backend))
		abort();
}

void fake_backend_start(struct fake_backend *backend)
{
	fake_backend_lock(backend);
	backend->listen_fd = unix_listen(backend->path, 0600);
	if (backend->listen_fd < 0)
		abort();
	fake_backend_unlock(backend);
}

void fake_backend_kill(struct fake_backend *backend)
{
	fake_backend_lock(backend);
	drop(&backend->listen_fd);
	forget_connection(backend);
	fake_backend_unlock(backend);
}

void fake_backend_hang_up(struct fake_backend *backend)
{
	fake_backend_lock(backend);
	forget_connection(backend);
	fake_backend_unlock(backend);
}

void fake_backend_set_link(struct fake_backend *backend, bool up)
{
	const struct vhost_user_message changed = {
		.header = { VHOST_USER_BACKEND_CONFIG_CHANGED, VHOST_USER_VERSION, 0 },
	};

	fake_backend_lock(backend);
	backend->config[offsetof(struct virtio_net_config, status)] = up;
	if (backend->channel_fd >= 0)
		vhost_send(backend->channel_fd, &changed, NULL, 0);
	fake_backend_unlock(backend);
}

bool fake_backend_heard(const struct fake_backend *backend, uint32_t request)
{
	for (unsigned i = 0; i < backend->request_count; i++)
		if (backend->request[i] == request)
			return true;
	return false;
}

void fake_backend_destroy(struct fake_backend *backend)
{
	fake_backend_lock(backend);
	backend->stopping = true;
	fake_backend_unlock(backend);
	pthread_join(backend->thread, NULL);
	fake_backend_kill(backend);
	unlink(backend->path);
	close(backend->wake_fd);
	pthread_mutex_destroy(&backend->lock);
}
