/* The commands that print what a channel's guest has written, and the times of lines. */

#include "channel.h"
#include "commands.h"
#include "history_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINES_DEFAULT 20

const struct command_option cat_options[] = {
	READER_TIME_OPTIONS,
	READER_SINCE_OPTION,
	READER_UNTIL_OPTION,
	{ NULL, NULL, NULL },
};

const struct command_option tail_options[] = {
	{ "-f", NULL, "go on with what comes" },
	{ "-n", "LINES", "how many lines" },
	READER_TIME_OPTIONS,
	READER_SINCE_OPTION,
	{ NULL, NULL, NULL },
};

/* A history being printed. */
struct print {
	struct command_call *call;
	char name[CONSOLE_NAME_MAX + 1];
	uint32_t id;
	enum timestamps how; /* TIMESTAMPS_COUNT: as the channel has it */
	struct history_window window;
	struct history_reader reader;
	struct history_piece piece;
	bool tell_older; /* how much was overwritten before the first line */
	bool follow; /* go on with what comes */
	struct channel_watch watch;
	uint64_t back; /* tail: the ends of lines behind here have been counted */
	uint64_t lines; /* and as many are still to be found */
};

static void print_cleanup(struct command_call *call)
{
	struct print *print = call->state;

	channel_unwatch(&print->watch);
	free(print);
}

static void happened(struct channel_watch *watch, struct channel *channel, enum channel_event event)
{
	struct print *print = CONTAINER_OF(watch, struct print, watch);

	(void)channel;
	if (event == CHANNEL_OUTPUT || event == CHANNEL_DROPPED)
		command_wake(print->call);
}

static void print_time(struct print *print, const struct channel *channel)
{
	enum timestamps how = print->how;
	char text[TIMESTAMP_MAX];
	size_t length;

	if (how == TIMESTAMPS_COUNT)
		how = (enum timestamps)channel->history.record.timestamps;
	length = timestamp_write(how, history_time(&channel->history, print->piece.position),
		channel_start(channel), text);
	print->call->output(print->call, text, length);
}

static void print_loss(struct print *print, bool in_line)
{
	command_print(print->call, "%s--- %s: %llu bytes were overwritten meanwhile ---\r\n",
		in_line ? "\r\n" : "", print->name, (unsigned long long)print->reader.overwritten);
	print->reader.overwritten = 0;
}

static void print_older(struct print *print)
{
	if (print->piece.position)
		command_print(print->call, "--- %s: %llu older bytes are gone ---\r\n", print->name,
			(unsigned long long)print->piece.position);
	print->tell_older = false;
	print->reader.overwritten = 0;
}

static int print_end(struct print *print, const struct channel *channel)
{
	struct history_reader *reader = &print->reader;

	if (!print->follow)
		return 0;
	reader->limit = channel->history.committed;
	reader->end = reader->limit;
	return reader->position < reader->limit ? COMMAND_AGAIN : COMMAND_WAITING;
}

static int print_step(struct command_call *call)
{
	struct print *print = call->state;
	const struct channel *channel = channel_by_id(call->mux, print->id);

	if (!channel)
		return command_fail(call, 1, "%s: %s was dropped", call->command->name,
			print->name);
	for (size_t done = 0; done < READER_STEP;) {
		bool in_line = print->reader.in_line;
		enum reader_result result = reader_next(&print->reader, channel, &print->piece);

		if (print->reader.overwritten && !print->tell_older)
			print_loss(print, in_line);
		if (result == READER_END)
			return print_end(print, channel);
		done += READER_PIECE_MAX;
		if (result == READER_SKIPPED)
			continue;
		done += print->piece.length + TIMESTAMP_MAX - READER_PIECE_MAX;
		if (print->tell_older)
			print_older(print);
		if (print->piece.begins)
			print_time(print, channel);
		call->output(call, print->piece.bytes, print->piece.length);
	}
	return COMMAND_AGAIN;
}

static struct print *print_create(struct command_call *call, const char *name)
{
	struct channel *channel = commands_channel(call, name);
	struct print *print = channel ? calloc(1, sizeof(*print)) : NULL;

