#ifndef OFFLOAD_H
#define OFFLOAD_H

#include "frame.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Checksums and segmentation that one guest left to others (Virtio 1.2, section 5.1.6), and that
 * the receiver has not accepted.
 */

#define OFFLOAD_HEADERS_MAX 256 /* of a segment: Ethernet, VLAN tags, IP with options, TCP */

/*
 * Is the header, as copied from a guest that negotiated these features, one that a receiver may
 * see? Checked against the frame's bytes: csum_start and csum_offset within it, a gso type that was
 * negotiated and fits the protocol, a gso size that is not 0, headers complete. Sets frame->plain.
 */
bool offload_check(struct frame *frame, uint64_t negotiated);

/* Whether a receiver that accepted these features takes the frame as it is. */
bool offload_accepted(const struct frame *frame, uint64_t accepted);

/*
 * A frame as the receiver takes it: one segment of the original, headers rewritten, checksums
 * completed. The vector is made of the segment's own headers and pieces of the sender's memory, of
 * which the checksum was computed: so they are copied into bytes first, that a sender cannot change
 * them behind the checksum.
 */
struct offload_segment {
	struct frame frame;
	struct iovec iov[1];
	uint8_t bytes[FRAME_LENGTH_MAX];
};

/* How many segments it takes for that receiver: at least 1; 0 if it cannot be done at all. */
unsigned offload_segments(const struct frame *frame, uint64_t accepted);

/* Make segment number index (below that count). False if the sender has changed the frame so that
 * it makes no sense. */
bool offload_segment(const struct frame *frame, uint64_t accepted, unsigned index,
	struct offload_segment *segment);

#endif
