#ifndef TURN_H
#define TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bufferevent;
struct event_base;

/*
 * Whose input is read first: who sends little before who sends much, so that a keystroke and its
 * echo do not wait for what sixty guests print.
 *
 * How it works. The loop has two priorities. A stream is soon as long as it sends no more than
 * TURN_SOON_BYTES in TURN_WINDOW_MS, in small pieces; then it is late until it sends little again.
 * Of the late ones the loop serves a few, in turns, before it looks for new events. All who are
 * soon together are bounded by their number, so who is late waits but is never left out.
 */
#define TURN_WINDOW_MS 100
#define TURN_SOON_BYTES 16384
#define TURN_SOON_READ ((size_t)4096)
#define TURN_LATE_READ ((size_t)65536)
#define TURN_CALL_BYTES 512 /* a turn counts at least so much */

struct turn {
	struct bufferevent *stream; /* borrowed */
	uint64_t since_ms; /* when the window began */
	size_t taken; /* in it */
	bool late;
};

/* A loop that knows of turns; on any other, all have the same. NULL if memory is short. */
struct event_base *turn_base_create(void);

/* Before the stream is enabled. */
void turn_begin(struct turn *turn, struct bufferevent *stream);

/* From the stream's readable callback: so much was taken from its input. */
void turn_took(struct turn *turn, size_t length);

#endif
