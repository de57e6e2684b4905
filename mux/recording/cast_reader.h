#ifndef CAST_READER_H
#define CAST_READER_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Reads a recording, asciicast v2, one event at a time. The file is hostile: nothing of it is
 * believed unchecked, and no more than a line is in memory.
 */
#define CAST_LINE_MAX 1048576

struct cast_event {
	double time; /* seconds since the beginning; never before that of the event before */
	char code;
	const char *text; /* UTF-8; borrowed until the next call */
	size_t length;
};

struct cast_reader {
	FILE *file; /* owned */
	const char *path; /* borrowed */
	char *line; /* owned */
	json_t *value; /* owned; of the event that was read last */
	unsigned long number; /* of the line */
	double time;
	unsigned columns, rows; /* of the recorded terminal */
	char error[512]; /* one line: what is wrong, and where */
};

/* Reads the header. 0, or -1: then error says why. cast_reader_close() in either case. */
int cast_reader_open(struct cast_reader *reader, const char *path);
void cast_reader_close(struct cast_reader *reader);

/* 1: an event; 0: there are no more; -1: error says what is wrong. */
int cast_reader_next(struct cast_reader *reader, struct cast_event *event);

#endif
