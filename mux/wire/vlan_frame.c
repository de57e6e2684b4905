/* Frames of VLANs (IEEE 802.1Q): which VLAN one is of, and tags put on and taken off. */
#include "vlan_frame.h"

#include "compiler.h"
#include "offload.h"

#include <string.h>

#define HEAD_MOST (FRAME_LENGTH_LEAST + FRAME_TAG_LENGTH)
#define TYPE_OFFSET 12
#define TAG_TYPE 0x8100
#define SERVICE_TAG_TYPE 0x88a8 /* of 802.1ad: the outer of two */
#define ID_MASK 0x0fff

static bool is_vlan(uint16_t id)
{
	return id >= VLAN_ID_LEAST && id <= VLAN_ID_MOST;
}

void vlan_all_carried(const struct port_settings *settings, struct vlan_set *set)
{
	*set = (struct vlan_set){ 0 };
	if (settings->monitor)
		return;
	switch ((enum port_vlan)settings->vlan_mode) {
	case PORT_VLAN_NONE:
		set->word[0] = 1;
		break;
	case PORT_VLAN_ACCESS:
		if (is_vlan(settings->vlan))
			set->word[settings->vlan / 64] = UINT64_C(1) << settings->vlan % 64;
		break;
	case PORT_VLAN_TRUNK:
		memcpy(set, settings->trunk, sizeof(*set));
		set->word[0] &= ~UINT64_C(1); /* tagged frames are never without a VLAN */
		break;
	}
}

/* The first bytes of a frame; how many there are. */
static uint32_t copy_head(const struct frame *frame, uint8_t bytes[HEAD_MOST])
{
	uint32_t count = HEAD_MOST;

	if (LIKELY(frame->iov->iov_len >= HEAD_MOST))
		memcpy(bytes, frame->iov->iov_base, HEAD_MOST);
	else
		count = frame_copy(frame, 0, bytes, HEAD_MOST);
	/* What is decided by is the copy: the compiler is not to look at the original again. */
	__asm__ volatile("" : : "r"(bytes) : "memory");
	return count;
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
	const uint8_t *type = copy + TYPE_OFFSET + (has_tag ? FRAME_TAG_LENGTH : 0);

	memcpy(tagged->head, copy, TYPE_OFFSET);
	put_word(tagged->head + TYPE_OFFSET, TAG_TYPE);
	put_word(tagged->head + TYPE_OFFSET + 2, tag);
	memcpy(tagged->head + TYPE_OFFSET + FRAME_TAG_LENGTH, type, 2);
	memcpy(tagged->bare_head, copy, TYPE_OFFSET);
	memcpy(tagged->bare_head + TYPE_OFFSET, type, 2);
	tagged->inner_tag = is_tag(word_at(type));
}

/* All vectors but the first, which is that of the head. False if they are too many. */
static bool lay_out_rest(struct vlan_frame *tagged, const struct frame *frame, uint32_t skip)
{
	unsigned count = 1;

	for (unsigned i = 0; i < frame->count; i++) {
		const struct iovec *piece = &frame->iov[i];

		if (skip >= piece->iov_len) {
			skip -= (uint32_t)piece->iov_len;
			continue;
		}
		if (count == ARRAY_SIZE(tagged->iov))
			return false;
		tagged->iov[count++] = (struct iovec){
			.iov_base = (uint8_t *)piece->iov_base + skip,
			.iov_len = piece->iov_len - skip,
		};
		skip = 0;
	}
	tagged->bare.iov = tagged->iov;
	tagged->bare.count = count;
	return true;
}

/* Where the checksum is to be, it must be with a tag and without one, too. */
static bool may_shift(const struct virtio_net_hdr_v1 *header, uint32_t payload)
{
	return !(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
		(header->csum_start >= payload &&
			header->csum_start + header->csum_offset + 2 + FRAME_TAG_LENGTH <=
				UINT16_MAX);
}

/* The tag it has inside the switch; false if the port does not take it. */
static bool find_tag(const struct port_settings *from, bool has_tag, uint16_t *tag)
{
	uint16_t vlan = *tag & ID_MASK;

	if (from->vlan_mode == PORT_VLAN_TRUNK)
		return has_tag && is_vlan(vlan) && from->trunk[vlan / 8] >> vlan % 8 & 1;
	if (has_tag && vlan) /* 0: no VLAN, only a priority */
		return false;
	*tag = (uint16_t)(*tag | from->vlan);
	return is_vlan(from->vlan);
}

bool vlan_frame_enter(struct vlan_frame *tagged, const struct port_settings *from,
	const struct frame *frame, enum port_drop *reason)
{
	uint8_t copy[HEAD_MOST] = { 0 };
	uint32_t copied = copy_head(frame, copy);
	uint32_t payload = FRAME_LENGTH_LEAST;
	uint16_t tag = 0;
	bool has_tag;

	*reason = DROP_MALFORMED;
	if (copied < FRAME_LENGTH_LEAST)
		return false;
	has_tag = word_at(copy + TYPE_OFFSET) == TAG_TYPE;
	if (has_tag) {
		payload += FRAME_TAG_LENGTH;
		tag = word_at(copy + TYPE_OFFSET + 2);
		if (copied < payload)
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
	if (!may_shift(&frame->header, payload) || !lay_out_rest(tagged, frame, payload))
		return false;
	tagged->bare.header = frame->header;
	tagged->bare.plain = frame->plain;
	tagged->bare.length = frame->length - (has_tag ? FRAME_TAG_LENGTH : 0);
	if (has_tag)
		offload_shift(&tagged->bare, -FRAME_TAG_LENGTH);
	return true;
}

const struct frame *vlan_frame_leave(struct vlan_frame *tagged, const struct port_settings *to)
{
	tagged->form = tagged->bare;
	if (to->vlan_mode == PORT_VLAN_TRUNK || to->monitor) {
		tagged->iov[0] = (struct iovec){ tagged->head, sizeof(tagged->head) };
		tagged->form.length += FRAME_TAG_LENGTH;
		offload_shift(&tagged->form, FRAME_TAG_LENGTH);
		return &tagged->form;
	}
	tagged->iov[0] = (struct iovec){ tagged->bare_head, sizeof(tagged->bare_head) };
	return tagged->inner_tag ? NULL : &tagged->form;
}

const struct frame *vlan_frame_pin(struct vlan_frame *pinned, const struct frame *frame)
{
	uint8_t copy[HEAD_MOST] = { 0 };

	if (copy_head(frame, copy) < FRAME_LENGTH_LEAST ||
		!lay_out_rest(pinned, frame, FRAME_LENGTH_LEAST))
		return NULL;
	memcpy(pinned->bare_head, copy, sizeof(pinned->bare_head));
	pinned->iov[0] = (struct iovec){ pinned->bare_head, sizeof(pinned->bare_head) };
	pinned->bare.header = frame->header;
	pinned->bare.plain = frame->plain;
	pinned->bare.length = frame->length;
	return &pinned->bare;
}
