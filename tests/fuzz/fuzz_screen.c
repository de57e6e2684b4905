/* A connected guest's bytes: its line can be drawn again, and leaving undoes what it did. */

#include "screen.h"

#include <assert.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The line drawn again is the line, for a terminal that sees only that. */
static void check_redraw(const struct screen *screen, struct evbuffer *out)
{
	struct screen *fresh = malloc(sizeof(*fresh));
	size_t length;

	assert(fresh);
	screen_redraw(screen, out);
	length = evbuffer_get_length(out);
	assert(length <= SCREEN_LINE_MAX + SCREEN_RENDITION_MAX);
	screen_init(fresh, screen->width, true);
	screen_feed(fresh, evbuffer_pullup(out, -1), length, 0);
	assert(fresh->length >= screen->length);
	assert(!memcmp(fresh->line + fresh->length - screen->length, screen->line, screen->length));
	evbuffer_drain(out, length);
	free(fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct screen *screen = malloc(sizeof(*screen));
	struct evbuffer *out = evbuffer_new();
	size_t length;

	assert(screen && out);
	screen_init(screen, 80, true);
	for (size_t i = 0; i < size; i += 7) {
		screen_feed(screen, bytes + i, size - i < 7 ? size - i : 7, i);
		if (screen_is_free(screen, i) && screen->length + 128 < SCREEN_LINE_MAX)
			check_redraw(screen, out);
	}
	screen_leave(screen, out);
	length = evbuffer_get_length(out);
	assert(length < 512);
	assert(!screen->modes && !screen->length);
	evbuffer_free(out);
	free(screen);
	return 0;
}
