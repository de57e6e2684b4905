/* A line of a guest's output without what is not text. */

#include "log_text.h"

#include "compiler.h"

#include <string.h>

static void add(struct log_text *text, const char *bytes, size_t length)
{
	if (length > sizeof(text->bytes) - text->length)
		return;
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

static void take_back(struct log_text *text)
{
	while (text->length && (text->bytes[text->length - 1] & 0xc0) == 0x80)
		text->length--;
	if (text->length)
		text->length--;
}

static void text_came(struct text_sink *sink, enum text_event event, const char *bytes,
	size_t length, unsigned columns)
{
	struct log_text *text = CONTAINER_OF(sink, struct log_text, sink);

	(void)columns;
	switch (event) {
	case TEXT_PRINT:
		add(text, bytes, length);
		break;
	case TEXT_TAB:
		add(text, "\t", 1);
		break;
	case TEXT_BACK:
		take_back(text);
		break;
	case TEXT_RETURN:
		if (text->length)
			add(text, "\n", 1);
		break;
	case TEXT_END:
		break;
	}
}

void log_text_feed(struct log_text *text, const uint8_t *bytes, size_t length)
{
	text->sink.event = text_came;
	text_filter_feed(&text->filter, bytes, length, &text->sink);
}
