#ifndef WIRE_GUEST_H
#define WIRE_GUEST_H

#include "fake_card.h"
#include "fake_frontend.h"

#include <stdbool.h>
#include <stdint.h>

#define WIRE_BATCH 64

/* What a guest's frames are, and what it does with them. */
struct wire_traffic {
	uint32_t length; /* of a frame, without the header */
	bool large; /* TCP segments to be cut by others (TSO), in pieces of a page */
	bool mergeable; /* receive buffers may be joined */
	bool touches; /* payloads are written and read by the guests */
	bool sleeps; /* wants interrupts, waits for them */
	uint16_t ring_size; /* a power of two */
	uint16_t under_way; /* most frames sent at a time; at most the ring's size */
};

/* The driver's side of one queue that always moves the same frames: as lean as it can be. */
struct wire_queue {
	struct vring ring;
	uint8_t *buffers;
	uint32_t buffer_size;
	uint16_t mask;
	uint16_t avail; /* next to be written */
	uint16_t used; /* next to be read */
	uint16_t told; /* available index at the last thought of a kick */
	bool event_index;
	int kick_fd, call_fd;
	uint64_t bytes; /* by the device, headers included */
	uint64_t sum; /* of what was read: or nobody would read it */
};

/* A network card whose frames nobody looks at. */
struct wire_guest {
	struct fake_card card;
	struct fake_frontend frontend;
	struct wire_traffic traffic;
	struct wire_queue receive;
	struct wire_queue transmit;
	unsigned number; /* of its address */
	uint32_t header_size;
};

/* Of a guest of that number, as every guest here has. */
void wire_guest_address(unsigned number, uint8_t address[6]);

/*
 * Connect to a back-end and start both rings. Frames will go to the guest of number peer. 0 or
 * -errno. A guest that could not be created needs no destruction.
 */
int wire_guest_create(struct wire_guest *guest, const char *path, unsigned number, unsigned peer,
	const struct wire_traffic *traffic);
void wire_guest_destroy(struct wire_guest *guest);

/* So many frames, while none are under way: wire_guest_send_again() sends them on and on. */
void wire_guest_send_first(struct wire_guest *guest, unsigned count);
/* What came back is sent anew. How many frames. */
unsigned wire_guest_send_again(struct wire_guest *guest);
/* Take what was received, and post its buffers anew. How many buffers. */
unsigned wire_guest_receive(struct wire_guest *guest);
/* Forget what came back of frames sent. */
void wire_guest_reap(struct wire_guest *guest);

/* Want an interrupt at the next; false: there is something already. */
bool wire_queue_arm(struct wire_queue *queue, uint16_t after);
void wire_queue_interrupted(struct wire_queue *queue);
bool wire_queue_waits(const struct wire_queue *queue); /* something is there */

#endif
