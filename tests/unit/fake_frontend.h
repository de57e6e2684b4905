#ifndef FAKE_FRONTEND_H
#define FAKE_FRONTEND_H

#include "fake_card.h"
#include "vhost_user.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define FAKE_FRONTEND_TIMEOUT_MS 30000

struct fake_frontend_options {
	uint64_t declined; /* Virtio features not accepted though offered */
	uint64_t protocol_declined; /* protocol features, likewise */
	bool slots; /* memory by ADD_MEM_REG, where there is CONFIGURE_MEM_SLOTS */
	bool kickless; /* the back-end has to look by itself: no kick descriptors */
	bool starts_disabled; /* rings are not enabled by fake_frontend_start() */
	/*
	 * Lets a back-end in the same thread work while an answer is waited for. NULL: poll().
	 */
	void (*turn)(void *context);
	void *context;
};

/* A vhost-user front-end with a network card behind it, over any connected stream socket. */
struct fake_frontend {
	struct fake_frontend_options options;
	struct fake_card *card; /* borrowed: it outlives connections */
	int fd; /* owned */
	int backend_fd; /* our end of the back-end's own channel, or -1 */
	uint64_t offered;
	uint64_t features; /* accepted */
	uint64_t protocol; /* accepted */
};

/* Connect to a path as the named guest, or as nobody (NULL). Blocking. A descriptor, or -errno. */
int fake_frontend_connect(const char *path, const char *name);

/* The descriptor is taken. Nothing is said yet. */
void fake_frontend_init(struct fake_frontend *frontend, struct fake_card *card, int fd,
	const struct fake_frontend_options *options);
void fake_frontend_release(struct fake_frontend *frontend);

/*
 * All that a well-behaved front-end says until both rings run: negotiates, shares memory, sets the
 * rings up, empty. Or resumes them as they are, on a new connection to a back-end of the same
 * features. 0, or -errno: -ECONNRESET when the back-end closed, -EPROTO for a wrong answer.
 */
int fake_frontend_start(struct fake_frontend *frontend);
int fake_frontend_resume(struct fake_frontend *frontend);

/* The steps of starting. */
int fake_frontend_negotiate(struct fake_frontend *frontend);
int fake_frontend_share_memory(struct fake_frontend *frontend);
int fake_frontend_set_ring(struct fake_frontend *frontend, unsigned index, uint16_t base);
int fake_frontend_enable(struct fake_frontend *frontend, unsigned index, bool enabled);
/* GET_VRING_BASE: the index it stopped at, or -errno. */
int fake_frontend_stop_ring(struct fake_frontend *frontend, unsigned index);

/* One message; -1 for fd: none. 0 or -errno. */
int fake_frontend_say(struct fake_frontend *frontend, uint32_t request, const void *payload,
	uint32_t size, int fd);
int fake_frontend_say_number(struct fake_frontend *frontend, uint32_t request, uint64_t number);
int fake_frontend_say_state(struct fake_frontend *frontend, uint32_t request, unsigned index,
	unsigned number);
/* Bytes with descriptors, whatever they are. 0 or -errno. */
int fake_frontend_say_raw(struct fake_frontend *frontend, const struct iovec *bytes, const int *fd,
	unsigned fd_count);
/* The answer to the request said last. 0, -ECONNRESET, -ETIMEDOUT, or -EPROTO: another's. */
int fake_frontend_hear(struct fake_frontend *frontend, uint32_t request,
	struct vhost_user_message *message);
/* Both, for questions without and answers with a number. 0 or -errno. */
int fake_frontend_ask(struct fake_frontend *frontend, uint32_t request, uint64_t *number);

/* Whether the back-end closes, or has closed, the connection; without, after a time out. */
bool fake_frontend_closed(struct fake_frontend *frontend);

#endif
