/* The commands that print what a channel's guest has written. */

#include "channel.h"
#include "commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINES_DEFAULT 20

static void print_from(struct command_call *call, const struct channel *channel, uint64_t position)
{
	struct iovec pieces[2];

	history_look(&channel->history, position, SIZE_MAX, pieces);
	call->output(call, pieces[0].iov_base, pieces[0].iov_len);
	call->output(call, pieces[1].iov_base, pieces[1].iov_len);
}

static bool is_line_end(const struct channel *channel, uint64_t position)
{
	struct iovec pieces[2];

	history_look(&channel->history, position, 1, pieces);
	return *(const char *)pieces[0].iov_base == '\n';
}

/* The first line that is still whole. */
static uint64_t first_line(const struct channel *channel)
{
	uint64_t position = history_begin(&channel->history);
	uint64_t end = channel->history.committed;

	if (!position)
		return 0;
	for (uint64_t next = position; next < end; next++) {
		if (is_line_end(channel, next))
			return next + 1;
	}
	return position;
}

int cat_run(struct command_call *call, char *const *words)
{
	const struct channel *channel = commands_channel(call, words[1]);
	uint64_t position;

	if (!channel)
		return 1;
	position = first_line(channel);
	if (position)
		command_print(call, "--- %s: %llu older bytes are gone ---\r\n", channel->name,
			(unsigned long long)position);
	print_from(call, channel, position);
	return 0;
}

/* The start of the last count lines; a line that has no end yet is one. */
static uint64_t last_lines(const struct channel *channel, unsigned long count)
{
	uint64_t begin = history_begin(&channel->history);
	uint64_t position = channel->history.committed;

	if (!count)
		return position;
	if (position > begin && is_line_end(channel, position - 1))
		position--;
	while (position > begin) {
		if (is_line_end(channel, position - 1) && !--count)
			return position;
		position--;
	}
	return begin;
}

int tail_run(struct command_call *call, char *const *words)
{
	const struct channel *channel = commands_channel(call, words[1]);
	unsigned long count = LINES_DEFAULT;

	if (!channel)
		return 1;
	if (words[2]) {
		char *end;

		errno = 0;
		count = strtoul(words[2], &end, 10);
		if (errno || *end || *words[2] < '0' || *words[2] > '9')
			return command_fail(call, 2, "tail: \"%s\" is no number of lines",
				words[2]);
	}
	print_from(call, channel, last_lines(channel, count));
	return 0;
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
