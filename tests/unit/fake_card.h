#ifndef FAKE_CARD_H
#define FAKE_CARD_H

#include "guest_memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#define FAKE_CARD_BASE 0x80000000ULL /* guest address of the first byte of its memory */
#define FAKE_CARD_RECEIVE 0
#define FAKE_CARD_TRANSMIT 1
#define FAKE_CARD_TABLE 64 /* most descriptors of one frame */

struct fake_card_options {
	uint16_t ring_size; /* 0: 256 */
	uint32_t receive_size; /* of a buffer, its header included; 0: 2048 */
	uint32_t transmit_size;
	uint32_t piece; /* most bytes of one descriptor; 0: any */
	bool header_apart; /* the header has a descriptor of its own */
	bool sends_direct; /* no indirect tables, though negotiated */
	bool polls; /* never asks for an interrupt */
	bool unsealed; /* its memory can be made shorter, */
	bool unsealable; /* and nobody can prevent that */
	bool two_regions; /* a hole in the guest's memory before the receive buffers */
};

/* The driver's side of one queue. */
struct fake_card_queue {
	struct vring ring;
	uint8_t *buffers; /* one for each descriptor that may be a head */
	uint32_t buffer_size;
	struct vring_desc *tables;
	uint16_t flags; /* of its descriptors: VRING_DESC_F_WRITE or 0 */
	uint16_t free_head;
	uint16_t free_count;
	uint16_t last_used;
	uint16_t kicked; /* available index at the latest kick */
	int kick_fd;
	int call_fd;
};

/* A guest's network card as its driver sees it: memory in a memfd, two rings, buffers. */
struct fake_card {
	struct fake_card_options options;
	struct guest_memory memory;
	int memory_fd;
	uint8_t *ram;
	size_t ram_size;
	uint64_t features;
	struct fake_card_queue queue[2];
};

/* Aborts when the system has nothing to give, as all of these do. */
void fake_card_create(struct fake_card *card, const struct fake_card_options *options);
void fake_card_destroy(struct fake_card *card);

/* Empty rings, for a card of these features; every receive buffer is posted. */
void fake_card_reset(struct fake_card *card, uint64_t features);

uint32_t fake_card_header_size(const struct fake_card *card);
uint64_t fake_card_address(const struct fake_card *card, const void *host);

/* The buffer of the next frame, its header first; NULL while all are under way. */
uint8_t *fake_card_buffer(struct fake_card *card);
/* Post it: that many bytes, the header's included. */
void fake_card_post(struct fake_card *card, uint32_t length);
/* Both, with a copy; header may be NULL. False: no room. */
bool fake_card_send(struct fake_card *card, const struct virtio_net_hdr_v1 *header,
	const void *frame, uint32_t length);
/* Take back what was sent: how many frames since the last look. */
unsigned fake_card_reap(struct fake_card *card);

/*
 * The next frame received, copied, its buffers posted again: its length without the header, or -1:
 * nothing there. header and frame may be NULL. -2: the device did what no device may.
 */
int fake_card_receive(struct fake_card *card, struct virtio_net_hdr_v1 *header, void *frame,
	uint32_t room);
/* The same for all there are, without looking at them: how many buffers came. */
unsigned fake_card_discard(struct fake_card *card);

/* Post the chain that was made by hand in the descriptor table. */
void fake_card_post_head(struct fake_card_queue *queue, uint16_t head);

/* Kick the device if it asked for that since the last kick. Whether it did. */
bool fake_card_kick(struct fake_card *card, unsigned index);
/* Whether an interrupt came since the last look. */
bool fake_card_interrupted(struct fake_card *card, unsigned index);

#endif
