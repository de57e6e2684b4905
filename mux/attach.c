/* muxd's end of the attach streams: what viewers are told (attach_stream.h). */

#include "attach.h"

#include "attach_internal.h"
#include "attach_stream.h"
#include "channel.h"
#include "message.h"
#include "stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define OUTPUT_PIECE 16384
#define UNSENT_MOST 65536 /* beyond it nothing is added until the viewer reads */
#define UNSENT_LOW 16384
#define OTHERS_PIECE 8192 /* of other channels than the one it is connected to */
#define SOCKET_FREE 106496 /* bytes for the kernel to hold of a viewer */
#define SOCKET_CONNECTED 32768 /* that is connected */
#define SOCKET_CROWDED 16384 /* and sees what others print, too */
#define GONE_MOST 4096
#define INPUT_WINDOW 16384

void attach_doom(struct attach_peer *peer)
{
	if (!peer->doomed)
		bufferevent_trigger_event(peer->stream, BEV_EVENT_ERROR, BEV_TRIG_DEFER_CALLBACKS);
	peer->doomed = true;
}

void attach_tell(struct attach_peer *peer, uint16_t type, const struct iovec *parts, unsigned count)
{
	if (message_send(bufferevent_get_output(peer->stream), type, parts, count))
		attach_doom(peer);
}

static struct follow_queue *queue_of(struct follow *follow)
{
	return follow->queued_connected ? &follow->peer->ready_connected : &follow->peer->ready;
}

static void dequeue(struct follow *follow)
{
	if (follow->queued)
		TAILQ_REMOVE(queue_of(follow), follow, of_ready);
	follow->queued = false;
}

static void follow_free(struct follow *follow)
{
	struct attach_peer *peer = follow->peer;

	if (!follow->announced)
		peer->unannounced--;
	dequeue(follow);
	peer->connected -= follow->input;
	if (follow->channel)
		LIST_REMOVE(follow, of_channel);
	else
		peer->gone--;
	LIST_REMOVE(follow, of_peer);
	free(follow);
}

static void tell_channel(struct follow *follow)
{
	json_t *json = channel_brief_json(follow->channel);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	struct iovec parts[] = {
		{ &follow->id, sizeof(follow->id) },
		{ text, text ? strlen(text) : 0 },
	};

	follow->announce = false;
	if (!follow->announced)
		follow->peer->unannounced--;
	follow->announced = true;
	if (text)
		attach_tell(follow->peer, ATTACH_CHANNEL, parts, ARRAY_SIZE(parts));
	else
		attach_doom(follow->peer);
	free(text);
	json_decref(json);
}

static void tell_gone(struct follow *follow)
{
	struct iovec part = { &follow->id, sizeof(follow->id) };

	attach_tell(follow->peer, ATTACH_GONE, &part, 1);
	follow_free(follow);
}

static void tell_credit(struct follow *follow)
{
	struct attach_credit credit = { .id = follow->id, .total = follow->granted };
	struct iovec part = { &credit, sizeof(credit) };

	follow->credit = false;
	attach_tell(follow->peer, ATTACH_CREDIT, &part, 1);
}

static void tell_lost(struct follow *follow)
{
	uint64_t begin = history_begin(&follow->channel->history);
	struct attach_lost lost = {
		.id = follow->id,
		.count = begin - follow->position,
		.position = begin,
	};
	struct iovec part = { &lost, sizeof(lost) };

	follow->position = begin;
	attach_tell(follow->peer, ATTACH_LOST, &part, 1);
}

