#ifndef LINE_TEXT_H
#define LINE_TEXT_H

#include "text_filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_TEXT_MAX 4096

/*
 * The text of a guest's lines, as one looks for patterns in it: UTF-8 without control sequences, a
 * tab is a blank, what was taken back is gone (in a locale of UTF-8). A carriage return within a
 * line begins another one, and a line longer than LINE_TEXT_MAX bytes is several. Zeroed but for
 * the callback is its start.
 *
 * What has come of an unfinished line stands in text and length between two feeds.
 */
struct line_text {
	/* The line has ended; text and length are it, and may be shortened. */
	void (*ended)(struct line_text *line);
	char text[LINE_TEXT_MAX + 1]; /* NUL behind it */
	size_t length;
	/* For each byte of text, how many bytes had been fed from the start of the line. */
	uint32_t fed[LINE_TEXT_MAX + 1];
	uint64_t total; /* bytes fed so far */
	uint64_t begin; /* total when this line began */
	struct text_filter filter;
	struct text_sink sink;
};

void line_text_feed(struct line_text *line, const uint8_t *bytes, size_t length);

#endif
