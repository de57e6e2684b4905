/* Who types at a channel: this viewer, or another one that it watches and may ask. */

#include "viewer_parts.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#define HINT_MAX (KEYS_NAME_MAX + 64)

/* " Ctrl-E KEY WORDS", or nothing without an escape key. */
static const char *key_hint(const struct viewer *viewer, char key, const char *words,
	char text[static HINT_MAX])
{
	char escape[KEYS_NAME_MAX];

	*text = '\0';
	if (viewer->keys.escape == KEYS_NONE)
		return text;
	keys_name(viewer->keys.escape, escape);
	snprintf(text, HINT_MAX, ": %s %c %s", escape, key, words);
	return text;
}

static void tell_watching(struct viewer *viewer, const struct viewer_channel *channel)
{
	char hint[HINT_MAX];

	if (channel->writing == WRITER_OTHER)
		viewer_message(viewer, "%s: %s types here, you watch%s", channel->name,
			channel->writer, key_hint(viewer, 't', "asks to type", hint));
	else
		viewer_message(viewer, "%s: nobody types here%s", channel->name,
			key_hint(viewer, 't', "to type", hint));
}

bool viewer_watches(const struct viewer_channel *channel)
{
	return channel->writing == WRITER_OTHER || channel->writing == WRITER_FREE;
}

bool viewer_may_type(struct viewer *viewer, struct viewer_channel *channel)
{
	if (!viewer_watches(channel) || channel->took)
		return true;
	if (!channel->hinted)
		tell_watching(viewer, channel);
	channel->hinted = true;
	return false;
}

static void send_take(struct viewer *viewer, struct viewer_channel *channel)
{
	struct attach_take take = { .id = channel->id, .force = viewer->options->take };

	channel->took = take.force || channel->writing == WRITER_FREE;
	viewer_stream_send(&viewer->stream, ATTACH_TAKE, &take, sizeof(take));
}

void viewer_take(struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->connected;

	if (!channel)
		return;
	if (viewer->options->read_only)
		viewer_message(viewer, "%s: attached read-only, nothing is sent", channel->name);
	else if (!viewer_watches(channel))
		viewer_message(viewer, "%s: you type here already", channel->name);
	else if (channel->writing == WRITER_OTHER && !viewer->options->take)
		viewer_message(viewer, "%s: asked %s to let you type", channel->name,
			channel->writer);
	if (viewer_watches(channel) && !viewer->options->read_only)
		send_take(viewer, channel);
}

/* The channel that somebody has asked for: rather the connected one. */
static struct viewer_channel *asked_for(const struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->connected;

	if (channel && *channel->asker)
		return channel;
	for (channel = viewer->channels; channel && !*channel->asker;)
		channel = channel->next;
	return channel;
}

void viewer_yield(struct viewer *viewer)
{
	struct viewer_channel *channel = asked_for(viewer);

	if (!channel) {
		viewer_message(viewer, "nobody has asked to type");
		return;
	}
	*channel->asker = '\0';
	viewer_stream_send(&viewer->stream, ATTACH_YIELD, &channel->id, sizeof(channel->id));
}

static void tell_unsent(struct viewer *viewer, struct viewer_channel *channel, uint64_t discarded)
{
	size_t unsent = evbuffer_get_length(channel->typed);

	if (viewer_watches(channel)) {
		evbuffer_drain(channel->typed, unsent);
		terminal_listen(&viewer->terminal, true);
		discarded += unsent;
	}
	if (discarded)
		viewer_message(viewer, "%s: %llu bytes that were typed were not sent",
			channel->name, (unsigned long long)discarded);
}

static void tell_change(struct viewer *viewer, struct viewer_channel *channel,
	enum attach_writer_state before)
{
	channel->hinted = false;
	*channel->asker = '\0';
	if (channel->writing == WRITER_MINE) {
		if (channel == viewer->connected)
			viewer_send_size(viewer);
		if (before)
			viewer_message(viewer, "%s: you type here now", channel->name);
	} else if (channel->writing == WRITER_OTHER && channel->taking) {
		send_take(viewer, channel);
	} else {
		tell_watching(viewer, channel);
	}
	channel->taking = false;
}

void viewer_read_writer(struct viewer *viewer, const struct message *message)
{
	struct viewer_channel *channel;
	struct attach_writer writer;
	const char *who = (const char *)message->body + sizeof(writer);
	int length = (int)(message->length - sizeof(writer));
	enum attach_writer_state before;
	char hint[HINT_MAX];
	bool same;

	memcpy(&writer, message->body, sizeof(writer));
	channel = viewer_find_id(viewer, writer.id);
	if (!channel || viewer->options->read_only)
		return;
	if (writer.state == WRITER_ASKED) {
		snprintf(channel->asker, sizeof(channel->asker), "%.*s", length, who);
		viewer_message(viewer, "%s asks to type at %s%s", channel->asker, channel->name,
			key_hint(viewer, 'y', "lets them", hint));
		return;
	}
	before = channel->writing;
	same = before == writer.state && strlen(channel->writer) == (size_t)length &&
		!memcmp(channel->writer, who, (size_t)length);
	channel->writing = writer.state;
	snprintf(channel->writer, sizeof(channel->writer), "%.*s", length, who);
	channel->took = false;
	tell_unsent(viewer, channel, writer.discarded);
	if (!same)
		tell_change(viewer, channel, before);
}