	if (!print) {
		if (channel)
			command_fail(call, 1, "%s: no memory", call->command->name);
		return NULL;
	}
	call->state = print;
	call->cleanup = print_cleanup;
	call->step = print_step;
	print->call = call;
	print->id = channel->id;
	print->watch.happened = happened;
	strcpy(print->name, channel->name);
	return print;
}

/* cat [-t] [--time HOW] [--since TIME] [--until TIME] CHANNEL */
int cat_run(struct command_call *call, char *const *words)
{
	struct print *print = print_create(call, words[1]);

	if (!print)
		return 1;
	if (!history_times_read(call, &print->how) || !history_window_read(call, &print->window))
		return 2;
	reader_init(&print->reader, channel_by_id(call->mux, print->id), &print->window);
	print->tell_older = !print->window.since_ms;
	return COMMAND_AGAIN;
}

/* Looks for where the last lines begin, from the end. */
static int tail_step(struct command_call *call)
{
	struct print *print = call->state;
	const struct channel *channel = channel_by_id(call->mux, print->id);
	uint64_t begin = channel ? history_begin(&channel->history) : 0;
	uint64_t from = print->back > READER_STEP ? print->back - READER_STEP : 0;
	uint64_t start = begin, since = 0;

	if (!channel)
		return print_step(call);
	if (from < begin)
		from = begin;
	if (from < print->back)
		start = history_line_back(&channel->history, from, print->back, &print->lines);
	print->back = from;
	if (start == UINT64_MAX)
		return COMMAND_AGAIN;
	if (print->window.since_ms)
		since = history_since(&channel->history, print->window.since_ms);
	reader_move(&print->reader, channel, start > since ? start : since);
	call->step = print_step;
	return COMMAND_AGAIN;
}

static bool read_lines(struct command_call *call, const char *word, uint64_t *lines)
{
	const char *option = command_option(call, "-n");
	char *end;

	*lines = LINES_DEFAULT;
	if (option && word)
		return command_fail(call, 2, "tail: how many lines is told twice") == 0;
	if (!word)
		word = option;
	if (!word)
		return true;
	errno = 0;
	*lines = strtoul(word, &end, 10);
	if (!errno && !*end && *word >= '0' && *word <= '9')
		return true;
	return command_fail(call, 2, "tail: \"%s\" is no number of lines", word) == 0;
}

/* tail [-f] [-n LINES] [-t] [--time HOW] [--since TIME] CHANNEL [LINES] */
int tail_run(struct command_call *call, char *const *words)
{
	struct print *print = print_create(call, words[1]);
	struct channel *channel;

	if (!print)
		return 1;
	if (!history_times_read(call, &print->how) || !history_window_read(call, &print->window) ||
		!read_lines(call, words[2], &print->lines))
		return 2;
	channel = channel_by_id(call->mux, print->id);
	print->follow = command_option(call, "-f") != NULL;
	if (print->follow)
		channel_watch(channel, &print->watch);
	print->back = channel->history.committed;
	if (!print->lines) {
		reader_move(&print->reader, channel, print->back);
		return COMMAND_AGAIN;
	}
	print->lines += history_at_line_start(&channel->history);
	call->step = tail_step;
	return COMMAND_AGAIN;
}

static void set_timestamps(struct command_call *call, struct channel *channel)
{
	uint8_t how = *(const uint8_t *)call->state;

	if (channel->history.record.timestamps == how)
		return;
	channel->history.record.timestamps = how;
	channel_commit(channel);
	channel_changed(channel);
}

/* timestamp CHANNEL ... [on|off|local|utc|relative] */
int timestamp_run(struct command_call *call, char *const *words)
{
	char *patterns[COMMAND_WORDS_MAX + 2];
	enum timestamps how = TIMESTAMPS_LOCAL;
	size_t count = 0;
	uint8_t value;
	int status;

	for (words++; words[count]; count++)
		patterns[count] = words[count];
	if (count > 1 && timestamps_read(words[count - 1], &how))
		count--;
	patterns[count] = NULL;
	value = (uint8_t)how;
	call->state = &value;
	status = commands_each(call, patterns, set_timestamps);
	call->state = NULL;
	return status;
}
