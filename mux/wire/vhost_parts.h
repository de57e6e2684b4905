#ifndef VHOST_PARTS_H
#define VHOST_PARTS_H

#include "shared_memory.h"
#include "vhost_message.h"
#include "vhost_session.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The parts of a session, for its own files only.
 *
 * A descriptor may be of a file system in user space, which answers when its peer likes. So what
 * one is, only such calls are asked that no file system answers: bell_check(), its seals, the
 * domain of a socket; the rest is refused before anything else is done with it. What remains is
 * that also the refused ones have to be closed: the last close of a file can wait for such a file
 * system, that of a TCP socket for its time to linger. No call drops a descriptor without that. A
 * front-end that wants to, and may mount file systems, can stop its own wire that way, until its
 * process ends; no other wire, and not the main process.
 */

#define VHOST_RINGS 2 /* receive, transmit */
#define VHOST_BIT(number) (1ULL << (number))

/* One ring as the front-end has set it up so far. Its queue is on while it runs. */
struct vhost_ring {
	struct vhost_session *session;
	struct virtqueue *queue;
	uint16_t size;
	uint16_t base; /* where it starts, or has stopped */
	bool placed; /* the addresses have come, in the front-end's process: */
	uint64_t desc_address;
	uint64_t avail_address;
	uint64_t used_address;
	bool started; /* SET_VRING_KICK has come */
	bool enabled; /* by SET_VRING_ENABLE */
	int kick_fd; /* -1 although started: it has to be looked at without */
	int call_fd;
	int error_fd;
	struct event *kick; /* owned; NULL: not started */
};

struct vhost_session {
	struct vhost_port port;
	struct vhost_session_owner owner;
	struct event_base *base;
	int fd;
	struct event *readable; /* owned */
	struct event *rested; /* owned; pending instead of readable, after much mapping */
	struct vhost_reader request; /* on its way in */
	struct shared_memory memory;
	unsigned mappings; /* of regions, since it last had to rest */
	struct vhost_ring ring[VHOST_RINGS];
	uint64_t features; /* accepted */
	bool negotiated; /* SET_FEATURES has come */
	uint64_t protocol; /* protocol features accepted */
	uint8_t status;
	uint32_t mtu;
	bool link_up;
	int backend_fd; /* where we may ask the front-end something, or -1 */
	const char *reason; /* why the connection has to be closed */
};

/* vhost_requests.c: do what a whole message says, and answer. 0, or -EPROTO and session->reason. */
int vhost_request_handle(struct vhost_session *session, struct vhost_reader *request);

/* vhost_session.c. */
int vhost_session_refuse(struct vhost_session *session, const char *reason); /* -EPROTO */
bool vhost_session_speaks(const struct vhost_session *session, unsigned protocol_feature);

/* vhost_ring.c: start what can be started, tell the port and the owner. 0 or -EPROTO. */
int vhost_rings_update(struct vhost_session *session);
void vhost_rings_init(struct vhost_session *session);
void vhost_rings_release(struct vhost_session *session);
/* Off, all of them; those that are started come back, where they were, with the next update. */
void vhost_rings_pause(struct vhost_session *session);
/* As at the beginning, but for size, addresses and call descriptors. */
void vhost_rings_reset(struct vhost_session *session);
/* SET_VRING_KICK, _CALL, _ERR: the descriptor, or -1, is taken in any case. 0 or -EPROTO. */
int vhost_ring_set_kick(struct vhost_ring *ring, int fd);
int vhost_ring_set_call(struct vhost_ring *ring, int fd);
int vhost_ring_set_error(struct vhost_ring *ring, int fd);
/* GET_VRING_BASE: off, until SET_VRING_KICK. Where it stopped. */
uint16_t vhost_ring_stop(struct vhost_ring *ring);

#endif
