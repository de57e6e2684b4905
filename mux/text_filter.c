/* Guest output made harmless for a line of text. */

#include "text_filter.h"

#include "compiler.h"
#include "text_sequence.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define RUN_MAX 256
#define ESC 0x1b

static void print(struct text_filter *filter, struct text_sink *sink, const char *bytes,
	size_t length, unsigned columns)
{
	if (filter->returned)
		sink->event(sink, TEXT_RETURN, NULL, 0, 0);
	filter->returned = false;
	sink->event(sink, TEXT_PRINT, bytes, length, columns);
}

static void print_escaped(struct text_filter *filter, struct text_sink *sink, const char *format,
	unsigned value)
{
	char text[16];
	int length;

	if (*format == '^')
		length = snprintf(text, sizeof(text), "^%c", (int)value);
	else if (*format == 'x')
		length = snprintf(text, sizeof(text), "\\x%02x", value);
	else
		length = snprintf(text, sizeof(text), "\\u{%x}", value);
	print(filter, sink, text, (size_t)length, (unsigned)length);
}

/* Characters that change where others are shown, or break lines, without being seen. */
static bool reorders(unsigned character)
{
	static const struct {
		unsigned first, last;
	} ranges[] = {
		{ 0xad, 0xad },
		{ 0x61c, 0x61c },
		{ 0x180e, 0x180e },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb },
		{ 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	return false;
}

static void print_character(struct text_filter *filter, struct text_sink *sink)
{
	static const uint8_t first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned character = filter->character[0] & first_bits[filter->need];
	int columns;

	for (unsigned i = 1; i < filter->need; i++)
		character = character << 6 | (filter->character[i] & 0x3f);
	columns = wcwidth((wchar_t)character);
	if (character < 0xa0)
		print_escaped(filter, sink, "x", character);
	else if (columns < 0 || reorders(character))
		print_escaped(filter, sink, "u", character);
	else
		print(filter, sink, (const char *)filter->character, filter->need,
			(unsigned)columns);
	filter->have = 0;
}

static void print_invalid(struct text_filter *filter, struct text_sink *sink)
{
	for (unsigned i = 0; i < filter->have; i++)
		print_escaped(filter, sink, "x", filter->character[i]);
	filter->have = 0;
}

/* Not longer than necessary, no surrogates, nothing beyond U+10FFFF. */
static bool continues(const struct text_filter *filter, uint8_t byte)
{
	if (byte < 0x80 || byte > 0xbf)
		return false;
	if (filter->have != 1)
		return true;
	switch (filter->character[0]) {
	case 0xe0:
		return byte >= 0xa0;
	case 0xed:
		return byte <= 0x9f;
	case 0xf0:
		return byte >= 0x90;
	case 0xf4:
		return byte <= 0x8f;
	default:
		return true;
	}
}

static unsigned length_of(uint8_t first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

static void printed(struct text_filter *filter, struct text_sink *sink, uint8_t byte)
{
	if (filter->have && continues(filter, byte)) {
		filter->character[filter->have++] = byte;
		if (filter->have == filter->need)
			print_character(filter, sink);
		return;
	}
	print_invalid(filter, sink);
	if (byte < 0x80) {
		print(filter, sink, (const char *)&byte, 1, 1);
		return;
	}
	filter->need = (uint8_t)length_of(byte);
	if (!filter->need) {
		print_escaped(filter, sink, "x", byte);
		return;
	}
	filter->character[0] = byte;
	filter->have = 1;
}

static void control(struct text_filter *filter, struct text_sink *sink, uint8_t byte)
{
	static const char shifts[] = "\016\017"; /* between character sets */

	print_invalid(filter, sink);
	if (byte && strchr(shifts, byte))
		return;
	if (byte == '\r') {
		filter->returned = true;
		return;
	}
	if (byte == '\n') {
		filter->returned = false;
		sink->event(sink, TEXT_END, NULL, 0, 0);
		return;
	}
	if (byte != '\t' && byte != '\b') {
		print_escaped(filter, sink, "^", byte ^ 0x40);
		return;
	}
	if (filter->returned)
		sink->event(sink, TEXT_RETURN, NULL, 0, 0);
	filter->returned = false;
	sink->event(sink, byte == '\t' ? TEXT_TAB : TEXT_BACK, NULL, 0, 0);
}

/* Plain characters that need no closer look, from the first byte on. */
static size_t plain_run(const struct text_filter *filter, const uint8_t *bytes, size_t length)
{
	size_t run = 0;

	if (!vt_at_rest(&filter->parser) || filter->have)
		return 0;
	while (run < length && run < RUN_MAX && bytes[run] >= 0x20 && bytes[run] < 0x7f)
		run++;
	return run;
}

static void show_bytes(struct text_filter *filter, size_t length, struct text_sink *sink)
{
	for (size_t i = 0; i < length; i++) {
		uint8_t byte = (uint8_t)filter->sequence[i];

		if (byte >= 0x20 && byte != 0x7f) {
			printed(filter, sink, byte);
		} else {
			print_invalid(filter, sink);
			print_escaped(filter, sink, "^", byte ^ 0x40);
		}
	}
	print_invalid(filter, sink);
}

/* The sequence that has begun is over: shown as text, if it is to be. */
static void show_sequence(struct text_filter *filter, struct text_sink *sink)
{
	if (filter->shows && filter->length > TEXT_SEQUENCE_MAX) {
		show_bytes(filter, TEXT_SEQUENCE_MAX, sink);
		print(filter, sink, "...", 3, 3);
	} else if (filter->shows) {
		show_bytes(filter, filter->length, sink);
	}
	filter->length = 0;
}

static void keep(struct text_filter *filter, uint8_t byte)
{
	if (filter->length < TEXT_SEQUENCE_MAX)
		filter->sequence[filter->length] = (char)byte;
	if (filter->length < UINT16_MAX)
		filter->length++;
	filter->last = (char)byte;
}

/* A string that an escape has ended, which begins the next sequence. */
static void split_string(struct text_filter *filter, struct text_sink *sink)
{
	filter->length--;
	show_sequence(filter, sink);
	keep(filter, ESC);
}

static void sequence_came(struct text_filter *filter, uint8_t byte, struct text_sink *sink)
{
	bool in_string = vt_in_string(&filter->parser);
	enum vt_event event = vt_parse(&filter->parser, byte);

	if (in_string && filter->last == ESC && byte != '\\')
		split_string(filter, sink);
	if (event == VT_PRINT || event == VT_CONTROL) {
		show_sequence(filter, sink);
		if (event == VT_PRINT)
			printed(filter, sink, byte);
		else
			control(filter, sink, byte);
		return;
	}
	if (byte == ESC && !vt_in_string(&filter->parser))
		show_sequence(filter, sink);
	keep(filter, byte);
	if (!vt_at_rest(&filter->parser))
		return;
	if (event != VT_NOTHING && filter->length <= TEXT_SEQUENCE_MAX &&
		text_sequence_is_idle(filter->sequence, filter->length))
		filter->length = 0;
	show_sequence(filter, sink);
}

void text_filter_feed(struct text_filter *filter, const uint8_t *bytes, size_t length,
	struct text_sink *sink)
{
	for (size_t i = 0; i < length; i++) {
		size_t run = plain_run(filter, bytes + i, length - i);

		if (run > 1) {
			print(filter, sink, (const char *)bytes + i, run, (unsigned)run);
			i += run - 1;
			continue;
		}
		if (!vt_at_rest(&filter->parser)) {
			sequence_came(filter, bytes[i], sink);
			continue;
		}
		switch (vt_parse(&filter->parser, bytes[i])) {
		case VT_PRINT:
			printed(filter, sink, bytes[i]);
			break;
		case VT_CONTROL:
			control(filter, sink, bytes[i]);
			break;
		case VT_NOTHING:
		case VT_ESCAPE:
		case VT_CSI:
		case VT_STRING:
			print_invalid(filter, sink);
			keep(filter, bytes[i]);
			break;
		}
	}
}

void text_filter_end(struct text_filter *filter, struct text_sink *sink)
{
	show_sequence(filter, sink);
	memset(&filter->parser, 0, sizeof(filter->parser));
}

struct string_sink {
	struct text_sink sink;
	char *out;
	size_t size, length;
	unsigned columns;
};

/* Other events cannot happen in one line, or leave nothing. */
static void string_text(struct text_sink *sink, enum text_event event, const char *bytes,
	size_t length, unsigned columns)
{
	struct string_sink *string = CONTAINER_OF(sink, struct string_sink, sink);

	if (event == TEXT_TAB || event == TEXT_END) {
		bytes = " ";
		length = columns = 1;
	}
	string->columns += columns;
	if (string->length + length >= string->size)
		string->size = 0;
	if (!string->size || !length)
		return;
	memcpy(string->out + string->length, bytes, length);
	string->length += length;
}

size_t text_harmless(const char *text, char *out, size_t size)
{
	struct string_sink string = { .sink.event = string_text, .out = out, .size = size };
	struct text_filter filter = { 0 };

	text_filter_feed(&filter, (const uint8_t *)text, strlen(text), &string.sink);
	out[string.length] = 0;
	return string.length;
}

unsigned text_columns(const char *text)
{
	struct string_sink string = { .sink.event = string_text };
	struct text_filter filter = { 0 };

	text_filter_feed(&filter, (const uint8_t *)text, strlen(text), &string.sink);
	return string.columns;
}
