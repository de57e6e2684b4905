#ifndef FAKE_CALLER_H
#define FAKE_CALLER_H

#include "varlink.h"

#include <stddef.h>

struct event_base;

/* Turns of the loop before a caller gives up: a millisecond each when nothing happens. */
#define FAKE_CALLER_PATIENCE 20000

/* Somebody at the other end of a service that runs on base, in the same thread. */
struct fake_caller {
	struct event_base *base;
	int fd; /* non-blocking */
};

/* Let the service work until it has nothing left to do, and a little longer. */
void fake_caller_turns(const struct fake_caller *caller);

/* Wait for bytes, or the end, while the service works: false when none came. */
bool fake_caller_wait(const struct fake_caller *caller);

/* Bytes as they are; a request with its NUL. What a closed connection does not take is lost. */
void fake_caller_post_bytes(const struct fake_caller *caller, const char *bytes, size_t length);
void fake_caller_post(const struct fake_caller *caller, const char *request);

/* The next reply; NULL when the connection was closed, or nothing came. */
json_t *fake_caller_take(const struct fake_caller *caller);

#endif
