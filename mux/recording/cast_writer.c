/* Recordings as they are written: asciicast v2. */

#include "cast_writer.h"

#include "fd.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char replacement[] = { '\xef', '\xbf', '\xbd' }; /* U+FFFD in UTF-8 */

int cast_writer_open(struct cast_writer *writer, const char *path)
{
	struct stat status;

	*writer = (struct cast_writer){ .fd = -1 };
	if (!strcmp(path, "-"))
		writer->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (writer->fd < 0)
		return -errno;
	writer->regular = strcmp(path, "-") != 0 && !fstat(writer->fd, &status) &&
		S_ISREG(status.st_mode);
	return 0;
}

static int fail(struct cast_writer *writer, int error)
{
	if (writer->regular)
		writer->regular = !ftruncate(writer->fd, writer->length);
	writer->error = -error;
	return writer->error;
}

static int write_text(struct cast_writer *writer, const char *text, size_t length)
{
	size_t done = 0;

	if (writer->error)
		return writer->error;
	while (done < length) {
		ssize_t written = write(writer->fd, text + done, length - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return fail(writer, written ? errno : EIO);
		done += (size_t)written;
	}
	writer->length += (off_t)length;
	return 0;
}

/* One line; takes the value. */
static int write_value(struct cast_writer *writer, json_t *value)
{
	AUTO_FREE char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	AUTO_FREE char *line = NULL;
	int length = text ? asprintf(&line, "%s\n", text) : -1;

	json_decref(value);
	if (length < 0)
		return fail(writer, ENOMEM);
	return write_text(writer, line, (size_t)length);
}

int cast_writer_begin(struct cast_writer *writer, uint64_t now_ms, const struct cast_header *header)
{
	json_t *value = json_pack("{s:i, s:i, s:i, s:I, s:s}", "version", 2, "width",
		(int)header->columns, "height", (int)header->rows, "timestamp",
		(json_int_t)(now_ms / 1000), "title", header->title);
	json_t *terminal = header->terminal ? json_pack("{s:s}", "TERM", header->terminal) : NULL;

	writer->start_ms = writer->last_ms = now_ms;
	if (value && terminal)
		json_object_set_new(value, "env", terminal);
	return write_value(writer, value);
}

/* text has length bytes of UTF-8. Times have milliseconds, written as they are. */
static int write_event(struct cast_writer *writer, enum cast_code code, uint64_t now_ms,
	const char *text, size_t length)
{
	json_t *value = json_stringn(text, length);
	AUTO_FREE char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	AUTO_FREE char *line = NULL;
	uint64_t time;
	int size;

	json_decref(value);
	if (now_ms > writer->last_ms)
		writer->last_ms = now_ms;
	time = writer->last_ms - writer->start_ms;
	size = !quoted ? -1
		       : asprintf(&line, "[%llu.%03u,\"%c\",%s]\n", (unsigned long long)time / 1000,
				 (unsigned)(time % 1000), (int)code, quoted);
	if (size < 0)
		return fail(writer, ENOMEM);
	return write_text(writer, line, (size_t)size);
}

/* Could more bytes make a character of these? One of two continuations fits each beginning. */
static bool is_beginning(const char *bytes, size_t length)
{
	unsigned char first = (unsigned char)bytes[0];
	size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	char low[4] = { '\x80', '\x80', '\x80', '\x80' };
	char high[4] = { '\xbf', '\xbf', '\xbf', '\xbf' };
	uint32_t code_point;

	if (first < 0xc0 || length >= whole)
		return false;
	memcpy(low, bytes, length);
	memcpy(high, bytes, length);
	return utf8_decode(low, whole, &code_point) || utf8_decode(high, whole, &code_point);
}

/*
 * The characters of bytes as UTF-8 in text, which has room for three times as many; the length of
 * that. What may become a character with further bytes is kept as the rest.
 */
static size_t to_utf8(struct cast_writer *writer, struct cast_rest *rest, const char *bytes,
	size_t length, char *text)
{
	size_t at = 0, used = 0;

	rest->length = 0;
	while (at < length) {
		uint32_t code_point;
		size_t step = utf8_decode(bytes + at, length - at, &code_point);

		if (!step && is_beginning(bytes + at, length - at)) {
			rest->length = (uint8_t)(length - at);
			memcpy(rest->bytes, bytes + at, rest->length);
			break;
		}
		if (step) {
			memcpy(text + used, bytes + at, step);
			used += step;
		} else {
			memcpy(text + used, replacement, sizeof(replacement));
			used += sizeof(replacement);
			writer->wrong++;
		}
		at += step ? step : 1;
	}
	return used;
}

int cast_writer_bytes(struct cast_writer *writer, enum cast_code code, uint64_t now_ms,
	const void *bytes, size_t length)
{
	struct cast_rest *rest = code == CAST_INPUT ? &writer->input : &writer->output;
	size_t whole = rest->length + length;
	AUTO_FREE char *all = NULL;
	AUTO_FREE char *text = NULL;
	size_t used;

	if (writer->error || !length)
		return writer->error;
	all = malloc(whole);
	text = malloc(whole * sizeof(replacement));
	if (!all || !text)
		return fail(writer, ENOMEM);
	memcpy(all, rest->bytes, rest->length);
	memcpy(all + rest->length, bytes, length);
	writer->count += length;
	used = to_utf8(writer, rest, all, whole, text);
	return used ? write_event(writer, code, now_ms, text, used) : 0;
}

int cast_writer_size(struct cast_writer *writer, uint64_t now_ms, unsigned columns, unsigned rows)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%ux%u", columns, rows);

	return write_event(writer, CAST_SIZE, now_ms, text, (size_t)length);
}

int cast_writer_marker(struct cast_writer *writer, uint64_t now_ms, const char *text)
{
	return write_event(writer, CAST_MARKER, now_ms, text, strlen(text));
}

static void write_rest(struct cast_writer *writer, enum cast_code code, struct cast_rest *rest)
{
	char text[CAST_REST_MAX * sizeof(replacement)];
	size_t used = 0;

	for (; rest->length; rest->length--, writer->wrong++, used += sizeof(replacement))
		memcpy(text + used, replacement, sizeof(replacement));
	if (used)
		write_event(writer, code, writer->last_ms, text, used);
}

int cast_writer_end(struct cast_writer *writer)
{
	char note[64];

	if (writer->fd < 0)
		return writer->error;
	write_rest(writer, CAST_OUTPUT, &writer->output);
	write_rest(writer, CAST_INPUT, &writer->input);
	snprintf(note, sizeof(note), "%llu bytes were no UTF-8", (unsigned long long)writer->wrong);
	if (writer->wrong)
		cast_writer_marker(writer, writer->last_ms, note);
	if (close(writer->fd) && !writer->error)
		writer->error = -errno;
	writer->fd = -1;
	return writer->error;
}
