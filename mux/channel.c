/* A channel: one guest's console stream, its history, state and waiting input. */

#include "channel.h"

#include "attach.h"
#include "device.h"
#include "followers.h"
#include "log.h"
#include "person.h"
#include "timestamps.h"
#include "utf8.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MARK_MAX (CONSOLE_NAME_MAX + CONSOLE_REASON_MAX + 64)

static const char *const state_names[] = {
	[CONSOLE_STARTING] = "starting",
	[CONSOLE_RUNNING] = "running",
	[CONSOLE_PAUSED] = "paused",
	[CONSOLE_REBOOTING] = "rebooting",
	[CONSOLE_POWERED_OFF] = "powered-off",
	[CONSOLE_CRASHED] = "crashed",
	[CHANNEL_GONE] = "gone",
};

const char *channel_state_name(const struct channel *channel)
{
	return channel->is_log ? "log" : state_names[channel->history.record.state];
}

const char *channel_state_word(unsigned state)
{
	return state_names[state];
}

struct channel *channel_find(const struct mux *mux, const char *name)
{
	struct channel *channel;

	TAILQ_FOREACH(channel, &mux->channels, link)
	{
		if (!strcmp(channel->name, name))
			return channel;
	}
	return NULL;
}

struct channel *channel_by_id(const struct mux *mux, uint32_t id)
{
	struct channel *channel;

	TAILQ_FOREACH(channel, &mux->channels, link)
	{
		if (channel->id == id)
			return channel;
	}
	return NULL;
}

static void insert_in_order(struct mux *mux, struct channel *channel)
{
	struct channel *other;

	mux->channel_count++;
	TAILQ_FOREACH(other, &mux->channels, link)
	{
		if (strverscmp(other->name, channel->name) > 0) {
			TAILQ_INSERT_BEFORE(other, channel, link);
			return;
		}
	}
	TAILQ_INSERT_TAIL(&mux->channels, channel, link);
}

