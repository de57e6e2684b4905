#ifndef LOG_TEXT_H
#define LOG_TEXT_H

#include "text_filter.h"

#define LOG_TEXT_LINE_MOST 8192 /* whoever feeds takes the line from there on */
#define LOG_TEXT_FEED_MOST 1024
#define LOG_TEXT_MAX (LOG_TEXT_LINE_MOST + 4 * LOG_TEXT_FEED_MOST + 64)

/*
 * A line of a guest's output without what is not text. What is written over is a line of its own in
 * it, so that nothing is missing. Zeroed is its start.
 */
struct log_text {
	char bytes[LOG_TEXT_MAX]; /* what there is of it, without its end */
	size_t length;
	struct text_filter filter;
	struct text_sink sink;
};

/*
 * At most LOG_TEXT_FEED_MOST bytes. Ends of lines end nothing here: whoever feeds takes the line
 * then, by length = 0.
 */
void log_text_feed(struct log_text *text, const uint8_t *bytes, size_t length);

#endif
