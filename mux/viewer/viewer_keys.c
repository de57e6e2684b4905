/* What the operator types: for the guest, for the prompt, or for us. */

#include "terminal_guard.h"
#include "viewer_parts.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <string.h>

#define CTRL_Z 0x1a
#define HIDDEN_MAX 256 /* at once */
#define DROP_MS 50 /* a pause in what comes: a paste has ended */

void viewer_expect_pause(struct viewer *viewer)
{
	struct timeval pause = { .tv_usec = DROP_MS * 1000L };

	viewer->dropping = true;
	event_add(viewer->dropped, &pause);
}

static void pause_came(evutil_socket_t unused, short events, void *owner)
{
	struct viewer *viewer = owner;

	(void)unused;
	(void)events;
	viewer->dropping = false;
}

/* What was typed or pasted behind leaving was meant for the guest: it must not run here. */
void viewer_back_to_prompt(struct viewer *viewer)
{
	if (!viewer->connected && !viewer->broadcasting)
		return;
	if (viewer->commanding)
		prompt_leave(viewer->prompt);
	viewer_broadcast_end(viewer);
	viewer_leave(viewer);
	if (!viewer->prompt) {
		viewer_end(viewer, 0);
		return;
	}
	terminal_drop_typed(&viewer->terminal);
	prompt_drop(viewer->prompt);
	evbuffer_drain(viewer->ahead, evbuffer_get_length(viewer->ahead));
	viewer_expect_pause(viewer);
}

static void send_break(struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->connected;

	if (viewer->broadcasting)
		viewer_broadcast_break(viewer);
	if (channel && channel->present && !viewer->options->read_only &&
		viewer_may_type(viewer, channel))
		viewer_stream_send(&viewer->stream, ATTACH_BREAK, &channel->id,
			sizeof(channel->id));
}

static void unknown_key(struct viewer *viewer, uint8_t byte)
{
	char escape[KEYS_NAME_MAX], key[KEYS_NAME_MAX];

	keys_name(viewer->keys.escape, escape);
	keys_name(byte, key);
	viewer_message(viewer, "%s %s is no key here; %s . leaves, then \"help\" tells them all",
		escape, key, escape);
}

static void switch_to_number(struct viewer *viewer, unsigned number)
{
	struct viewer_channel *channel = viewer_find_number(viewer, number);

	if (channel)
		viewer_connect(viewer, channel);
	else
		viewer_message(viewer, "no guest has the number %u",
			keys_shown_number(&viewer->keys, number));
}

static void wrong_number(struct viewer *viewer, const struct key_event *event)
{
	viewer_message(viewer, "\"%.*s\" is no number of a guest and Enter", (int)event->length,
		(const char *)event->bytes);
}

static void switch_to(struct viewer *viewer, uint8_t key)
{
	struct viewer_channel *channel = viewer_find_key(viewer, (char)key);

	if (channel)
		viewer_connect(viewer, channel);
	else
		unknown_key(viewer, key);
}

/* "hide" with the names of all channels but the connected one. */
static void hide_others(struct viewer *viewer)
{
	char hide[] = "hide";
	char *words[HIDDEN_MAX + 2] = { hide };
	size_t count = 1;

	if (viewer->running) {
		viewer->next = hide_others;
		return;
	}
	for (const struct viewer_channel *channel = viewer->channels;
		channel && count <= HIDDEN_MAX; channel = channel->next)
		if (channel->present && channel->shown && channel != viewer->connected)
			words[count++] = channel->name;
	if (count > 1)
		viewer_run(viewer, words);
}

static void show_all(struct viewer *viewer)
{
	char word[] = "showall";
	char *words[] = { word, NULL };

	if (viewer->running)
		viewer->next = show_all;
	else
		viewer_run(viewer, words);
}

static void suspend(struct viewer *viewer)
{
	viewer_show(viewer);
	prompt_erase(viewer->prompt);
	terminal_drain(&viewer->terminal);
	terminal_guard_suspend(viewer->guard);
	terminal_take(&viewer->terminal);
	prompt_draw(viewer->prompt);
	terminal_flush(&viewer->terminal);
}

/* Ctrl-Z suspends us; the rest is the line editor's. */
static void type_at_prompt(struct viewer *viewer, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == CTRL_Z)
			suspend(viewer);
		else
			prompt_feed(viewer->prompt, bytes + i, 1);
	}
}

static void type(struct viewer *viewer, const uint8_t *bytes, size_t length)
{
	if (viewer_at_guest(viewer))
		viewer_type(viewer, bytes, length);
	else if (viewer->broadcasting)
		viewer_broadcast_type(viewer, bytes, length);
	else
		type_at_prompt(viewer, bytes, length);
}

/* As if it was typed at the guest, also while its command line still runs its command. */
static void send_byte(struct viewer *viewer, uint8_t byte)
{
	if (viewer->commanding && viewer->commanded)
		viewer_type(viewer, &byte, 1);
	else if (!viewer->running || viewer_at_guest(viewer) || viewer->broadcasting)
		type(viewer, &byte, 1);
}

static void broadcast_to_all(struct viewer *viewer)
{
	char *const all[] = { NULL };

	viewer_broadcast_begin(viewer, all);
}

/* What needs no more of an event than its action. */
static void (*const actions[])(struct viewer *viewer) = {
	[KEY_ESCAPE] = viewer_show_hint,
	[KEY_LEAVE] = viewer_back_to_prompt,
	[KEY_BREAK] = send_break,
	[KEY_HIDE_OTHERS] = hide_others,
	[KEY_SHOW_ALL] = show_all,
	[KEY_TAKE] = viewer_take,
	[KEY_YIELD] = viewer_yield,
	[KEY_NEXT] = viewer_connect_next,
	[KEY_PREVIOUS] = viewer_connect_previous,
	[KEY_LAST] = viewer_connect_last,
	[KEY_COMMAND] = viewer_command_begin,
	[KEY_DETACH] = viewer_detach,
	[KEY_HELP] = viewer_help_key,
	[KEY_BROADCAST] = broadcast_to_all,
};

void viewer_act(struct viewer *viewer, const struct key_event *event)
{
	if (event->action != KEY_ESCAPE)
		viewer_hide_hint(viewer);
	if (event->action == KEY_BYTES)
		type(viewer, event->bytes, event->length);
	else if (event->action == KEY_SEND)
		send_byte(viewer, event->byte);
	else if (event->action == KEY_CHANNEL)
		switch_to(viewer, event->byte);
	else if (event->action == KEY_NUMBER)
		switch_to_number(viewer, event->number);
	else if (event->action == KEY_WRONG_NUMBER)
		wrong_number(viewer, event);
	else if (event->action < ARRAY_SIZE(actions) && actions[event->action])
		actions[event->action](viewer);
}

int viewer_keys_open(struct viewer *viewer)
{
	keys_init(&viewer->keys, viewer->options->keys, viewer->options->escape);
	viewer->dropped = evtimer_new(viewer->base, pause_came, viewer);
	viewer->ahead = evbuffer_new();
	return viewer->dropped && viewer->ahead ? 0 : -ENOMEM;
}

void viewer_keys_close(struct viewer *viewer)
{
	if (viewer->dropped)
		event_free(viewer->dropped);
	if (viewer->ahead)
		evbuffer_free(viewer->ahead);
}