static int make_path(const struct mux *mux, const char *name, char path[PATH_MAX])
{
	char file[CHANNEL_FILE_MAX];

	channel_file_name(name, file);
	if (snprintf(path, PATH_MAX, "%s/%s", mux->channels_path, file) >= PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

static int open_history(struct channel *channel, size_t wished)
{
	struct history_record *record = &channel->history.record;
	char path[PATH_MAX];
	bool fresh = false;
	int error = make_path(channel->mux, channel->name, path);

	if (!error)
		error = history_open(&channel->history, path, channel->name,
			channel_history_size(channel->mux, wished), &fresh);
	if (error)
		return error;
	if (fresh) {
		record->shown = channel->mux->options->show_all;
		record->keep = channel->mux->options->keep;
		record->timestamps = (uint8_t)channel->mux->options->timestamps;
	}
	if (!channel_is_dead(channel) || fresh) {
		record->state = CHANNEL_GONE;
		record->since = (uint64_t)time(NULL);
	}
	history_commit(&channel->history);
	channel->opened = channel->seen = channel->history.committed;
	return 0;
}

struct channel *channel_create_sized(struct mux *mux, const char *name, size_t wished, int *error)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	*error = -ENOMEM;
	if (!channel)
		return NULL;
	channel->mux = mux;
	channel->id = ++mux->last_id;
	strncat(channel->name, name, CONSOLE_NAME_MAX);
	LIST_INIT(&channel->follows);
	LIST_INIT(&channel->watches);
	channel->input = evbuffer_new();
	if (channel->input)
		*error = open_history(channel, wished);
	if (*error) {
		if (channel->input)
			evbuffer_free(channel->input);
		free(channel);
		return NULL;
	}
	insert_in_order(mux, channel);
	attach_channel_created(channel);
	channel_tell(channel, CHANNEL_CREATED);
	return channel;
}

struct channel *channel_create(struct mux *mux, const char *name, int *error)
{
	return channel_create_sized(mux, name, 0, error);
}

void channel_close(struct channel *channel)
{
	attach_channel_dropped(channel);
	channel_tell(channel, CHANNEL_DROPPED);
	TAILQ_REMOVE(&channel->mux->channels, channel, link);
	channel->mux->channel_count--;
	history_close(&channel->history);
	evbuffer_free(channel->input);
	free(channel);
}

void channel_drop(struct channel *channel)
{
	char path[PATH_MAX];

	if (!make_path(channel->mux, channel->name, path) && unlink(path))
		log_warning("%s: %s", path, strerror(errno));
	followers_channel_dropped(channel);
	channel_close(channel);
}

/* Said good-bye; only such a guest, or one that vanished, is not connected. */
bool channel_is_dead(const struct channel *channel)
{
	return !channel->device && channel->history.record.state >= CONSOLE_POWERED_OFF;
}

bool channel_is_over(const struct channel *channel)
{
	unsigned state = channel->history.record.state;

	return state == CONSOLE_POWERED_OFF || state == CONSOLE_CRASHED;
}

uint64_t channel_seen(struct channel *channel)
{
	if (channel_is_over(channel) && channel->seen_boots != channel->history.record.boots)
		channel->seen = channel->history.committed;
	channel->seen_boots = channel->history.record.boots;
	return channel->seen;
}

void channel_saw(struct channel *channel, uint64_t position)
{
	channel->seen = position;
	channel->seen_boots = channel->history.record.boots;
}

void channel_set_state(struct channel *channel, unsigned state, const char *reason,
	size_t reason_length)
{
	struct history_record *record = &channel->history.record;

	if (reason_length > CONSOLE_REASON_MAX)
		reason_length = CONSOLE_REASON_MAX;
	memset(record->reason, 0, sizeof(record->reason));
	for (size_t i = 0; i < reason_length; i++)
		record->reason[i] = reason[i] >= ' ' && reason[i] < 0x7f ? reason[i] : '?';
	record->state = (uint8_t)state;
	record->since = (uint64_t)time(NULL);
	channel_commit(channel);
	channel_changed(channel);
}

void channel_output(struct channel *channel, const uint8_t *bytes, size_t length)
{
	uint64_t now = timestamp_now();

	while (length) {
		size_t piece = length < HISTORY_PIECE ? length : HISTORY_PIECE;

		history_append(&channel->history, bytes, piece, now);
		channel->history.record.link_offset += piece;
		channel_commit(channel);
		bytes += piece;
		length -= piece;
	}
}

void channel_mark(struct channel *channel, const char *format, ...)
{
	char line[MARK_MAX];
	char marker[MARK_MAX + 16];
	va_list arguments;
	int length;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	length = snprintf(marker, sizeof(marker), "%s--- %s: %s ---\r\n",
		history_at_line_start(&channel->history) ? "" : "\r\n", channel->name, line);
	if (length >= (int)sizeof(marker))
		length = sizeof(marker) - 1;
	history_append(&channel->history, marker, (size_t)length, timestamp_now());
}

void channel_line(struct channel *channel, const char *text)
{
	char line[MARK_MAX * 2];
	uint64_t now = timestamp_now();

	utf8_for_message(line, sizeof(line), text, strlen(text));
	history_append(&channel->history, line, strlen(line), now);
	history_append(&channel->history, "\r\n", 2, now);
	channel_commit(channel);
}

void channel_commit(struct channel *channel)
{
	history_commit(&channel->history);
	attach_channel_output(channel);
	channel_tell(channel, CHANNEL_OUTPUT);
}

void channel_changed(struct channel *channel)
{
	attach_channel_changed(channel);
	channel_tell(channel, CHANNEL_CHANGED);
}

void channel_type(struct channel *channel, const uint8_t *bytes, size_t length)
{
	struct history_record *record = &channel->history.record;

	if (channel->is_log) {
		attach_channel_took_input(channel);
		return;
	}
	record->input_bytes += length;
	for (size_t i = 0; i < length; i++)
		record->input_lines += bytes[i] == '\n';
	history_commit(&channel->history);
	evbuffer_add(channel->input, bytes, length);
	if (channel->device)
		device_progress(channel->device);
}

void channel_discard_input(struct channel *channel)
{
	size_t length = evbuffer_get_length(channel->input);

	if (!length)
		return;
	evbuffer_drain(channel->input, length);
	attach_notice(channel->mux, "%s: %zu bytes typed at the former guest were thrown away",
		channel->name, length);
	attach_channel_took_input(channel);
}

uint64_t channel_start(const struct channel *channel)
{
	const struct history *history = &channel->history;
	uint64_t begin = history_begin(history);

	if (history->record.boot_ms)
		return history->record.boot_ms;
	return begin < history->committed ? history_time(history, begin) : 0;
}

json_t *channel_brief_json(const struct channel *channel)
{
	const struct history_record *record = &channel->history.record;
	char key[2] = { record->key, '\0' };
	char color[2] = { record->color, '\0' };
	char log[FOLLOWERS_PATH_MAX], pty[FOLLOWERS_PATH_MAX];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:s, s:I, s:s*, s:s*}",
		"name", channel->name, "key", key, "color", color, "state",
		channel_state_name(channel), "reason", record->reason, "shown", record->shown,
		"begin", (json_int_t)history_begin(&channel->history), "end",
		(json_int_t)channel->history.committed, "opened", (json_int_t)channel->opened,
		"timestamps", timestamps_name((enum timestamps)record->timestamps), "start",
		(json_int_t)channel_start(channel), "log", followers_log_path(channel, log), "pty",
		followers_pty_path(channel, pty));
}

/* Who types, and how many watch. */
static void add_typists(const struct channel *channel, json_t *json)
{
	const struct person *writer = attach_writer(channel);
	json_t *who = json_null();

	if (writer)
		who = json_pack("{s:s, s:i}", "user", writer->user, "pid", (int)writer->pid);
	json_object_set_new(json, "writer", who);
	json_object_set_new(json, "watchers", json_integer(attach_watchers(channel)));
}

json_t *channel_json(const struct channel *channel)
{
	const struct history_record *record = &channel->history.record;
	json_t *json = channel_brief_json(channel);
	json_t *rest = json_pack("{s:b, s:b, s:b, s:I, s:I, s:I, s:{s:I, s:I}, s:{s:I, s:I}, s:I}",
		"keep", record->keep, "connected", channel->device != NULL, "dead",
		channel_is_dead(channel), "pid", (json_int_t)record->pid, "since",
		(json_int_t)record->since, "lost", (json_int_t)record->lost, "output", "lines",
		(json_int_t)record->output_lines, "bytes", (json_int_t)record->end, "input",
		"lines", (json_int_t)record->input_lines, "bytes", (json_int_t)record->input_bytes,
		"boots", (json_int_t)record->boots);

	add_typists(channel, rest);
	if (!json || !rest || json_object_update(json, rest)) {
		json_decref(json);
		json = NULL;
	}
	json_decref(rest);
	return json;
}
