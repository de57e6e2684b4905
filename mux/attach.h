#ifndef ATTACH_H
#define ATTACH_H

#include "compiler.h"
#include "mux.h"

struct attach_peer;
struct bufferevent;
struct channel;
struct person;

/*
 * muxd's end of an attach stream (attach_stream.h); takes the stream. It ends by itself when the
 * viewer goes. person: who that is; NULL: as the kernel knows it. False if memory is short.
 */
bool attach_begin(struct mux *mux, struct bufferevent *stream, bool read_only,
	const struct person *person);
void attach_destroy(struct attach_peer *peer);

/* What happened to a channel, for all viewers. None of these ends an peer at once. */
void attach_channel_created(struct channel *channel);
void attach_channel_changed(struct channel *channel);
void attach_channel_output(struct channel *channel);
void attach_channel_took_input(struct channel *channel);
void attach_channel_dropped(struct channel *channel);

/* A line for people. Viewers that do not read miss it. */
void attach_notice(struct mux *mux, const char *format, ...) PRINTF_LIKE(2, 3);

/* Who types at a channel, or NULL, and how many others are connected to it. */
const struct person *attach_writer(const struct channel *channel);
unsigned attach_watchers(const struct channel *channel);

/* May one more viewer of this user come? */
bool attach_has_room(const struct mux *mux, int fd);

#endif
