/* Typing at several guests at once. */

#include "viewer_parts.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTIAL_MS 1000 /* echoes of what is typed are parts of lines: whole ones are readable */
#define PATIENCE_S 5 /* for a guest that takes nothing and holds up the others */

/*
 * How it works. Each guest that is meant has its own queue of what was typed, as a connected one
 * has. While one of them is full, the terminal is not read: the slowest sets the pace. One whose
 * queue stays full for PATIENCE_S is left out, and so is one that ends.
 */

static bool is_named(const struct viewer *viewer, const struct viewer_channel *channel)
{
	if (!viewer->broadcast_names)
		return true;
	for (char *const *name = viewer->broadcast_names; *name; name++)
		if (!fnmatch(*name, channel->name, 0))
			return true;
	return false;
}

static bool is_wanted(const struct viewer *viewer, const struct viewer_channel *channel)
{
	return viewer->broadcasting && channel->present && viewer_is_alive(channel) &&
		!channel->left_out && is_named(viewer, channel);
}

static unsigned count(const struct viewer *viewer)
{
	unsigned found = 0;

	for (const struct viewer_channel *channel = viewer->channels; channel;
		channel = channel->next)
		found += channel->meant;
	return found;
}

/* As long as one queue is full nothing is read, but not for ever. */
static void set_pace(struct viewer *viewer)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	bool full = false;

	for (const struct viewer_channel *channel = viewer->channels; channel;
		channel = channel->next)
		full |= channel->meant && evbuffer_get_length(channel->typed) >= VIEWER_TYPED_MAX;
	terminal_listen(&viewer->terminal, !full);
	if (!full)
		event_del(viewer->patience);
	else if (!event_pending(viewer->patience, EV_TIMEOUT, NULL))
		event_add(viewer->patience, &patience);
}

/* It takes part no more. What it did not take is told, if it can never get it. */
static void leave_out(struct viewer *viewer, struct viewer_channel *channel, const char *why)
{
	size_t unsent = evbuffer_get_length(channel->typed);

	channel->meant = false;
	evbuffer_drain(channel->typed, unsent);
	if (unsent)
		viewer_message(viewer, "%s: %s; %zu bytes that were typed were not sent",
			channel->name, why, unsent);
	viewer_stop_typing(viewer, channel);
}

static void patience_ended(evutil_socket_t unused, short events, void *owner)
{
	struct viewer *viewer = owner;

	(void)unused;
	(void)events;
	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next) {
		if (!channel->meant || evbuffer_get_length(channel->typed) < VIEWER_TYPED_MAX)
			continue;
		channel->left_out = true;
		leave_out(viewer, channel, "takes no input and is left out");
	}
	set_pace(viewer);
	viewer_show_soon(viewer);
}

void viewer_broadcast_update(struct viewer *viewer, struct viewer_channel *channel)
{
	bool wanted = is_wanted(viewer, channel);

	if (!viewer_is_alive(channel))
		channel->left_out = false; /* the next guest of its name may be better */
	if (wanted && !channel->meant) {
		channel->meant = true;
		channel->writing = 0;
		viewer_follow(viewer, channel,
			channel->followed && channel->known ? channel->position : ATTACH_FROM_END);
	} else if (!wanted && channel->meant) {
		leave_out(viewer, channel, "takes part no more");
	}
	if (!viewer->broadcasting)
		return;
	set_pace(viewer);
	viewer_show_soon(viewer);
}

void viewer_broadcast_taken(struct viewer *viewer)
{
	set_pace(viewer);
}

void viewer_broadcast_type(struct viewer *viewer, const void *bytes, size_t length)
{
	if (viewer->options->read_only) {
		viewer_message(viewer, "attached read-only, nothing is sent");
		return;
	}
	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next) {
		if (!channel->meant || !viewer_may_type(viewer, channel))
			continue;
		viewer_recordings_typed(viewer, channel->name, bytes, length);
		evbuffer_add(channel->typed, bytes, length);
		viewer_send_typed(viewer, channel);
	}
}

void viewer_broadcast_break(struct viewer *viewer)
{
	for (const struct viewer_channel *channel = viewer->channels; channel;
		channel = channel->next)
		if (channel->meant && channel->present && !viewer->options->read_only)
			viewer_stream_send(&viewer->stream, ATTACH_BREAK, &channel->id,
				sizeof(channel->id));
}

static void forget_names(struct viewer *viewer)
{
	for (char **name = viewer->broadcast_names; name && *name; name++)
		free(*name);
	free(viewer->broadcast_names);
	viewer->broadcast_names = NULL;
}

static bool keep_names(struct viewer *viewer, char *const *names)
{
	size_t length = 0;
	char **kept;

	forget_names(viewer);
	while (names[length])
		length++;
	if (!length)
		return true;
	kept = calloc(length + 1, sizeof(*kept));
	if (!kept)
		return false;
	viewer->broadcast_names = kept;
	while (*names) {
		char *name = strdup(*names++);

		if (!name)
			return false;
		*kept++ = name;
	}
	return true;
}

void viewer_broadcast_begin(struct viewer *viewer, char *const *names)
{
	viewer_cancel(viewer);
	viewer_broadcast_end(viewer);
	if (viewer->connected)
		viewer_leave(viewer);
	if (!keep_names(viewer, names))
		return;
	prompt_leave(viewer->prompt);
	viewer->broadcasting = true;
	viewer->dropping = false;
	viewer->view.partial_ms = PARTIAL_MS;
	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next)
		viewer_broadcast_update(viewer, channel);
	viewer_show(viewer);
}

void viewer_broadcast_end(struct viewer *viewer)
{
	if (!viewer->broadcasting)
		return;
	viewer_broadcast_erase(viewer);
	viewer->broadcasting = false;
	viewer->view.partial_ms = VIEW_PARTIAL_MS;
	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next) {
		bool meant = channel->meant;

		channel->meant = false;
		channel->left_out = false;
		if (meant &&
			!evbuffer_get_length(channel->typed)) /* else it is sent all the same */
			viewer_stop_typing(viewer, channel);
	}
	event_del(viewer->patience);
	terminal_listen(&viewer->terminal, true);
	forget_names(viewer);
}

void viewer_broadcast_erase(struct viewer *viewer)
{
	if (*viewer->indicator && viewer->terminal.moves)
		evbuffer_add_printf(viewer->terminal.out, "\r\033[K");
	if (viewer->terminal.moves)
		*viewer->indicator = '\0';
}

void viewer_broadcast_draw(struct viewer *viewer)
{
	char escape[KEYS_NAME_MAX], text[sizeof(viewer->indicator)];
	unsigned width = viewer->view.width;

	keys_name(viewer->keys.escape, escape);
	snprintf(text, sizeof(text), "[typing at %u guests; %s . leaves] ", count(viewer), escape);
	if (width && width <= strlen(text))
		text[width - 1] = '\0';
	if (!strcmp(text, viewer->indicator))
		return;
	viewer_broadcast_erase(viewer);
	memcpy(viewer->indicator, text, sizeof(text));
	evbuffer_add_printf(viewer->terminal.out, "%s%s", text,
		viewer->terminal.moves ? "" : "\r\n");
}

int viewer_broadcast_open(struct viewer *viewer)
{
	viewer->patience = evtimer_new(viewer->base, patience_ended, viewer);
	return viewer->patience ? 0 : -1;
}

void viewer_broadcast_close(struct viewer *viewer)
{
	forget_names(viewer);
	if (viewer->patience)
		event_free(viewer->patience);
}
