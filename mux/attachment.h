#ifndef ATTACHMENT_H
#define ATTACHMENT_H

#include "attach_stream.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bufferevent;
struct event;
struct event_base;

/*
 * A viewer's connection to muxd: connects, upgrades to the attach stream (attach_stream.h), and
 * when the connection ends, tries again for ever with growing pauses.
 */
struct attachment_events {
	void (*attached)(void *owner,
		const char *prompt); /* a new stream: ids and credit are void */
	void (*lost)(
		void *owner); /* the stream ended, or could not begin; it will be tried again */
	void (*refused)(void *owner, const char *why); /* muxd does not want us; not tried again */
	void (*message)(void *owner, const struct message *message);
};

struct attachment {
	struct event_base *base;
	const char *path;
	const struct attachment_events *events;
	void *owner;
	bool read_only;
	bool attached; /* the stream has begun */
	bool paused;
	unsigned pause_ms; /* before the next attempt */
	struct bufferevent *stream; /* owned */
	struct event *retry; /* owned */
};

/* Begins at once; events come from the loop, never from inside a call. 0 or -ENOMEM. */
int attachment_start(struct attachment *attachment);
void attachment_stop(struct attachment *attachment);

/* While paused no message is handed out and muxd's output stays with muxd. */
void attachment_pause(struct attachment *attachment, bool paused);

/* body, then bytes. Does nothing while there is no stream. */
void attachment_send(struct attachment *attachment, enum attach_message type, const void *body,
	size_t length);
void attachment_send_input(struct attachment *attachment, uint32_t id, const void *bytes,
	size_t length);

#endif
