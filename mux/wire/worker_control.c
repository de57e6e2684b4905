/* What the main process tells a wire's worker: read, and checked before anybody acts on it. */

#include "worker_control.h"

#include "compiler.h"
#include "fd.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define FDS_MAX 4 /* that may arrive at once; those that do not belong are closed */

struct message_row {
	uint32_t type;
	bool wants_fd;
	size_t size;
	bool (*makes_sense)(const struct worker_message *message);
};

static bool setup_makes_sense(const struct worker_message *message)
{
	const struct wire_setup *setup = &message->setup;

	return (setup->kind == WIRE_CABLE || setup->kind == WIRE_SWITCH) &&
		memchr(setup->name, '\0', sizeof(setup->name));
}

static bool port_makes_sense(const struct worker_message *message)
{
	const struct wire_port *port = &message->port;

	return port->port < WIRE_PORTS_MAX && memchr(port->name, '\0', sizeof(port->name)) &&
		port->settings.vlan_mode <= PORT_VLAN_TRUNK && port->settings.vlan < 4096 &&
		port->settings.loss_per_10000 <= 10000;
}

static bool capture_makes_sense(const struct worker_message *message)
{
	return message->capture.port < WIRE_PORTS_MAX || message->capture.port == WIRE_ALL_PORTS;
}

static const struct message_row rows[] = {
	{ WIRE_SETUP, true, sizeof(struct wire_setup), setup_makes_sense },
	{ WIRE_POLL, false, sizeof(struct wire_setup), setup_makes_sense },
	{ WIRE_PLUG, true, sizeof(struct wire_port), port_makes_sense },
	{ WIRE_PLUG_TAP, true, sizeof(struct wire_port), port_makes_sense },
	{ WIRE_SET, false, sizeof(struct wire_port), port_makes_sense },
	{ WIRE_UNPLUG, false, sizeof(struct wire_port), port_makes_sense },
	{ WIRE_CAPTURE, true, sizeof(struct wire_capture), capture_makes_sense },
};

static bool message_makes_sense(const struct worker_message *message, size_t size, bool has_fd)
{
	if (size < sizeof(message->type))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].type == message->type)
			return rows[i].size == size && rows[i].wants_fd == has_fd &&
				rows[i].makes_sense(message);
	}
	return false;
}

/* The one descriptor of a message; none where there are several, which is counted. */
static size_t take_fds(struct msghdr *header, int *fd)
{
	size_t count = 0;

	*fd = -1;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= part->cmsg_len; i++) {
			int next;

			memcpy(&next, CMSG_DATA(part) + i * sizeof(int), sizeof(next));
			if (count++)
				close(next);
			else
				*fd = next;
		}
	}
	return count;
}

int worker_control_receive(int control_fd, struct worker_message *message)
{
	union {
		struct cmsghdr aligned;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { message, offsetof(struct worker_message, fd) };
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	AUTO_CLOSE int fd = -1;
	size_t fd_count;
	ssize_t size;

	memset(message, 0, sizeof(*message));
	message->fd = -1;
	do {
		size = recvmsg(control_fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (size < 0 && errno == EINTR);
	if (size <= 0)
		return size < 0 ? (errno == ECONNRESET ? -EPIPE : -errno) : -EPIPE;
	fd_count = take_fds(&header, &fd);
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || fd_count > 1 ||
		!message_makes_sense(message, (size_t)size, fd_count))
		return -EPROTO;
	message->fd = take_fd(&fd);
	return 0;
}

int worker_control_send(int control_fd, const struct wire_event *event)
{
	ssize_t size;

	do {
		size = send(control_fd, event, sizeof(*event), MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (size < 0 && errno == EINTR);
	return size < 0 ? -errno : 0;
}
