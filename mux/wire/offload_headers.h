#ifndef OFFLOAD_HEADERS_H
#define OFFLOAD_HEADERS_H

#include "offload.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the headers of a frame lie that asks for segmentation. */
struct offload_headers {
	uint32_t network; /* offset of the IP header */
	uint32_t transport; /* of the TCP or UDP header */
	uint32_t length; /* of all headers: where the payload begins */
	uint8_t version; /* of IP: 4 or 6 */
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	bool segmentable; /* nothing in them that a segment would have to differ in */
};

/* False unless they are whole, of a TCP or UDP packet that is no fragment. Bytes are a copy. */
bool offload_headers_parse(struct offload_headers *headers, const uint8_t *bytes, uint32_t length);

/*
 * Copy the beginning of a frame that has a gso type, and find its headers: false unless they are
 * what that type says. How many bytes were copied is not said: those of the headers were.
 */
bool offload_headers_copy(struct offload_headers *headers, const struct frame *frame,
	uint8_t bytes[OFFLOAD_HEADERS_MAX]);

/* A 16 or 32 bit number of the network's byte order, at any place. */
uint16_t network_16(const uint8_t *bytes);
uint32_t network_32(const uint8_t *bytes);
void network_16_set(uint8_t *bytes, uint32_t value);
void network_32_set(uint8_t *bytes, uint32_t value);

#endif