/* What the kernel holds already cannot be overtaken by an echo: it is not to be much. */
static void hold(const struct attach_peer *peer, int size)
{
	setsockopt(bufferevent_getfd(peer->stream), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static bool has_output(const struct follow *follow)
{
	return follow->streaming && follow->position < follow->channel->history.committed;
}

static void tell_output(struct follow *follow)
{
	const struct history *history = &follow->channel->history;
	struct attach_output output = {
		.id = follow->id,
		.position = follow->position,
		.time_ms = history_time(history, follow->position),
	};
	struct iovec parts[3] = { { &output, sizeof(output) } };
	bool other = follow->peer->connected && !follow->input;
	uint64_t limit = other ? OTHERS_PIECE : OUTPUT_PIECE, most = limit;

	if (follow->times)
		most = history_next_time(history, follow->position) - follow->position;
	if (most > limit)
		most = limit;
	if (other && !follow->peer->crowded)
		hold(follow->peer, SOCKET_CROWDED);
	follow->peer->crowded |= other;
	follow->position += history_look(history, follow->position, (size_t)most, parts + 1);
	attach_tell(follow->peer, ATTACH_OUTPUT, parts, ARRAY_SIZE(parts));
	if (!other)
		follow->peer->behind = has_output(follow);
}

static bool has_news(const struct follow *follow)
{
	return !follow->channel || follow->announce || follow->writer_due || follow->asker_due ||
		follow->credit || has_output(follow);
}

/* One thing. False: it was the last, and the follow is gone. */
static bool tell_news(struct follow *follow)
{
	if (!follow->channel) {
		tell_gone(follow);
		return false;
	}
	if (follow->announce)
		tell_channel(follow);
	else if (follow->writer_due || follow->asker_due)
		attach_writer_tell(follow);
	else if (follow->credit)
		tell_credit(follow);
	else if (has_output(follow) && follow->position < history_begin(&follow->channel->history))
		tell_lost(follow);
	else if (has_output(follow))
		tell_output(follow);
	return true;
}

static void enqueue(struct follow *follow)
{
	if (follow->queued || !has_news(follow))
		return;
	follow->queued = true;
	follow->queued_connected = follow->input;
	TAILQ_INSERT_TAIL(queue_of(follow), follow, of_ready);
}

/*
 * The next one to tell something, taken out of its queue, or NULL. Others than the one the viewer
 * is connected to wait until all is sent, so that no echo comes to stand behind much of theirs;
 * unless that one itself prints more than is sent.
 */
static struct follow *next_ready(struct attach_peer *peer, size_t unsent)
{
	struct follow *connected = TAILQ_FIRST(&peer->ready_connected);
	struct follow *other = TAILQ_FIRST(&peer->ready);
	struct follow *next = other && (peer->others_turn || !connected) ? other : connected;

	if (next == other && peer->connected && unsent && !peer->behind)
		next = connected;
	peer->others_turn = next == connected;
	if (next)
		dequeue(next);
	return next;
}

void attach_connect(struct follow *follow, bool connected)
{
	struct attach_peer *peer = follow->peer;

	if (follow->input == connected)
		return;
	dequeue(follow);
	follow->input = connected;
	if (connected && !peer->connected++) {
		peer->crowded = false;
		hold(peer, SOCKET_CONNECTED);
	} else if (!connected && !--peer->connected) {
		hold(peer, SOCKET_FREE);
	}
	enqueue(follow);
}

static void tell_ready(struct attach_peer *peer)
{
	if (peer->unannounced || peer->ready_told)
		return;
	peer->ready_told = true;
	attach_tell(peer, ATTACH_READY, NULL, 0);
}

static void progress(struct attach_peer *peer)
{
	struct evbuffer *output = bufferevent_get_output(peer->stream);
	struct follow *follow;
	bool told = false;

	while (!peer->doomed && evbuffer_get_length(output) < UNSENT_MOST &&
		(follow = next_ready(peer, evbuffer_get_length(output)))) {
		if (tell_news(follow))
			enqueue(follow);
		tell_ready(peer);
		told = true;
	}
	tell_ready(peer);
	if (peer->doomed || !told)
		return;
	stream_flush(peer->stream); /* an echo is on its way to eyes */
	if (!evbuffer_get_length(output) && !TAILQ_EMPTY(&peer->ready))
		bufferevent_trigger(peer->stream, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
}

void attach_wake(struct follow *follow)
{
	struct attach_peer *peer = follow->peer;

	enqueue(follow);
	progress(peer);
}

void attach_allow(struct follow *follow)
{
	if (follow->channel->writer != follow ||
		follow->granted - follow->received > INPUT_WINDOW / 2 ||
		evbuffer_get_length(follow->channel->input) >= CHANNEL_INPUT_PAUSE)
		return;
	follow->granted = follow->received + INPUT_WINDOW;
	follow->credit = true;
	attach_wake(follow);
}

static void follow_create(struct attach_peer *peer, struct channel *channel)
{
	struct follow *follow = calloc(1, sizeof(*follow));

	if (!follow) {
		attach_doom(peer);
		return;
	}
	follow->peer = peer;
	follow->channel = channel;
	follow->id = channel->id;
	follow->announce = true;
	peer->unannounced++;
	LIST_INSERT_HEAD(&peer->follows, follow, of_peer);
	LIST_INSERT_HEAD(&channel->follows, follow, of_channel);
	enqueue(follow);
}

void attach_channel_created(struct channel *channel)
{
	struct attach_peer *peer;

	LIST_FOREACH(peer, &channel->mux->peers, link)
	{
		follow_create(peer, channel);
		progress(peer);
	}
}

void attach_channel_changed(struct channel *channel)
{
	struct follow *follow;

	LIST_FOREACH(follow, &channel->follows, of_channel)
	{
		follow->announce = true;
		attach_wake(follow);
	}
}

void attach_channel_output(struct channel *channel)
{
	struct follow *follow;

	LIST_FOREACH(follow, &channel->follows, of_channel)
	{
		if (follow->streaming)
			attach_wake(follow);
	}
}

void attach_channel_took_input(struct channel *channel)
{
	struct follow *follow;

	LIST_FOREACH(follow, &channel->follows, of_channel)
	{
		attach_allow(follow);
	}
}

void attach_channel_dropped(struct channel *channel)
{
	struct follow *follow;

	channel->writer = NULL;
	while ((follow = LIST_FIRST(&channel->follows))) {
		struct attach_peer *peer = follow->peer;

		LIST_REMOVE(follow, of_channel);
		follow->channel = NULL;
		if (++peer->gone > GONE_MOST)
			attach_doom(peer);
		if (follow->announced)
			attach_wake(follow);
		else
			follow_free(follow);
	}
}

void attach_notice(struct mux *mux, const char *format, ...)
{
	struct attach_peer *peer;
	char text[512];
	struct iovec part = { text, 0 };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	part.iov_len = strlen(text);
	LIST_FOREACH(peer, &mux->peers, link)
	{
		if (evbuffer_get_length(bufferevent_get_output(peer->stream)) < UNSENT_MOST)
			attach_tell(peer, ATTACH_NOTICE, &part, 1);
	}
}

bool attach_has_room(const struct mux *mux, int fd)
{
	const struct attach_peer *peer;
	uid_t uid = person_uid_at(fd);
	unsigned count = 0;

	LIST_FOREACH(peer, &mux->peers, link)
	{
		count += peer->person.uid == uid;
	}
	return mux->peer_count < ATTACH_PEERS_MAX &&
		(count < ATTACH_PEERS_OF_USER_MAX || person_is_ours(uid));
}

void attach_destroy(struct attach_peer *peer)
{
	struct follow *follow;

	while ((follow = LIST_FIRST(&peer->follows))) {
		attach_connect(follow, false);
		attach_writer_leave(follow);
		follow_free(follow);
	}
	LIST_REMOVE(peer, link);
	peer->mux->peer_count--;
	bufferevent_free(peer->stream);
	free(peer);
}

static void attach_readable(struct bufferevent *stream, void *owner)
{
	struct attach_peer *peer = owner;
	struct evbuffer *input = bufferevent_get_input(stream);
	size_t length = evbuffer_get_length(input);
	struct message message;
	int result = 0;

	while (!peer->doomed &&
		(result = message_next(input, attach_rules, attach_rule_count, &message)) == 1) {
		result = attach_handle(peer, &message);
		if (result)
			break;
		message_done(input, &message);
	}
	turn_took(&peer->turn, length - evbuffer_get_length(input));
	if (result < 0) {
		log_limited(&peer->mux->limit, "control.sock: closed an attach stream: %s",
			result == -EPROTO ? "it does not keep to the protocol" : strerror(-result));
		attach_doom(peer);
	}
}

static void attach_written(struct bufferevent *stream, void *owner)
{
	(void)stream;
	progress(owner);
}

static void attach_event(struct bufferevent *stream, short what, void *owner)
{
	struct attach_peer *peer = owner;

	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		return;
	stream_take_rest(stream);
	attach_readable(stream, peer); /* nothing more once it is doomed */
	attach_destroy(peer);
}

bool attach_begin(struct mux *mux, struct bufferevent *stream, bool read_only,
	const struct person *person)
{
	struct attach_peer *peer = calloc(1, sizeof(*peer));
	struct channel *channel;

	if (!peer) {
		bufferevent_free(stream);
		return false;
	}
	peer->mux = mux;
	peer->stream = stream;
	peer->read_only = read_only;
	LIST_INIT(&peer->follows);
	TAILQ_INIT(&peer->ready);
	TAILQ_INIT(&peer->ready_connected);
	if (person)
		peer->person = *person;
	else
		person_at(bufferevent_getfd(stream), &peer->person);
	LIST_INSERT_HEAD(&mux->peers, peer, link);
	mux->peer_count++;
	bufferevent_setcb(stream, attach_readable, attach_written, attach_event, peer);
	turn_begin(&peer->turn, stream, TURN_VIEWER_BYTES);
	bufferevent_setwatermark(stream, EV_READ, 0, 2 * TURN_LATE_READ);
	bufferevent_setwatermark(stream, EV_WRITE, UNSENT_LOW, 0);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
	TAILQ_FOREACH(channel, &mux->channels, link)
	{
		follow_create(peer, channel);
	}
	progress(peer);
	bufferevent_trigger(stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
	return true;
}
