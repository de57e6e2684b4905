/* Bytes of a frame that lies in pieces in its sender's memory. */
#include "frame.h"

#include <string.h>

uint32_t frame_copy(const struct frame *frame, uint32_t offset, void *to, uint32_t length)
{
	uint32_t copied = 0;

	for (unsigned i = 0; i < frame->count && copied < length; i++) {
		const struct iovec *iov = &frame->iov[i];
		size_t share = length - copied;

		if (offset >= iov->iov_len) {
			offset -= (uint32_t)iov->iov_len;
			continue;
		}
		if (share > iov->iov_len - offset)
			share = iov->iov_len - offset;
		memcpy((uint8_t *)to + copied, (const uint8_t *)iov->iov_base + offset, share);
		copied += (uint32_t)share;
		offset = 0;
	}
	return copied;
}
