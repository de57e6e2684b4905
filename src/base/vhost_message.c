/* Messages of vhost-user and their descriptors, over a stream socket. */

#include "vhost_message.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_SIZE ((uint32_t)sizeof(struct vhost_user_header))
#define FDS_SIZE (VHOST_USER_FDS_MAX * sizeof(int))

/* Room for the descriptors of a message, aligned as a control message has to be. */
union control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(FDS_SIZE)];
};

static void close_all(const int *fd, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

void vhost_reader_next(struct vhost_reader *reader)
{
	close_all(reader->fd, reader->fd_count);
	reader->fd_count = 0;
	reader->have = 0;
}

/* What came with one recvmsg(): kept, or all closed. */
static int keep_descriptors(struct vhost_reader *reader, struct msghdr *received)
{
	int result = (received->msg_flags & MSG_CTRUNC) ? -EPROTO : 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(received); part;
		part = CMSG_NXTHDR(received, part)) {
		int fd[VHOST_USER_FDS_MAX];
		unsigned count = (unsigned)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		if (count > VHOST_USER_FDS_MAX)
			count = VHOST_USER_FDS_MAX;
		memcpy(fd, CMSG_DATA(part), count * sizeof(int));
		if (result < 0 || reader->fd_count + count > VHOST_USER_FDS_MAX) {
			close_all(fd, count);
			result = -EPROTO;
			continue;
		}
		memcpy(reader->fd + reader->fd_count, fd, count * sizeof(int));
		reader->fd_count += count;
	}
	return result;
}

/* On the wire the payload follows the header at once; in memory it is aligned. */
static uint8_t *missing(struct vhost_reader *reader)
{
	if (reader->have < HEADER_SIZE)
		return (uint8_t *)&reader->message.header + reader->have;
	return (uint8_t *)&reader->message.payload + (reader->have - HEADER_SIZE);
}

/* Up to length bytes of what is missing, which is in one piece: how many, or -errno. */
static ssize_t receive(struct vhost_reader *reader, int socket, size_t length)
{
	union control control;
	struct iovec part = { missing(reader), length };
	struct msghdr received = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got = recvmsg(socket, &received, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got < 0)
		return -errno;
	if (keep_descriptors(reader, &received) < 0)
		return -EPROTO;
	return got ? got : -ECONNRESET;
}

static int check_header(const struct vhost_user_header *header)
{
	if ((header->flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		return -EPROTO;
	return header->size > sizeof(union vhost_user_payload) ? -EPROTO : 0;
}

int vhost_read(struct vhost_reader *reader, int socket)
{
	for (;;) {
		uint32_t whole = HEADER_SIZE;

		if (reader->have >= HEADER_SIZE) {
			if (check_header(&reader->message.header) < 0)
				return -EPROTO;
			whole += reader->message.header.size;
			if (reader->have == whole)
				return 1;
		}

		ssize_t got = receive(reader, socket, whole - reader->have);

		if (got == -EAGAIN)
			return 0;
		if (got < 0 && got != -EINTR)
			return (int)got;
		if (got > 0)
			reader->have += (uint32_t)got;
	}
}

/* A message this short goes into the socket as one piece or not at all. */
int vhost_send(int socket, const struct vhost_user_message *message, const int *fd, unsigned count)
{
	union control control = { .header = { .cmsg_len = 0 } };
	struct iovec part[] = {
		{ (void *)(uintptr_t)&message->header, HEADER_SIZE },
		{ (void *)(uintptr_t)&message->payload, message->header.size },
	};
	struct msghdr sent = { .msg_iov = part, .msg_iovlen = 2 };
	ssize_t result;

	assert(count <= VHOST_USER_FDS_MAX && message->header.size <= sizeof(message->payload));
	if (count > 0) {
		sent.msg_control = &control;
		sent.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fd, count * sizeof(int));
	}
	do
		result = sendmsg(socket, &sent, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (result < 0 && errno == EINTR);
	if (result < 0)
		return -errno;
	return (size_t)result == HEADER_SIZE + message->header.size ? 0 : -EPROTO;
}
