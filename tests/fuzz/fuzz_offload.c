/*
 * A hostile sender of frames that ask for checksums and segmentation: the input is the features of
 * both ends, a header, changes made to the frame once it was checked, and the frame.
 */
#include "fake_packet.h"
#include "offload.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES 4
#define LONGER_MOST 8
#define MADE 32 /* segments of one frame */
#define PIECES 9
#define SEGMENTS_MOST (FRAME_LENGTH_MAX / OFFLOAD_GSO_SIZE_LEAST + 1)

struct input {
	uint64_t negotiated;
	uint64_t accepted;
	struct virtio_net_hdr_v1 header;
	uint16_t piece; /* bytes of each but the last */
	uint16_t at[CHANGES]; /* where a byte changes before each of the first segments */
	uint8_t value[CHANGES];
	uint8_t extend; /* how often the frame is repeated behind itself */
	int8_t shift; /* a tag is put in, or taken out: no more than the switch does */
} __attribute__((packed));

static struct offload_segment segment;
static uint8_t bytes[FRAME_LENGTH_MAX + FRAME_TAG_LENGTH];

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Exactly as long as the frame is, so that sanitizers see what lies behind it. */
static struct frame lay_out(const struct input *in, uint8_t *copy, uint32_t length,
	struct iovec piece[PIECES])
{
	struct frame frame = { .header = in->header, .iov = piece, .length = length };
	uint32_t most = in->piece ? in->piece : 1;

	while (length) {
		uint32_t share = length > most && frame.count + 1 < PIECES ? most : length;

		piece[frame.count].iov_base = copy;
		piece[frame.count++].iov_len = share;
		copy += share;
		length -= share;
	}
	return frame;
}

static void check_header(const struct frame *frame)
{
	const struct virtio_net_hdr_v1 *header = &frame->header;
	uint32_t end = (uint32_t)header->csum_start + header->csum_offset + 2U;

	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		check(header->csum_start >= FRAME_LENGTH_LEAST && end <= frame->length);
	check(!(header->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM));
	if (!header->gso_type)
		return;
	check(header->flags && header->gso_size >= OFFLOAD_GSO_SIZE_LEAST);
	check(header->hdr_len > header->csum_start && header->hdr_len < frame->length);
}

/* The pieces of the segment, and that they are all its own or all the frame's. */
static void check_segment(const struct frame *frame, uint64_t accepted)
{
	const struct frame *made = &segment.frame;
	size_t length = 0;

	check(made->length <= sizeof(segment.bytes) && made->length <= frame->length);
	check(offload_accepted(made, accepted));
	for (unsigned i = 0; i < made->count; i++)
		length += made->iov[i].iov_len;
	check(length == made->length);
	check(frame_copy(made, 0, bytes, made->length) == made->length);
	if (made->header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		check((uint32_t)made->header.csum_start + made->header.csum_offset + 2U <=
			made->length);
	if (frame->header.gso_type && !made->header.gso_type)
		check(made->length <= OFFLOAD_HEADERS_MAX + (uint32_t)frame->header.gso_size);
}

static void take_apart(const struct input *in, struct frame *frame, uint8_t *copy)
{
	unsigned count = offload_segments(frame, in->accepted);
	uint64_t payload = 0;
	bool changed = false;

	check(count <= SEGMENTS_MOST);
	for (unsigned i = 0; i < count; i++) {
		if (count > MADE && i == MADE / 2)
			i = count - MADE / 2; /* those between are alike, and many */
		if (i < CHANGES && in->at[i] < frame->length) {
			changed |= copy[in->at[i]] != in->value[i];
			copy[in->at[i]] = in->value[i];
		}
		if (!offload_segment(frame, in->accepted, i, &segment)) {
			check(changed);
			return;
		}
		check_segment(frame, in->accepted);
		if (frame->header.gso_type && !segment.frame.header.gso_type)
			payload += segment.frame.length - segment.frame.header.hdr_len;
	}
	if (count > 1 && count <= MADE && !changed && in->accepted >> VIRTIO_NET_F_GUEST_CSUM & 1)
		check(payload == frame->length - frame->header.hdr_len);
	check(changed || !offload_segment(frame, in->accepted, count, &segment));
}

static void play(const struct input *in, uint8_t *copy, uint32_t length)
{
	struct iovec piece[PIECES];
	struct frame frame = lay_out(in, copy, length, piece);

	if (!offload_check(&frame, in->negotiated))
		return;
	check_header(&frame);
	memcpy(bytes, copy, length);
	offload_complete(&frame.header, bytes, length);
	take_apart(in, &frame, copy);
	if (in->shift) { /* the headers are elsewhere than the header says, or end otherwise */
		offload_shift(&frame, in->shift > 0 ? FRAME_TAG_LENGTH : -FRAME_TAG_LENGTH);
		offload_segments(&frame, in->accepted);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct input in;
	uint32_t length;
	uint8_t *copy;

	if (size <= sizeof(in))
		return 0;
	memcpy(&in, input, sizeof(in));
	input += sizeof(in);
	size -= sizeof(in);
	if (size > FRAME_LENGTH_MAX)
		size = FRAME_LENGTH_MAX;
	length = (uint32_t)size * (in.extend % LONGER_MOST + 1U);
	if (length > FRAME_LENGTH_MAX)
		length = FRAME_LENGTH_MAX;
	copy = malloc(length);
	if (!copy)
		abort();
	for (uint32_t i = 0; i < length; i++)
		copy[i] = input[i % size];
	play(&in, copy, length);
	free(copy);
	return 0;
}
