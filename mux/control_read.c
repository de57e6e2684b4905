/* control.sock: reading a channel's history, and what comes. */

#include "channel.h"
#include "control.h"
#include "control_bytes.h"
#include "control_methods.h"
#include "control_run.h"
#include "varlink.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 4096
#define UNSENT_MOST 65536
#define LINES_WITHIN 1048576 /* bytes in which lines are counted back */

/* A reader of one channel, at its own pace. */
struct read {
	struct mux *mux;
	struct varlink_call *call;
	struct channel_watch watch;
	struct event *again; /* owned */
	uint32_t id;
	uint64_t position;
	bool times, follow;
};

static void read_free(void *owner)
{
	struct read *read = owner;

	channel_unwatch(&read->watch);
	if (read->again)
		event_free(read->again);
	free(read);
}

/* Where the last count lines begin; one that has no end yet is one. */
static uint64_t last_lines(const struct history *history, json_int_t count)
{
	uint64_t begin = history_begin(history), end = history->committed;
	uint64_t ends = (uint64_t)count + history_at_line_start(history);
	uint64_t start;

	if (!count)
		return end;
	if (end > begin + LINES_WITHIN)
		begin = end - LINES_WITHIN;
	start = history_line_back(history, begin, end, &ends);
	return start == UINT64_MAX ? begin : start;
}

/* How much comes next; all of it has one time, if times are wanted. */
static size_t next_length(const struct read *read, const struct history *history)
{
	uint64_t end = read->times ? history_next_time(history, read->position)
				   : history->committed;
	uint64_t length = end - read->position;

	return length < PIECE ? (size_t)length : PIECE;
}

/* The next piece as a reply, and behind it. */
static json_t *take_piece(struct read *read, const struct history *history)
{
	uint64_t begin = history_begin(history);
	uint64_t lost = read->position < begin ? begin - read->position : 0;
	json_t *reply;
	uint8_t bytes[PIECE];
	struct iovec pieces[2];
	size_t length, whole;
	json_int_t position;

	read->position += lost;
	position = (json_int_t)read->position;
	length = history_look(history, read->position, next_length(read, history), pieces);
	for (size_t i = 0, done = 0; i < ARRAY_SIZE(pieces); done += pieces[i++].iov_len)
		if (pieces[i].iov_len)
			memcpy(bytes + done, pieces[i].iov_base, pieces[i].iov_len);
	whole = length == PIECE ? control_whole_characters(bytes, length) : length;
	reply = json_pack("{s:I, s:I, s:I}", "position", position, "next",
		position + (json_int_t)whole, "end", (json_int_t)history->committed);
	if (lost)
		json_object_set_new(reply, "lost", json_integer((json_int_t)lost));
	if (read->times && whole)
		json_object_set_new(reply, "timeMs",
			json_integer((json_int_t)history_time(history, read->position)));
	control_add_bytes(reply, bytes, whole);
	read->position += whole;
	return reply;
}

static void not_found(struct varlink_call *call, const char *name)
{
	struct command_call command = { .error = NULL };

	command_fail(&command, 1, "no channel named \"%s\"", name);
	command_error(&command, 1, "ChannelNotFound", name);
	control_fail(call, &command, 1);
}

/* As much as the caller takes. */
static void progress(void *owner)
{
	struct read *read = owner;
	struct channel *channel = channel_by_id(read->mux, read->id);
	const struct history *history = channel ? &channel->history : NULL;

	if (!channel) {
		varlink_reply(read->call,
			json_pack("{s:I, s:I, s:I}", "position", (json_int_t)read->position, "next",
				(json_int_t)read->position, "end", (json_int_t)read->position));
		read_free(read);
		return;
	}
	while (read->position < history->committed) {
		if (varlink_unsent(read->call) >= UNSENT_MOST)
			return;
		varlink_continue(read->call, take_piece(read, history));
	}
	if (read->follow)
		return;
	varlink_reply(read->call, take_piece(read, history));
	read_free(read);
}

static void again(evutil_socket_t unused, short events, void *owner)
{
	(void)unused;
	(void)events;
	progress(owner);
}

static void happened(struct channel_watch *watch, struct channel *channel, enum channel_event event)
{
	struct read *read = CONTAINER_OF(watch, struct read, watch);

	(void)channel;
	(void)event;
	event_active(read->again, EV_TIMEOUT, 1);
}

/* Read goes on as long as there is something, or for ever. */
static void start(const struct read *request, struct channel *channel)
{
	struct read *read = malloc(sizeof(*read));

	if (read) {
		*read = *request;
		read->again = event_new(read->mux->base, -1, 0, again, read);
	}
	if (!read || !read->again) {
		control_no_memory(request->call);
		free(read);
		return;
	}
	channel_watch(channel, &read->watch);
	varlink_on_gone(read->call, read_free, read);
	varlink_on_sent(read->call, progress, read);
	progress(read);
}

/* Read(channel, position or lines, times, follow) */
void control_read(struct varlink_call *call, json_t *parameters)
{
	const struct control *control = varlink_owner(call);
	struct read read = { .mux = control->mux, .call = call, .watch.happened = happened };
	json_int_t position = 0, lines = -1;
	struct channel *channel;
	const char *name;

	if (!control_needed(call, parameters, "channel", &name) ||
		!control_integer(call, parameters, "position", &position) ||
		!control_integer(call, parameters, "lines", &lines) ||
		!control_flag(call, parameters, "times", &read.times) ||
		!control_flag(call, parameters, "follow", &read.follow))
		return;
	channel = channel_find(control->mux, name);
	if (!channel) {
		not_found(call, name);
		return;
	}
	read.id = channel->id;
	read.position = (uint64_t)position;
	if (lines >= 0)
		read.position = last_lines(&channel->history, lines);
	if (read.position > channel->history.committed)
		read.position = channel->history.committed;
	if (varlink_wants_more(call))
		start(&read, channel);
	else
		varlink_reply(call, take_piece(&read, &channel->history));
}
