#ifndef LOG_FILE_H
#define LOG_FILE_H

#include "log_position.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_FILE_PATH_MAX 2048
#define LOG_FILE_OLDER_MAX 99 /* how many rotated files there may be */

/*
 * One channel's log: bytes appended together with the position they lead to, each once, also over
 * kills, rotations and full disks.
 *
 * A kill while bytes are written leaves none of them twice, unless the log was moved away before
 * the next start, or may not be made shorter.
 */
struct log_file {
	char path[LOG_FILE_PATH_MAX];
	uint64_t size_most; /* a new one is begun at the next start of a line; 0: never */
	unsigned older; /* how many rotated ones are kept: PATH.1 ... */
	int fd; /* owned; -1: to be opened */
	uint64_t size; /* as seen last */
	uint64_t rotate_at; /* 0: never */
	struct log_position place; /* what of the history is in it */
};

/* Bytes to be appended, and what is true after. */
struct log_piece {
	const void *bytes;
	size_t length;
	uint64_t position;
	bool line_open;
};

/*
 * Only the position is opened, at place_path; the log with the first write. 0 or -errno; *fresh
 * says that nothing is known of it. Paths that do not fit are -ENAMETOOLONG.
 */
int log_file_open(struct log_file *file, const char *path, const char *place_path, bool *fresh);
void log_file_close(struct log_file *file); /* also of a zeroed one after log_file_init() */
void log_file_init(struct log_file *file, uint64_t size_most, unsigned older);

/*
 * Open the log, also anew after it was moved away, and settle what a kill left behind. 0 or -errno;
 * then the next write tries again.
 */
int log_file_settle(struct log_file *file);

/* All or nothing: 0, or -errno and nothing happened. Between lines it may rotate before. */
int log_file_write(struct log_file *file, const struct log_piece *piece);

#endif
