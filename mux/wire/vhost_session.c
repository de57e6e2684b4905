/* One vhost-user front-end: messages in, answers out, and the session's life. */
#include "vhost_session.h"

#include "vhost_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* So that no front-end keeps the loop from the others: */
#define MESSAGES_A_TURN 16
#define MAPPINGS_MOST 32 /* then it has to rest, for it is all others that mapping delays */
#define REST_US 50000

bool vhost_session_speaks(const struct vhost_session *session, unsigned protocol_feature)
{
	return session->protocol & VHOST_BIT(protocol_feature);
}

int vhost_session_refuse(struct vhost_session *session, const char *reason)
{
	session->reason = reason;
	return -EPROTO;
}

static int serve(struct vhost_session *session)
{
	int result = 0;

	for (unsigned i = 0; i < MESSAGES_A_TURN && session->mappings < MAPPINGS_MOST && !result;
		i++) {
		session->reason = "message of another protocol";
		result = vhost_read(&session->request, session->fd);
		if (result == 0)
			return 0;
		if (result > 0)
			result = vhost_request_handle(session, &session->request);
		vhost_reader_next(&session->request);
	}
	return result;
}

/* What it says waits in its socket. */
static void rest(struct vhost_session *session)
{
	const struct timeval pause = { .tv_usec = REST_US };

	event_del(session->readable);
	event_add(session->rested, &pause);
}

static void rested(evutil_socket_t fd, short what, void *context)
{
	struct vhost_session *session = context;

	(void)fd;
	(void)what;
	session->mappings = 0;
	event_add(session->readable, NULL);
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
	else if (session->mappings >= MAPPINGS_MOST)
		rest(session);
}

/* The main process may still have the same connection: closing alone would tell nobody. */
static void hang_up(int fd)
{
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

struct vhost_session *vhost_session_create(struct event_base *base, int fd, uint32_t mtu,
	const struct vhost_session_owner *owner)
{
	struct vhost_session *session = calloc(1, sizeof(*session));

	if (!session || vhost_port_init(&session->port)) {
		hang_up(fd);
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
	session->rested = event_new(base, -1, 0, rested, session);
	if (session->readable && session->rested && !event_add(session->readable, NULL))
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
	if (session->rested)
		event_free(session->rested);
	vhost_rings_release(session);
	shared_memory_clear(&session->memory);
	vhost_port_release(&session->port);
	vhost_reader_next(&session->request);
	if (session->backend_fd >= 0)
		close(session->backend_fd);
	hang_up(session->fd);
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
	vhost_send(session->backend_fd, &changed, NULL, 0);
}
