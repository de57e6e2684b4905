#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;
struct event_base;
struct evbuffer;
struct terminal_guard;

/*
 * The operator's terminal, or what stands for it: standard input and output. Nothing here waits: a
 * terminal that nobody reads fills a buffer, and full() asks for no more. That is sooner where
 * something urgent may come behind it.
 */
#define TERMINAL_FULL 131072
#define TERMINAL_FULL_SOON 4096
#define TERMINAL_READ 4096

struct terminal {
	const struct terminal_guard *guard;
	int input_fd, output_fd; /* own open files where possible, not those of whoever called us */
	bool interactive; /* both are terminals */
	bool colors;
	bool moves; /* the cursor can be moved */
	bool soon; /* full at TERMINAL_FULL_SOON, until all of out is written */
	bool synchronous; /* output_fd is a file: it cannot be waited for */
	struct evbuffer *out; /* owned; what is to be written */
	struct event *readable, *writable; /* owned */
	/* Bytes were typed; length 0: the terminal is gone. */
	void (*typed)(void *owner, const uint8_t *bytes, size_t length);
	void (*drained)(void *owner); /* there is room again */
	void *owner;
};

/* 0 or -errno; then terminal_close() gives back what there is. */
int terminal_open(struct terminal *terminal, struct event_base *base,
	const struct terminal_guard *guard);
void terminal_close(struct terminal *terminal);

/* Takes the terminal, if this process is in the foreground, or gives it back as it was. */
void terminal_take(struct terminal *terminal);
void terminal_give_back(struct terminal *terminal);

void terminal_listen(struct terminal *terminal, bool on); /* for what is typed */
void terminal_drop_typed(struct terminal *terminal); /* what waits in the kernel */

/* Write what is in out, as far as possible now. */
void terminal_flush(struct terminal *terminal);
bool terminal_full(const struct terminal *terminal);
/* Before the end: wait for the terminal to take what is left, but not for long. */
void terminal_drain(struct terminal *terminal);

/* Zeroes if it is unknown. */
void terminal_size(const struct terminal *terminal, uint16_t *columns, uint16_t *rows);

#endif
