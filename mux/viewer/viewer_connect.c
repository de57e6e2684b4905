/* Being connected to a guest: the replay of its last lines, its input, its window size. */

#include "terminal_guard.h"
#include "viewer_parts.h"

#include <event2/buffer.h>
#include <string.h>

#define INPUT_MAX 16384 /* bytes in one message */

static void put_line(struct viewer *viewer, const char *before, const char *name, const char *after)
{
	evbuffer_add_printf(viewer->terminal.out, "%s%s%s\r\n", before, name, after);
}

/* Once: how one gets away again. */
static void tell_escape(struct viewer *viewer)
{
	char escape[KEYS_NAME_MAX];

	if (!viewer->terminal.interactive || viewer->told_escape || viewer->keys.escape < 0)
		return;
	viewer->told_escape = true;
	keys_name(viewer->keys.escape, escape);
	evbuffer_add_printf(viewer->terminal.out,
		VIEW_MESSAGE_MARK "%s . leaves, %s ? tells all keys\r\n", escape, escape);
}

void viewer_send_size(struct viewer *viewer)
{
	struct attach_size size = { 0 };

	terminal_size(&viewer->terminal, &size.columns, &size.rows);
	if (!viewer->connected || !viewer->connected->present || viewer->options->read_only ||
		!size.columns || !size.rows)
		return;
	size.id = viewer->connected->id;
	if (viewer->redraws && size.rows > 1)
		size.rows--;
	viewer_stream_send(&viewer->stream, ATTACH_SIZE, &size, sizeof(size));
}

/* Where the history ends is asked first: what was announced may be long ago. */
static void ask_for_history(struct viewer *viewer)
{
	viewer->replay = REPLAY_ASKED;
	evbuffer_drain(viewer->history, evbuffer_get_length(viewer->history));
	viewer_follow(viewer, viewer->connected, ATTACH_FROM_END);
	viewer_send_size(viewer);
}

void viewer_connect(struct viewer *viewer, struct viewer_channel *channel)
{
	uint16_t columns, rows;

	if (!channel || channel == viewer->connected)
		return;
	viewer->wanted = NULL;
	viewer_cancel(viewer);
	if (viewer->connected)
		viewer_leave(viewer);
	viewer_broadcast_end(viewer);
	channel->awaited = false;
	if (viewer->prompt)
		prompt_leave(viewer->prompt);
	view_forget(&viewer->view);
	viewer_show(viewer);
	if (viewer->terminal.interactive)
		put_line(viewer, "------------- Connecting to '", channel->text.name,
			"' -------------");
	tell_escape(viewer);
	viewer->connected = channel;
	channel->writing = WRITER_UNKNOWN;
	channel->took = false;
	channel->taking = viewer->options->take;
	viewer->view.whole_lines = true;
	viewer->view.moves = false;
	viewer->dropping = false;
	view_channel_skip(&channel->text, false);
	terminal_size(&viewer->terminal, &columns, &rows);
	screen_init(&viewer->screen, columns, viewer->terminal.moves);
	if (channel->present)
		ask_for_history(viewer);
	viewer_show(viewer);
}

void viewer_stop_typing(struct viewer *viewer, struct viewer_channel *channel)
{
	if (!channel->shown)
		viewer_unfollow(viewer, channel);
	else if (channel->present)
		viewer_follow(viewer, channel, channel->position);
}

void viewer_leave(struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->connected;
	bool in_line = !screen_at_line_start(&viewer->screen);

	if (!channel)
		return;
	if (!viewer->commanding) {
		viewer_hide_hint(viewer);
		screen_leave(&viewer->screen, viewer->terminal.out);
		atomic_store(viewer->guard->modes, 0);
	}
	viewer_remember(viewer, channel);
	viewer->connected = NULL;
	if (viewer->commanding)
		viewer_command_over(viewer);
	viewer->replay = REPLAY_DONE;
	viewer->view.whole_lines = false;
	viewer->view.moves = viewer->terminal.moves;
	view_channel_skip(&channel->text, in_line);
	if (evbuffer_get_length(channel->typed))
		terminal_listen(&viewer->terminal, true); /* it is sent later all the same */
	else
		viewer_stop_typing(viewer, channel);
	viewer_show(viewer);
}

void viewer_reconnect(struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->connected;

	if (!channel)
		return;
	if (viewer->commanding) {
		channel->known &= channel->position <= channel->end;
		return;
	}
	if (channel->known && channel->position <= channel->end && viewer->replay == REPLAY_DONE) {
		viewer_follow(viewer, channel, channel->position);
		viewer_send_size(viewer);
	} else {
		ask_for_history(viewer);
	}
}

