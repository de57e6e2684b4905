/* The channels as muxd announces them, and what it streams of them (attach_stream.h). */

#include "monotonic.h"
#include "viewer_parts.h"

#include <event2/buffer.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void remove_channel(struct viewer *viewer, struct viewer_channel *channel)
{
	struct viewer_channel **place = &viewer->channels;

	while (*place != channel)
		place = &(*place)->next;
	if (viewer->connected == channel && viewer->commanding)
		viewer_leave(viewer);
	else if (viewer->connected == channel)
		viewer_back_to_prompt(viewer);
	view_channel_end(&channel->text);
	viewer_message(viewer, "%s: dropped", channel->name);
	*place = channel->next;
	viewer_channel_destroy(channel);
	viewer_choose_labels(viewer);
}

void viewer_follow(struct viewer *viewer, struct viewer_channel *channel, uint64_t position)
{
	bool times = channel != viewer->connected && channel->text.timestamps != TIMESTAMPS_OFF;
	struct attach_follow follow = {
		.id = channel->id,
		.flags = times ? FOLLOW_TIMES : 0,
		.position = position,
	};

	if (channel == viewer->connected || channel->meant || evbuffer_get_length(channel->typed))
		follow.flags |= viewer_watches(channel) ? FOLLOW_INPUT | FOLLOW_WATCH
							: FOLLOW_INPUT;
	channel->seeking = channel->followed && position != ATTACH_FROM_END;
	channel->followed = true;
	channel->known = position != ATTACH_FROM_END;
	channel->position = position;
	viewer_stream_send(&viewer->stream, ATTACH_FOLLOW, &follow, sizeof(follow));
}

void viewer_unfollow(struct viewer *viewer, struct viewer_channel *channel)
{
	if (channel->followed && channel->present)
		viewer_stream_send(&viewer->stream, ATTACH_UNFOLLOW, &channel->id,
			sizeof(channel->id));
	channel->followed = false;
	channel->known = false;
	view_channel_end(&channel->text);
	view_channel_skip(&channel->text, false);
}

static void copy_text(const json_t *object, const char *key, char *text, size_t size)
{
	const char *value = json_string_value(json_object_get(object, key));

	snprintf(text, size, "%s", value ? value : "");
}

static char letter_of(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value[0] : 0;
}

static uint64_t position_of(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

/*
 * Where a channel is shown from. Who comes to a muxd that runs sees what happens from now on; who
 * was there before the channel, and the terminal that muxd was started on, miss nothing.
 */
static uint64_t first_position(const struct viewer *viewer, const struct viewer_channel *channel,
	bool is_new)
{
	if (channel->known)
		return channel->position <= channel->end ? channel->position : channel->begin;
	if (is_new && viewer->was_attached)
		return channel->begin;
	if (is_new && viewer->options->owns_mux && channel->opened > channel->begin)
		return channel->opened;
	if (is_new && viewer->options->owns_mux)
		return channel->begin;
	return channel->end;
}

/* Shown and not followed, or the other way round. */
static void follow_if_shown(struct viewer *viewer, struct viewer_channel *channel, bool is_new)
{
	bool wanted = channel->shown || channel->meant || channel == viewer->connected;

	if (!wanted && channel->followed && !evbuffer_get_length(channel->typed))
		viewer_unfollow(viewer, channel);
	if ((channel->shown || channel->meant || evbuffer_get_length(channel->typed)) &&
		!channel->followed && channel != viewer->connected)
		viewer_follow(viewer, channel, first_position(viewer, channel, is_new));
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(word, *words) != 0)
		words++;
	return *words != NULL;
}

/*
 * What a guest goes through stands in its history too; the rest, and what hidden guests come to,
 * we tell. A channel without its guest is told of when the guest comes.
 */
static void tell_state(struct viewer *viewer, struct viewer_channel *channel, const char *before)
{
	static const char *const away[] = { "", "gone", "paused", NULL };
	static const char *const ends[] = { "powered-off", "crashed", NULL };
	bool hidden = !channel->followed && is_one_of(channel->state, ends);
	char key[16] = "";

	if (viewer_is_log(channel) || (!*before && !strcmp(channel->state, "gone")))
		return;
	if (!hidden && !is_one_of(channel->state, away) && !is_one_of(before, away))
		return;
	if (channel->key)
		snprintf(key, sizeof(key), " (key %c)", channel->key);
	viewer_message(viewer, "%s%s: %s%s%s", channel->name, key, channel->state,
		*channel->reason ? ": " : "", channel->reason);
}

