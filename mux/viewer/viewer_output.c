/* The viewer's output: guests' bytes, and foreign lines above the prompt or the guest's line. */

#include "monotonic.h"
#include "terminal_guard.h"
#include "viewer_parts.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_LOOK_MS 250 /* how often a screen that was not free is looked at */
#define BACKSPACES "\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b"

static void throttle(struct viewer *viewer)
{
	terminal_flush(&viewer->terminal);
	if (terminal_full(&viewer->terminal))
		viewer_stream_pause(&viewer->stream, true);
}

static void say_what_was_held(struct viewer *viewer)
{
	if (!viewer->held_lines)
		return;
	evbuffer_add_printf(viewer->terminal.out,
		VIEW_MESSAGE_MARK "%zu lines of other guests not shown%s", viewer->held_lines,
		viewer->view.newline);
	viewer->held_lines = 0;
}

static void show_lines(struct viewer *viewer)
{
	say_what_was_held(viewer);
	evbuffer_add_buffer(viewer->terminal.out, viewer->lines);
}

static void hold_lines(struct viewer *viewer)
{
	while (evbuffer_get_length(viewer->lines) > VIEWER_HELD_MAX) {
		struct evbuffer_ptr end = evbuffer_search(viewer->lines, "\n", 1, NULL);

		if (end.pos < 0)
			break;
		evbuffer_drain(viewer->lines, (size_t)end.pos + 1);
		viewer->held_lines++;
	}
}

static void show_around_guest(struct viewer *viewer)
{
	if (!screen_is_free(&viewer->screen, monotonic_ms())) {
		hold_lines(viewer);
		return;
	}
	viewer_hide_hint(viewer);
	viewer->terminal.soon = true; /* the guest's echo may come behind them */
	screen_erase(&viewer->screen, viewer->terminal.out);
	show_lines(viewer);
	screen_redraw(&viewer->screen, viewer->terminal.out);
}

static void show_above_indicator(struct viewer *viewer)
{
	view_close(&viewer->view);
	if (evbuffer_get_length(viewer->lines)) {
		viewer_broadcast_erase(viewer);
		show_lines(viewer);
	}
	viewer_broadcast_draw(viewer);
}

void viewer_show(struct viewer *viewer)
{
	if (viewer->playing) {
		; /* they wait */
	} else if (evbuffer_get_length(viewer->lines) && viewer_at_guest(viewer)) {
		show_around_guest(viewer);
	} else if (viewer->broadcasting) {
		show_above_indicator(viewer);
	} else if (evbuffer_get_length(viewer->lines) && viewer->prompt) {
		view_close(&viewer->view);
		prompt_erase(viewer->prompt);
		show_lines(viewer);
		prompt_draw(viewer->prompt);
	} else if (evbuffer_get_length(viewer->lines)) {
		show_lines(viewer);
	}
	throttle(viewer);
	viewer_set_timer(viewer);
}

static void flush_now(evutil_socket_t unused, short events, void *owner)
{
	(void)unused;
	(void)events;
	viewer_show(owner);
}

void viewer_show_soon(struct viewer *viewer)
{
	event_active(viewer->flush, EV_TIMEOUT, 1);
}

void viewer_message(struct viewer *viewer, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	view_message(&viewer->view, text);
	viewer_show_soon(viewer);
}

void viewer_line(struct viewer *viewer, const char *format, ...)
{
	va_list arguments;

	view_forget(&viewer->view);
	va_start(arguments, format);
	evbuffer_add_vprintf(viewer->lines, format, arguments);
	va_end(arguments);
	evbuffer_add_printf(viewer->lines, "%s", viewer->view.newline);
	viewer_show_soon(viewer);
}

void viewer_guest_output(struct viewer *viewer, const void *bytes, size_t length)
{
	viewer_hide_hint(viewer);
	evbuffer_add(viewer->terminal.out, bytes, length);
	screen_feed(&viewer->screen, bytes, length, monotonic_ms());
	atomic_store(viewer->guard->modes, viewer->screen.modes);
	throttle(viewer);
}

/* "[Ctrl-E]" behind the cursor, where it can be taken away again. */
static size_t hint_text(const struct viewer *viewer, char text[static KEYS_NAME_MAX + 3])
{
	char name[KEYS_NAME_MAX];

	keys_name(viewer->keys.escape, name);
	snprintf(text, KEYS_NAME_MAX + 3, "[%s]", name);
	return strlen(text);
}