/* The last lines of what was collected, and the beginning of a line behind them, harmless. */
static void show_history(struct viewer *viewer, bool begins_in_line)
{
	struct evbuffer *text = evbuffer_new();
	struct evbuffer_ptr place = { .pos = 0 };
	size_t length, lines = 0;
	struct view view;

	if (!text)
		return;
	view_init(&view, text, "\r\n");
	view_channel_init(&view, &viewer->replayed, "", 0);
	viewer->replayed.plain = true;
	viewer->replayed.filter.shows = false;
	if (begins_in_line)
		place = evbuffer_search(viewer->history, "\n", 1, NULL);
	if (begins_in_line && place.pos >= 0)
		evbuffer_drain(viewer->history, (size_t)place.pos + 1);
	length = evbuffer_get_length(viewer->history);
	view_feed(&viewer->replayed, evbuffer_pullup(viewer->history, -1), length, 0);
	view_release(&viewer->replayed);
	evbuffer_ptr_set(text, &place, 0, EVBUFFER_PTR_SET);
	while ((place = evbuffer_search(text, "\n", 1, &place)).pos >= 0) {
		lines++;
		evbuffer_ptr_set(text, &place, 1, EVBUFFER_PTR_ADD);
	}
	while (lines > VIEWER_REPLAY_LINES) {
		place = evbuffer_search(text, "\n", 1, NULL);
		evbuffer_drain(text, (size_t)place.pos + 1);
		lines--;
	}
	length = evbuffer_get_length(text);
	viewer_guest_output(viewer, evbuffer_pullup(text, -1), length);
	evbuffer_free(text);
}

static void finish_replay(struct viewer *viewer, const void *live, size_t length)
{
	viewer->replay = REPLAY_DONE;
	show_history(viewer, viewer->replay_begin > 0);
	evbuffer_drain(viewer->history, evbuffer_get_length(viewer->history));
	if (length)
		viewer_guest_output(viewer, live, length);
	viewer_show_soon(viewer);
}

void viewer_replay_announced(struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->connected;

	if (viewer->replay != REPLAY_ASKED || viewer->commanding)
		return;
	viewer->replay = REPLAY_COLLECTING;
	viewer->replay_end = channel->end;
	viewer->replay_begin = channel->begin;
	if (channel->end - channel->begin > VIEWER_REPLAY_BYTES)
		viewer->replay_begin = channel->end - VIEWER_REPLAY_BYTES;
	viewer_follow(viewer, channel, viewer->replay_begin);
	if (viewer->replay_begin >= viewer->replay_end)
		finish_replay(viewer, NULL, 0);
}

void viewer_replay(struct viewer *viewer, const void *bytes, size_t length)
{
	uint64_t position = viewer->connected->position;
	size_t live = 0;

	if (viewer->replay == REPLAY_ASKED)
		return;
	if (position > viewer->replay_end)
		live = position - viewer->replay_end < length
			? (size_t)(position - viewer->replay_end)
			: length;
	evbuffer_add(viewer->history, bytes, length - live);
	if (position >= viewer->replay_end)
		finish_replay(viewer, (const char *)bytes + length - live, live);
}

void viewer_size_changed(struct viewer *viewer)
{
	uint16_t columns, rows;

	terminal_size(&viewer->terminal, &columns, &rows);
	viewer->view.width = columns;
	viewer->screen.width = columns;
	viewer_recordings_resized(viewer);
	viewer_send_size(viewer);
	if (viewer_at_guest(viewer))
		return;
	view_forget(&viewer->view);
	if (viewer->prompt)
		prompt_resize(viewer->prompt);
	viewer_show(viewer);
}

void viewer_send_typed(struct viewer *viewer, struct viewer_channel *channel)
{
	size_t had = evbuffer_get_length(channel->typed);

	while (channel->present && channel->credit > channel->sent &&
		evbuffer_get_length(channel->typed)) {
		uint64_t allowed = channel->credit - channel->sent;
		uint8_t bytes[INPUT_MAX / 4];
		size_t length = allowed < sizeof(bytes) ? (size_t)allowed : sizeof(bytes);
		int taken = evbuffer_remove(channel->typed, bytes, length);

		if (taken <= 0)
			break;
		viewer_stream_send_input(&viewer->stream, channel->id, bytes, (size_t)taken);
		channel->sent += (uint64_t)taken;
	}
	if (!had)
		return;
	if (channel->meant)
		viewer_broadcast_taken(viewer);
	else if (channel == viewer->connected)
		terminal_listen(&viewer->terminal,
			viewer->commanding ||
				evbuffer_get_length(channel->typed) < VIEWER_TYPED_MAX);
	else if (!evbuffer_get_length(channel->typed))
		viewer_stop_typing(viewer, channel);
}

void viewer_type(struct viewer *viewer, const void *bytes, size_t length)
{
	struct viewer_channel *channel = viewer->connected;

	if (viewer->options->read_only) {
		viewer_message(viewer, "%s: attached read-only, nothing is sent", channel->name);
		return;
	}
	if (!viewer_may_type(viewer, channel))
		return;
	viewer_recordings_typed(viewer, channel->name, bytes, length);
	evbuffer_add(channel->typed, bytes, length);
	viewer_send_typed(viewer, channel);
}
