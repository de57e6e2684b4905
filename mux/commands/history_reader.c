/* Reading a channel's history line by line, in steps. */

#include "history_reader.h"

#include "channel.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool line_begins(const struct history *history, uint64_t position)
{
	struct iovec pieces[2];

	if (!position)
		return true;
	if (position <= history_begin(history))
		return false;
	history_look(history, position - 1, 1, pieces);
	return *(const char *)pieces[0].iov_base == '\n';
}

static void start_at(struct history_reader *reader, const struct history *history,
	uint64_t position)
{
	reader->position = position;
	reader->in_line = false;
	reader->skipping = !line_begins(history, position);
	reader->skip_from = position;
}

void reader_init(struct history_reader *reader, const struct channel *channel,
	const struct history_window *window)
{
	const struct history *history = &channel->history;

	*reader = (struct history_reader){ .limit = history->committed };
	reader->end = window->until_ms == UINT64_MAX ? history->committed
						     : history_since(history, window->until_ms + 1);
	start_at(reader, history,
		window->since_ms ? history_since(history, window->since_ms)
				 : history_begin(history));
}

void reader_move(struct history_reader *reader, const struct channel *channel, uint64_t position)
{
	*reader = (struct history_reader){
		.position = position,
		.end = channel->history.committed,
		.limit = channel->history.committed,
	};
	if (position >= history_begin(&channel->history))
		start_at(reader, &channel->history, position);
}

void reader_return(struct history_reader *reader, uint64_t position, bool in_line)
{
	reader->position = position;
	reader->in_line = in_line;
	reader->skipping = false;
}

/* Up to most bytes from where the reader is, in one piece. */
static size_t copy(const struct history_reader *reader, const struct history *history,
	struct history_piece *piece)
{
	uint64_t most = reader->limit - reader->position;
	struct iovec parts[2];

	if (most > READER_PIECE_MAX)
		most = READER_PIECE_MAX;
	history_look(history, reader->position, (size_t)most, parts);
	memcpy(piece->bytes, parts[0].iov_base, parts[0].iov_len);
	memcpy(piece->bytes + parts[0].iov_len, parts[1].iov_base, parts[1].iov_len);
	return (size_t)most;
}

/* What does not fit into a piece is cut between characters. */
static size_t cut(const uint8_t *bytes, size_t length)
{
	size_t end = length;

	while (end > length - 4 && (bytes[end - 1] & 0xc0) == 0x80)
		end--;
	return bytes[end - 1] >= 0xc0 ? end - 1 : length;
}

/* Where there is no whole line at all, the beginning is as good as any other place. */
static void skip(struct history_reader *reader, const struct history *history,
	const struct history_piece *piece, size_t length)
{
	const uint8_t *end = memchr(piece->bytes, '\n', length);

	reader->position += end ? (size_t)(end - piece->bytes) + 1 : length;
	if (end) {
		reader->skipping = false;
	} else if (reader->position == reader->limit) {
		reader->skipping = false;
		if (reader->skip_from == history_begin(history))
			reader->position = reader->skip_from;
		else
			reader->end = reader->position;
	}
}

enum reader_result reader_next(struct history_reader *reader, const struct channel *channel,
	struct history_piece *piece)
{
	const struct history *history = &channel->history;
	uint64_t begin = history_begin(history);
	const uint8_t *end;
	size_t length;

	if (reader->position < begin) {
		uint64_t next = begin < reader->limit ? begin : reader->limit;

		reader->overwritten += next - reader->position;
		start_at(reader, history, next);
	}
	if (reader->position >= reader->limit ||
		(!reader->in_line && !reader->skipping && reader->position >= reader->end))
		return READER_END;
	length = copy(reader, history, piece);
	if (reader->skipping) {
		skip(reader, history, piece, length);
		return READER_SKIPPED;
	}
	end = memchr(piece->bytes, '\n', length);
	piece->position = reader->position;
	piece->begins = !reader->in_line;
	piece->ends = end != NULL;
	if (end)
		piece->length = (size_t)(end - piece->bytes) + 1;
	else
		piece->length = length == READER_PIECE_MAX ? cut(piece->bytes, length) : length;
	reader->position += piece->length;
	reader->in_line = !end;
	return READER_PIECE;
}

/* m is short for min. */
static bool read_duration(const char *text, uint64_t *ms)
{
	size_t digits = strspn(text, "0123456789");

	if (strcmp(text + digits, "m") != 0)
		return units_read_duration(text, strlen(text), ms);
	if (!digits || digits > 9)
		return false;
	*ms = strtoul(text, NULL, 10) * 60000;
	return true;
}

/* "10m" is that long ago; else a time of day, or a date with or without one, all local. */
static bool read_moment(const char *text, uint64_t *ms)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d",
		"%H:%M:%S", "%H:%M", "%Y-%m-%dT%H:%M:%S" };
	uint64_t ago, now = timestamp_now();
	time_t seconds = (time_t)(now / 1000);

	if (read_duration(text, &ago)) {
		*ms = ago < now ? now - ago : 1;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct tm broken_down;
		const char *rest;

		localtime_r(&seconds, &broken_down);
		broken_down.tm_hour = broken_down.tm_min = broken_down.tm_sec = 0;
		rest = strptime(text, formats[i], &broken_down);
		if (!rest || *rest)
			continue;
		broken_down.tm_isdst = -1;
		seconds = mktime(&broken_down);
		*ms = (uint64_t)seconds * 1000;
		return seconds > 0;
	}
	return false;
}

bool history_window_read(struct command_call *call, struct history_window *window)
{
	const char *since = command_option(call, "--since");
	const char *until = command_option(call, "--until");
	const char *wrong = NULL;

	*window = (struct history_window){ 0, UINT64_MAX };
	if (since && !read_moment(since, &window->since_ms))
		wrong = since;
	if (until && !read_moment(until, &window->until_ms))
		wrong = until;
	if (wrong)
		command_fail(call, 2, "%s: \"%s\" is no time: 10min, 18:30 or 2026-11-20 18:30",
			call->command->name, wrong);
	return !wrong;
}

bool history_times_read(struct command_call *call, enum timestamps *how)
{
	const char *name = command_option(call, "--time");

	*how = command_option(call, "-t") ? TIMESTAMPS_LOCAL : TIMESTAMPS_COUNT;
	if (!name || timestamps_read(name, how))
		return true;
	command_fail(call, 2, "%s: --time \"%s\" is not off, local, utc or relative",
		call->command->name, name);
	return false;
}
