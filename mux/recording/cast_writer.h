#ifndef CAST_WRITER_H
#define CAST_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Writes a recording: asciicast v2, a line of JSON for the header and one for each event. A
 * character that comes in pieces is put together; what is no UTF-8 becomes U+FFFD and is counted,
 * and the last event, a marker, tells the count. Whatever goes wrong, a regular file ends with a
 * whole line. Errors are -errno; behind one nothing is written any more.
 */
enum cast_code {
	CAST_OUTPUT = 'o',
	CAST_INPUT = 'i',
	CAST_MARKER = 'm',
	CAST_SIZE = 'r',
};

#define CAST_REST_MAX 3

/* Bytes of a character that is not whole yet. */
struct cast_rest {
	char bytes[CAST_REST_MAX];
	uint8_t length;
};

struct cast_writer {
	int fd; /* owned; -1: not open */
	int error; /* what went wrong, or 0 */
	bool regular;
	off_t length; /* of the whole lines */
	uint64_t start_ms, last_ms; /* since the epoch; events never go back in time */
	uint64_t count; /* bytes recorded */
	uint64_t wrong; /* of those, the ones that are no UTF-8 */
	struct cast_rest output, input;
};

struct cast_header {
	unsigned columns, rows;
	const char *title; /* UTF-8 */
	const char *terminal; /* its type, or NULL */
};

/* A file that is not there yet, for its owner only; "-" is standard output. */
int cast_writer_open(struct cast_writer *writer, const char *path);
int cast_writer_begin(struct cast_writer *writer, uint64_t now_ms,
	const struct cast_header *header);
/* CAST_OUTPUT or CAST_INPUT. */
int cast_writer_bytes(struct cast_writer *writer, enum cast_code code, uint64_t now_ms,
	const void *bytes, size_t length);
int cast_writer_size(struct cast_writer *writer, uint64_t now_ms, unsigned columns, unsigned rows);
int cast_writer_marker(struct cast_writer *writer, uint64_t now_ms, const char *text);
/* What is left is written; the file is closed. */
int cast_writer_end(struct cast_writer *writer);

#endif
