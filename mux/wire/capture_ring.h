#ifndef CAPTURE_RING_H
#define CAPTURE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes on their way to a slow reader, put in as blocks that lie in one piece, taken out as a
 * stream. When a block does not fit before the end of memory, it goes to its beginning.
 */
struct capture_ring {
	uint8_t *bytes; /* owned */
	size_t size;
	size_t begin; /* of what is in it */
	size_t end; /* where the next block goes */
	size_t wrap; /* where bytes end that are followed by those at 0; 0: end is behind begin */
};

bool capture_ring_create(struct capture_ring *ring, size_t size); /* false: no memory */
void capture_ring_destroy(struct capture_ring *ring);

/* Room for a block of at most that length, or NULL: there is none now. */
uint8_t *capture_ring_reserve(struct capture_ring *ring, size_t length);
/* So long it has become: length not above what was reserved last, a multiple of 4. */
void capture_ring_commit(struct capture_ring *ring, size_t length);

/* Bytes that lie together at the beginning: how many. */
size_t capture_ring_peek(const struct capture_ring *ring, const uint8_t **bytes);
void capture_ring_consume(struct capture_ring *ring, size_t length); /* not above that */

#endif
