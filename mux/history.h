#ifndef HISTORY_H
#define HISTORY_H

#include "console_protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define HISTORY_PIECE 16384 /* the most that is appended between two commits */
#define HISTORY_SIZE_LEAST 512
#define HISTORY_SIZE_MOST (1024U << 20)
#define HISTORY_SIZE_DEFAULT 262144
#define HISTORY_TOTAL_DEFAULT (256U << 20) /* of all files of histories */
#define HISTORY_BYTES_PER_MARK 64
#define HISTORY_MOST (UINT64_MAX / 4) /* of positions, counts and times */

/* What is known of a channel besides its bytes; committed as a whole. */
struct history_record {
	uint64_t end; /* position after the newest byte; positions count from the first one ever */
	uint64_t output_lines;
	uint64_t input_bytes;
	uint64_t input_lines;
	uint64_t lost; /* bytes of output that never came, all boots together */
	uint8_t boot_id[16]; /* of the vmm that is or was connected; the following belong to it */
	uint64_t link_offset; /* the next output offset wanted */
	uint64_t link_lost;
	uint64_t link_changes; /* number of the last change of state */
	uint64_t pid;
	uint64_t since; /* when the state changed: seconds since the epoch */
	uint64_t marks; /* of time, made in all */
	uint64_t boot_ms; /* when this boot was first heard of, since the epoch; 0: never */
	uint32_t boots; /* how many vmm processes there were */
	uint32_t owner; /* the user of the last one, plus 1; 0: not known */
	uint8_t state; /* enum channel_state */
	uint8_t shown; /* 0 or 1, as keep */
	uint8_t keep;
	uint8_t log; /* enum channel_choice: whether it is logged */
	uint8_t pty; /* the same: whether it has one */
	char key; /* or 0 */
	char color;
	char reason[CONSOLE_REASON_MAX + 1]; /* of the state, printable */
	uint8_t timestamps; /* enum timestamps: how the times of lines are shown */
	uint8_t reserved[7];
};

/* What was appended from this position on came at this time. */
struct history_mark {
	uint64_t position;
	uint64_t time_ms; /* since the epoch */
};

/*
 * The newest bytes of a channel and its record, in a shared mapping of a file: what has been
 * committed outlives a kill at any instruction.
 *
 * How it works. The file has two slots for the record and one word that says which is valid. Bytes
 * are appended where the valid record does not look: the ring has HISTORY_PIECE more bytes than are
 * served. A commit fills the other slot, and one store of the word makes it valid. A second ring
 * has a mark for each time at which something was committed, one for HISTORY_BYTES_PER_MARK bytes;
 * the next mark, too, stands where the valid record does not look. So the time of a byte is that of
 * the last mark at or before it, and unknown where that was overwritten.
 */
struct history_file;
struct history {
	struct history_file *file; /* owned mapping */
	size_t file_size;
	uint8_t *ring;
	size_t ring_size;
	struct history_mark *marks; /* that many for the size of the ring */
	uint64_t first_mark; /* those before it make no sense */
	uint64_t committed_marks;
	uint64_t committed; /* end as of the last commit */
	struct history_record record; /* changed here, then committed */
};

/*
 * Open or create the history called name at path, with room for size bytes if it is new. A file
 * that makes no sense is started anew, with a log line. 0 or -errno; *fresh says that it is empty.
 */
int history_open(struct history *history, const char *path, const char *name, size_t size,
	bool *fresh);
void history_close(struct history *history);

/* The size of the file of a new history with room for so many bytes. */
size_t history_file_size(size_t size);

/* length is at most HISTORY_PIECE since the last commit; time_ms is now, since the epoch. */
void history_append(struct history *history, const void *bytes, size_t length, uint64_t time_ms);
void history_commit(struct history *history);

/* The oldest position that is served. */
uint64_t history_begin(const struct history *history);

/* Up to length committed bytes from position on, in at most two pieces; how many. */
size_t history_look(const struct history *history, uint64_t position, size_t length,
	struct iovec iov[2]);

/* When the committed byte at position came, in ms since the epoch; 0: not known. */
uint64_t history_time(const struct history *history, uint64_t position);
/* Where bytes of another time begin behind position; the end if there are none. */
uint64_t history_next_time(const struct history *history, uint64_t position);
/* Where bytes begin that came then or later, as far as times are known; the end if there are none.
 */
uint64_t history_since(const struct history *history, uint64_t time_ms);

/* For history.c: how many marks there can be; after opening, those that make no sense are left out.
 */
size_t history_mark_room(const struct history *history);
void history_check_marks(struct history *history);

/*
 * Going back from before to from, both served: where what is behind the count-th end of a line
 * begins. UINT64_MAX: there are not so many, and *count is how many are still to be found.
 */
uint64_t history_line_back(const struct history *history, uint64_t from, uint64_t before,
	uint64_t *count);

/* Is the last byte the end of a line, or is there none? */
bool history_at_line_start(const struct history *history);

#endif
