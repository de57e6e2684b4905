/*
 * Does in software what a frame's header asks for and its receiver does not take.
 *
 * How it works: the bytes that a checksum covers are copied first, as the sender may change its
 * memory at any time, and the sum is of the copy. Of a frame to be segmented, each segment gets the
 * headers of the original with the few fields rewritten that differ, and gso_size bytes of the
 * payload. Its number is all there is to remember about progress: a segment is made of the original
 * frame alone.
 */
#include "checksum.h"
#include "offload.h"
#include "offload_headers.h"

#include <netinet/in.h>
#include <string.h>

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80
#define UDP_CHECKSUM 6 /* csum_offset: here 0 says that there is none, and is written as ones */

unsigned offload_segments(const struct frame *frame, uint64_t accepted)
{
	const struct virtio_net_hdr_v1 *header = &frame->header;
	uint8_t bytes[OFFLOAD_HEADERS_MAX];
	struct offload_headers headers;

	if (!header->gso_type || offload_accepted(frame, accepted))
		return 1;
	if (!offload_headers_copy(&headers, frame, bytes) || !headers.segmentable)
		return 0;
	return (frame->length - headers.length + header->gso_size - 1U) / header->gso_size;
}

/* The checksum of what begins at offset; its field holds what else it covers. */
static void complete(uint8_t *bytes, uint32_t length, uint32_t start, uint32_t offset)
{
	uint16_t sum = checksum_fold(checksum_add(0, bytes + start, length - start));
	uint16_t field = sum == UINT16_MAX && offset == UDP_CHECKSUM ? sum : (uint16_t)~sum;

	memcpy(bytes + start + offset, &field, sizeof(field));
}

/* The part of a transport's checksum that its own bytes are not, in its field. */
static void put_pseudo_header(const struct offload_headers *headers, uint8_t *bytes,
	uint32_t length, uint32_t csum_offset)
{
	const uint8_t *addresses = bytes + headers->network + (headers->version == 4 ? 12 : 8);
	uint8_t rest[8] = { 0 };
	uint64_t sum;
	uint16_t field;

	network_32_set(rest, length - headers->transport);
	rest[7] = headers->protocol;
	sum = checksum_add(0, addresses, headers->version == 4 ? 8 : 32);
	field = checksum_fold(checksum_add(sum, rest, sizeof(rest)));
	memcpy(bytes + headers->transport + csum_offset, &field, sizeof(field));
}

static void rewrite_ip(const struct offload_headers *headers, uint8_t *bytes, uint32_t length,
	unsigned index)
{
	uint8_t *ip = bytes + headers->network;
	uint32_t packet = length - headers->network;

	if (headers->version == 6) {
		network_16_set(ip + 4, packet - 40);
		return;
	}
	network_16_set(ip + 2, packet);
	network_16_set(ip + 4, network_16(ip + 4) + index);
	network_16_set(ip + 10, 0);
	complete(ip, headers->transport - headers->network, 0, 10);
}

static void rewrite_transport(const struct offload_headers *headers, uint8_t *bytes,
	uint32_t length, uint32_t before, bool more)
{
	uint8_t *transport = bytes + headers->transport;

	if (headers->protocol == IPPROTO_UDP) {
		network_16_set(transport + 4, length - headers->transport);
		return;
	}
	network_32_set(transport + 4, network_32(transport + 4) + before);
	if (before)
		transport[13] &= (uint8_t)~TCP_CWR; /* said once */
	if (more)
		transport[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH); /* true of the end */
}

/* One segment, but for its checksum. False if the headers are not what they were, or no more. */
static bool cut(const struct frame *frame, unsigned index, struct offload_segment *segment)
{
	const struct virtio_net_hdr_v1 *header = &frame->header;
	uint64_t before = (uint64_t)index * header->gso_size;
	uint8_t *bytes = segment->bytes;
	struct offload_headers headers;
	uint32_t payload, left;

	if (!offload_headers_copy(&headers, frame, bytes) || !headers.segmentable ||
		before >= frame->length - headers.length)
		return false;
	left = frame->length - headers.length - (uint32_t)before;
	payload = left < header->gso_size ? left : header->gso_size;
	segment->frame.length = headers.length + payload;
	if (frame_copy(frame, headers.length + (uint32_t)before, bytes + headers.length, payload) !=
		payload)
		return false;
	rewrite_ip(&headers, bytes, segment->frame.length, index);
	rewrite_transport(&headers, bytes, segment->frame.length, (uint32_t)before, left > payload);
	put_pseudo_header(&headers, bytes, segment->frame.length, header->csum_offset);
	segment->frame.header.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	segment->frame.header.gso_size = 0;
	segment->frame.header.hdr_len = (uint16_t)headers.length;
	return true;
}

static bool make(const struct frame *frame, unsigned index, struct offload_segment *segment)
{
	if (frame->header.gso_type)
		return cut(frame, index, segment);
	return index == 0 && frame_copy(frame, 0, segment->bytes, frame->length) == frame->length;
}

/* A copy of the headers, that makes sense, and the sender's payload. */
static bool pin_headers(const struct frame *frame, struct offload_segment *segment)
{
	struct offload_headers headers;
	size_t left;
	unsigned count = 1;

	if (frame->count >= sizeof(segment->iov) / sizeof(segment->iov[0]) ||
		!offload_headers_copy(&headers, frame, segment->bytes) ||
		headers.length != frame->header.hdr_len)
		return false;
	left = headers.length;
	segment->iov[0] = (struct iovec){ segment->bytes, left };
	for (unsigned i = 0; i < frame->count; i++) {
		const struct iovec *iov = &frame->iov[i];

		if (iov->iov_len > left) {
			segment->iov[count++] = (struct iovec){ (uint8_t *)iov->iov_base + left,
				iov->iov_len - left };
			left = 0;
		} else {
			left -= iov->iov_len;
		}
	}
	segment->frame.iov = segment->iov;
	segment->frame.count = count;
	return true;
}

bool offload_segment(const struct frame *frame, uint64_t accepted, unsigned index,
	struct offload_segment *segment)
{
	struct virtio_net_hdr_v1 *header = &segment->frame.header;

	segment->frame = *frame;
	if (offload_accepted(frame, accepted))
		return index == 0 && (!header->gso_type || pin_headers(frame, segment));
	if (frame->length > sizeof(segment->bytes))
		return false;
	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (!make(frame, index, segment))
			return false;
		segment->iov[0] = (struct iovec){ segment->bytes, segment->frame.length };
		segment->frame.iov = segment->iov;
		segment->frame.count = 1;
		if (offload_accepted(&segment->frame, accepted))
			return true;
		complete(segment->bytes, segment->frame.length, header->csum_start,
			header->csum_offset);
	}
	*header = (struct virtio_net_hdr_v1){ 0 };
	segment->frame.plain = true;
	return true;
}

void offload_complete(const struct virtio_net_hdr_v1 *header, uint8_t *bytes, uint32_t length)
{
	uint32_t parsed = length < OFFLOAD_HEADERS_MAX ? length : OFFLOAD_HEADERS_MAX;
	struct offload_headers headers;

	if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
		(uint32_t)header->csum_start + header->csum_offset + 2U > length)
		return;
	/* Some senders leave the length of the whole out of the sum: it is another in a segment. */
	if (header->gso_type && offload_headers_parse(&headers, bytes, parsed) &&
		headers.segmentable && headers.transport == header->csum_start)
		put_pseudo_header(&headers, bytes, length, header->csum_offset);
	complete(bytes, length, header->csum_start, header->csum_offset);
}
