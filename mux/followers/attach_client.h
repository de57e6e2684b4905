#ifndef ATTACH_CLIENT_H
#define ATTACH_CLIENT_H

#include "attach_stream.h"
#include "console_protocol.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct bufferevent;
struct message;

/*
 * The other end of an attach stream (attach_stream.h), without a display: which channels there
 * are, and the output of those that are followed, each byte once and in order.
 *
 * How it works. Output carries its position, and each channel knows the next one it wants. What is
 * on its way when a follow begins anew, elsewhere, is recognized by that: what overlaps is cut,
 * what does not fit is dropped, and muxd sends from the wanted position on.
 */
struct attach_client_channel {
	char name[CONSOLE_NAME_MAX + 1];
	uint32_t id;
	uint64_t begin, end; /* of its history, as announced */
	uint64_t position; /* the next one wanted */
	bool following;
	bool input; /* it was asked for */
	uint64_t credit; /* input bytes in all that muxd takes */
	uint64_t sent;
	uint32_t writer; /* enum attach_writer_state; 0: not told yet */
	void *own; /* of whoever uses the client */
	LIST_ENTRY(attach_client_channel) link;
};

struct attach_client_piece {
	const uint8_t *bytes;
	size_t length;
	uint64_t time_ms; /* when they came, since the epoch; 0: not known */
};

/* What came. A function may follow, unfollow and type. */
struct attach_client_events {
	/* There is a channel, or what muxd says of it changed: "about" is that. */
	void (*announced)(void *owner, struct attach_client_channel *channel, const json_t *about);
	/* It was dropped, and is freed after. */
	void (*gone)(void *owner, struct attach_client_channel *channel);
	/* position is that of the first byte, and then moves behind the last. */
	void (*output)(void *owner, struct attach_client_channel *channel,
		const struct attach_client_piece *piece);
	/* So many bytes behind position are no longer there; position is moved after. */
	void (*lost)(void *owner, struct attach_client_channel *channel, uint64_t count);
	/* Who types, or how much may be typed. NULL: nothing is. */
	void (*input_changed)(void *owner, struct attach_client_channel *channel);
	/* All that came was handed out. */
	void (*turn_ended)(void *owner);
	/* The stream has ended, or makes no sense: nothing comes any more. */
	void (*ended)(void *owner);
};

struct attach_client {
	const struct attach_client_events *events;
	void *owner;
	struct bufferevent *stream; /* owned; NULL once it has ended */
	LIST_HEAD(, attach_client_channel) channels; /* owned */
};

/* Takes the stream, on which nothing but messages come from here on. */
void attach_client_begin(struct attach_client *client, struct bufferevent *stream);
void attach_client_end(struct attach_client *client); /* also of a zeroed one */

/* From position on, or from where the history begins; flags are those of attach_follow. */
void attach_client_follow(struct attach_client *client, struct attach_client_channel *channel,
	uint64_t position, uint32_t flags);
void attach_client_unfollow(struct attach_client *client, struct attach_client_channel *channel);

/* Ask to be the one who types; where nobody does, that is so at once. */
void attach_client_ask(struct attach_client *client, struct attach_client_channel *channel);
/* Is it us? */
bool attach_client_types(const struct attach_client_channel *channel);

/* Say something about a channel to all viewers. */
void attach_client_announce(struct attach_client *client, struct attach_client_channel *channel,
	const char *text);

/* How many bytes muxd takes now. */
size_t attach_client_room(const struct attach_client_channel *channel);
/* Of the terminal. */
void attach_client_resize(struct attach_client *client, struct attach_client_channel *channel,
	uint16_t columns, uint16_t rows);

/* At most so many. */
void attach_client_type(struct attach_client *client, struct attach_client_channel *channel,
	const void *bytes, size_t length);

#endif
