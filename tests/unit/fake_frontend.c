/* A vhost-user front-end with a network card behind it. */
#include "fake_frontend.h"

#include "compiler.h"
#include "monotonic.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#define FDS_MAX 16 /* more than any back-end takes */

int fake_frontend_connect(const char *path, const char *name)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX }, address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int length = 0, result = 0;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (name)
		length = snprintf(own.sun_path + 1, sizeof(own.sun_path) - 1,
			VHOST_USER_NAME_PREFIX "%s/%d-%d", name, (int)getpid(), fd);
	if (name &&
		bind(fd, (const struct sockaddr *)&own,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)))
		result = -errno;
	if (!result && connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		result = -errno;
	if (result)
		close(fd);
	return result ? result : fd;
}

void fake_frontend_init(struct fake_frontend *frontend, struct fake_card *card, int fd,
	const struct fake_frontend_options *options)
{
	*frontend = (struct fake_frontend){
		.options = *options,
		.card = card,
		.fd = fd,
		.backend_fd = -1,
	};
}

void fake_frontend_release(struct fake_frontend *frontend)
{
	if (frontend->fd >= 0)
		close(frontend->fd);
	if (frontend->backend_fd >= 0)
		close(frontend->backend_fd);
	frontend->fd = -1;
	frontend->backend_fd = -1;
}

/* Let the other end work until there is something to read or room to write. */
static int await(struct fake_frontend *frontend, short events)
{
	uint64_t end = monotonic_ms() + FAKE_FRONTEND_TIMEOUT_MS;

	for (;;) {
		struct pollfd poll_fd = { frontend->fd, events, 0 };

		if (frontend->options.turn)
			frontend->options.turn(frontend->options.context);
		if (poll(&poll_fd, 1, frontend->options.turn ? 0 : FAKE_FRONTEND_TIMEOUT_MS))
			return 0;
		if (monotonic_ms() >= end)
			return -ETIMEDOUT;
	}
}

int fake_frontend_say_raw(struct fake_frontend *frontend, const struct iovec *bytes, const int *fd,
	unsigned fd_count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = *bytes;
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(fd_count * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.header), fd, fd_count * sizeof(int));
	}
	while (iov.iov_len) {
		ssize_t count = sendmsg(frontend->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (count < 0 && errno != EAGAIN)
			return errno == EPIPE ? -ECONNRESET : -errno;
		if (count < 0) {
			int result = await(frontend, POLLOUT);

			if (result)
				return result;
			continue;
		}
		iov.iov_base = (char *)iov.iov_base + count;
		iov.iov_len -= (size_t)count;
		message.msg_control = NULL;
		message.msg_controllen = 0;
	}
	return 0;
}

static int say_with(struct fake_frontend *frontend, const struct vhost_user_header *header,
	const void *payload, const int *fd, unsigned fd_count)
{
	char bytes[sizeof(struct vhost_user_header) + sizeof(union vhost_user_payload)];
	struct iovec iov = { bytes, sizeof(*header) + header->size };

	memcpy(bytes, header, sizeof(*header));
	memcpy(bytes + sizeof(*header), payload, header->size);
	return fake_frontend_say_raw(frontend, &iov, fd, fd_count);
}

int fake_frontend_say(struct fake_frontend *frontend, uint32_t request, const void *payload,
	uint32_t size, int fd)
{
	struct vhost_user_header header = { request, VHOST_USER_VERSION, size };

	return say_with(frontend, &header, payload, &fd, fd >= 0);
}

int fake_frontend_say_number(struct fake_frontend *frontend, uint32_t request, uint64_t number)
{
	return fake_frontend_say(frontend, request, &number, sizeof(number), -1);
}

int fake_frontend_say_state(struct fake_frontend *frontend, uint32_t request, unsigned index,
	unsigned number)
{
	struct vhost_vring_state state = { index, number };

	return fake_frontend_say(frontend, request, &state, sizeof(state), -1);
}

