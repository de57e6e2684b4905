#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of the Internet protocols (RFC 1071): sums of 16-bit words as they lie in memory, so
 * the order of bytes does not matter. A part that another follows has an even length. At most
 * 256 KiB in one sum.
 */
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t length);

/* The sum's 16 bits, as they are put into memory: complemented for a checksum field. */
uint16_t checksum_fold(uint64_t sum);

#endif
