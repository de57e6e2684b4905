#ifndef VIEWER_STREAM_H
#define VIEWER_STREAM_H

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
struct viewer_stream_events {
	/* A new stream: ids and credit of the former are void. */
	void (*attached)(void *owner, const char *prompt);
	/* It ended or could not begin, and will be tried again. */
	void (*lost)(void *owner);
	/* muxd does not want us; this is the end. */
	void (*refused)(void *owner, const char *why);
	void (*message)(void *owner, const struct message *message);
};

struct viewer_stream {
	struct event_base *base;
	const char *path;
	const struct viewer_stream_events *events;
	void *owner;
	bool read_only;
	bool attached; /* the stream has begun */
	bool paused;
	unsigned pause_ms; /* before the next attempt */
	struct bufferevent *connection; /* owned */
	struct event *retry; /* owned */
};

/* Begins at once; events come from the loop, never from inside a call. 0 or -ENOMEM. */
int viewer_stream_start(struct viewer_stream *stream);
void viewer_stream_stop(struct viewer_stream *stream);

/* While paused no message is handed out and muxd's output stays with muxd. */
void viewer_stream_pause(struct viewer_stream *stream, bool paused);

/* body, then bytes. Does nothing while there is no stream. */
void viewer_stream_send(struct viewer_stream *stream, enum attach_message type, const void *body,
	size_t length);
void viewer_stream_send_input(struct viewer_stream *stream, uint32_t id, const void *bytes,
	size_t length);

#endif
