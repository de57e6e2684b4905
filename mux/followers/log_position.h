#ifndef LOG_POSITION_H
#define LOG_POSITION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How far the history of a channel stands in its log, in a shared mapping of a file beside the
 * histories: it outlives a kill at any instruction.
 *
 * How it works. Before bytes are written, the record says how large the log is and which position
 * that is, and what both will be after. So whoever comes after a kill sees by the log's size
 * whether the bytes are there, and takes away a part of them.
 */
struct log_record {
	uint64_t device, inode; /* of the log; 0: none yet */
	uint64_t position, size;
	uint64_t next_position, next_size; /* the same, unless bytes are being written */
	uint8_t line_open, next_line_open; /* the log's last byte is not the end of a line */
	uint8_t off; /* it was turned off: what came since is not wanted */
	uint8_t reserved[5];
};

struct log_position_file;
struct log_position {
	struct log_position_file *file; /* owned mapping */
	struct log_record record; /* as stored last */
};

/* Open or create. 0 or -errno; *fresh: there was none that makes sense. */
int log_position_open(struct log_position *position, const char *path, bool *fresh);
void log_position_store(struct log_position *position, const struct log_record *record);
void log_position_close(struct log_position *position); /* also of a zeroed one */

#endif
