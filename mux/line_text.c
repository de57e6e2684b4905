/* The text of a guest's lines, for looking in it. */

#include "line_text.h"

#include "compiler.h"

#include <string.h>

static void end_line(struct line_text *line)
{
	line->text[line->length] = '\0';
	line->ended(line);
	line->length = 0;
	line->begin = line->total;
}

static void add(struct line_text *line, const char *bytes, size_t length)
{
	if (line->length + length > LINE_TEXT_MAX)
		end_line(line);
	for (size_t i = 0; i < length; i++) {
		line->fed[line->length] = (uint32_t)(line->total - line->begin);
		line->text[line->length++] = bytes[i];
	}
}

static void take_back(struct line_text *line)
{
	while (line->length && (line->text[line->length - 1] & 0xc0) == 0x80)
		line->length--;
	if (line->length)
		line->length--;
}

static void take(struct text_sink *sink, enum text_event event, const char *bytes, size_t length,
	unsigned columns)
{
	struct line_text *line = CONTAINER_OF(sink, struct line_text, sink);

	(void)columns;
	switch (event) {
	case TEXT_PRINT:
		add(line, bytes, length);
		break;
	case TEXT_TAB:
		add(line, " ", 1);
		break;
	case TEXT_BACK:
		take_back(line);
		break;
	case TEXT_RETURN:
	case TEXT_END:
		end_line(line);
		break;
	}
}

/* Byte by byte, for each byte of text to know where it came from. */
void line_text_feed(struct line_text *line, const uint8_t *bytes, size_t length)
{
	line->sink.event = take;
	for (size_t i = 0; i < length; i++) {
		line->total++;
		text_filter_feed(&line->filter, bytes + i, 1, &line->sink);
	}
	line->text[line->length] = '\0';
}
