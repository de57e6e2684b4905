#ifndef LAST_LINES_H
#define LAST_LINES_H

#include <stddef.h>
#include <stdint.h>

struct evbuffer;

#define LAST_LINES_BYTES 8192

/* The last lines of a stream, for who comes later. */
struct last_lines {
	struct evbuffer *bytes; /* owned */
	uint64_t end; /* position behind them */
};

/* 0 or -ENOMEM. */
int last_lines_init(struct last_lines *last);
void last_lines_release(struct last_lines *last); /* also of a zeroed one */

/* What is known is not added again; what is missing before it is forgotten. */
void last_lines_add(struct last_lines *last, uint64_t position, const uint8_t *bytes,
	size_t length);

/* At most count lines; the last one may have no end. */
void last_lines_copy(const struct last_lines *last, unsigned count, struct evbuffer *out);

#endif
