#ifndef FAKE_PACKET_H
#define FAKE_PACKET_H

#include "virtio_net_bits.h"

#include <stdbool.h>
#include <stdint.h>

#define FAKE_PACKET_MAX 65600

/* What a packet is like. Sums, lengths and headers are worked out byte by byte, unlike elsewhere.
 */
struct fake_packet_form {
	const char *name;
	uint8_t version; /* of IP */
	uint8_t protocol; /* IPPROTO_TCP or _UDP */
	uint8_t tags; /* VLAN tags */
	uint8_t ip_options; /* bytes: options of IPv4; of IPv6 a hop-by-hop header of so many */
	uint8_t tcp_options; /* bytes */
	uint8_t tcp_flags;
	bool partial; /* its checksum is left to others */
	bool ecn;
	uint16_t gso_size; /* 0: no segmentation is asked for */
	uint32_t payload;
	uint32_t seed; /* of what the payload is */
};

/* Of every kind that there is. */
#define FAKE_PACKET_FORMS 14
extern const struct fake_packet_form fake_packet_forms[FAKE_PACKET_FORMS];

struct fake_packet {
	struct fake_packet_form form;
	struct virtio_net_hdr_v1 header;
	uint32_t network, transport, headers; /* offsets, and where the payload begins */
	uint32_t length;
	uint8_t bytes[FAKE_PACKET_MAX];
};

void fake_packet_build(struct fake_packet *packet, const struct fake_packet_form *form);

/* Host features of whom the packet may come from. */
uint64_t fake_packet_needs(const struct fake_packet *packet);

/* A receiver of one packet: what arrives for it, frame by frame. */
struct fake_flow {
	const struct fake_packet *packet;
	uint64_t accepted; /* features of the receiver */
	uint32_t payload; /* bytes of it received */
	unsigned frames;
};

/* The next frame of it. NULL, or what is wrong with it. */
const char *fake_flow_receive(struct fake_flow *flow, const struct virtio_net_hdr_v1 *header,
	const uint8_t *bytes, uint32_t length);
bool fake_flow_complete(const struct fake_flow *flow);

/* Of a sum of 16-bit words, folded: in the order of the network. */
uint32_t fake_packet_sum(uint32_t sum, const uint8_t *bytes, uint32_t length);

#endif
