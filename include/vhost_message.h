#ifndef VHOST_MESSAGE_H
#define VHOST_MESSAGE_H

#include "vhost_user.h"

#include <stdint.h>

/*
 * Messages of vhost_user.h and the descriptors that come along, over a stream socket that does not
 * block; either end's.
 */

/* One message on its way in. Starts zeroed; descriptors in it are owned. */
struct vhost_reader {
	struct vhost_user_message message;
	uint32_t have; /* bytes of the message */
	unsigned fd_count;
	int fd[VHOST_USER_FDS_MAX];
};

/*
 * Read on: 1 when the message is whole, 0 when more has to come, -ECONNRESET when the other end has
 * closed, -EPROTO for a header of another version, a payload longer than any is, or more
 * descriptors than allowed; else -errno. Never reads beyond the message. Once it is whole, the
 * reader's owner takes the descriptors it wants out of fd[] (leaving -1), and vhost_reader_next()
 * closes the rest and makes room; it is due after an error too.
 */
int vhost_read(struct vhost_reader *reader, int socket);
void vhost_reader_next(struct vhost_reader *reader);

/*
 * The whole message and count descriptors, or -errno and nothing at all (-EAGAIN: the other end
 * does not read). The message's header says its size. Descriptors stay the caller's.
 */
int vhost_send(int socket, const struct vhost_user_message *message, const int *fd, unsigned count);

#endif
