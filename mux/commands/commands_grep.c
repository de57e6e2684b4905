/* The command that looks for text in histories. */

#include "channel.h"
#include "commands.h"
#include "history_reader.h"
#include "line_text.h"
#include "monotonic.h"
#include "pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT_MOST 10000 /* lines around one */
#define ROW_COST 64 /* bytes that may be printed besides its text */
#define STEP_MS 10 /* patterns may be slow */

const struct command_option grep_options[] = {
	{ "-E", NULL, "PATTERN is a regular expression" },
	{ "-i", NULL, "letters of either case" },
	{ "-n", NULL, "with the numbers of lines" },
	{ "-w", NULL, "whole words" },
	{ "-c", NULL, "only how many lines" },
	{ "-v", NULL, "lines without it" },
	{ "-A", "LINES", "with lines behind" },
	{ "-B", "LINES", "with lines before" },
	{ "-C", "LINES", "with lines around" },
	READER_TIME_OPTIONS,
	READER_SINCE_OPTION,
	READER_UNTIL_OPTION,
	{ NULL, NULL, NULL },
};

/*
 * A row is what is searched: a line's text, or the part of it up to a carriage return; a line that
 * is longer than a piece of the reader is several. Its place is that of its piece, and the number
 * of the row in it.
 */
struct place {
	uint64_t position;
	unsigned row;
	bool in_line; /* the piece does not begin its line */
	uint64_t line; /* its number, from 1 */
};

/*
 * How it works. Rows are searched one after the other, and only their places are remembered, as
 * many as may have to be printed before a row that matches. Then the reader goes back to the first
 * of them, and prints rows until it is where it was.
 */
struct grep {
	struct command_call *call;
	struct pattern *pattern; /* owned */
	struct history_window window;
	enum timestamps how;
	bool invert, count_only, numbers, grouped;
	bool named; /* each line begins with its channel's name */
	uint64_t before, after;
	uint32_t *channels; /* owned; their ids, in the order of their names */
	size_t channel_count, next_channel;

	const struct channel *channel; /* during a step */
	bool reading;
	struct history_reader reader;
	struct history_piece piece;
	struct line_text text;
	struct place place; /* of the row that comes next */
	struct place *ring; /* owned; places of the last rows that were not printed */
	size_t ring_size, ring_start, ring_count;
	struct place hit; /* the row that matched: those before it are printed */
	bool returning; /* to the first of them; the rest of this piece is not looked at */
	bool printing; /* on the way to hit */
	struct place first; /* of the rows to be printed on that way */
	bool stopped; /* nothing more is looked at */
	int status;

	uint64_t after_left;
	uint64_t matches; /* in this channel */
	bool matched; /* in any */
	bool gap; /* rows were left out behind the last one printed */
	bool printed; /* any row */
	uint64_t overwritten;
};

static bool is_before(const struct place *one, const struct place *other)
{
	return one->position < other->position ||
		(one->position == other->position && one->row < other->row);
}

static void print_name(struct grep *grep, char separator)
{
	if (grep->named)
		command_print(grep->call, "%s%c", grep->channel->name, separator);
}

static void print_row(struct grep *grep, const char *text, size_t length, char separator)
{
	struct command_call *call = grep->call;
	const struct channel *channel = grep->channel;
	enum timestamps how = grep->how;
	char time[TIMESTAMP_MAX];

	if (grep->gap && grep->printed && grep->grouped)
		call->output(call, "--\n", 3);
	grep->gap = false;
	grep->printed = true;
	print_name(grep, separator);
	if (grep->numbers)
		command_print(call, "%llu%c", (unsigned long long)grep->place.line, separator);
	if (how == TIMESTAMPS_COUNT)
		how = (enum timestamps)channel->history.record.timestamps;
	call->output(call, time,
		timestamp_write(how, history_time(&channel->history, grep->place.position),
			channel_start(channel), time));
	call->output(call, text, length);
	call->output(call, "\n", 1);
}

static void remember(struct grep *grep)
{
	if (!grep->ring_size) {
		grep->gap = true;
		return;
	}
	if (grep->ring_count == grep->ring_size) {
		grep->ring_start = (grep->ring_start + 1) % grep->ring_size;
		grep->ring_count--;
		grep->gap = true;
	}
	grep->ring[(grep->ring_start + grep->ring_count++) % grep->ring_size] = grep->place;
}

