/* Frames of VLANs (IEEE 802.1Q): which VLAN one is of, and tags put on and taken off. */
#include "vlan_frame.h"

#include <string.h>

#define TYPE_OFFSET 12
#define TAG_TYPE 0x8100
#define SERVICE_TAG_TYPE 0x88a8 /* of 802.1ad: the outer of two */
#define ID_MASK 0x0fff

bool vlan_carried(const struct port_settings *settings, uint16_t vlan)
{
	bool possible = vlan >= VLAN_ID_LEAST && vlan <= VLAN_ID_MOST;

	if (settings->monitor)
		return false;
	switch ((enum port_vlan)settings->vlan_mode) {
	case PORT_VLAN_NONE:
		return vlan == 0;
	case PORT_VLAN_ACCESS:
		return possible && settings->vlan == vlan;
	case PORT_VLAN_TRUNK:
		return possible && settings->trunk[vlan / 8] >> vlan % 8 & 1;
	}
	return false;
}

static void copy_pieces(const struct frame *frame, uint8_t *bytes, uint32_t count)
{
	uint32_t at = 0;

	for (unsigned i = 0; i < frame->count && at < count; i++) {
		size_t length = frame->iov[i].iov_len;

		if (length > count - at)
			length = count - at;
		memcpy(bytes + at, frame->iov[i].iov_base, length);
		at += (uint32_t)length;
	}
}

bool frame_copy_head(const struct frame *frame, uint8_t *bytes, uint32_t count)
{
	if (frame->length < count)
		return false;
	if (frame->iov[0].iov_len >= count)
		memcpy(bytes, frame->iov[0].iov_base, count);
	else
		copy_pieces(frame, bytes, count);
	/* What is decided by is the copy: the compiler is not to look at the original again. */
	__asm__ volatile("" : : "r"(bytes) : "memory");
	return true;
}

