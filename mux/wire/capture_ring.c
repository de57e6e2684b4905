/* Bytes on their way to a slow reader. */
#include "capture_ring.h"

#include <assert.h>
#include <stdlib.h>

bool capture_ring_create(struct capture_ring *ring, size_t size)
{
	*ring = (struct capture_ring){ .bytes = malloc(size), .size = size };
	return ring->bytes;
}

void capture_ring_destroy(struct capture_ring *ring)
{
	free(ring->bytes);
	ring->bytes = NULL;
}

uint8_t *capture_ring_reserve(struct capture_ring *ring, size_t length)
{
	if (ring->wrap) {
		if (length > ring->begin - ring->end)
			return NULL;
	} else if (length > ring->size - ring->end) {
		if (length > ring->begin)
			return NULL;
		ring->wrap = ring->end;
		ring->end = 0;
	}
	return ring->bytes + ring->end;
}

void capture_ring_commit(struct capture_ring *ring, size_t length)
{
	ring->end += length;
	assert(ring->end <= (ring->wrap ? ring->begin : ring->size));
}

size_t capture_ring_peek(const struct capture_ring *ring, const uint8_t **bytes)
{
	*bytes = ring->bytes + ring->begin;
	return (ring->wrap ? ring->wrap : ring->end) - ring->begin;
}

void capture_ring_consume(struct capture_ring *ring, size_t length)
{
	ring->begin += length;
	if (ring->wrap && ring->begin == ring->wrap) {
		ring->begin = 0;
		ring->wrap = 0;
	}
	if (!ring->wrap && ring->begin == ring->end) {
		ring->begin = 0;
		ring->end = 0;
	}
}
