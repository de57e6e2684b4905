/* A checksum of four independent lanes, so that its multiplications overlap. */
#include "checksum.h"

#include <string.h>

#define LANES 4
#define BLOCK (LANES * sizeof(uint64_t))
#define PRIME 0x9e3779b185ebca87ULL

static uint64_t mix(uint64_t lane, uint64_t word)
{
	lane = (lane ^ word) * PRIME;
	return lane << 31 | lane >> 33;
}

static void mix_block(uint64_t *lane, const uint8_t *bytes)
{
	uint64_t word[LANES];

	memcpy(word, bytes, BLOCK);
	for (unsigned i = 0; i < LANES; i++)
		lane[i] = mix(lane[i], word[i]);
}

uint64_t checksum(uint64_t sum, const void *bytes, size_t size)
{
	uint64_t lane[LANES] = { sum + 1, sum + 2, sum + 3, sum ^ size };
	uint8_t rest[BLOCK] = { 0 };
	const uint8_t *at = bytes;

	for (; size >= BLOCK; size -= BLOCK, at += BLOCK)
		mix_block(lane, at);
	memcpy(rest, at, size);
	mix_block(lane, rest);
	for (unsigned i = 0; i < LANES; i++)
		sum = mix(sum, lane[i]);
	return sum ^ sum >> 32;
}
