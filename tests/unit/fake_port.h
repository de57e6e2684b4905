#ifndef FAKE_PORT_H
#define FAKE_PORT_H

#include "port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_PORT_UNLIMITED UINT32_MAX

/* A frame in the fake's own memory. */
struct fake_frame {
	struct virtio_net_hdr_v1 header;
	uint8_t *bytes; /* owned */
	uint32_t length;
};

struct fake_frames {
	struct fake_frame *frame; /* owned */
	unsigned first; /* those before are gone */
	unsigned end;
	unsigned size;
};

/*
 * What is plugged into a wire, without a guest: frames to be sent are queued by the test, frames
 * received are kept for it. Like a real one it delivers what it is given and checks no offloads.
 * Must outlive the wire it is plugged into. Knows nothing of Check: ends the program when memory is
 * short.
 */
struct fake_port {
	struct port port; /* whose counters are owned here, too */
	struct fake_frames queue; /* to be sent */
	struct fake_frames received;
	uint64_t received_count; /* also of those not kept */
	uint64_t received_bytes;
	uint32_t room; /* frames that find buffers; FAKE_PORT_UNLIMITED */
	uint32_t longest; /* longer ones are dropped; FAKE_PORT_UNLIMITED at first */
	uint32_t piece; /* a frame to be sent lies in pieces of this length; 0: in one */
	bool forgets; /* frames received are counted, not kept */
	bool endless; /* the queue is sent again and again */
	unsigned flushed; /* how often */
	bool armed_to_send;
	bool armed_room;
	/* Called, where set, in the midst of delivering here: a sender may change its frame then.
	 */
	void (*on_delivery)(void *owner);
	void *owner;
	void *batch; /* owned: the vectors that peek() has handed out */
};

/* Unlimited room; settings: link up, no VLAN, allowed to send to all. Not plugged in yet. */
void fake_port_init(struct fake_port *fake, uint16_t number);
void fake_port_release(struct fake_port *fake);

/* One more frame to be sent, not empty: it is copied. NULL: a header that asks for nothing. */
void fake_port_queue(struct fake_port *fake, const struct virtio_net_hdr_v1 *header,
	const void *bytes, uint32_t length);

/* How many frames wait to be sent, and are received and kept. */
unsigned fake_port_waiting(const struct fake_port *fake);
unsigned fake_port_kept(const struct fake_port *fake);

/* The oldest frame received that was not taken yet, or NULL; good until something is received. */
const struct fake_frame *fake_port_take(struct fake_port *fake);

/* Forget what was received and kept; the counts stay. */
void fake_port_clear(struct fake_port *fake);

#endif
