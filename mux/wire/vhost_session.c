/* One vhost-user front-end: messages in, answers out, and the session's life. */
#include "vhost_session.h"

#include "compiler.h"
#include "vhost_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES_A_TURN 16 /* so that no front-end keeps the loop from the others */

bool vhost_session_speaks(const struct vhost_session *session, unsigned protocol_feature)
{
	return session->protocol & VHOST_BIT(protocol_feature);
}

int vhost_session_refuse(struct vhost_session *session, const char *reason)
{
	session->reason = reason;
	return -EPROTO;
}

int vhost_session_send(struct vhost_session *session, int fd,
	const struct vhost_user_message *message)
{
	/* Header and payload are apart in memory: the payload is aligned. */
	struct vhost_user_message copy = *message;
	struct iovec iov[] = {
		{ &copy.header, sizeof(copy.header) },
		{ &copy.payload, copy.header.size },
	};
	struct msghdr header = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	ssize_t sent = sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent == (ssize_t)(sizeof(copy.header) + copy.header.size))
		return 0;
	return vhost_session_refuse(session, "it does not read its answers");
}

static void close_fds(struct vhost_request *request)
{
	while (request->fd_count)
		close(request->fd[--request->fd_count]);
}

/* Descriptors that came along; the surplus is closed by the kernel, which says so. */
static void take_fds(struct vhost_request *request, struct msghdr *header)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= part->cmsg_len; i++)
			memcpy(&request->fd[request->fd_count++], CMSG_DATA(part) + i * sizeof(int),
				sizeof(int));
	}
}

/* Where the next bytes of the message belong, and how many are still to come. */
static struct iovec missing(struct vhost_request *request)
{
	struct vhost_user_message *message = &request->message;
	size_t have = request->have;

	if (have < sizeof(message->header))
		return (struct iovec){
			(char *)&message->header + have,
			sizeof(message->header) - have,
		};
	have -= sizeof(message->header);
	return (struct iovec){ (char *)&message->payload + have, message->header.size - have };
}

/* Bytes of one message, never more. Their number, 0 at the end, or -errno. */
static ssize_t receive(struct vhost_session *session, struct iovec *iov)
{
	struct vhost_request *request = &session->request;
	union {
		struct cmsghdr aligned;
		char bytes[CMSG_SPACE(VHOST_USER_FDS_MAX * sizeof(int))];
	} control;
	struct msghdr header = {
		.msg_iov = iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = request->have ? 0 : sizeof(control),
	};
	ssize_t count = recvmsg(session->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (count < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	take_fds(request, &header);
	if (header.msg_flags & MSG_CTRUNC)
		return vhost_session_refuse(session, "descriptors that do not belong");
	return count;
}

/* 1: a whole message is there. 0: it is not. Or -errno. */
static int receive_message(struct vhost_session *session)
{
	struct vhost_request *request = &session->request;

	for (;;) {
		struct iovec iov = missing(request);
		ssize_t count = receive(session, &iov);

		if (count == -EAGAIN)
			return 0;
		if (count <= 0)
			return count ? (int)count : -ECONNRESET;
		request->have += (size_t)count;
		if (request->have < sizeof(request->message.header))
			continue;
		if (request->have == sizeof(request->message.header) &&
			vhost_request_check(session, request))
			return -EPROTO;
		if (request->have == sizeof(request->message.header) + request->message.header.size)
			return 1;
	}
}

static int serve(struct vhost_session *session)
{
	for (unsigned i = 0; i < MESSAGES_A_TURN; i++) {
		int result = receive_message(session);

		if (result <= 0)
			return result;
		result = vhost_request_handle(session, &session->request);
		close_fds(&session->request);
		session->request.have = 0;
		if (result)
			return result;
	}
	return 0;
}

/* Everything off; nothing of ours calls the owner any more, but this once. */
static void end(struct vhost_session *session, int error)
{
	const char *reason = error == -EPROTO ? session->reason : "it closed the connection";

	event_del(session->readable);
	vhost_rings_release(session);
	vhost_port_update(&session->port, session->features);
	session->owner.closed(session->owner.owner, &session->port.port, reason);
}

static void readable(evutil_socket_t fd, short what, void *context)
{
	struct vhost_session *session = context;
	int error = serve(session);

	(void)fd;
	(void)what;
	if (error)
		end(session, error);
}

struct vhost_session *vhost_session_create(struct event_base *base, int fd, uint32_t mtu,
	const struct vhost_session_owner *owner)
{
	struct vhost_session *session = calloc(1, sizeof(*session));

	if (!session || vhost_port_init(&session->port)) {
		close(fd);
		free(session);
		return NULL;
	}
	session->owner = *owner;
	session->base = base;
	session->fd = fd;
	session->mtu = mtu;
	session->backend_fd = -1;
	vhost_rings_init(session);
	session->memory.broken = &session->port.broken;
	session->readable = event_new(base, fd, EV_READ | EV_PERSIST, readable, session);
	if (session->readable && !event_add(session->readable, NULL))
		return session;
	vhost_session_destroy(session);
	return NULL;
}

void vhost_session_destroy(struct vhost_session *session)
{
	if (!session)
		return;
	if (session->readable)
		event_free(session->readable);
	vhost_rings_release(session);
	shared_memory_clear(&session->memory);
	vhost_port_release(&session->port);
	close_fds(&session->request);
	if (session->backend_fd >= 0)
		close(session->backend_fd);
	close(session->fd);
	free(session);
}

struct vhost_port *vhost_session_port(struct vhost_session *session)
{
	return &session->port;
}

void vhost_session_set_link(struct vhost_session *session, bool up)
{
	static const struct vhost_user_message changed = {
		.header = { VHOST_USER_BACKEND_CONFIG_CHANGED, VHOST_USER_VERSION, 0 },
	};

	if (session->link_up == up)
		return;
	session->link_up = up;
	if (session->backend_fd < 0 || !vhost_session_speaks(session, VHOST_USER_PROTOCOL_CONFIG))
		return;
	/* Where there is no room, a message like this one is still waiting to be read. */
	if (vhost_session_send(session, session->backend_fd, &changed))
		session->reason = NULL;
}
