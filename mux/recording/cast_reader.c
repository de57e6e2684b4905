/* Recordings as they are read: asciicast v2, checked. */

#include "cast_reader.h"

#include "compiler.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_COLUMNS 65535
#define TIME_MAX 1e9 /* seconds */

static int PRINTF_LIKE(2, 3) fail(struct cast_reader *reader, const char *format, ...)
{
	char path[200];
	va_list arguments;
	int length;

	utf8_for_message(path, sizeof(path), reader->path, strlen(reader->path));
	length = reader->number
		? snprintf(reader->error, sizeof(reader->error), "%s:%lu: ", path, reader->number)
		: snprintf(reader->error, sizeof(reader->error), "%s: ", path);
	va_start(arguments, format);
	vsnprintf(reader->error + length, sizeof(reader->error) - (size_t)length, format,
		arguments);
	va_end(arguments);
	return -1;
}

/* The length of the next line that is not empty; 0 at the end of the file; -1 after an error. */
static int read_line(struct cast_reader *reader)
{
	int length = 0, character;

	reader->number++;
	while ((character = getc_unlocked(reader->file)) != EOF) {
		if (character == '\n' && length)
			return length;
		if (character == '\n') {
			reader->number++;
			continue;
		}
		if (length == CAST_LINE_MAX)
			return fail(reader, "a line of more than %d bytes", CAST_LINE_MAX);
		reader->line[length++] = (char)character;
	}
	return ferror(reader->file) ? fail(reader, "%s", strerror(errno)) : length;
}

/* A line of JSON of this type into value: 1, 0 at the end, or -1. */
static int read_value(struct cast_reader *reader, json_type type, const char *what)
{
	int length = read_line(reader);
	json_error_t error;

	json_decref(reader->value);
	reader->value = NULL;
	if (length <= 0)
		return length;
	reader->value = json_loadb(reader->line, (size_t)length, JSON_ALLOW_NUL, &error);
	if (!reader->value) {
		char text[JSON_ERROR_TEXT_LENGTH];

		utf8_for_message(text, sizeof(text), error.text, strlen(error.text));
		return fail(reader, "%s", text);
	}
	if (json_typeof(reader->value) != type)
		return fail(reader, "%s", what);
	return 1;
}

static bool read_size(const json_t *header, const char *name, unsigned *size)
{
	const json_t *value = json_object_get(header, name);
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 1 || number > SIZE_MAX_COLUMNS)
		return false;
	*size = (unsigned)number;
	return true;
}

static int read_header(struct cast_reader *reader)
{
	static const char what[] = "no recording: its first line is not the header of asciicast v2";
	int result = read_value(reader, JSON_OBJECT, what);

	if (result <= 0)
		return result ? result : fail(reader, what);
	if (json_integer_value(json_object_get(reader->value, "version")) != 2)
		return fail(reader, "not version 2 of asciicast");
	if (!read_size(reader->value, "width", &reader->columns) ||
		!read_size(reader->value, "height", &reader->rows))
		return fail(reader, "width and height must be from 1 to %d", SIZE_MAX_COLUMNS);
	return 0;
}

int cast_reader_open(struct cast_reader *reader, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	*reader = (struct cast_reader){ .path = path };
	if (fd < 0)
		return fail(reader, "%s", strerror(errno));
	reader->file = fdopen(fd, "r");
	if (!reader->file) {
		close(fd);
		return fail(reader, "%s", strerror(errno));
	}
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return fail(reader, "not a regular file");
	reader->line = malloc(CAST_LINE_MAX);
	if (!reader->line)
		return fail(reader, "%s", strerror(ENOMEM));
	return read_header(reader);
}

void cast_reader_close(struct cast_reader *reader)
{
	if (reader->file)
		fclose(reader->file);
	reader->file = NULL;
	free(reader->line);
	reader->line = NULL;
	json_decref(reader->value);
	reader->value = NULL;
}

int cast_reader_next(struct cast_reader *reader, struct cast_event *event)
{
	static const char what[] = "not an event: [TIME, \"o\", TEXT]";
	int result = read_value(reader, JSON_ARRAY, what);
	const json_t *time, *code, *text;

	if (result <= 0)
		return result;
	time = json_array_get(reader->value, 0);
	code = json_array_get(reader->value, 1);
	text = json_array_get(reader->value, 2);
	if (!json_is_number(time) || json_string_length(code) != 1 || !json_is_string(text))
		return fail(reader, what);
	if (json_number_value(time) < 0 || json_number_value(time) > TIME_MAX)
		return fail(reader, "its time makes no sense");
	if (json_number_value(time) > reader->time)
		reader->time = json_number_value(time);
	*event = (struct cast_event){
		.time = reader->time,
		.code = *json_string_value(code),
		.text = json_string_value(text),
		.length = json_string_length(text),
	};
	return 1;
}