static int hear_bytes(struct fake_frontend *frontend, void *to, size_t size)
{
	char *place = to;

	while (size) {
		ssize_t count = recv(frontend->fd, place, size, MSG_DONTWAIT);

		if (count == 0)
			return -ECONNRESET;
		if (count < 0 && errno != EAGAIN)
			return -errno;
		if (count < 0) {
			int result = await(frontend, POLLIN);

			if (result)
				return result;
			continue;
		}
		place += count;
		size -= (size_t)count;
	}
	return 0;
}

int fake_frontend_hear(struct fake_frontend *frontend, uint32_t request,
	struct vhost_user_message *message)
{
	int result = hear_bytes(frontend, &message->header, sizeof(message->header));

	if (result)
		return result;
	if (message->header.request != request ||
		message->header.flags != (VHOST_USER_VERSION | VHOST_USER_REPLY) ||
		message->header.size > sizeof(message->payload))
		return -EPROTO;
	return hear_bytes(frontend, &message->payload, message->header.size);
}

int fake_frontend_ask(struct fake_frontend *frontend, uint32_t request, uint64_t *number)
{
	struct vhost_user_message message;
	int result = fake_frontend_say(frontend, request, "", 0, -1);

	if (!result)
		result = fake_frontend_hear(frontend, request, &message);
	if (!result && message.header.size != sizeof(*number))
		result = -EPROTO;
	if (!result)
		*number = message.payload.number;
	return result;
}

bool fake_frontend_closed(struct fake_frontend *frontend)
{
	char byte;

	for (;;) {
		int result = hear_bytes(frontend, &byte, sizeof(byte));

		if (result)
			return result == -ECONNRESET;
	}
}

static bool speaks(const struct fake_frontend *frontend, unsigned feature)
{
	return frontend->protocol >> feature & 1;
}

static int open_backend_channel(struct fake_frontend *frontend)
{
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	result = fake_frontend_say(frontend, VHOST_USER_SET_BACKEND_REQ_FD, "", 0, pair[1]);
	close(pair[1]);
	frontend->backend_fd = pair[0];
	return result;
}

static int negotiate_protocol(struct fake_frontend *frontend)
{
	int result =
		fake_frontend_ask(frontend, VHOST_USER_GET_PROTOCOL_FEATURES, &frontend->protocol);

	frontend->protocol &= ~frontend->options.protocol_declined;
	if (!result)
		result = fake_frontend_say_number(frontend, VHOST_USER_SET_PROTOCOL_FEATURES,
			frontend->protocol);
	if (!result && speaks(frontend, VHOST_USER_PROTOCOL_BACKEND_REQ))
		result = open_backend_channel(frontend);
	return result;
}

int fake_frontend_negotiate(struct fake_frontend *frontend)
{
	int result = fake_frontend_ask(frontend, VHOST_USER_GET_FEATURES, &frontend->offered);

	frontend->features = frontend->offered & ~frontend->options.declined;
	if (!result && frontend->features >> VHOST_USER_F_PROTOCOL_FEATURES & 1)
		result = negotiate_protocol(frontend);
	if (!result)
		result = fake_frontend_say(frontend, VHOST_USER_SET_OWNER, "", 0, -1);
	if (!result)
		result = fake_frontend_say_number(frontend, VHOST_USER_SET_FEATURES,
			frontend->features);
	return result;
}

static struct vhost_user_region describe_region(const struct fake_card *card, unsigned index)
{
	const struct guest_memory_region *region = &card->memory.region[index];

	return (struct vhost_user_region){
		.guest_address = region->base,
		.size = region->size,
		.user_address = (uintptr_t)region->host,
		.mmap_offset = (uint64_t)(region->host - card->ram),
	};
}

static int add_slots(struct fake_frontend *frontend)
{
	int result = 0;

	for (unsigned i = 0; i < frontend->card->memory.count && !result; i++) {
		struct vhost_user_memory_slot slot = { 0, describe_region(frontend->card, i) };

		result = fake_frontend_say(frontend, VHOST_USER_ADD_MEM_REG, &slot, sizeof(slot),
			frontend->card->memory_fd);
	}
	return result;
}

