/* Reading TOML position by position: blanks, comments, positions and errors. */

#include "toml_scan.h"

#include "utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int toml_peek(const struct toml_scanner *scanner, size_t ahead)
{
	if ((size_t)(scanner->end - scanner->at) <= ahead)
		return TOML_END;
	return (unsigned char)scanner->at[ahead];
}

bool toml_accept(struct toml_scanner *scanner, char byte)
{
	if (toml_peek(scanner, 0) != (unsigned char)byte)
		return false;
	scanner->at++;
	return true;
}

bool toml_accept_newline(struct toml_scanner *scanner)
{
	size_t length = toml_peek(scanner, 0) == '\r' ? 2 : 1;

	if (toml_peek(scanner, length - 1) != '\n')
		return false;
	scanner->at += length;
	scanner->line++;
	scanner->counted = scanner->at;
	scanner->column = 1;
	return true;
}

unsigned toml_column(struct toml_scanner *scanner)
{
	for (; scanner->counted < scanner->at; scanner->counted++)
		if (((unsigned char)*scanner->counted & 0xc0) != 0x80)
			scanner->column++;
	return scanner->column;
}

static PRINTF_LIKE(3, 0) void fill_error(struct toml_scanner *scanner, const unsigned position[2],
	const char *format, va_list arguments)
{
	scanner->error->line = position[0];
	scanner->error->column = position[1];
	vsnprintf(scanner->error->message, sizeof(scanner->error->message), format, arguments);
}

int toml_fail(struct toml_scanner *scanner, const char *format, ...)
{
	unsigned position[2] = { scanner->line, toml_column(scanner) };
	va_list arguments;

	va_start(arguments, format);
	fill_error(scanner, position, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int toml_fail_at(struct toml_scanner *scanner, const unsigned position[2], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill_error(scanner, position, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int toml_fail_memory(struct toml_scanner *scanner)
{
	toml_fail(scanner, "out of memory");
	return -ENOMEM;
}

int toml_fail_expected(struct toml_scanner *scanner, const char *what)
{
	int byte = toml_peek(scanner, 0);
	uint32_t code_point = 0;
	size_t length;

	if (byte == TOML_END)
		return toml_fail(scanner, "expected %s, found the end of the file", what);
	if (byte == '\n' || (byte == '\r' && toml_peek(scanner, 1) == '\n'))
		return toml_fail(scanner, "expected %s, found the end of the line", what);
	length = utf8_decode(scanner->at, (size_t)(scanner->end - scanner->at), &code_point);
	if (!utf8_printable(code_point))
		return toml_fail(scanner, "control character U+%04X", code_point);
	return toml_fail(scanner, "expected %s, found '%.*s'", what, (int)length, scanner->at);
}

void toml_skip_blanks(struct toml_scanner *scanner)
{
	while (toml_peek(scanner, 0) == ' ' || toml_peek(scanner, 0) == '\t')
		scanner->at++;
}

int toml_skip_comment(struct toml_scanner *scanner)
{
	if (!toml_accept(scanner, '#'))
		return 0;
	for (;; scanner->at++) {
		int byte = toml_peek(scanner, 0);

		if (byte == TOML_END || byte == '\n')
			return 0;
		if (byte == '\r' && toml_peek(scanner, 1) == '\n')
			return 0;
		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return toml_fail(scanner, "control character U+%04X in a comment",
				(unsigned)byte);
	}
}

int toml_skip_lines(struct toml_scanner *scanner)
{
	do {
		toml_skip_blanks(scanner);
		if (toml_skip_comment(scanner) < 0)
			return -EINVAL;
	} while (toml_accept_newline(scanner));
	return 0;
}

int toml_buffer_add(struct toml_scanner *scanner, struct toml_buffer *buffer, char byte)
{
	/* One more than asked, for the closing NUL. */
	if (buffer->text.length + 2 > buffer->room) {
		size_t room = buffer->room ? 2 * buffer->room : 16;
		char *bytes = realloc(buffer->text.bytes, room);

		if (!bytes)
			return toml_fail_memory(scanner);
		buffer->text.bytes = bytes;
		buffer->room = room;
	}
	buffer->text.bytes[buffer->text.length++] = byte;
	buffer->text.bytes[buffer->text.length] = '\0';
	return 0;
}

/* Everything after this may take for granted that the text is UTF-8. */
static int check_encoding(const struct toml_scanner *scanner)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct toml_scanner ahead = *scanner;
	uint32_t code_point;

	if (ahead.end - ahead.at >= 3 && memcmp(ahead.at, mark, 3) == 0)
		return toml_fail(&ahead, "a byte order mark; save the file as UTF-8 without one");
	while (ahead.at < ahead.end) {
		size_t length;

		if (toml_accept_newline(&ahead))
			continue;
		length = utf8_decode(ahead.at, (size_t)(ahead.end - ahead.at), &code_point);
		if (!length)
			return toml_fail(&ahead, "byte 0x%02x is not valid UTF-8 here",
				(unsigned char)*ahead.at);
		ahead.at += length;
	}
	return 0;
}

int toml_scanner_init(struct toml_scanner *scanner, const char *text, size_t length,
	struct toml_error *error)
{
	*scanner = (struct toml_scanner){
		.at = text,
		.end = text + length,
		.line = 1,
		.counted = text,
		.column = 1,
		.error = error,
	};
	if (length > TOML_SIZE_MAX)
		return toml_fail(scanner, "the document is larger than 1 MiB");
	return check_encoding(scanner);
}

void toml_scanner_destroy(struct toml_scanner *scanner)
{
	free(scanner->key.text.bytes);
	free(scanner->digits.text.bytes);
}
