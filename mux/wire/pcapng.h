#ifndef PCAPNG_H
#define PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCAPNG_BLOCK_MOST 512 /* any block without the bytes of a frame */
#define PCAPNG_NAME_MOST 127 /* what is longer is cut */

/*
 * Blocks of a pcapng file (its specification: draft-ietf-opsawg-pcapng), in this machine's byte
 * order, put into memory that has room for them. Each says how long it is: a multiple of 4.
 */
size_t pcapng_put_section(uint8_t *to);

/* One more interface of Ethernet, with time in nanoseconds; frames name it by its number. */
size_t pcapng_put_interface(uint8_t *to, const char *name, const char *description,
	uint32_t snap_length);

struct pcapng_frame {
	uint32_t interface;
	uint64_t time_ns; /* since 1970 */
	uint32_t captured; /* bytes that are there; up to 3 behind them are overwritten */
	uint32_t length; /* bytes that there were */
	bool inbound; /* received by the interface, not sent */
	uint64_t left_out; /* frames of this interface that are missing before this one */
};

/* A frame, whose bytes were put at pcapng_frame_bytes() already. */
uint8_t *pcapng_frame_bytes(uint8_t *to);
size_t pcapng_put_frame(uint8_t *to, const struct pcapng_frame *frame);

/* What an interface has seen, and what of it was left out of the file. */
size_t pcapng_put_statistics(uint8_t *to, uint32_t interface, uint64_t time_ns, uint64_t received,
	uint64_t left_out);

#endif
