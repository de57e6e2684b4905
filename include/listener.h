#ifndef LISTENER_H
#define LISTENER_H

struct event_base;
struct listener;

/*
 * Accepts connections, a few at each turn of the loop: who connects without end delays the others,
 * but does not keep them away. Out of descriptors, it pauses; who waits stays waiting.
 *
 * fd listens, and is taken in any case; NULL: no memory. accepted() owns the connection, which is
 * non-blocking and close-on-exec; failed() is told an errno. Neither may destroy the listener.
 */
struct listener *listener_create(struct event_base *base, int fd,
	void (*accepted)(void *owner, int fd), void (*failed)(void *owner, int error), void *owner);
void listener_destroy(struct listener *listener); /* takes NULL */

#endif
