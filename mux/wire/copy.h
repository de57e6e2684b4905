#ifndef COPY_H
#define COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#define COPY_VECTOR 64

/*
 * Copies between the memories of guests, who may be writing both meanwhile: so nothing is decided
 * by what is copied. They do not overlap.
 */
void copy_bytes(void *to, const void *from, size_t length);

/* Registers, the widest there are and half of that; wherever they lie in memory. */
struct copy_vector {
	uint8_t bytes __attribute__((vector_size(COPY_VECTOR)));
} __attribute__((packed));

struct copy_half {
	uint8_t bytes __attribute__((vector_size(COPY_VECTOR / 2)));
} __attribute__((packed));

/* From half a vector to a whole one, by two halves that overlap. */
static inline void copy_by_halves(void *to, const void *from, size_t length)
{
	size_t offset = length - sizeof(struct copy_half);
	struct copy_half *first_to = to;
	struct copy_half *last_to = (void *)((uint8_t *)to + offset);
	const struct copy_half *first_from = from;
	const struct copy_half *last_from = (const void *)((const uint8_t *)from + offset);
	struct copy_half first = *first_from;
	struct copy_half last = *last_from;

	*first_to = first;
	*last_to = last;
}

/* From one vector to two, which overlap. */
static inline void copy_by_vectors(void *to, const void *from, size_t length)
{
	size_t offset = length - sizeof(struct copy_vector);
	struct copy_vector *first_to = to;
	struct copy_vector *last_to = (void *)((uint8_t *)to + offset);
	const struct copy_vector *first_from = from;
	const struct copy_vector *last_from = (const void *)((const uint8_t *)from + offset);
	struct copy_vector first = *first_from;

	if (offset) {
		struct copy_vector last = *last_from;

		*last_to = last;
	}
	*first_to = first;
}

/* The same as copy_bytes(), as a part of a function that VECTOR_CLONES chooses. */
static inline void copy_inline(void *to, const void *from, size_t length)
{
	if (length - COPY_VECTOR <= COPY_VECTOR)
		copy_by_vectors(to, from, length);
	else if (length - COPY_VECTOR / 2 <= COPY_VECTOR / 2)
		copy_by_halves(to, from, length);
	else
		memcpy(to, from, length);
}

/* A place in a vector: where copying goes on. Its current segment is never used up but at its end.
 */
struct copy_place {
	const struct iovec *iov;
	unsigned count;
	size_t offset; /* into iov[0] */
};

/* Copy as many bytes as asked, or as both have left; how many. Both places move behind them. */
size_t copy_between(struct copy_place *to, struct copy_place *from, size_t length);

/* Copy bytes that are ours into a place, out of a place. */
size_t copy_in(struct copy_place *to, const void *bytes, size_t length);
size_t copy_out(void *bytes, struct copy_place *from, size_t length);

#endif
