#ifndef FAKE_BACKEND_H
#define FAKE_BACKEND_H

#include "guest_memory.h"
#include "vhost_message.h"
#include "virtqueue.h"

#include <pthread.h>
#include <stdbool.h>

#define FAKE_BACKEND_QUEUES 2
#define FAKE_BACKEND_REQUESTS 64
#define FAKE_BACKEND_CONFIG 12

struct fake_backend_ring {
	uint16_t size;
	uint16_t base;
	struct vhost_vring_addr address;
	int kick_fd; /* -1: none */
	int call_fd;
	int error_fd;
	bool enabled;
	bool started;
	struct virtqueue queue;
};

/*
 * A vhost-user back-end for a network device: what the driver transmits comes back to it. It has a
 * thread of its own, as a front-end may wait for it; whoever looks at it or sets it up does so
 * between fake_backend_lock() and _unlock().
 */
struct fake_backend {
	/* What it is like; set by its user. */
	uint64_t features;
	uint64_t protocol_features;
	uint8_t config[FAKE_BACKEND_CONFIG];
	bool asleep; /* reads nothing */
	bool idle; /* does not serve its rings */
	/*
	 * Optional: change an answer before it is sent, or send something else oneself. False: it
	 * is not sent.
	 */
	bool (*spoil)(struct fake_backend *backend, struct vhost_user_message *answer);
	/*
	 * Set by spoil, for the rest of the connection: features were offered that it does not
	 * have, and taking them is no fault.
	 */
	bool boasted;

	/* What came; of the present connection, but connections and complaint. */
	unsigned connections;
	const char *complaint; /* what the front-end did wrong, or NULL */
	char peer[128]; /* the abstract name the front-end has */
	uint32_t request[FAKE_BACKEND_REQUESTS];
	unsigned request_count;
	uint64_t accepted;
	uint64_t agreed;
	uint64_t status;
	uint64_t mtu;
	struct vhost_user_memory table;
	struct guest_memory memory;
	struct fake_backend_ring ring[FAKE_BACKEND_QUEUES];
	unsigned frames; /* that went round */

	struct virtqueue_chain from;
	struct virtqueue_chain to;
	int fd; /* -1: no connection */
	int channel_fd; /* where it may ask the front-end, or -1 */
	int listen_fd; /* -1: not there */
	int wake_fd;
	bool enabled; /* a ring just was: what is in it counts as kicked */
	bool stopping;
	char path[108];
	struct vhost_reader reader;
	pthread_t thread;
	pthread_mutex_t lock;
};

/* A back-end that has everything, but is not there yet. */
void fake_backend_create(struct fake_backend *backend, const char *path);
void fake_backend_destroy(struct fake_backend *backend);

/* It comes to its socket; it dies with all it has; it only closes its connection. */
void fake_backend_start(struct fake_backend *backend);
void fake_backend_kill(struct fake_backend *backend);
void fake_backend_hang_up(struct fake_backend *backend);

/* Its cable is pulled or plugged in, and it says so. */
void fake_backend_set_link(struct fake_backend *backend, bool up);

void fake_backend_lock(struct fake_backend *backend);
void fake_backend_unlock(struct fake_backend *backend);

/* With the lock: whether that request came on this connection. */
bool fake_backend_heard(const struct fake_backend *backend, uint32_t request);

#endif