/* Nobody is connected to a guest that has ended, once all it wrote was shown. */
static void leave_ended(struct viewer *viewer)
{
	static const char *const ends[] = { "powered-off", "crashed", NULL };
	struct viewer_channel *channel = viewer->connected;
	size_t unsent;

	if (!channel || !channel->present || !channel->ended || viewer->replay != REPLAY_DONE ||
		channel->position < channel->end || !is_one_of(channel->state, ends))
		return;
	unsent = evbuffer_get_length(channel->typed);
	if (unsent)
		viewer_message(viewer, "%s: %zu bytes that were typed were not sent", channel->name,
			unsent);
	evbuffer_drain(channel->typed, unsent);
	if (viewer->commanding)
		viewer_leave(viewer);
	else
		viewer_back_to_prompt(viewer);
}

/* Times are asked for only where they are shown. */
static void read_timestamps(struct viewer *viewer, struct viewer_channel *channel,
	const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "timestamps"));
	bool had = channel->text.timestamps != TIMESTAMPS_OFF;

	if (!name || !timestamps_read(name, &channel->text.timestamps))
		channel->text.timestamps = TIMESTAMPS_OFF;
	channel->text.start_ms = position_of(object, "start");
	if ((channel->text.timestamps != TIMESTAMPS_OFF) != had && channel->followed &&
		channel->known && channel != viewer->connected &&
		!evbuffer_get_length(channel->typed))
		viewer_follow(viewer, channel, channel->position);
}

static void channel_announced(struct viewer *viewer, uint32_t id, const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	struct viewer_channel *channel = name ? viewer_find(viewer, name) : NULL;
	bool is_new = !channel, was_alive = channel && viewer_is_alive(channel);
	char before[VIEWER_WORD_MAX];

	if (!channel && name)
		channel = viewer_channel_create(viewer, name);
	if (!channel)
		return;
	channel->id = id;
	channel->present = true;
	channel->key = letter_of(object, "key");
	channel->color = letter_of(object, "color");
	channel->shown = json_is_true(json_object_get(object, "shown"));
	channel->begin = position_of(object, "begin");
	channel->end = position_of(object, "end");
	channel->opened = position_of(object, "opened");
	read_timestamps(viewer, channel, object);
	memcpy(before, channel->state, sizeof(before));
	copy_text(object, "state", channel->state, sizeof(channel->state));
	copy_text(object, "reason", channel->reason, sizeof(channel->reason));
	if (viewer->announced)
		viewer_choose_colors(viewer);
	viewer_choose_labels(viewer);
	if (strcmp(before, channel->state) != 0) {
		channel->ended = channel == viewer->connected && *before;
		tell_state(viewer, channel, before);
	}
	if (viewer_is_alive(channel) && !was_alive)
		viewer_guest_came(viewer, channel);
	viewer_broadcast_update(viewer, channel);
	follow_if_shown(viewer, channel, is_new);
	if (channel == viewer->connected)
		viewer_replay_announced(viewer);
	leave_ended(viewer);
	viewer_autoconnect(viewer);
}

static void read_channel(struct viewer *viewer, const struct message *message)
{
	uint32_t id;
	json_t *object = json_loadb((const char *)message->body + sizeof(id),
		message->length - sizeof(id), 0, NULL);

	memcpy(&id, message->body, sizeof(id));
	if (object)
		channel_announced(viewer, id, object);
	json_decref(object);
	if (viewer->announced && viewer->wanted)
		viewer_connect(viewer, viewer_find(viewer, viewer->wanted));
}

/* Bytes of the stream from where this viewer is; others were sent before it asked to move. */
static void read_output(struct viewer *viewer, const struct message *message)
{
	struct viewer_channel *channel;
	struct attach_output output;
	const uint8_t *bytes = message->body + sizeof(output);
	uint64_t length = message->length - sizeof(output);

	memcpy(&output, message->body, sizeof(output));
	channel = viewer_find_id(viewer, output.id);
	if (!channel || !channel->followed)
		return;
	if (channel->known && output.position > channel->position && channel->seeking)
		return;
	if (channel == viewer->connected && viewer->commanding)
		return;
	if (channel->known && output.position < channel->position) {
		uint64_t seen = channel->position - output.position;

		if (seen >= length)
			return;
		bytes += seen;
		length -= seen;
		output.position += seen;
	}
	channel->seeking = false;
	channel->known = true;
	channel->position = output.position + length;
	if (channel != viewer->connected) {
		channel->text.came_ms = output.time_ms;
		view_feed(&channel->text, bytes, length, monotonic_ms());
		viewer_show_soon(viewer);
	} else if (viewer->replay != REPLAY_DONE) {
		viewer_replay(viewer, bytes, length);
	} else {
		viewer_guest_output(viewer, bytes, length);
	}
	leave_ended(viewer);
}

