#ifndef HISTORY_READER_H
#define HISTORY_READER_H

#include "command.h"
#include "history.h"
#include "timestamps.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel;

#define READER_PIECE_MAX 4096 /* longer lines come in pieces */
#define READER_STEP 65536 /* bytes that a step of a command looks at, or prints */

/*
 * Reading the lines of a channel's history, in pieces, over many turns of the loop: the channel
 * goes on printing meanwhile, and what was there in the beginning may be overwritten before it was
 * read. It begins and ends where lines do.
 */
struct history_reader {
	uint64_t position; /* of what comes next */
	uint64_t end; /* lines that begin here are not wanted */
	uint64_t limit; /* nor are bytes from here on */
	uint64_t overwritten; /* bytes that were to be read */
	uint64_t skip_from;
	bool skipping; /* up to the end of a line */
	bool in_line; /* the last piece did not end its line */
};

enum reader_result {
	READER_END, /* there is no more */
	READER_SKIPPED, /* nothing, but time was spent on it: charge it as a piece */
	READER_PIECE,
};

struct history_piece {
	uint64_t position;
	bool begins, ends; /* its line */
	size_t length;
	uint8_t bytes[READER_PIECE_MAX];
};

/* The lines that are there now and came in a time (ms since the epoch). */
struct history_window {
	uint64_t since_ms, until_ms; /* 0 and UINT64_MAX: all */
};

/* Rows of the options that say which lines are meant, and how their times are shown. */
#define READER_TIME_OPTIONS \
	{ "-t", NULL, "with the local time of each line" }, \
	{ \
		"--time", "off|local|utc|relative", "with the time of each line, or without" \
	}
#define READER_SINCE_OPTION \
	{ \
		"--since", "TIME", "lines from then on: 10min ago, or 18:30" \
	}
#define READER_UNTIL_OPTION \
	{ \
		"--until", "TIME", "lines up to then" \
	}

/* Of the options --since and --until. False with the message set. */
bool history_window_read(struct command_call *call, struct history_window *window);
/* Of the options -t and --time, else *how is TIMESTAMPS_COUNT: the channel's own. False as above.
 */
bool history_times_read(struct command_call *call, enum timestamps *how);

/* From the first whole line on. */
void reader_init(struct history_reader *reader, const struct channel *channel,
	const struct history_window *window);
/* From position on, where a line begins; what came since counts, too. */
void reader_move(struct history_reader *reader, const struct channel *channel, uint64_t position);

/* Back to a piece that was read before; in_line: it does not begin its line. */
void reader_return(struct history_reader *reader, uint64_t position, bool in_line);

enum reader_result reader_next(struct history_reader *reader, const struct channel *channel,
	struct history_piece *piece);

#endif