static void hit(struct grep *grep, const char *text, size_t length)
{
	grep->matched = true;
	grep->matches++;
	if (grep->count_only)
		return;
	if (grep->ring_count) {
		grep->hit = grep->place;
		grep->first = grep->ring[grep->ring_start];
		grep->ring_count = 0;
		grep->returning = true;
		return;
	}
	print_row(grep, text, length, ':');
	grep->after_left = grep->after;
}

static void search_row(struct grep *grep, const char *text, size_t length)
{
	int found = pattern_find(grep->pattern, text, length, 0, NULL);

	if (found < 0) {
		grep->stopped = true;
		grep->status = command_fail(grep->call, 2,
			"grep: the pattern takes too long for a line of %s", grep->channel->name);
	} else if ((found > 0) != grep->invert) {
		hit(grep, text, length);
	} else if (grep->after_left) {
		grep->after_left--;
		print_row(grep, text, length, '-');
	} else if (!grep->count_only) {
		remember(grep);
	}
}

static void row_came(struct grep *grep, const char *text, size_t length)
{
	if (grep->returning || grep->stopped)
		return;
	if (grep->printing && is_before(&grep->place, &grep->hit)) {
		if (!is_before(&grep->place, &grep->first))
			print_row(grep, text, length, '-');
	} else if (grep->printing && !is_before(&grep->hit, &grep->place)) {
		grep->printing = false;
		print_row(grep, text, length, ':');
		grep->after_left = grep->after;
	} else {
		grep->printing = false; /* or what matched was overwritten */
		search_row(grep, text, length);
	}
	grep->place.row++;
}

/* A carriage return in front of a line is none in it. */
static void text_ended(struct line_text *text)
{
	struct grep *grep = CONTAINER_OF(text, struct grep, text);

	if (text->length || (grep->piece.ends && text->total == grep->piece.length))
		row_came(grep, text->text, text->length);
}

/* Most lines are what they look like. */
static bool is_plain(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] < ' ' || bytes[i] >= 0x7f)
			return false;
	}
	return true;
}

static void search_piece(struct grep *grep)
{
	const struct history_piece *piece = &grep->piece;
	size_t length = piece->length - piece->ends;

	grep->place.position = piece->position;
	grep->place.row = 0;
	grep->place.in_line = !piece->begins;
	if (piece->ends && length && piece->bytes[length - 1] == '\r')
		length--;
	if (is_plain(piece->bytes, length)) {
		row_came(grep, (const char *)piece->bytes, length);
	} else {
		grep->text.total = 0;
		grep->text.begin = 0;
		grep->text.length = 0;
		grep->text.filter = (struct text_filter){ .returned = false };
		line_text_feed(&grep->text, piece->bytes, piece->length);
		if (!piece->ends && grep->text.length)
			row_came(grep, grep->text.text, grep->text.length);
	}
	grep->place.line += piece->ends;
	if (!grep->returning)
		return;
	grep->returning = false;
	grep->printing = true;
	grep->place = grep->first;
	reader_return(&grep->reader, grep->first.position, grep->first.in_line);
}

static void end_channel(struct grep *grep)
{
	if (grep->count_only) {
		print_name(grep, ':');
		command_print(grep->call, "%llu\n", (unsigned long long)grep->matches);
	}
	grep->overwritten += grep->reader.overwritten;
	grep->reading = false;
	grep->next_channel++;
}

static void begin_channel(struct grep *grep)
{
	reader_init(&grep->reader, grep->channel, &grep->window);
	grep->reading = true;
	grep->place.line = 1;
	grep->ring_count = 0;
	grep->after_left = 0;
	grep->matches = 0;
	grep->printing = false;
	grep->gap = true;
}

/* The next piece of the channel it is at; how much work that was. */
static size_t go_on(struct grep *grep)
{
	grep->channel = channel_by_id(grep->call->mux, grep->channels[grep->next_channel]);
	if (!grep->channel) {
		grep->reading = false;
		grep->next_channel++;
		return 1;
	}
	if (!grep->reading)
		begin_channel(grep);
	switch (reader_next(&grep->reader, grep->channel, &grep->piece)) {
	case READER_END:
		end_channel(grep);
		return 1;
	case READER_SKIPPED:
		return READER_PIECE_MAX;
	case READER_PIECE:
		search_piece(grep);
		return grep->piece.length + ROW_COST;
	}
	return 1;
}