static void read_lost(struct viewer *viewer, const struct message *message)
{
	struct viewer_channel *channel;
	struct attach_lost lost;

	memcpy(&lost, message->body, sizeof(lost));
	channel = viewer_find_id(viewer, lost.id);
	if (!channel || (channel == viewer->connected && viewer->commanding))
		return;
	channel->seeking = false;
	channel->known = true;
	channel->position = lost.position;
	if (channel == viewer->connected && viewer->replay != REPLAY_DONE)
		viewer_replay(viewer, NULL, 0);
	else
		viewer_message(viewer, "%s: %llu bytes lost", channel->name,
			(unsigned long long)lost.count);
}

static void read_credit(struct viewer *viewer, const struct message *message)
{
	struct viewer_channel *channel;
	struct attach_credit credit;

	memcpy(&credit, message->body, sizeof(credit));
	channel = viewer_find_id(viewer, credit.id);
	if (!channel)
		return;
	channel->credit = credit.total;
	viewer_send_typed(viewer, channel);
}

static void read_notice(struct viewer *viewer, const struct message *message)
{
	viewer_message(viewer, "%.*s", (int)message->length, (const char *)message->body);
}

static void read_gone(struct viewer *viewer, const struct message *message)
{
	struct viewer_channel *channel;
	uint32_t id;

	memcpy(&id, message->body, sizeof(id));
	channel = viewer_find_id(viewer, id);
	if (channel)
		remove_channel(viewer, channel);
}

/* Asked for by whoever started this viewer. */
static void begin_broadcast(struct viewer *viewer)
{
	if (viewer->options->broadcast && !viewer->was_broadcasting)
		viewer_broadcast_begin(viewer, viewer->options->broadcast);
	viewer->was_broadcasting = true;
}

/* All channels there are have been announced. */
static void stream_ready(struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->channels;

	while (channel) {
		struct viewer_channel *next = channel->next;

		if (!channel->present)
			remove_channel(viewer, channel);
		channel = next;
	}
	viewer->announced = true;
	viewer->was_attached = true;
	viewer_choose_colors(viewer);
	viewer_reconnect(viewer);
	begin_broadcast(viewer);
	viewer_autoconnect(viewer);
	if (!viewer->wanted)
		return;
	channel = viewer_find(viewer, viewer->wanted);
	if (channel)
		viewer_connect(viewer, channel);
	else
		viewer_message(viewer, "%s: no such guest yet; waiting for it", viewer->wanted);
}

static void stream_attached(void *owner, const char *prompt)
{
	struct viewer *viewer = owner;

	viewer_stream_pause(&viewer->stream, viewer->playing);
	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next)
		channel->present = false;
	if (viewer->prompt && !viewer->options->prompt)
		viewer_name_prompt(viewer, prompt);
	if (viewer->away_shown)
		viewer_message(viewer, "muxd is back");
	viewer->away_shown = false;
}

static void stream_lost(void *owner)
{
	struct viewer *viewer = owner;

	viewer->announced = false;
	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next) {
		channel->followed = false;
		channel->sent = 0;
		channel->credit = 0;
	}
	if (viewer->options->owns_mux) {
		viewer_end(viewer, 0);
		return;
	}
	if (!viewer->away_shown)
		viewer_message(viewer, "muxd is %s; waiting for it",
			viewer->was_attached ? "gone" : "not there yet");
	viewer->away_shown = true;
}

static void stream_refused(void *owner, const char *why)
{
	struct viewer *viewer = owner;

	viewer_message(viewer, "%s", why);
	viewer_end(viewer, 1);
}

static void stream_message(void *owner, const struct message *message)
{
	static void (*const readers[])(struct viewer *, const struct message *) = {
		[ATTACH_CHANNEL] = read_channel,
		[ATTACH_GONE] = read_gone,
		[ATTACH_OUTPUT] = read_output,
		[ATTACH_LOST] = read_lost,
		[ATTACH_CREDIT] = read_credit,
		[ATTACH_NOTICE] = read_notice,
		[ATTACH_WRITER] = viewer_read_writer,
	};

	if (message->rule->type == ATTACH_READY)
		stream_ready(owner);
	else
		readers[message->rule->type](owner, message);
}

const struct viewer_stream_events viewer_stream_handlers = {
	.attached = stream_attached,
	.lost = stream_lost,
	.refused = stream_refused,
	.message = stream_message,
};
