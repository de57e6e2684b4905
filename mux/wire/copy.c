/* Copying frames, short and long, in one piece and in many. */
#include "copy.h"

#include "compiler.h"

VECTOR_CLONES static void copy(void *to, const void *from, size_t length)
{
	copy_inline(to, from, length);
}

void copy_bytes(void *to, const void *from, size_t length)
{
	copy(to, from, length);
}

/* Past segments that are used up. */
static void step(struct copy_place *place, size_t length)
{
	place->offset += length;
	while (place->count && place->offset == place->iov->iov_len) {
		place->offset = 0;
		place->iov++;
		place->count--;
	}
}

static size_t left_in_segment(const struct copy_place *place)
{
	return place->count ? place->iov->iov_len - place->offset : 0;
}

static uint8_t *bytes_at(const struct copy_place *place)
{
	return (uint8_t *)place->iov->iov_base + place->offset;
}

size_t copy_between(struct copy_place *to, struct copy_place *from, size_t length)
{
	size_t copied = 0;

	while (copied < length) {
		size_t piece = length - copied;

		if (piece > left_in_segment(to))
			piece = left_in_segment(to);
		if (piece > left_in_segment(from))
			piece = left_in_segment(from);
		if (!piece)
			break;
		copy_bytes(bytes_at(to), bytes_at(from), piece);
		step(to, piece);
		step(from, piece);
		copied += piece;
	}
	return copied;
}

size_t copy_in(struct copy_place *to, const void *bytes, size_t length)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };

	return copy_between(to, &(struct copy_place){ &iov, 1, 0 }, length);
}

size_t copy_out(void *bytes, struct copy_place *from, size_t length)
{
	struct iovec iov = { .iov_base = bytes, .iov_len = length };

	return copy_between(&(struct copy_place){ &iov, 1, 0 }, from, length);
}
