/* What a frame's header asks for, checked, and which receivers take it (Virtio 1.2, 5.1.6). */
#include "offload.h"

#include "offload_headers.h"
#include "virtio_net_bits.h"

#include <netinet/in.h>
#include <stddef.h>

#define BIT(number) (1ULL << (number))
#define GSO_TYPE(header) ((header)->gso_type & ~VIRTIO_NET_HDR_GSO_ECN)
#define TCP_CHECKSUM 16 /* where a TCP header has its checksum */
#define UDP_CHECKSUM 6

/* The kinds of segmentation there are: what they ask of a packet and of both ends. */
static const struct kind {
	uint64_t sent; /* all of these the sender has negotiated */
	uint64_t taken; /* all of these the receiver */
	uint8_t gso_type;
	uint8_t version; /* of IP; 0: either */
	uint8_t protocol;
	uint8_t csum_offset;
} kinds[] = {
	{
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.version = 4,
		.protocol = IPPROTO_TCP,
		.csum_offset = TCP_CHECKSUM,
		.sent = BIT(VIRTIO_NET_F_HOST_TSO4),
		.taken = BIT(VIRTIO_NET_F_GUEST_TSO4),
	},
	{
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
		.version = 6,
		.protocol = IPPROTO_TCP,
		.csum_offset = TCP_CHECKSUM,
		.sent = BIT(VIRTIO_NET_F_HOST_TSO6),
		.taken = BIT(VIRTIO_NET_F_GUEST_TSO6),
	},
	{
		.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
		.protocol = IPPROTO_UDP,
		.csum_offset = UDP_CHECKSUM,
		.sent = BIT(VIRTIO_NET_F_HOST_USO),
		.taken = BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6),
	},
};

static const struct kind *kind_of(const struct virtio_net_hdr_v1 *header)
{
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].gso_type == GSO_TYPE(header))
			return &kinds[i];
	return NULL; /* fragmentation of UDP is not offered; others are not known */
}

/* Where the checksum's field ends. */
static uint32_t checksum_end(const struct virtio_net_hdr_v1 *header)
{
	return (uint32_t)header->csum_start + header->csum_offset + 2U;
}

static bool has(uint64_t features, uint64_t wanted)
{
	return (features & wanted) == wanted;
}

bool offload_headers_copy(struct offload_headers *headers, const struct frame *frame,
	uint8_t bytes[OFFLOAD_HEADERS_MAX])
{
	const struct virtio_net_hdr_v1 *header = &frame->header;
	const struct kind *kind = kind_of(header);
	uint32_t length = frame_copy(frame, 0, bytes, OFFLOAD_HEADERS_MAX);

	return kind && offload_headers_parse(headers, bytes, length) &&
		headers->protocol == kind->protocol &&
		(!kind->version || headers->version == kind->version) &&
		headers->length < frame->length && header->csum_start == headers->transport &&
		header->csum_offset == kind->csum_offset;
}

/* A checksum may be asked for of any protocol: tunnels have theirs. */
static bool check_checksum(const struct frame *frame, uint64_t negotiated)
{
	const struct virtio_net_hdr_v1 *header = &frame->header;
	uint32_t end = checksum_end(header);

	return has(negotiated, BIT(VIRTIO_NET_F_CSUM)) &&
		header->csum_start >= FRAME_LENGTH_LEAST && end <= frame->length &&
		end <= UINT16_MAX;
}

static bool check_segmentation(struct frame *frame, uint64_t negotiated)
{
	struct virtio_net_hdr_v1 *header = &frame->header;
	const struct kind *kind = kind_of(header);
	uint8_t bytes[OFFLOAD_HEADERS_MAX];
	struct offload_headers headers;

	if (!kind || !has(negotiated, kind->sent) || !header->flags)
		return false;
	if (header->gso_type & VIRTIO_NET_HDR_GSO_ECN &&
		(kind->protocol != IPPROTO_TCP || !has(negotiated, BIT(VIRTIO_NET_F_HOST_ECN))))
		return false;
	if (header->gso_size < OFFLOAD_GSO_SIZE_LEAST)
		return false;
	if (!offload_headers_copy(&headers, frame, bytes))
		return false;
	header->hdr_len = (uint16_t)headers.length;
	return true;
}

bool offload_check(struct frame *frame, uint64_t negotiated)
{
	struct virtio_net_hdr_v1 *header = &frame->header;

	if (frame->length < FRAME_LENGTH_LEAST || frame->length > FRAME_LENGTH_MAX)
		return false;
	header->flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->num_buffers = 0;
	frame->plain = !header->flags && !header->gso_type;
	if (frame->plain) {
		*header = (struct virtio_net_hdr_v1){ 0 };
		return true;
	}
	if (header->flags && !check_checksum(frame, negotiated))
		return false;
	if (header->gso_type)
		return check_segmentation(frame, negotiated);
	header->gso_size = 0;
	header->hdr_len = (uint16_t)checksum_end(header);
	return true;
}

void offload_shift(struct frame *frame, int bytes)
{
	if (frame->header.hdr_len)
		frame->header.hdr_len = (uint16_t)(frame->header.hdr_len + bytes);
	if (frame->header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		frame->header.csum_start = (uint16_t)(frame->header.csum_start + bytes);
}

bool offload_accepted(const struct frame *frame, uint64_t accepted)
{
	const struct virtio_net_hdr_v1 *header = &frame->header;
	const struct kind *kind;

	if (frame->plain)
		return true;
	if (!has(accepted, BIT(VIRTIO_NET_F_GUEST_CSUM)))
		return false;
	if (!header->gso_type)
		return true;
	kind = kind_of(header);
	return kind && has(accepted, kind->taken) &&
		(!(header->gso_type & VIRTIO_NET_HDR_GSO_ECN) ||
			has(accepted, BIT(VIRTIO_NET_F_GUEST_ECN)));
}
