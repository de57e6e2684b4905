/* A command that muxd carries out for a viewer: the method Run. */

#include "request.h"

#include "control.h"
#include "unix_socket.h"
#include "varlink.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void finish(struct request *request, const char *message)
{
	request_cancel(request);
	request->done(request->owner, message);
}

static int value_of(char digit)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Base64, up to the first character that is none. */
static void output_base64(struct request *request, const char *text)
{
	uint8_t bytes[768];
	size_t length = 0;
	uint32_t bits = 0;
	unsigned count = 0;

	for (int value; (value = value_of(*text)) >= 0; text++) {
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		bytes[length++] = (uint8_t)(bits >> count);
		if (length < sizeof(bytes))
			continue;
		request->output(request->owner, bytes, length);
		length = 0;
	}
	request->output(request->owner, bytes, length);
}

static void fail(struct request *request, const char *error, const json_t *parameters)
{
	const char *message = json_string_value(json_object_get(parameters, "message"));
	json_int_t status = json_integer_value(json_object_get(parameters, "status"));
	char text[512];

	request->status = status == 2 ? 2 : 1;
	snprintf(text, sizeof(text), "%s", message ? message : error);
	finish(request, text);
}

/* One reply. False when it was the last. */
static bool take_reply(struct request *request, const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const json_t *parameters = json_object_get(reply, "parameters");
	const char *text = json_string_value(json_object_get(parameters, "text"));
	const char *bytes = json_string_value(json_object_get(parameters, "bytes"));

	if (!json_is_object(reply)) {
		finish(request, "muxd: its answer is no JSON");
		return false;
	}
	if (error) {
		fail(request, error, parameters);
		return false;
	}
	if (text)
		request->output(request->owner, text, strlen(text));
	if (bytes)
		output_base64(request, bytes);
	if (!request->stream || json_is_true(json_object_get(reply, "continues")))
		return request->stream != NULL;
	request->status = 0;
	finish(request, "");
	return false;
}

static void bytes_came(struct bufferevent *stream, void *owner)
{
	struct evbuffer *input = bufferevent_get_input(stream);
	struct request *request = owner;

	while (!request->paused) {
		struct evbuffer_ptr end = evbuffer_search(input, "", 1, NULL);
		json_t *reply;
		bool more;

		if (end.pos < 0)
			break;
		reply = json_loadb((const char *)evbuffer_pullup(input, end.pos + 1),
			(size_t)end.pos, JSON_ALLOW_NUL, NULL);
		evbuffer_drain(input, (size_t)end.pos + 1);
		more = take_reply(request, reply);
		json_decref(reply);
		if (!more)
			return;
	}
	if (!request->paused && evbuffer_get_length(input) > VARLINK_MESSAGE_MAX)
		finish(request, "muxd: its answer is too long");
}

static void stream_changed(struct bufferevent *stream, short what, void *owner)
{
	(void)stream;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		finish(owner, "muxd went away");
}

static int ask(struct request *request, char *const *words)
{
	json_t *list = json_array();
	json_t *message;
	char *text;
	int result;

	for (; *words; words++)
		json_array_append_new(list, json_string(*words));
	message = json_pack("{s:s, s:b, s:{s:o}}", "method", CONTROL_INTERFACE ".Run", "more", 1,
		"parameters", "words", list);
	text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	result = text ? bufferevent_write(request->stream, text, strlen(text) + 1) : -1;
	free(text);
	json_decref(message);
	return result;
}

void request_start(struct request *request, struct event_base *base, const char *path,
	char *const *words)
{
	int fd = unix_connect(path);

	request->paused = false;
	request->status = 1;
	if (fd < 0) {
		finish(request, "muxd is not there");
		return;
	}
	request->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!request->stream) {
		close(fd);
		finish(request, "no memory");
		return;
	}
	bufferevent_setcb(request->stream, bytes_came, NULL, stream_changed, request);
	bufferevent_enable(request->stream, EV_READ | EV_WRITE);
	if (ask(request, words))
		finish(request, "words must be UTF-8");
}

void request_pause(struct request *request, bool paused)
{
	if (!request->stream || request->paused == paused)
		return;
	request->paused = paused;
	if (paused) {
		bufferevent_disable(request->stream, EV_READ);
		return;
	}
	bufferevent_enable(request->stream, EV_READ);
	bufferevent_trigger(request->stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

void request_cancel(struct request *request)
{
	if (request->stream)
		bufferevent_free(request->stream);
	request->stream = NULL;
}
