/* Anything typed, in any pieces: nothing is lost, doubled or understood differently. */

#include "keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What happens, in a form that can be compared; with pieces no longer than most. */
static size_t record(enum keys_mode mode, const uint8_t *bytes, size_t size, size_t most,
	uint8_t *log)
{
	struct keys keys;
	size_t logged = 0, taken = 0;
	bool idle = false;

	keys_init(&keys, mode, 0);
	while (taken < size) {
		size_t piece = size - taken < most ? size - taken : most;
		struct key_event event;
		size_t used = keys_next(&keys, bytes + taken, piece, &event);

		assert(used <= piece && (used || event.action != KEY_NOTHING));
		assert(used || !idle);
		idle = !used;
		if (event.action == KEY_BYTES) {
			assert(event.bytes == bytes + taken && event.length == used);
			assert(!memchr(event.bytes, keys.escape, event.length));
			memcpy(log + logged, event.bytes, event.length);
			logged += event.length;
		} else {
			assert(used <= 1);
			log[logged++] = (uint8_t)event.action;
			log[logged++] = event.byte;
			log[logged++] = (uint8_t)event.number;
		}
		taken += used;
	}
	return logged;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *whole = malloc(6 * size + 3), *pieces = malloc(6 * size + 3);
	enum keys_mode mode = size ? (enum keys_mode)(bytes[0] % KEYS_MODES) : KEYS_CONS;
	size_t length;

	assert(whole && pieces);
	length = record(mode, bytes, size, size, whole);
	for (size_t most = 1; most < 4; most++) {
		assert(record(mode, bytes, size, most, pieces) == length);
		assert(!memcmp(whole, pieces, length));
	}
	free(whole);
	free(pieces);
	return 0;
}
