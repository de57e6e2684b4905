/* The Internet checksum (RFC 1071). */
#include "checksum.h"

#include <string.h>

static uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return (word & UINT32_MAX) + (word >> 32);
}

uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t length)
{
	uint64_t lane[4] = { 0 };
	uint64_t tail = 0;

	/* Halves of 32 bits carry into the upper half, which no frame is long enough to fill. */
	for (; length >= 4 * sizeof(uint64_t); length -= 4 * sizeof(uint64_t)) {
		lane[0] += word_at(bytes);
		lane[1] += word_at(bytes + 8);
		lane[2] += word_at(bytes + 16);
		lane[3] += word_at(bytes + 24);
		bytes += 4 * sizeof(uint64_t);
	}
	for (; length >= sizeof(uint64_t); length -= sizeof(uint64_t)) {
		lane[0] += word_at(bytes);
		bytes += sizeof(uint64_t);
	}
	memcpy(&tail, bytes, length);
	return sum + lane[0] + lane[1] + lane[2] + lane[3] + (tail & UINT32_MAX) + (tail >> 32);
}

uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)((sum & UINT16_MAX) + (sum >> 16));
}
