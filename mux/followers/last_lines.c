/* The last lines of a stream. */

#include "last_lines.h"

#include <errno.h>
#include <event2/buffer.h>

int last_lines_init(struct last_lines *last)
{
	*last = (struct last_lines){ .bytes = evbuffer_new() };
	return last->bytes ? 0 : -ENOMEM;
}

void last_lines_release(struct last_lines *last)
{
	if (last->bytes)
		evbuffer_free(last->bytes);
	last->bytes = NULL;
}

void last_lines_add(struct last_lines *last, uint64_t position, const uint8_t *bytes, size_t length)
{
	uint64_t known = last->end > position ? last->end - position : 0;

	if (known >= length)
		return;
	if (position > last->end)
		evbuffer_drain(last->bytes, evbuffer_get_length(last->bytes));
	last->end = position + length;
	bytes += known;
	length -= (size_t)known;
	if (length > LAST_LINES_BYTES) {
		bytes += length - LAST_LINES_BYTES;
		length = LAST_LINES_BYTES;
	}
	evbuffer_add(last->bytes, bytes, length);
	length = evbuffer_get_length(last->bytes);
	if (length > LAST_LINES_BYTES)
		evbuffer_drain(last->bytes, length - LAST_LINES_BYTES);
}

void last_lines_copy(const struct last_lines *last, unsigned count, struct evbuffer *out)
{
	size_t length = evbuffer_get_length(last->bytes);
	const unsigned char *bytes = evbuffer_pullup(last->bytes, -1);
	size_t start = length;

	if (!bytes)
		return;
	while (start && (bytes[start - 1] != '\n' || start == length || --count))
		start--;
	evbuffer_add(out, bytes + start, length - start);
}
