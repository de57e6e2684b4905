#ifndef LOG_TEXT_H
#define LOG_TEXT_H

#include "text_filter.h"

struct evbuffer;

/* A line of a guest's output without what is not text. */
struct log_text {
	struct evbuffer *line; /* owned; what there is of it, without its end */
	struct text_filter filter;
	struct text_sink sink;
};

/* 0 or -ENOMEM. */
int log_text_init(struct log_text *text);
void log_text_release(struct log_text *text); /* also of a zeroed one */

/* Ends of lines end nothing here: whoever feeds takes the line then. */
void log_text_feed(struct log_text *text, const uint8_t *bytes, size_t length);
void log_text_reset(struct log_text *text);

#endif
