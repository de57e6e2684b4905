/* The command that waits until a guest has printed something, or is in a state. */

#include "channel.h"
#include "commands.h"
#include "line_text.h"
#include "monotonic.h"
#include "pattern.h"
#include "units.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_BYTES 65536
#define PIECE 256
#define STEP_MS 10 /* patterns may be slow */
#define ANY_STATE UINT_MAX

/*
 * How it works. It looks at what the channel has from where the last one of its kind stopped, line
 * by line, some of it each turn, and then waits for the channel to tell of more. The channel
 * need not be there yet; only while it is not, the creation of every channel is looked at.
 */
struct wait {
	struct command_call *call;
	struct channel_watch watch;
	struct event *timer; /* owned */
	struct pattern *pattern; /* owned; or NULL */
	const char *wanted; /* owned; for people */
	unsigned state; /* or ANY_STATE */
	char name[CONSOLE_NAME_MAX + 1];
	uint32_t id; /* 0: not there yet */
	bool alive; /* it was seen so */
	bool late; /* the time is over */
	bool found, costly;
	uint64_t position; /* of the next byte to look at */
	uint64_t base; /* position where line.total was 0 */
	uint64_t from; /* nothing before it counts */
	struct line_text line;
	char text[LINE_TEXT_MAX + 1]; /* the line it was found in */
};

static void cleanup(struct command_call *call)
{
	struct wait *wait = call->state;

	channel_unwatch(&wait->watch);
	if (wait->timer)
		event_free(wait->timer);
	pattern_destroy(wait->pattern);
	free((char *)(uintptr_t)wait->wanted);
	free(wait);
}

static void happened(struct channel_watch *watch, struct channel *channel, enum channel_event event)
{
	struct wait *wait = CONTAINER_OF(watch, struct wait, watch);

	if (wait->id || (event == CHANNEL_CREATED && !strcmp(channel->name, wait->name)))
		command_wake(wait->call);
}

static void time_is_over(evutil_socket_t unused, short events, void *owner)
{
	struct wait *wait = owner;

	(void)unused;
	(void)events;
	wait->late = true;
	command_wake(wait->call);
}

/* Where the line of this position begins, if that is not too far before it. */
static uint64_t line_begin(const struct channel *channel, uint64_t position)
{
	uint64_t begin = history_begin(&channel->history);
	uint64_t least = position > begin + LINE_TEXT_MAX ? position - LINE_TEXT_MAX : begin;
	struct iovec pieces[2];

	for (; position > least; position--) {
		history_look(&channel->history, position - 1, 1, pieces);
		if (*(const char *)pieces[0].iov_base == '\n')
			break;
	}
	return position;
}

static void begin_line_at(struct wait *wait, uint64_t position)
{
	void (*ended)(struct line_text * line) = wait->line.ended;

	memset(&wait->line, 0, sizeof(wait->line));
	wait->line.ended = ended;
	wait->position = wait->base = position;
}

static void begin_at(struct wait *wait, struct channel *channel)
{
	uint64_t begin = history_begin(&channel->history);

	wait->id = channel->id;
	wait->from = channel_seen(channel);
	if (wait->from < begin)
		wait->from = begin;
	begin_line_at(wait, line_begin(channel, wait->from));
	channel_watch(channel, &wait->watch);
}

/* In the line as far as it goes; what stands before wait->from does not count. */
static void look_in_line(struct wait *wait, uint64_t end)
{
	const struct line_text *line = &wait->line;
	uint64_t begin = wait->base + line->begin;
	struct pattern_place place;
	size_t start = 0;
	int result;

	while (start < line->length && begin + line->fed[start] <= wait->from)
		start++;
	if (wait->found || wait->costly || (start == line->length && end <= wait->from))
		return;
	result = pattern_find(wait->pattern, line->text, line->length, start, &place);
	wait->costly |= result < 0;
	if (result <= 0)
		return;
	wait->found = true;
	wait->from = end;
	if (place.end < line->length)
		wait->from = place.end ? begin + line->fed[place.end - 1] : begin;
	memcpy(wait->text, line->text, line->length + 1);
}

static void line_ended(struct line_text *line)
{
	struct wait *wait = CONTAINER_OF(line, struct wait, line);

	look_in_line(wait, wait->base + line->total);
}

/* False: there is more to look at. */
static bool look(struct wait *wait, const struct channel *channel)
{
	const struct history *history = &channel->history;
	uint64_t begin = history_begin(history);
	uint64_t end_ms = monotonic_ms() + STEP_MS;

	if (wait->position < begin)
		begin_line_at(wait, begin);
	for (size_t done = 0; done < STEP_BYTES; done += PIECE) {
		struct iovec pieces[2];

		if (wait->found || wait->costly || wait->position >= history->committed ||
			monotonic_ms() > end_ms)
			break;
		wait->position += history_look(history, wait->position, PIECE, pieces);
		for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++)
			line_text_feed(&wait->line, pieces[i].iov_base, pieces[i].iov_len);
	}
	if (wait->position < history->committed)
		return wait->found || wait->costly;
	look_in_line(wait, wait->position);
	return true;
}

static int found(struct wait *wait, struct channel *channel)
{
	if (wait->pattern)
		channel_saw(channel, wait->from);
	if (wait->pattern)
		command_print(wait->call, "%s\n", wait->text);
	return 0;
}

