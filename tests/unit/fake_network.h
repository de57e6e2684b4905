#ifndef FAKE_NETWORK_H
#define FAKE_NETWORK_H

#include "fake_port.h"
#include "wire.h"

#include <stdint.h>

#define FAKE_ADDRESS 6
#define FAKE_FRAME 64U

/*
 * A wire with fake ports, number 0 upwards, and a station at each with an address of its own. Knows
 * nothing of Check: ends the program when memory is short. Time stands still unless set by
 * wire->now_ns.
 */
struct fake_network {
	struct wire *wire;
	unsigned count;
	struct fake_port port[WIRE_PORTS_MAX];
};

extern const uint8_t fake_broadcast[FAKE_ADDRESS];

void fake_network_create(struct fake_network *network, const struct wire_type *type,
	unsigned count);
void fake_network_destroy(struct fake_network *network);

/* Settings of a port, one kind at a time. */
void fake_network_access(struct fake_network *network, unsigned port, uint16_t vlan);
void fake_network_trunk(struct fake_network *network, unsigned port, uint16_t first, uint16_t last);
void fake_network_monitor(struct fake_network *network, unsigned port);
void fake_network_isolate(struct fake_network *network, unsigned port);
void fake_network_allow(struct fake_network *network, unsigned from, unsigned to, bool allowed);
void fake_network_own(struct fake_network *network, unsigned port, const uint8_t *address);
void fake_network_link(struct fake_network *network, unsigned port, bool up);

/* The address of the station behind a port. */
void fake_address(uint8_t address[FAKE_ADDRESS], unsigned station);

/*
 * Make a frame of FAKE_FRAME bytes, return its length. Tags: that many at most, in the order in
 * which they lie in the frame, each its type and its content in 32 bits; 0 ends them.
 */
uint32_t fake_frame_make(uint8_t *bytes, const uint8_t *to, const uint8_t *from,
	const uint32_t tags[2]);

/* Queue a frame at a port; from its station to another's, or to all; and forward it, too. */
void fake_network_queue(struct fake_network *network, unsigned from, const uint8_t *to);
void fake_network_send(struct fake_network *network, unsigned from, unsigned to);
void fake_network_send_to_all(struct fake_network *network, unsigned from);
void fake_network_send_tagged(struct fake_network *network, unsigned from, const uint8_t *to,
	const uint32_t tags[2]);

/* Turns of the worker until nothing moves any more. How many frames moved. */
unsigned fake_network_run(struct fake_network *network);

/* Whether a port has received as many frames since it was asked last. */
bool fake_network_got(struct fake_network *network, unsigned port, unsigned count);

#endif
