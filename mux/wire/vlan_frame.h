#ifndef VLAN_FRAME_H
#define VLAN_FRAME_H

#include "frame.h"
#include "virtqueue.h"
#include "wire_control.h"

#include <stdbool.h>
#include <stdint.h>

#define VLAN_ID_LEAST 1
#define VLAN_ID_MOST 4094

/*
 * A frame in one VLAN, in the two forms in which it may leave. Its addresses, tag and type are
 * copies, so that its sender cannot change them any more; the rest lies where it was.
 */
struct vlan_frame {
	uint16_t vlan;
	bool inner_tag; /* there is one more behind its own */
	uint8_t head[FRAME_LENGTH_LEAST + FRAME_TAG_LENGTH]; /* with the tag */
	uint8_t bare_head[FRAME_LENGTH_LEAST]; /* without */
	struct frame bare; /* the form without */
	struct frame form; /* the one asked for last */
	struct iovec iov[VIRTQUEUE_SEGMENTS + 1]; /* the head of that form, and the rest */
};

#define VLAN_COUNT 4096
#define VLAN_WORDS (VLAN_COUNT / 64)

/* Bit of each VLAN, laid out like the list of a trunk. */
struct vlan_set {
	uint64_t word[VLAN_WORDS];
};

/* The VLANs that a port carries. Number 0 is that of ports without VLANs. */
void vlan_all_carried(const struct port_settings *settings, struct vlan_set *set);

/*
 * Take a frame in from a port that is not of mode PORT_VLAN_NONE. False if it has no business
 * there: reason says why. The frame's vectors are in use until the last form has been delivered.
 */
bool vlan_frame_enter(struct vlan_frame *tagged, const struct port_settings *from,
	const struct frame *frame, enum port_drop *reason);

/*
 * The frame as it is, but for a copy of its first FRAME_LENGTH_LEAST bytes, which are then
 * bare_head's. NULL for one that is too short, or lies in too many pieces.
 */
const struct frame *vlan_frame_pin(struct vlan_frame *pinned, const struct frame *frame);

/* The form for a port that carries the VLAN or is a monitor; NULL if there is none for it. */
const struct frame *vlan_frame_leave(struct vlan_frame *tagged, const struct port_settings *to);

#endif