static uint16_t word_at(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put_word(uint8_t *bytes, uint16_t word)
{
	bytes[0] = (uint8_t)(word >> 8);
	bytes[1] = (uint8_t)word;
}

static bool is_tag(uint16_t type)
{
	return type == TAG_TYPE || type == SERVICE_TAG_TYPE;
}

/* Heads of both forms, given the copied one and whether that has a tag with this content. */
static void make_heads(struct vlan_frame *tagged, const uint8_t *copy, bool has_tag, uint16_t tag)
{
	const uint8_t *type = copy + TYPE_OFFSET + (has_tag ? ETHERNET_TAG : 0);

	memcpy(tagged->head, copy, TYPE_OFFSET);
	put_word(tagged->head + TYPE_OFFSET, TAG_TYPE);
	put_word(tagged->head + TYPE_OFFSET + 2, tag);
	memcpy(tagged->head + TYPE_OFFSET + ETHERNET_TAG, type, 2);
	memcpy(tagged->bare_head, copy, TYPE_OFFSET);
	memcpy(tagged->bare_head + TYPE_OFFSET, type, 2);
	tagged->inner_tag = is_tag(word_at(type));
}

/* All vectors but the first, which is that of the head. False if they are too many. */
static bool lay_out_rest(struct vlan_frame *tagged, const struct frame *frame, uint32_t skip)
{
	tagged->count = 1;
	for (unsigned i = 0; i < frame->count; i++) {
		const struct iovec *piece = &frame->iov[i];

		if (skip >= piece->iov_len) {
			skip -= (uint32_t)piece->iov_len;
			continue;
		}
		if (tagged->count == VIRTQUEUE_SEGMENTS + 1)
			return false;
		tagged->iov[tagged->count++] = (struct iovec){
			.iov_base = (uint8_t *)piece->iov_base + skip,
			.iov_len = piece->iov_len - skip,
		};
		skip = 0;
	}
	return true;
}

/* The header for the form without a tag, given where the frame as it came has its payload. */
static bool make_header(struct vlan_frame *tagged, const struct frame *frame, uint32_t payload)
{
	uint16_t shift = (uint16_t)(payload - ETHERNET_HEADER);

	tagged->header = frame->header;
	tagged->plain = frame->plain;
	tagged->length = frame->length - shift;
	tagged->fits_tagged = tagged->length <= FRAME_LENGTH_MAX - ETHERNET_TAG;
	if (frame->header.hdr_len >= payload)
		tagged->header.hdr_len = (uint16_t)(frame->header.hdr_len - shift);
	if (!(frame->header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	if (frame->header.csum_start < payload)
		return false;
	tagged->header.csum_start = (uint16_t)(frame->header.csum_start - shift);
	return tagged->header.csum_start <= UINT16_MAX - ETHERNET_TAG;
}

/* The tag it has inside the switch; false if the port does not take it. */
static bool find_tag(const struct port_settings *from, bool has_tag, uint16_t *tag)
{
	uint16_t vlan = *tag & ID_MASK;

	if (from->vlan_mode == PORT_VLAN_TRUNK)
		return has_tag && vlan_carried(from, vlan);
	if (has_tag && vlan) /* 0: no VLAN, only a priority */
		return false;
	*tag = (uint16_t)(*tag | from->vlan);
	return vlan_carried(from, from->vlan);
}

bool vlan_frame_enter(struct vlan_frame *tagged, const struct port_settings *from,
	const struct frame *frame, enum port_drop *reason)
{
	uint8_t copy[ETHERNET_HEADER + ETHERNET_TAG] = { 0 };
	uint32_t payload = ETHERNET_HEADER;
	uint16_t tag = 0;
	bool has_tag;

	*reason = DROP_MALFORMED;
	if (!frame_copy_head(frame, copy, sizeof(copy)) &&
		!frame_copy_head(frame, copy, ETHERNET_HEADER))
		return false;
	has_tag = word_at(copy + TYPE_OFFSET) == TAG_TYPE;
	if (has_tag) {
		payload += ETHERNET_TAG;
		tag = word_at(copy + TYPE_OFFSET + 2);
		if (frame->length < payload)
			return false;
	}
	make_heads(tagged, copy, has_tag, tag);
	if (!find_tag(from, has_tag, &tag) ||
		(from->vlan_mode == PORT_VLAN_ACCESS && tagged->inner_tag)) {
		*reason = DROP_VLAN;
		return false;
	}
	put_word(tagged->head + TYPE_OFFSET + 2, tag);
	tagged->vlan = tag & ID_MASK;
	return make_header(tagged, frame, payload) && lay_out_rest(tagged, frame, payload);
}

static const struct frame *leave_bare(struct vlan_frame *tagged)
{
	tagged->iov[0] = (struct iovec){ tagged->bare_head, sizeof(tagged->bare_head) };
	tagged->form = (struct frame){
		.header = tagged->header,
		.iov = tagged->iov,
		.count = tagged->count,
		.length = tagged->length,
		.plain = tagged->plain,
	};
	return &tagged->form;
}

static const struct frame *leave_tagged(struct vlan_frame *tagged)
{
	struct virtio_net_hdr_v1 *header = &tagged->form.header;

	leave_bare(tagged);
	tagged->iov[0] = (struct iovec){ tagged->head, sizeof(tagged->head) };
	tagged->form.length += ETHERNET_TAG;
	if (header->hdr_len && header->hdr_len <= UINT16_MAX - ETHERNET_TAG)
		header->hdr_len = (uint16_t)(header->hdr_len + ETHERNET_TAG);
	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		header->csum_start = (uint16_t)(header->csum_start + ETHERNET_TAG);
	return &tagged->form;
}

const struct frame *vlan_frame_leave(struct vlan_frame *tagged, const struct port_settings *to,
	enum port_drop *reason)
{
	if (to->vlan_mode == PORT_VLAN_TRUNK || to->monitor) {
		*reason = DROP_TOO_LONG;
		return tagged->fits_tagged ? leave_tagged(tagged) : NULL;
	}
	*reason = DROP_VLAN;
	return tagged->inner_tag ? NULL : leave_bare(tagged);
}
