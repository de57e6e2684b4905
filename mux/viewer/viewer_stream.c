/* A viewer's connection to muxd: the method Attach, then the attach stream. */

#include "viewer_stream.h"

#include "compiler.h"
#include "control.h"
#include "stream.h"
#include "unix_socket.h"
#include "varlink.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_PAUSE_MS 20
#define LONGEST_PAUSE_MS 1000
#define READ_AHEAD ((size_t)4 * ATTACH_BYTES_MAX)

static const struct message_rule rules[] = {
	{ ATTACH_CHANNEL, "CHANNEL", 4, ATTACH_TEXT_MAX },
	{ ATTACH_GONE, "GONE", 4, 4 },
	{ ATTACH_OUTPUT, "OUTPUT", sizeof(struct attach_output),
		sizeof(struct attach_output) + ATTACH_BYTES_MAX },
	{ ATTACH_LOST, "LOST", sizeof(struct attach_lost), sizeof(struct attach_lost) },
	{ ATTACH_CREDIT, "CREDIT", sizeof(struct attach_credit), sizeof(struct attach_credit) },
	{ ATTACH_NOTICE, "NOTICE", 0, ATTACH_TEXT_MAX },
	{ ATTACH_READY, "READY", 0, 0 },
	{ ATTACH_WRITER, "WRITER", sizeof(struct attach_writer),
		sizeof(struct attach_writer) + ATTACH_TEXT_MAX },
};

static void close_stream(struct viewer_stream *stream)
{
	if (stream->connection)
		bufferevent_free(stream->connection);
	stream->connection = NULL;
	stream->attached = false;
}

static void retry_later(struct viewer_stream *stream)
{
	struct timeval pause = {
		.tv_sec = stream->pause_ms / 1000,
		.tv_usec = stream->pause_ms % 1000 * 1000L,
	};

	stream->pause_ms *= 2;
	if (stream->pause_ms > LONGEST_PAUSE_MS)
		stream->pause_ms = LONGEST_PAUSE_MS;
	event_add(stream->retry, &pause);
}

static void lose(struct viewer_stream *stream)
{
	close_stream(stream);
	retry_later(stream);
	stream->events->lost(stream->owner);
}

static void refuse(struct viewer_stream *stream, const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const json_t *version = json_object_get(json_object_get(reply, "parameters"), "version");
	char why[256];

	close_stream(stream);
	if (json_is_integer(version))
		snprintf(why, sizeof(why),
			"muxd speaks version %lld of the attach stream, this viewer version %d",
			json_integer_value(version), ATTACH_VERSION);
	else
		snprintf(why, sizeof(why), "muxd refuses to attach: %s",
			error ? error : "no reason");
	stream->events->refused(stream->owner, why);
}

/* True when the stream has begun. */
static bool read_reply(struct viewer_stream *stream, struct evbuffer *input)
{
	struct evbuffer_ptr end = evbuffer_search(input, "", 1, NULL);
	const char *prompt;
	json_t *reply;
	size_t length;

	if (end.pos < 0) {
		if (evbuffer_get_length(input) > VARLINK_MESSAGE_MAX)
			lose(stream);
		return false;
	}
	length = (size_t)end.pos;
	reply = json_loadb((const char *)evbuffer_pullup(input, end.pos + 1), length, 0, NULL);
	evbuffer_drain(input, length + 1);
	if (!reply || json_object_get(reply, "error")) {
		refuse(stream, reply);
		json_decref(reply);
		return false;
	}
	prompt = json_string_value(json_object_get(json_object_get(reply, "parameters"), "prompt"));
	stream->attached = true;
	stream->pause_ms = FIRST_PAUSE_MS;
	stream->events->attached(stream->owner, prompt ? prompt : "cons");
	json_decref(reply);
	return true;
}

/* A handler may pause, or end the stream. */
static void read_messages(struct viewer_stream *stream, struct evbuffer *input)
{
	struct message message;
	int result = 0;

	while (stream->connection && !stream->paused) {
		result = message_next(input, rules, ARRAY_SIZE(rules), &message);
		if (result <= 0)
			break;
		stream->events->message(stream->owner, &message);
		if (stream->connection)
			message_done(input, &message);
	}
	if (result < 0)
		lose(stream);
}

static void bytes_came(struct bufferevent *connection, void *owner)
{
	struct viewer_stream *stream = owner;
	struct evbuffer *input = bufferevent_get_input(connection);

	if (stream->attached || read_reply(stream, input))
		read_messages(stream, input);
}

static void connection_changed(struct bufferevent *connection, short what, void *owner)
{
	(void)connection;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		lose(owner);
}

static int ask(struct viewer_stream *stream)
{
	json_t *request = json_pack("{s:s, s:b, s:{s:i, s:b}}", "method",
		CONTROL_INTERFACE ".Attach", "upgrade", 1, "parameters", "version", ATTACH_VERSION,
		"readOnly", stream->read_only);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int result = text ? bufferevent_write(stream->connection, text, strlen(text) + 1) : -1;

	free(text);
	json_decref(request);
	return result;
}

static void attempt(evutil_socket_t unused, short events, void *owner)
{
	struct viewer_stream *stream = owner;
	int fd = unix_connect(stream->path);

	(void)unused;
	(void)events;
	if (fd < 0) {
		lose(stream);
		return;
	}
	stream->connection = bufferevent_socket_new(stream->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!stream->connection) {
		close(fd);
		lose(stream);
		return;
	}
	bufferevent_setcb(stream->connection, bytes_came, NULL, connection_changed, stream);
	bufferevent_setwatermark(stream->connection, EV_READ, 0, READ_AHEAD);
	bufferevent_enable(stream->connection, EV_READ | EV_WRITE);
	stream->paused = false;
	if (ask(stream))
		lose(stream);
}

int viewer_stream_start(struct viewer_stream *stream)
{
	stream->pause_ms = FIRST_PAUSE_MS;
	stream->retry = evtimer_new(stream->base, attempt, stream);
	if (!stream->retry)
		return -ENOMEM;
	event_active(stream->retry, EV_TIMEOUT, 1);
	return 0;
}

void viewer_stream_stop(struct viewer_stream *stream)
{
	close_stream(stream);
	if (stream->retry)
		event_free(stream->retry);
	stream->retry = NULL;
}

void viewer_stream_pause(struct viewer_stream *stream, bool paused)
{
	if (!stream->connection || stream->paused == paused)
		return;
	stream->paused = paused;
	if (paused) {
		bufferevent_disable(stream->connection, EV_READ);
		return;
	}
	bufferevent_enable(stream->connection, EV_READ);
	bufferevent_trigger(stream->connection, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

void viewer_stream_send(struct viewer_stream *stream, enum attach_message type, const void *body,
	size_t length)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)body, .iov_len = length };

	if (stream->attached)
		message_send(bufferevent_get_output(stream->connection), (uint16_t)type, &part, 1);
}

void viewer_stream_send_input(struct viewer_stream *stream, uint32_t id, const void *bytes,
	size_t length)
{
	struct iovec parts[] = {
		{ .iov_base = &id, .iov_len = sizeof(id) },
		{ .iov_base = (void *)(uintptr_t)bytes, .iov_len = length },
	};

	if (!stream->attached)
		return;
	message_send(bufferevent_get_output(stream->connection), ATTACH_INPUT, parts,
		ARRAY_SIZE(parts));
	stream_flush(stream->connection);
}
