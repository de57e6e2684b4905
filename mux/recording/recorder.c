/* A channel's output on its way into a recording. */

#include "recorder.h"

#include "attach_stream.h"
#include "cast_writer.h"
#include "compiler.h"
#include "viewer_stream.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_COLUMNS 80
#define DEFAULT_ROWS 24

struct recorder {
	struct recorder_options options; /* channel and file owned */
	char *channel, *file; /* owned; the same */
	struct viewer_stream stream;
	struct cast_writer writer;
	struct event *timeout, *end; /* owned */
	char why[256]; /* it has ended */
	bool ending;
	bool begun;
	bool found; /* on this stream: id is the channel's */
	uint32_t id;
	uint64_t position; /* of the next byte to record */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The owner hears of it from the loop. */
static void end(struct recorder *recorder, const char *why)
{
	if (recorder->ending)
		return;
	recorder->ending = true;
	snprintf(recorder->why, sizeof(recorder->why), "%s", why);
	event_active(recorder->end, EV_TIMEOUT, 1);
}

static void check(struct recorder *recorder, int result)
{
	if (result)
		end(recorder, strerror(-result));
}

static void begin(struct recorder *recorder)
{
	const struct recorder_options *options = &recorder->options;
	struct cast_header header = {
		.columns = options->columns ? options->columns : DEFAULT_COLUMNS,
		.rows = options->rows ? options->rows : DEFAULT_ROWS,
		.title = recorder->channel,
		.terminal = getenv("TERM"),
	};
	int result = cast_writer_open(&recorder->writer, recorder->file);

	if (!result)
		result = cast_writer_begin(&recorder->writer, now_ms(), &header);
	check(recorder, result);
	recorder->begun = true;
	if (!result && options->begun)
		options->begun(options->owner, recorder);
}

static void follow(struct recorder *recorder)
{
	struct attach_follow request = {
		.id = recorder->id,
		.flags = FOLLOW_TIMES,
		.position = recorder->position,
	};

	viewer_stream_send(&recorder->stream, ATTACH_FOLLOW, &request, sizeof(request));
}

/* Ours, for the first time on this stream: recorded from its end, or from where it was. */
static void read_channel(struct recorder *recorder, const struct message *message)
{
	json_t *object = json_loadb((const char *)message->body + sizeof(uint32_t),
		message->length - sizeof(uint32_t), 0, NULL);
	const char *name = json_string_value(json_object_get(object, "name"));
	json_int_t end = json_integer_value(json_object_get(object, "end"));
	json_int_t oldest = json_integer_value(json_object_get(object, "begin"));

	if (name && !strcmp(name, recorder->channel) && !recorder->found) {
		recorder->found = true;
		memcpy(&recorder->id, message->body, sizeof(recorder->id));
		if (!recorder->begun)
			recorder->position = (uint64_t)end;
		else if (recorder->position > (uint64_t)end)
			recorder->position = (uint64_t)oldest; /* the history was begun anew */
		if (!recorder->begun)
			begin(recorder);
		follow(recorder);
	}
	json_decref(object);
}

static void read_output(struct recorder *recorder, const struct message *message)
{
	const uint8_t *bytes = message->body + sizeof(struct attach_output);
	uint64_t length = message->length - sizeof(struct attach_output);
	struct attach_output output;
	uint64_t seen;

	memcpy(&output, message->body, sizeof(output));
	if (!recorder->found || output.id != recorder->id)
		return;
	seen = output.position < recorder->position ? recorder->position - output.position : 0;
	if (seen >= length)
		return;
	recorder->position = output.position + length;
	check(recorder,
		cast_writer_bytes(&recorder->writer, CAST_OUTPUT,
			output.time_ms ? output.time_ms : now_ms(), bytes + seen, length - seen));
}

static void read_lost(struct recorder *recorder, const struct message *message)
{
	struct attach_lost lost;
	char text[64];

	memcpy(&lost, message->body, sizeof(lost));
	if (!recorder->found || lost.id != recorder->id)
		return;
	recorder->position = lost.position;
	snprintf(text, sizeof(text), "%llu bytes lost", (unsigned long long)lost.count);
	check(recorder, cast_writer_marker(&recorder->writer, now_ms(), text));
}

static void read_gone(struct recorder *recorder, const struct message *message)
{
	uint32_t id;

	memcpy(&id, message->body, sizeof(id));
	if (recorder->found && id == recorder->id)
		end(recorder, "the channel was dropped");
}

static void stream_message(void *owner, const struct message *message)
{
	struct recorder *recorder = owner;

	if (recorder->ending)
		return;
	if (message->rule->type == ATTACH_CHANNEL)
		read_channel(recorder, message);
	else if (message->rule->type == ATTACH_OUTPUT)
		read_output(recorder, message);
	else if (message->rule->type == ATTACH_LOST)
		read_lost(recorder, message);
	else if (message->rule->type == ATTACH_GONE)
		read_gone(recorder, message);
	else if (message->rule->type == ATTACH_READY && !recorder->found)
		end(recorder, "there is no such channel");
}

static void stream_attached(void *owner, const char *prompt)
{
	struct recorder *recorder = owner;

	(void)prompt;
	recorder->found = false;
}

/* Once recording, it waits for the next muxd. */
static void stream_lost(void *owner)
{
	struct recorder *recorder = owner;

	if (!recorder->begun)
		end(recorder, "muxd is not there");
}

static void stream_refused(void *owner, const char *why)
{
	end(owner, why);
}

static void time_is_up(evutil_socket_t unused, short events, void *owner)
{
	struct recorder *recorder = owner;

	(void)unused;
	(void)events;
	recorder->options.ended(recorder->options.owner, recorder, NULL);
}

static void ended(evutil_socket_t unused, short events, void *owner)
{
	struct recorder *recorder = owner;

	(void)unused;
	(void)events;
	recorder->options.ended(recorder->options.owner, recorder, recorder->why);
}

static bool open_recorder(struct recorder *recorder)
{
	static const struct viewer_stream_events events = {
		.attached = stream_attached,
		.lost = stream_lost,
		.refused = stream_refused,
		.message = stream_message,
	};
	const struct recorder_options *options = &recorder->options;
	struct timeval timeout = {
		.tv_sec = options->timeout_ms / 1000,
		.tv_usec = options->timeout_ms % 1000 * 1000L,
	};

	recorder->channel = strdup(options->channel);
	recorder->file = strdup(options->file);
	recorder->timeout = evtimer_new(options->base, time_is_up, recorder);
	recorder->end = evtimer_new(options->base, ended, recorder);
	if (!recorder->channel || !recorder->file || !recorder->timeout || !recorder->end)
		return false;
	if (options->timeout_ms)
		event_add(recorder->timeout, &timeout);
	recorder->stream = (struct viewer_stream){
		.base = options->base,
		.path = options->control_path,
		.events = &events,
		.owner = recorder,
		.read_only = true,
	};
	return !viewer_stream_start(&recorder->stream);
}

struct recorder *recorder_create(const struct recorder_options *options)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		return NULL;
	recorder->options = *options;
	recorder->writer.fd = -1;
	if (!open_recorder(recorder)) {
		recorder_destroy(recorder);
		return NULL;
	}
	return recorder;
}

int recorder_destroy(struct recorder *recorder)
{
	int result;

	if (!recorder)
		return 0;
	result = cast_writer_end(&recorder->writer);
	viewer_stream_stop(&recorder->stream);
	if (recorder->timeout)
		event_free(recorder->timeout);
	if (recorder->end)
		event_free(recorder->end);
	free(recorder->channel);
	free(recorder->file);
	free(recorder);
	return result;
}

const char *recorder_channel(const struct recorder *recorder)
{
	return recorder->channel;
}

const char *recorder_file(const struct recorder *recorder)
{
	return recorder->file;
}

void recorder_typed(struct recorder *recorder, const void *bytes, size_t length)
{
	if (recorder->begun && recorder->options.input && !recorder->ending)
		check(recorder,
			cast_writer_bytes(&recorder->writer, CAST_INPUT, now_ms(), bytes, length));
}

void recorder_resized(struct recorder *recorder, unsigned columns, unsigned rows)
{
	struct recorder_options *options = &recorder->options;

	if (!columns || !rows || (columns == options->columns && rows == options->rows))
		return;
	options->columns = columns;
	options->rows = rows;
	if (recorder->begun && !recorder->ending)
		check(recorder, cast_writer_size(&recorder->writer, now_ms(), columns, rows));
}
