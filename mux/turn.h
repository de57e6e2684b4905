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
 * TURN_SOON_BYTES in TURN_WINDOW_MS, in small pieces; then it is late until it has sent that little
 * for a whole window. Of the late ones the loop serves one, in turns, before it looks for new
 * events. All who are soon together are bounded by their number, so who is late waits but is never
 * left out.
 *
 * A turn counts at least some bytes, or single bytes without end would be soon. People, and a
 * program in their place that types again as soon as it sees the echo, take many small turns: those
 * of viewers count less, and what is typed at a guest allows it an answer.
 */
#define TURN_WINDOW_MS 100
#define TURN_SOON_BYTES 16384
#define TURN_SOON_READ ((size_t)4096)
#define TURN_LATE_READ ((size_t)32768)
#define TURN_LINK_BYTES 512 /* a turn counts at least so much: a guest's */
#define TURN_VIEWER_BYTES 16 /* a viewer's */
#define TURN_ANSWER_BYTES ((size_t)4 * TURN_LINK_BYTES)

struct turn {
	struct bufferevent *stream; /* borrowed */
	uint64_t since_ms; /* when the window began */
	size_t taken; /* in it */
	size_t least; /* a turn counts */
	bool late;
};

/* A loop that knows of turns; on any other, all have the same. NULL if memory is short. */
struct event_base *turn_base_create(void);

/* Before the stream is enabled. A turn of it counts at least so many bytes. */
void turn_begin(struct turn *turn, struct bufferevent *stream, size_t least);

/* From the stream's readable callback: so much was taken from its input. */
void turn_took(struct turn *turn, size_t length);

/* The stream was sent something that is likely to be answered: TURN_ANSWER_BYTES do not count. */
void turn_asked(struct turn *turn);

#endif
