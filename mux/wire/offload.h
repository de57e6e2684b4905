#ifndef OFFLOAD_H
#define OFFLOAD_H

#include "frame.h"
#include "virtqueue.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Checksums and segmentation that one guest left to others (Virtio 1.2, section 5.1.6), and that
 * the receiver has not accepted. Nothing here trusts that the sender leaves a frame's bytes alone:
 * what is decided by bytes is decided by a copy of them, and made of that copy.
 */

#define OFFLOAD_HEADERS_MAX 256 /* of a segment: Ethernet, VLAN tags, IP with options, TCP */
#define OFFLOAD_GSO_SIZE_LEAST 8 /* payload of a segment: TCP in Linux goes down to it */

/*
 * Is the header, as copied from a guest that negotiated these features, one that a receiver may
 * see? Checked against the frame's bytes: csum_start and csum_offset within it, a gso type that was
 * negotiated and fits the protocol, a gso size that makes sense, headers complete. Sets
 * frame->plain, and header fields that mean nothing to 0; hdr_len becomes the exact length of all
 * headers where there is a gso type.
 */
bool offload_check(struct frame *frame, uint64_t negotiated);

/* Bytes were put in (or taken out: negative) before the payload of Ethernet: a tag. */
void offload_shift(struct frame *frame, int bytes);

/* Whether a receiver that accepted these features takes the frame as it is. */
bool offload_accepted(const struct frame *frame, uint64_t accepted);

/* A frame as the receiver takes it, in bytes of its own as far as anything is decided by them. */
struct offload_segment {
	struct frame frame;
	struct iovec
		iov[VIRTQUEUE_SEGMENTS + 2]; /* a switch may have put in one, headers another */
	uint8_t bytes[FRAME_LENGTH_MAX + FRAME_TAG_LENGTH];
};

/*
 * How many frames it makes for a receiver: 1 if that takes it as it is, 0 if it cannot be
 * segmented. The same for every call as long as the sender leaves the frame alone; so that who
 * finds no room for one can go on with it later.
 */
unsigned offload_segments(const struct frame *frame, uint64_t accepted);

/*
 * Make number index of them: one segment of the original, headers rewritten, the checksum completed
 * unless the receiver accepted to do that itself. A frame whose segmentation is left to the
 * receiver has its headers copied, so that they are what they were checked to be. False if the
 * sender has changed the frame so that it makes no sense.
 */
bool offload_segment(const struct frame *frame, uint64_t accepted, unsigned index,
	struct offload_segment *segment);

/*
 * Complete the checksum that the header leaves to others, in a copy of a whole frame, be it one
 * that waits for its segmentation.
 */
void offload_complete(const struct virtio_net_hdr_v1 *header, uint8_t *bytes, uint32_t length);

#endif