static int grep_step(struct command_call *call)
{
	struct grep *grep = call->state;
	uint64_t end_ms = monotonic_ms() + STEP_MS;

	for (size_t done = 0; done < READER_STEP && grep->next_channel < grep->channel_count;) {
		done += go_on(grep);
		if (grep->stopped)
			return grep->status;
		if (monotonic_ms() > end_ms)
			break;
	}
	if (grep->next_channel < grep->channel_count)
		return COMMAND_AGAIN;
	if (grep->overwritten)
		return command_fail(call, 2,
			"grep: %llu bytes were overwritten before they were searched",
			(unsigned long long)grep->overwritten);
	return !grep->matched;
}

static void grep_cleanup(struct command_call *call)
{
	struct grep *grep = call->state;

	pattern_destroy(grep->pattern);
	free(grep->channels);
	free(grep->ring);
	free(grep);
}

static void count_channel(struct command_call *call, struct channel *channel)
{
	struct grep *grep = call->state;

	grep->channels[grep->channel_count++] = channel->id;
}

/* Which channels: one that was given by its name needs none in front of its lines. */
static bool choose_channels(struct grep *grep, char *const *words)
{
	grep->channels = calloc(grep->call->mux->channel_count + 1, sizeof(*grep->channels));
	if (!grep->channels)
		return command_fail(grep->call, 2, "grep: no memory") == 0;
	grep->named = !words[0] || words[1] || !channel_find(grep->call->mux, words[0]);
	return commands_each(grep->call, words, count_channel) == 0;
}

/* -A, -B or -C; false with the message set. */
static bool read_context(struct command_call *call, const char *name, uint64_t *lines)
{
	const char *value = command_option(call, name);
	char *end;

	if (!value)
		return true;
	errno = 0;
	*lines = strtoul(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && !errno && *lines <= CONTEXT_MOST)
		return true;
	return command_fail(call, 2, "grep: %s \"%s\" is no number up to %d", name, value,
		       CONTEXT_MOST) == 0;
}

static bool read_options(struct grep *grep)
{
	struct command_call *call = grep->call;
	uint64_t around = 0;

	if (!history_times_read(call, &grep->how) || !history_window_read(call, &grep->window) ||
		!read_context(call, "-C", &around))
		return false;
	grep->before = grep->after = around;
	if (!read_context(call, "-A", &grep->after) || !read_context(call, "-B", &grep->before))
		return false;
	grep->invert = command_option(call, "-v");
	grep->count_only = command_option(call, "-c");
	grep->numbers = command_option(call, "-n");
	grep->grouped = command_option(call, "-A") || command_option(call, "-B") ||
		command_option(call, "-C");
	grep->ring_size = grep->before;
	grep->ring = calloc(grep->before + 1, sizeof(*grep->ring));
	return grep->ring || command_fail(call, 2, "grep: no memory") == 0;
}

static bool make_pattern(struct grep *grep, const char *text)
{
	struct command_call *call = grep->call;
	char message[256];
	unsigned flags = (command_option(call, "-E") ? 0U : PATTERN_FIXED) |
		(command_option(call, "-i") ? PATTERN_CASELESS : 0U) |
		(command_option(call, "-w") ? PATTERN_WORDS : 0U);

	grep->pattern = pattern_create(text, flags, message, sizeof(message));
	return grep->pattern || command_fail(call, 2, "grep: \"%s\": %s", text, message) == 0;
}

/* grep [OPTION ...] PATTERN [CHANNEL ...] */
int grep_run(struct command_call *call, char *const *words)
{
	struct grep *grep = calloc(1, sizeof(*grep));

	if (!grep)
		return command_fail(call, 2, "grep: no memory");
	call->state = grep;
	call->cleanup = grep_cleanup;
	call->step = grep_step;
	grep->call = call;
	grep->text.ended = text_ended;
	if (!read_options(grep) || !make_pattern(grep, words[1]) ||
		!choose_channels(grep, words + 2))
		return 2;
	return COMMAND_AGAIN;
}
