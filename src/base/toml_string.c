/* The strings of TOML 1.0 and the keys, which may be strings. */

#include "toml_scan.h"
#include "utf8.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct string_form {
	char quote;
	bool multiline;
	bool escapes;
};

static int add_code_point(struct toml_scanner *scanner, struct toml_buffer *buffer,
	uint32_t code_point)
{
	char bytes[4];
	size_t length = utf8_encode(code_point, bytes);

	for (size_t i = 0; i < length; i++)
		if (toml_buffer_add(scanner, buffer, bytes[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int digit_value(int byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

/* The digits after \u or \U; start is the position of the backslash. */
static int scan_code_point(struct toml_scanner *scanner, struct toml_buffer *buffer, size_t digits,
	const unsigned start[2])
{
	uint32_t code_point = 0;

	for (size_t i = 0; i < digits; i++, scanner->at++) {
		int digit = digit_value(toml_peek(scanner, 0));

		if (digit < 0)
			return toml_fail_at(scanner, start, "\\%c wants %zu hexadecimal digits",
				digits == 4 ? 'u' : 'U', digits);
		code_point = code_point << 4 | (uint32_t)digit;
	}
	if (code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff))
		return toml_fail_at(scanner, start, "U+%04X is not a character", code_point);
	return add_code_point(scanner, buffer, code_point);
}

/* A backslash at the end of a line: skips to the next character that is no blank or newline. */
static int scan_continuation(struct toml_scanner *scanner)
{
	toml_skip_blanks(scanner);
	if (!toml_accept_newline(scanner))
		return toml_fail_expected(scanner, "the end of the line after a backslash");
	do
		toml_skip_blanks(scanner);
	while (toml_accept_newline(scanner));
	return 0;
}

static int scan_escape(struct toml_scanner *scanner, struct toml_buffer *buffer, bool multiline)
{
	static const char letters[] = "btnfr\"\\";
	static const char meanings[] = "\b\t\n\f\r\"\\";
	unsigned start[2] = { scanner->line, toml_column(scanner) };
	const char *letter;
	int byte;

	scanner->at++;
	byte = toml_peek(scanner, 0);
	if (multiline && byte != TOML_END && byte != '\0' && strchr(" \t\r\n", byte))
		return scan_continuation(scanner);
	letter = byte > 0 ? strchr(letters, byte) : NULL;
	if (letter) {
		scanner->at++;
		return toml_buffer_add(scanner, buffer, meanings[letter - letters]);
	}
	if (byte == 'u' || byte == 'U') {
		scanner->at++;
		return scan_code_point(scanner, buffer, byte == 'u' ? 4 : 8, start);
	}
	if (byte > 0x20 && byte < 0x7f)
		return toml_fail_at(scanner, start,
			"unknown escape \\%c (a backslash is written \\\\)", byte);
	return toml_fail_at(scanner, start, "a backslash with nothing to escape");
}

static size_t count_quotes(const struct toml_scanner *scanner, char quote)
{
	size_t count = 0;

	while (count < 5 && toml_peek(scanner, count) == quote)
		count++;
	return count;
}

/*
 * At a quote: is the string over? Up to two quotes before the three that end a multi-line string
 * are part of it.
 */
static int scan_quotes(struct toml_scanner *scanner, struct toml_buffer *buffer,
	const struct string_form *form, bool *over)
{
	size_t count = form->multiline ? count_quotes(scanner, form->quote) : 1;
	size_t content = count;

	*over = !form->multiline || count >= 3;
	if (*over)
		content = form->multiline ? count - 3 : 0;
	scanner->at += count;
	for (size_t i = 0; i < content; i++)
		if (toml_buffer_add(scanner, buffer, form->quote) < 0)
			return -ENOMEM;
	return 0;
}

static int scan_plain(struct toml_scanner *scanner, struct toml_buffer *buffer, bool multiline)
{
	int byte = toml_peek(scanner, 0);

	if (multiline && toml_accept_newline(scanner))
		return toml_buffer_add(scanner, buffer, '\n');
	if (byte == '\n' || (byte == '\r' && toml_peek(scanner, 1) == '\n'))
		return toml_fail(scanner, "the string is not closed on its line");
	if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
		return toml_fail(scanner, "control character U+%04X in a string", (unsigned)byte);
	scanner->at++;
	return toml_buffer_add(scanner, buffer, (char)byte);
}

static int scan_content(struct toml_scanner *scanner, struct toml_buffer *buffer,
	const struct string_form *form)
{
	unsigned start[2] = { scanner->line, toml_column(scanner) };
	bool over = false;

	scanner->at += form->multiline ? 3 : 1;
	if (form->multiline)
		toml_accept_newline(scanner);
	while (!over) {
		int byte = toml_peek(scanner, 0);
		int result;

		if (byte == TOML_END)
			return toml_fail_at(scanner, start, "the string is never closed");
		if (byte == form->quote)
			result = scan_quotes(scanner, buffer, form, &over);
		else if (byte == '\\' && form->escapes)
			result = scan_escape(scanner, buffer, form->multiline);
		else
			result = scan_plain(scanner, buffer, form->multiline);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Makes the buffer hold a NUL-terminated text even when nothing was added. */
static int buffer_begin(struct toml_scanner *scanner, struct toml_buffer *buffer)
{
	int result = toml_buffer_add(scanner, buffer, '\0');

	if (result == 0)
		buffer->text.length = 0;
	return result;
}

int toml_scan_string(struct toml_scanner *scanner, struct toml_value *value)
{
	int quote = toml_peek(scanner, 0);
	struct string_form form = {
		.quote = (char)quote,
		.multiline = count_quotes(scanner, (char)quote) >= 3,
		.escapes = quote == '"',
	};
	struct toml_buffer buffer = { 0 };
	int result = buffer_begin(scanner, &buffer);

	if (result == 0)
		result = scan_content(scanner, &buffer, &form);
	/* Even half-read it is the value's, which frees it. */
	value->type = TOML_STRING;
	value->string = buffer.text;
	return result;
}

static bool bare_key_byte(int byte)
{
	return byte != TOML_END && byte < 0x80 && (isalnum(byte) || byte == '-' || byte == '_');
}

int toml_scan_key(struct toml_scanner *scanner)
{
	int byte = toml_peek(scanner, 0);
	struct string_form form = { .quote = (char)byte, .escapes = byte == '"' };

	scanner->key_line = scanner->line;
	scanner->key_column = toml_column(scanner);
	scanner->key.text.length = 0;
	if (buffer_begin(scanner, &scanner->key) < 0)
		return -ENOMEM;
	if (byte == '"' || byte == '\'') {
		if (count_quotes(scanner, (char)byte) >= 3)
			return toml_fail(scanner, "a key cannot be a multi-line string");
		return scan_content(scanner, &scanner->key, &form);
	}
	if (!bare_key_byte(byte))
		return toml_fail_expected(scanner, "a key");
	for (; bare_key_byte(toml_peek(scanner, 0)); scanner->at++)
		if (toml_buffer_add(scanner, &scanner->key, *scanner->at) < 0)
			return -ENOMEM;
	return 0;
}
