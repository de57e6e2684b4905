#ifndef CONSOLE_LINK_INTERNAL_H
#define CONSOLE_LINK_INTERNAL_H

#include "console_link.h"

#include <event2/event_struct.h>
#include <pthread.h>

#define CONSOLE_INPUT_SIZE 16384
#define CONSOLE_CHANGES_KEPT 8

struct evbuffer;

/* A change of the guest's state that muxd does not have yet. */
struct console_pending_change {
	uint64_t offset; /* the output before it */
	uint64_t number;
	enum console_state state;
	char reason[CONSOLE_REASON_MAX + 1];
};

/*
 * Output, input and their counters are under the lock; the connection belongs to the main thread.
 *
 * Who wakes whom: the connection sets idle when it has sent everything; the writer that finds it
 * set clears it and wakes the loop. So a burst costs one wake-up, and none while muxd is away.
 */
struct console_link {
	pthread_mutex_t lock;
	uint8_t *ring; /* owned; byte number n of the output stands at n % ring_size */
	size_t ring_size;
	size_t history_size; /* that muxd is to keep; 0: as it likes */
	uint64_t end; /* of the output */
	uint64_t next; /* to be sent; while there is no connection, to be sent as far as known */
	uint64_t acked;
	uint64_t lost; /* skipped for ever before next */
	bool idle;
	bool established; /* HELLO and WELCOME are through */
	bool accepted; /* they were before */
	uint8_t input[CONSOLE_INPUT_SIZE]; /* byte n stands at n % CONSOLE_INPUT_SIZE */
	uint64_t received;
	uint64_t read; /* of the received, by the device */
	uint64_t granted; /* what received may become */

	struct event_base *base; /* borrowed; here on the main thread only */
	pthread_t loop_thread;
	char *name; /* owned */
	char *path; /* owned */
	uint8_t boot_id[16];
	char key;
	char color;
	uint8_t flags;
	struct console_consumer *consumer; /* borrowed */
	void (*refused)(void *owner, const char *reason);
	void *refused_owner;

	int fd; /* -1: no connection */
	struct evbuffer *from_muxd; /* owned */
	struct evbuffer *to_muxd; /* owned */
	struct event readable;
	struct event writable;
	struct event retry;
	struct event wake;
	int wake_fd;
	unsigned delay_ms; /* before the next attempt */
	uint64_t input_base; /* received at the start of this connection */
	bool reported; /* that muxd is away */
	bool receiving; /* messages are being handled */
	char reason[CONSOLE_REASON_MAX + 1]; /* of the last refusal */

	enum console_state state;
	uint64_t changes; /* of state so far: the number of the last one */
	uint64_t changes_sent;
	uint64_t changes_acked;
	struct console_pending_change change[CONSOLE_CHANGES_KEPT]; /* number n at n % KEPT */
	struct console_size size;
	bool size_known;
};

/* 0 or -errno. Then the first attempt to connect is made by the loop. */
int console_connection_init(struct console_link *link);
void console_connection_destroy(struct console_link *link);

void console_connection_connect(struct console_link *link);
void console_connection_receive(struct console_link *link);

/* Send what there is to send, as far as the socket takes it. */
void console_connection_progress(struct console_link *link);

/* With the lock held: is it time to allow more input? */
bool console_credit_due(const struct console_link *link);

/* With the lock held: the oldest output there is. */
uint64_t console_ring_begin(const struct console_link *link);

#endif
