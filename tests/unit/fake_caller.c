/* The other end of a varlink service, in the service's own thread. */

#include "fake_caller.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TURNS 50

void fake_caller_turns(const struct fake_caller *caller)
{
	for (int i = 0; i < TURNS; i++)
		event_base_loop(caller->base, EVLOOP_NONBLOCK);
}

static void turn(const struct fake_caller *caller)
{
	struct pollfd poll_fd = { .fd = caller->fd, .events = POLLIN };

	event_base_loop(caller->base, EVLOOP_NONBLOCK);
	poll(&poll_fd, 1, 1);
}

bool fake_caller_wait(const struct fake_caller *caller)
{
	char byte;

	for (int i = 0; i < FAKE_CALLER_PATIENCE; i++) {
		if (recv(caller->fd, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN)
			return true;
		turn(caller);
	}
	return false;
}

/* The socket's buffers may be smaller than what is sent. */
void fake_caller_post_bytes(const struct fake_caller *caller, const char *bytes, size_t length)
{
	for (int i = 0; length && i < FAKE_CALLER_PATIENCE; i++) {
		ssize_t sent = send(caller->fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent < 0) {
			turn(caller);
			continue;
		}
		bytes += sent;
		length -= (size_t)sent;
	}
}

void fake_caller_post(const struct fake_caller *caller, const char *request)
{
	fake_caller_post_bytes(caller, request, strlen(request) + 1);
}

json_t *fake_caller_take(const struct fake_caller *caller)
{
	static char text[2 * VARLINK_MESSAGE_MAX];
	size_t length = 0;

	while (length < sizeof(text) && fake_caller_wait(caller)) {
		if (recv(caller->fd, text + length, 1, 0) != 1)
			return NULL;
		if (!text[length++])
			return json_loads(text, 0, NULL);
	}
	return NULL;
}
