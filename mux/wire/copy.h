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

/* The widest register there is; wherever it lies in memory. */
struct copy_vector {
	uint8_t bytes __attribute__((vector_size(COPY_VECTOR)));
} __attribute__((packed));

/*
 * The same as a part of a function that VECTOR_CLONES chooses: lengths of one vector to two by two
 * of them, which overlap.
 */
static inline void copy_inline(void *to, const void *from, size_t length)
{
	if (length < COPY_VECTOR || length > 2 * COPY_VECTOR) {
		memcpy(to, from, length);
		return;
	}

	struct copy_vector *first_to = to;
	struct copy_vector *last_to = (void *)((uint8_t *)to + length - COPY_VECTOR);
	const struct copy_vector *first_from = from;
	const struct copy_vector *last_from =
		(const void *)((const uint8_t *)from + length - COPY_VECTOR);
	struct copy_vector first = *first_from;
	struct copy_vector last = *last_from;

	*first_to = first;
	*last_to = last;
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
