/* A line of a guest's output without what is not text. */

#include "log_text.h"

#include "compiler.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdbool.h>

static void drop_last_character(struct evbuffer *line)
{
	size_t length = evbuffer_get_length(line);
	const uint8_t *bytes = evbuffer_pullup(line, -1);
	struct evbuffer *kept;

	do {
		if (length)
			length--;
	} while (length && bytes && (bytes[length] & 0xc0) == 0x80);
	kept = evbuffer_new();
	if (!kept)
		return;
	evbuffer_remove_buffer(line, kept, length);
	evbuffer_drain(line, evbuffer_get_length(line));
	evbuffer_add_buffer(line, kept);
	evbuffer_free(kept);
}

/* What is written over is a line of its own, so that nothing is missing. */
static void text_came(struct text_sink *sink, enum text_event event, const char *bytes,
	size_t length, unsigned columns)
{
	struct log_text *text = CONTAINER_OF(sink, struct log_text, sink);

	(void)columns;
	switch (event) {
	case TEXT_PRINT:
		evbuffer_add(text->line, bytes, length);
		break;
	case TEXT_TAB:
		evbuffer_add(text->line, "\t", 1);
		break;
	case TEXT_BACK:
		drop_last_character(text->line);
		break;
	case TEXT_RETURN:
		if (evbuffer_get_length(text->line))
			evbuffer_add(text->line, "\n", 1);
		break;
	case TEXT_END:
		break;
	}
}

int log_text_init(struct log_text *text)
{
	*text = (struct log_text){ .line = evbuffer_new(), .sink.event = text_came };
	return text->line ? 0 : -ENOMEM;
}

void log_text_release(struct log_text *text)
{
	if (text->line)
		evbuffer_free(text->line);
	text->line = NULL;
}

void log_text_feed(struct log_text *text, const uint8_t *bytes, size_t length)
{
	text_filter_feed(&text->filter, bytes, length, &text->sink);
}

void log_text_reset(struct log_text *text)
{
	evbuffer_drain(text->line, evbuffer_get_length(text->line));
	text->filter = (struct text_filter){ .have = 0 };
}