static bool is_it(struct wait *wait, const struct channel *channel)
{
	if (wait->pattern)
		return wait->found;
	if (wait->state == ANY_STATE)
		return channel->device;
	return channel->history.record.state == wait->state;
}

/* What is to be done while it is not what was wanted. */
static int go_on(struct wait *wait, const struct channel *channel)
{
	struct command_call *call = wait->call;
	bool dead = channel && (channel_is_dead(channel) || channel_is_over(channel));
	const char *reason = channel ? channel->history.record.reason : "";

	if (wait->costly)
		return command_fail(call, 1, "wait: it takes too long to find %s", wait->wanted);
	if (wait->alive && dead) {
		command_fail(call, 1, "wait: %s: %s%s%s, without %s", wait->name,
			channel_state_name(channel), *reason ? ": " : "", reason, wait->wanted);
		return command_error(call, 1, "GuestEnded", wait->name);
	}
	wait->alive = channel && !dead;
	if (!wait->late)
		return COMMAND_WAITING;
	if (channel)
		command_fail(call, 1, "wait: %s: no %s in time", wait->name, wait->wanted);
	else
		command_fail(call, 1, "wait: no channel named \"%s\" in time", wait->name);
	return command_error(call, 1, "TimedOut", wait->name);
}

static int step(struct command_call *call)
{
	struct wait *wait = call->state;
	struct channel *channel = wait->id ? channel_by_id(call->mux, wait->id)
					   : channel_find(call->mux, wait->name);

	if (!channel && wait->id)
		return command_error(call,
			command_fail(call, 1, "wait: %s was dropped", wait->name),
			"ChannelNotFound", wait->name);
	if (channel && !wait->id)
		begin_at(wait, channel);
	if (channel && wait->pattern && !look(wait, channel))
		return COMMAND_AGAIN;
	if (channel && is_it(wait, channel))
		return found(wait, channel);
	return go_on(wait, channel);
}

/* False with the message set. */
static bool set_timer(struct wait *wait, const char *value)
{
	bool is_number = value[strspn(value, "0123456789")] == '\0' && *value;
	char with_unit[32];
	struct timeval time;
	uint64_t ms;

	snprintf(with_unit, sizeof(with_unit), "%.28s%s", value, is_number ? "s" : "");
	if (!units_read_duration(with_unit, strlen(with_unit), &ms) || ms / 1000 > INT_MAX) {
		command_fail(wait->call, 2, "wait: \"%s\" is no time, such as 5, 5s or 500ms",
			value);
		return false;
	}
	time = (struct timeval){ (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };
	wait->timer = event_new(wait->call->mux->base, -1, 0, time_is_over, wait);
	if (wait->timer && !event_add(wait->timer, &time))
		return true;
	command_fail(wait->call, 1, "wait: no memory");
	return false;
}

/* False with the message set. */
static bool set_state(struct wait *wait, const char *name)
{
	for (wait->state = 0; wait->state <= CHANNEL_GONE; wait->state++) {
		if (!strcmp(channel_state_word(wait->state), name))
			return true;
	}
	command_fail(wait->call, 2, "wait: \"%s\" is no state: see the states of muxd(8)", name);
	return false;
}

static bool set_pattern(struct wait *wait, const char *text)
{
	char message[160];

	wait->pattern = pattern_create(text, 0, message, sizeof(message));
	if (!wait->pattern)
		command_fail(wait->call, 2, "wait: \"%s\": %s", text, message);
	return wait->pattern;
}

/* 0, or an exit status with the message set. */
static int set_up(struct wait *wait, char *const *words)
{
	struct command_call *call = wait->call;
	const char *pattern = command_option(call, "--for");
	const char *state = command_option(call, "--state");
	const char *timeout = command_option(call, "--timeout");
	char *wanted = NULL;

	if (pattern && state)
		return command_fail(call, 2, "wait: either --for or --state");
	if (strlen(words[1]) > CONSOLE_NAME_MAX)
		return command_fail(call, 2, "wait: no channel has so long a name");
	strcpy(wait->name, words[1]);
	wait->state = ANY_STATE;
	if (asprintf(&wanted, "%s%s%s", pattern ? "\"" : "",
		    pattern         ? pattern
			    : state ? state
				    : "guest",
		    pattern ? "\"" : "") < 0)
		return command_fail(call, 1, "wait: no memory");
	wait->wanted = wanted;
	if ((pattern && !set_pattern(wait, pattern)) || (state && !set_state(wait, state)) ||
		(timeout && !set_timer(wait, timeout)))
		return 2;
	return 0;
}

/* wait CHANNEL [--for REGEX | --state STATE] [--timeout TIME] */
int wait_run(struct command_call *call, char *const *words)
{
	struct wait *wait = calloc(1, sizeof(*wait));
	int status;

	if (!wait)
		return command_fail(call, 1, "wait: no memory");
	wait->call = call;
	wait->watch.happened = happened;
	wait->line.ended = line_ended;
	call->state = wait;
	call->step = step;
	call->cleanup = cleanup;
	status = set_up(wait, words);
	if (status)
		return status;
	channel_watch_all(call->mux, &wait->watch);
	return step(call);
}
