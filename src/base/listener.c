/* Accepts connections without keeping the loop to itself. */

#include "listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTED_A_TURN 16
#define PAUSE_US 100000

struct listener {
	int fd; /* owned */
	struct event readable;
	struct event retry; /* goes on after an error */
	void (*accepted)(void *owner, int fd);
	void (*failed)(void *owner, int error);
	void *owner;
};

static void pause_for(struct listener *listener, int error)
{
	const struct timeval pause = { .tv_usec = PAUSE_US };

	event_del(&listener->readable);
	event_add(&listener->retry, &pause);
	listener->failed(listener->owner, error);
}

static void readable(evutil_socket_t socket, short what, void *owner)
{
	struct listener *listener = owner;

	(void)what;
	for (unsigned i = 0; i < ACCEPTED_A_TURN; i++) {
		int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			listener->accepted(listener->owner, fd);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			if (errno != EAGAIN)
				pause_for(listener, errno);
			return;
		}
	}
}

static void go_on(evutil_socket_t socket, short what, void *owner)
{
	struct listener *listener = owner;

	(void)socket;
	(void)what;
	event_add(&listener->readable, NULL);
}

struct listener *listener_create(struct event_base *base, int fd,
	void (*accepted)(void *owner, int fd), void (*failed)(void *owner, int error), void *owner)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener) {
		close(fd);
		return NULL;
	}
	*listener = (struct listener){
		.fd = fd,
		.accepted = accepted,
		.failed = failed,
		.owner = owner,
	};
	evutil_make_socket_nonblocking(fd);
	event_assign(&listener->readable, base, fd, EV_READ | EV_PERSIST, readable, listener);
	event_assign(&listener->retry, base, -1, 0, go_on, listener);
	if (!event_add(&listener->readable, NULL))
		return listener;
	listener_destroy(listener);
	return NULL;
}

void listener_destroy(struct listener *listener)
{
	if (!listener)
		return;
	event_del(&listener->readable);
	event_del(&listener->retry);
	close(listener->fd);
	free(listener);
}
