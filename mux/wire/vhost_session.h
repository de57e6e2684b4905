#ifndef VHOST_SESSION_H
#define VHOST_SESSION_H

#include "vhost_port.h"

#include <stdint.h>

struct event_base;
struct vhost_session;

/* Who has a session, and what it hears. All in the loop's thread. */
struct vhost_session_owner {
	/* The port may have something to do: it was kicked, started, or its settings changed. */
	void (*wake)(void *owner, struct port *port);
	/* Features or queues changed: flags as in wire_control.h. */
	void (*changed)(void *owner, struct port *port, uint32_t flags, uint64_t features);
	/*
	 * The connection ended, or the front-end misbehaved. The session is still whole, its queues
	 * are off; the owner destroys it, now or later.
	 */
	void (*closed)(void *owner, struct port *port, const char *reason);
	void *owner;
};

/*
 * One vhost-user front-end: its connection, its memory, its rings. The descriptor is taken in any
 * case. NULL if memory is short. Needs a loop that knows edges (EV_ET).
 *
 * A malformed message closes this connection and no other; descriptors that do not belong are
 * closed. Memory is mapped for reading and writing, only as told; a front-end that takes memory
 * away from under us (a truncated file) is broken (memory_guard.h). What is broken, queues or
 * memory, the owner finds by vhost_port_broken() after it has worked on the port.
 */
struct vhost_session *vhost_session_create(struct event_base *base, int fd, uint32_t mtu,
	const struct vhost_session_owner *owner);
/* NULL is let through. */
void vhost_session_destroy(struct vhost_session *session);

struct vhost_port *vhost_session_port(struct vhost_session *session);

/* Show the guest its carrier, where the front-end lets us (CONFIG and BACKEND_REQ). */
void vhost_session_set_link(struct vhost_session *session, bool up);

#endif
