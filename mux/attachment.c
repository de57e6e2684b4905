/* A viewer's connection to muxd: the method Attach, then the attach stream. */

#include "attachment.h"

#include "compiler.h"
#include "control.h"
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
#define READ_AHEAD (4 * ATTACH_BYTES_MAX)

static const struct message_rule rules[] = {
	{ ATTACH_CHANNEL, "CHANNEL", 4, ATTACH_TEXT_MAX },
	{ ATTACH_GONE, "GONE", 4, 4 },
	{ ATTACH_OUTPUT, "OUTPUT", sizeof(struct attach_output),
		sizeof(struct attach_output) + ATTACH_BYTES_MAX },
	{ ATTACH_LOST, "LOST", sizeof(struct attach_lost), sizeof(struct attach_lost) },
	{ ATTACH_CREDIT, "CREDIT", sizeof(struct attach_credit), sizeof(struct attach_credit) },
	{ ATTACH_NOTICE, "NOTICE", 0, ATTACH_TEXT_MAX },
	{ ATTACH_READY, "READY", 0, 0 },
};

static void close_stream(struct attachment *attachment)
{
	if (attachment->stream)
		bufferevent_free(attachment->stream);
	attachment->stream = NULL;
	attachment->attached = false;
}

static void retry_later(struct attachment *attachment)
{
	struct timeval pause = {
		.tv_sec = attachment->pause_ms / 1000,
		.tv_usec = attachment->pause_ms % 1000 * 1000,
	};

	attachment->pause_ms *= 2;
	if (attachment->pause_ms > LONGEST_PAUSE_MS)
		attachment->pause_ms = LONGEST_PAUSE_MS;
	event_add(attachment->retry, &pause);
}

static void lose(struct attachment *attachment)
{
	close_stream(attachment);
	retry_later(attachment);
	attachment->events->lost(attachment->owner);
}

static void refuse(struct attachment *attachment, const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const json_t *version = json_object_get(json_object_get(reply, "parameters"), "version");
	char why[256];

	close_stream(attachment);
	if (json_is_integer(version))
		snprintf(why, sizeof(why),
			"muxd speaks version %lld of the attach stream, this viewer version %d",
			json_integer_value(version), ATTACH_VERSION);
	else
		snprintf(why, sizeof(why), "muxd refuses to attach: %s",
			error ? error : "no reason");
	attachment->events->refused(attachment->owner, why);
}

/* True when the stream has begun. */
static bool read_reply(struct attachment *attachment, struct evbuffer *input)
{
	struct evbuffer_ptr end = evbuffer_search(input, "", 1, NULL);
	const char *prompt;
	json_t *reply;
	size_t length;

	if (end.pos < 0) {
		if (evbuffer_get_length(input) > VARLINK_MESSAGE_MAX)
			lose(attachment);
		return false;
	}
	length = (size_t)end.pos;
	reply = json_loadb((const char *)evbuffer_pullup(input, end.pos + 1), length, 0, NULL);
	evbuffer_drain(input, length + 1);
	if (!reply || json_object_get(reply, "error")) {
		refuse(attachment, reply);
		json_decref(reply);
		return false;
	}
	prompt = json_string_value(json_object_get(json_object_get(reply, "parameters"), "prompt"));
	attachment->attached = true;
	attachment->pause_ms = FIRST_PAUSE_MS;
	attachment->events->attached(attachment->owner, prompt ? prompt : "cons");
	json_decref(reply);
	return true;
}

/* A handler may pause, or end the stream. */
static void read_messages(struct attachment *attachment, struct evbuffer *input)
{
	struct message message;
	int result = 0;

	while (attachment->stream && !attachment->paused) {
		result = message_next(input, rules, ARRAY_SIZE(rules), &message);
		if (result <= 0)
			break;
		attachment->events->message(attachment->owner, &message);
		if (attachment->stream)
			message_done(input, &message);
	}
	if (result < 0)
		lose(attachment);
}

static void bytes_came(struct bufferevent *stream, void *owner)
{
	struct attachment *attachment = owner;
	struct evbuffer *input = bufferevent_get_input(stream);

	if (attachment->attached || read_reply(attachment, input))
		read_messages(attachment, input);
}

static void stream_changed(struct bufferevent *stream, short what, void *owner)
{
	(void)stream;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		lose(owner);
}

static int ask(struct attachment *attachment)
{
	json_t *request = json_pack("{s:s, s:b, s:{s:i, s:b}}", "method",
		CONTROL_INTERFACE ".Attach", "upgrade", 1, "parameters", "version", ATTACH_VERSION,
		"readOnly", attachment->read_only);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int result = text ? bufferevent_write(attachment->stream, text, strlen(text) + 1) : -1;

	free(text);
	json_decref(request);
	return result;
}

static void attempt(evutil_socket_t unused, short events, void *owner)
{
	struct attachment *attachment = owner;
	int fd = unix_connect(attachment->path);

	(void)unused;
	(void)events;
	if (fd < 0) {
		lose(attachment);
		return;
	}
	attachment->stream = bufferevent_socket_new(attachment->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!attachment->stream) {
		close(fd);
		lose(attachment);
		return;
	}
	bufferevent_setcb(attachment->stream, bytes_came, NULL, stream_changed, attachment);
	bufferevent_setwatermark(attachment->stream, EV_READ, 0, READ_AHEAD);
	bufferevent_enable(attachment->stream, EV_READ | EV_WRITE);
	attachment->paused = false;
	if (ask(attachment))
		lose(attachment);
}

int attachment_start(struct attachment *attachment)
{
	attachment->pause_ms = FIRST_PAUSE_MS;
	attachment->retry = evtimer_new(attachment->base, attempt, attachment);
	if (!attachment->retry)
		return -ENOMEM;
	event_active(attachment->retry, EV_TIMEOUT, 1);
	return 0;
}

void attachment_stop(struct attachment *attachment)
{
	close_stream(attachment);
	if (attachment->retry)
		event_free(attachment->retry);
	attachment->retry = NULL;
}

void attachment_pause(struct attachment *attachment, bool paused)
{
	if (!attachment->stream || attachment->paused == paused)
		return;
	attachment->paused = paused;
	if (paused) {
		bufferevent_disable(attachment->stream, EV_READ);
		return;
	}
	bufferevent_enable(attachment->stream, EV_READ);
	bufferevent_trigger(attachment->stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

void attachment_send(struct attachment *attachment, enum attach_message type, const void *body,
	size_t length)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)body, .iov_len = length };

	if (attachment->attached)
		message_send(bufferevent_get_output(attachment->stream), (uint16_t)type, &part, 1);
}

void attachment_send_input(struct attachment *attachment, uint32_t id, const void *bytes,
	size_t length)
{
	struct iovec parts[] = {
		{ .iov_base = &id, .iov_len = sizeof(id) },
		{ .iov_base = (void *)(uintptr_t)bytes, .iov_len = length },
	};

	if (attachment->attached)
		message_send(bufferevent_get_output(attachment->stream), ATTACH_INPUT, parts,
			ARRAY_SIZE(parts));
}