int fake_frontend_share_memory(struct fake_frontend *frontend)
{
	struct vhost_user_memory memory = { .count = frontend->card->memory.count };
	int fd[VHOST_USER_REGIONS_MAX];

	if (frontend->options.slots && speaks(frontend, VHOST_USER_PROTOCOL_CONFIGURE_MEM_SLOTS))
		return add_slots(frontend);
	for (unsigned i = 0; i < memory.count; i++) {
		memory.region[i] = describe_region(frontend->card, i);
		fd[i] = frontend->card->memory_fd;
	}

	struct vhost_user_header header = {
		.request = VHOST_USER_SET_MEM_TABLE,
		.flags = VHOST_USER_VERSION,
		.size = (uint32_t)VHOST_USER_MEMORY_SIZE(memory.count),
	};

	return say_with(frontend, &header, &memory, fd, memory.count);
}

int fake_frontend_enable(struct fake_frontend *frontend, unsigned index, bool enabled)
{
	return fake_frontend_say_state(frontend, VHOST_USER_SET_VRING_ENABLE, index, enabled);
}

static int set_ring_fd(struct fake_frontend *frontend, uint32_t request, unsigned index, int fd)
{
	uint64_t number = index | (fd < 0 ? VHOST_USER_NO_FD : 0);

	return fake_frontend_say(frontend, request, &number, sizeof(number), fd);
}

int fake_frontend_set_ring(struct fake_frontend *frontend, unsigned index, uint16_t base)
{
	const struct fake_card_queue *queue = &frontend->card->queue[index];
	const struct vring *ring = &queue->ring;
	struct vhost_vring_addr address = {
		.index = index,
		.desc_user_addr = (uintptr_t)ring->desc,
		.avail_user_addr = (uintptr_t)ring->avail,
		.used_user_addr = (uintptr_t)ring->used,
	};
	int kick_fd = frontend->options.kickless ? -1 : queue->kick_fd;
	int result = fake_frontend_say_state(frontend, VHOST_USER_SET_VRING_NUM, index, ring->num);

	if (!result)
		result = fake_frontend_say_state(frontend, VHOST_USER_SET_VRING_BASE, index, base);
	if (!result)
		result = fake_frontend_say(frontend, VHOST_USER_SET_VRING_ADDR, &address,
			sizeof(address), -1);
	if (!result)
		result = set_ring_fd(frontend, VHOST_USER_SET_VRING_CALL, index, queue->call_fd);
	if (!result)
		result = set_ring_fd(frontend, VHOST_USER_SET_VRING_KICK, index, kick_fd);
	return result;
}

/* Enabled before they start: what is sent through a ring that is not is thrown away. */
static int set_rings(struct fake_frontend *frontend)
{
	bool enables = frontend->features >> VHOST_USER_F_PROTOCOL_FEATURES & 1 &&
		!frontend->options.starts_disabled;
	int result = fake_frontend_share_memory(frontend);

	for (unsigned i = 0; i < 2 && !result && enables; i++)
		result = fake_frontend_enable(frontend, i, true);
	for (unsigned i = 0; i < 2 && !result; i++)
		result = fake_frontend_set_ring(frontend, i,
			frontend->card->queue[i].ring.used->idx);
	return result;
}

int fake_frontend_start(struct fake_frontend *frontend)
{
	int result = fake_frontend_negotiate(frontend);

	if (result)
		return result;
	fake_card_reset(frontend->card, frontend->features);
	return set_rings(frontend);
}

int fake_frontend_resume(struct fake_frontend *frontend)
{
	int result = fake_frontend_negotiate(frontend);

	if (!result && frontend->features != frontend->card->features)
		result = -EPROTO;
	return result ? result : set_rings(frontend);
}

int fake_frontend_stop_ring(struct fake_frontend *frontend, unsigned index)
{
	struct vhost_user_message message;
	int result = fake_frontend_say_state(frontend, VHOST_USER_GET_VRING_BASE, index, 0);

	if (!result)
		result = fake_frontend_hear(frontend, VHOST_USER_GET_VRING_BASE, &message);
	if (!result &&
		(message.header.size != sizeof(message.payload.state) ||
			message.payload.state.index != index))
		result = -EPROTO;
	return result ? result : (int)message.payload.state.num;
}
