#ifndef COPY_H
#define COPY_H

#include <stddef.h>
#include <sys/uio.h>

/*
 * Copies between the memories of guests, who may be writing both meanwhile: so nothing is decided
 * by what is copied. They do not overlap.
 */
void copy_bytes(void *to, const void *from, size_t length);

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
