#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/virtio_net.h>

#define FRAME_LENGTH_MAX 65550 /* the largest segment that may wait for its segmentation */
#define FRAME_TAG_LENGTH 4 /* a VLAN tag: a switch may put in one */
#define FRAME_LENGTH_LEAST 14 /* an Ethernet header */

/*
 * One Ethernet frame on its way, still lying in its sender's memory, which the sender may go on
 * writing: whoever decides by its bytes copies them first. The header is a copy, and valid
 * (offload_check()): offsets and sizes in it lie within the frame.
 */
struct frame {
	struct virtio_net_hdr_v1
		header; /* what is asked of whoever delivers it; num_buffers is 0 */
	const struct iovec *iov; /* count of them, none empty: the frame without the header */
	unsigned count;
	uint32_t length;
	bool plain; /* the header is all zero: every receiver takes the frame */
};

/* Copy bytes of the frame from offset on. How many: less than length where the frame ends. */
uint32_t frame_copy(const struct frame *frame, uint32_t offset, void *to, uint32_t length);

#endif
