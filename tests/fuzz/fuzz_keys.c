/* Anything typed, in any pieces: nothing is lost, doubled or understood differently. */

#include "keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What happens, in a form that can be compared; with pieces no longer than most. */
static size_t record(const uint8_t *bytes, size_t size, size_t most, uint8_t *log)
{
	struct keys keys;
	size_t logged = 0, taken = 0;

	keys_init(&keys, KEYS_ESCAPE);
	while (taken < size) {
		size_t piece = size - taken < most ? size - taken : most;
		struct key_event event;
		size_t used = keys_next(&keys, bytes + taken, piece, &event);

		assert(used > 0 && used <= piece);
		if (event.action == KEY_BYTES) {
			assert(event.bytes == bytes + taken && event.length == used);
			assert(!memchr(event.bytes, KEYS_ESCAPE, event.length));
			memcpy(log + logged, event.bytes, event.length);
			logged += event.length;
		} else {
			assert(used == 1 && event.action != KEY_NOTHING);
			log[logged++] = (uint8_t)event.action;
			log[logged++] = event.byte;
		}
		taken += used;
	}
	return logged;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *whole = malloc(2 * size + 1), *pieces = malloc(2 * size + 1);
	size_t length;

	assert(whole && pieces);
	length = record(bytes, size, size, whole);
	for (size_t most = 1; most < 4; most++) {
		assert(record(bytes, size, most, pieces) == length);
		assert(!memcmp(whole, pieces, length));
	}
	free(whole);
	free(pieces);
	return 0;
}