void viewer_show_hint(struct viewer *viewer)
{
	const struct screen *screen = &viewer->screen;
	char text[KEYS_NAME_MAX + 3];
	size_t length = hint_text(viewer, text);

	if (!viewer_at_guest(viewer) || viewer->replay != REPLAY_DONE || screen->wrapped ||
		screen->overflow || !screen_is_free(screen, monotonic_ms()) ||
		screen->column + length >= screen->width)
		return;
	viewer->hint = true;
	evbuffer_add(viewer->terminal.out, text, length);
	throttle(viewer);
}

void viewer_hide_hint(struct viewer *viewer)
{
	struct evbuffer *out = viewer->terminal.out;
	char text[KEYS_NAME_MAX + 3];
	size_t length = hint_text(viewer, text);

	if (!viewer->hint)
		return;
	viewer->hint = false;
	if (viewer->screen.moves) {
		evbuffer_add(out, "\r\033[K", 4);
		screen_redraw(&viewer->screen, out);
	} else {
		evbuffer_add_printf(out, "%.*s%*s%.*s", (int)length, BACKSPACES, (int)length, "",
			(int)length, BACKSPACES);
	}
	throttle(viewer);
}

static void look_at_deadline(const struct viewer *viewer, const struct view_channel *channel,
	uint64_t *next)
{
	if (channel->has_deadline && !viewer->view.whole_lines && channel->deadline_ms < *next)
		*next = channel->deadline_ms;
}

/* A command may go on for long, and wait in the midst of a line; where that can be mended, later.
 */
static bool answer_expires(const struct viewer *viewer)
{
	return viewer->running && viewer->view.moves;
}

/* The timer for the parts of lines whose time comes, and for lines that are held. */
void viewer_set_timer(struct viewer *viewer)
{
	uint64_t now = monotonic_ms(), next = UINT64_MAX;
	struct timeval pause;

	if (viewer_at_guest(viewer) && evbuffer_get_length(viewer->lines))
		next = now + HOLD_LOOK_MS;
	for (const struct viewer_channel *channel = viewer->channels; channel;
		channel = channel->next)
		look_at_deadline(viewer, &channel->text, &next);
	if (answer_expires(viewer))
		look_at_deadline(viewer, &viewer->answer, &next);
	if (next == UINT64_MAX) {
		event_del(viewer->tick);
		return;
	}
	next = next > now ? next - now : 0;
	pause.tv_sec = (time_t)(next / 1000);
	pause.tv_usec = (suseconds_t)(next % 1000 * 1000);
	event_add(viewer->tick, &pause);
}

static void time_passed(evutil_socket_t unused, short events, void *owner)
{
	struct viewer *viewer = owner;

	(void)unused;
	(void)events;
	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next)
		view_expire(&channel->text, monotonic_ms());
	if (answer_expires(viewer))
		view_expire(&viewer->answer, monotonic_ms());
	viewer_show(viewer);
}

static void drained(void *owner)
{
	struct viewer *viewer = owner;

	if (viewer->playing)
		player_drained(&viewer->player);
	else
		viewer_stream_pause(&viewer->stream, false);
	request_pause(&viewer->request, false);
}

int viewer_output_open(struct viewer *viewer)
{
	viewer->lines = evbuffer_new();
	viewer->history = evbuffer_new();
	viewer->flush = event_new(viewer->base, -1, 0, flush_now, viewer);
	viewer->tick = evtimer_new(viewer->base, time_passed, viewer);
	viewer->terminal.drained = drained;
	if (!viewer->lines || !viewer->history || !viewer->flush || !viewer->tick)
		return -ENOMEM;
	view_init(&viewer->view, viewer->lines, viewer->terminal.interactive ? "\r\n" : "\n");
	viewer->view.colors = viewer->terminal.colors;
	viewer->view.moves = viewer->terminal.moves;
	return 0;
}

void viewer_output_close(struct viewer *viewer)
{
	if (viewer->lines)
		evbuffer_free(viewer->lines);
	if (viewer->history)
		evbuffer_free(viewer->history);
	if (viewer->flush)
		event_free(viewer->flush);
	if (viewer->tick)
		event_free(viewer->tick);
}
