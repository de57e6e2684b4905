#include "fake_packet.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FEATURE(name) (1ULL << VIRTIO_NET_F_##name)
#define FIN 0x01
#define PSH 0x08
#define CWR 0x80

const struct fake_packet_form fake_packet_forms[FAKE_PACKET_FORMS] = {
	{ .name = "TCP over IPv4", .version = 4, .protocol = IPPROTO_TCP, .payload = 1448 },
	{ .name = "UDP over IPv6", .version = 6, .protocol = IPPROTO_UDP, .payload = 33 },
	{ .name = "partial TCP over IPv4",
		.version = 4,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.payload = 1447 },
	{ .name = "partial TCP over IPv6, tagged",
		.version = 6,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.tags = 1,
		.payload = 1 },
	{ .name = "partial UDP over IPv4, tagged twice",
		.version = 4,
		.protocol = IPPROTO_UDP,
		.partial = true,
		.tags = 2,
		.payload = 999 },
	{ .name = "partial UDP over IPv6, empty",
		.version = 6,
		.protocol = IPPROTO_UDP,
		.partial = true },
	{ .name = "TSO4",
		.version = 4,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.tcp_options = 12,
		.tcp_flags = 0x99, /* CWR, ACK, PSH, FIN */
		.gso_size = 1448,
		.payload = 65000 },
	{ .name = "TSO4, exactly two, with options, tagged",
		.version = 4,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.ip_options = 40,
		.tcp_options = 40,
		.tags = 1,
		.gso_size = 1001,
		.payload = 2002 },
	{ .name = "TSO4 with ECN",
		.version = 4,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.ecn = true,
		.tcp_flags = 0x98,
		.gso_size = 1460,
		.payload = 5000 },
	{ .name = "TSO4 of one segment",
		.version = 4,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.tcp_flags = 0x19,
		.gso_size = 1460,
		.payload = 7 },
	{ .name = "TSO6",
		.version = 6,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.tcp_flags = 0x18,
		.gso_size = 1440,
		.payload = 65476 },
	{ .name = "TSO6 with a hop-by-hop header, tagged",
		.version = 6,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.ip_options = 16,
		.tags = 1,
		.gso_size = 999,
		.payload = 10000 },
	{ .name = "USO over IPv4",
		.version = 4,
		.protocol = IPPROTO_UDP,
		.partial = true,
		.gso_size = 1472,
		.payload = 30000 },
	{ .name = "USO over IPv6",
		.version = 6,
		.protocol = IPPROTO_UDP,
		.partial = true,
		.gso_size = 8,
		.payload = 1001 },
};

static void put(uint8_t *bytes, uint32_t value, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		bytes[i] = (uint8_t)(value >> 8 * (length - 1 - i));
}

static uint32_t get(const uint8_t *bytes, unsigned length)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < length; i++)
		value = value << 8 | bytes[i];
	return value;
}

uint32_t fake_packet_sum(uint32_t sum, const uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The sum of addresses, protocol and length of a transport's packet. */
static uint32_t pseudo_header(const struct fake_packet *packet, uint32_t length)
{
	const uint8_t *ip = packet->bytes + packet->network;
	uint8_t rest[8] = { 0 };
	uint32_t sum = packet->form.version == 4 ? fake_packet_sum(0, ip + 12, 8)
						 : fake_packet_sum(0, ip + 8, 32);

	put(rest, length, 4);
	rest[7] = packet->form.protocol;
	return fake_packet_sum(sum, rest, sizeof(rest));
}

static uint32_t checksum_offset(const struct fake_packet *packet)
{
	return packet->form.protocol == IPPROTO_TCP ? 16 : 6;
}

static void build_ethernet(struct fake_packet *packet)
{
	static const uint8_t addresses[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	uint8_t *at = packet->bytes + sizeof(addresses);

	memcpy(packet->bytes, addresses, sizeof(addresses));
	for (unsigned i = 0; i < packet->form.tags; i++, at += 4)
		put(at, i + 1U < packet->form.tags ? 0x88a80064 : 0x8100000a, 4);
	put(at, packet->form.version == 4 ? 0x0800 : 0x86dd, 2);
}

static void build_ipv4(struct fake_packet *packet)
{
	uint8_t *ip = packet->bytes + packet->network;
	uint32_t own = 20U + packet->form.ip_options;

	ip[0] = (uint8_t)(0x40 | own / 4);
	ip[1] = 2;
	put(ip + 2, packet->length - packet->network, 2);
	put(ip + 4, 0xfffe, 2); /* so that it wraps */
	put(ip + 6, 0x4000, 2);
	ip[8] = 64;
	ip[9] = packet->form.protocol;
	put(ip + 12, 0xc0a80101, 4);
	put(ip + 16, 0xc0a80102, 4);
	memset(ip + 20, 1, packet->form.ip_options);
	put(ip + 10, ~fake_packet_sum(0, ip, own), 2);
}

static void build_ipv6(struct fake_packet *packet)
{
	uint8_t *ip = packet->bytes + packet->network;

	put(ip, 0x60212345, 4);
	put(ip + 4, packet->length - packet->network - 40, 2);
	ip[6] = packet->form.ip_options ? IPPROTO_HOPOPTS : packet->form.protocol;
	ip[7] = 64;
	put(ip + 8, 0xfd000000, 4);
	ip[23] = 1;
	put(ip + 24, 0xfd000000, 4);
	ip[39] = 2;
	if (packet->form.ip_options) {
		ip[40] = packet->form.protocol;
		ip[41] = (uint8_t)(packet->form.ip_options / 8 - 1);
		ip[42] = 1; /* padding */
		ip[43] = (uint8_t)(packet->form.ip_options - 4);
	}
}

static void build_transport(struct fake_packet *packet)
{
	uint8_t *at = packet->bytes + packet->transport;
	uint32_t length = packet->length - packet->transport;
	uint32_t sum = pseudo_header(packet, length);

	put(at, 40000, 2);
	put(at + 2, 5001, 2);
	if (packet->form.protocol == IPPROTO_TCP) {
		put(at + 4, 0xfffff000, 4); /* so that it wraps */
		put(at + 8, 0x12345678, 4);
		at[12] = (uint8_t)((20 + packet->form.tcp_options) / 4 << 4);
		at[13] = packet->form.tcp_flags;
		put(at + 14, 501, 2);
		memset(at + 20, 1, packet->form.tcp_options);
	} else {
		put(at + 4, length, 2);
	}
	put(at + checksum_offset(packet), 0, 2);
	if (!packet->form.partial) {
		sum = ~fake_packet_sum(sum, at, length) & 0xffff;
		if (!sum)
			sum = 0xffff;
	}
	put(at + checksum_offset(packet), sum, 2);
}

static void build_header(struct fake_packet *packet)
{
	const struct fake_packet_form *form = &packet->form;

	if (!form->partial)
		return;
	packet->header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	packet->header.csum_start = (uint16_t)packet->transport;
	packet->header.csum_offset = (uint16_t)checksum_offset(packet);
	if (!form->gso_size)
		return;
	packet->header.gso_size = form->gso_size;
	packet->header.hdr_len = (uint16_t)packet->headers;
	if (form->protocol == IPPROTO_UDP)
		packet->header.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	else
		packet->header.gso_type = form->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
							     : VIRTIO_NET_HDR_GSO_TCPV6;
	if (form->ecn)
		packet->header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}

void fake_packet_build(struct fake_packet *packet, const struct fake_packet_form *form)
{
	uint32_t state = form->seed * 2654435761U + 1;

	memset(packet, 0, offsetof(struct fake_packet, bytes));
	packet->form = *form;
	packet->network = 14U + 4U * form->tags;
	packet->transport = packet->network + (form->version == 4 ? 20 : 40) + form->ip_options;
	packet->headers =
		packet->transport + (form->protocol == IPPROTO_TCP ? 20U + form->tcp_options : 8U);
	packet->length = packet->headers + form->payload;
	if (packet->length > FAKE_PACKET_MAX)
		abort();
	memset(packet->bytes, 0, packet->headers);
	for (uint32_t i = packet->headers; i < packet->length; i++) {
		state = state * 1664525 + 1013904223;
		packet->bytes[i] = (uint8_t)(state >> 24);
	}
	build_ethernet(packet);
	if (form->version == 4)
		build_ipv4(packet);
	else
		build_ipv6(packet);
	build_transport(packet);
	build_header(packet);
}

uint64_t fake_packet_needs(const struct fake_packet *packet)
{
	uint64_t needs = packet->form.partial ? FEATURE(CSUM) : 0;

	if (!packet->form.gso_size)
		return needs;
	if (packet->form.ecn)
		needs |= FEATURE(HOST_ECN);
	if (packet->form.protocol == IPPROTO_UDP)
		return needs | FEATURE(HOST_USO);
	return needs | (packet->form.version == 4 ? FEATURE(HOST_TSO4) : FEATURE(HOST_TSO6));
}

static bool takes_whole(const struct fake_flow *flow)
{
	const struct fake_packet_form *form = &flow->packet->form;
	uint64_t needs = FEATURE(GUEST_CSUM);

	if (form->protocol == IPPROTO_UDP)
		needs |= FEATURE(GUEST_USO4) | FEATURE(GUEST_USO6);
	else
		needs |= form->version == 4 ? FEATURE(GUEST_TSO4) : FEATURE(GUEST_TSO6);
	if (form->ecn)
		needs |= FEATURE(GUEST_ECN);
	return (flow->accepted & needs) == needs;
}

static const char *receive_whole(struct fake_flow *flow, const struct virtio_net_hdr_v1 *header,
	const uint8_t *bytes, uint32_t length)
{
	const struct virtio_net_hdr_v1 *sent = &flow->packet->header;

	if (!takes_whole(flow))
		return "segmentation is left to a receiver that did not accept that";
	if (header->flags != sent->flags || header->gso_type != sent->gso_type ||
		header->gso_size != sent->gso_size || header->csum_start != sent->csum_start ||
		header->csum_offset != sent->csum_offset)
		return "another header than was sent";
	if (length != flow->packet->length || memcmp(bytes, flow->packet->bytes, length) != 0)
		return "other bytes than were sent";
	flow->payload = flow->packet->form.payload;
	return NULL;
}

static const char *judge_ip(const struct fake_flow *flow, uint8_t *ip, uint32_t length)
{
	const struct fake_packet *packet = flow->packet;
	const uint8_t *sent = packet->bytes + packet->network;
	uint32_t own = packet->transport - packet->network;

	if (packet->form.version == 6) {
		if (get(ip + 4, 2) != length - 40)
			return "wrong length in IPv6";
		memcpy(ip + 4, sent + 4, 2);
	} else {
		if (get(ip + 2, 2) != length)
			return "wrong length in IPv4";
		if (get(ip + 4, 2) != ((get(sent + 4, 2) + flow->frames) & 0xffff))
			return "wrong identification";
		if (fake_packet_sum(0, ip, own) != 0xffff)
			return "wrong checksum of IPv4";
		memcpy(ip + 2, sent + 2, 4);
		memcpy(ip + 10, sent + 10, 2);
	}
	return memcmp(ip, sent, own) == 0 ? NULL : "another IP header";
}

static const char *judge_transport(const struct fake_flow *flow, uint8_t *at, uint32_t length)
{
	const struct fake_packet *packet = flow->packet;
	const uint8_t *sent = packet->bytes + packet->transport;
	uint32_t own = packet->headers - packet->transport;
	bool last = flow->payload + length - own == packet->form.payload;

	if (packet->form.protocol == IPPROTO_UDP) {
		if (get(at + 4, 2) != length)
			return "wrong length in UDP";
		memcpy(at + 4, sent + 4, 2);
	} else {
		uint8_t flags = sent[13];

		if (flow->payload > 0)
			flags &= (uint8_t)~CWR;
		if (!last)
			flags &= (uint8_t) ~(FIN | PSH);
		if (get(at + 4, 4) != get(sent + 4, 4) + flow->payload)
			return "wrong sequence number";
		if (at[13] != flags)
			return "wrong flags";
		memcpy(at + 4, sent + 4, 4);
		at[13] = sent[13];
	}
	memcpy(at + checksum_offset(packet), sent + checksum_offset(packet), 2);
	return memcmp(at, sent, own) == 0 ? NULL : "another TCP or UDP header";
}

static const char *judge_checksum(const struct fake_flow *flow,
	const struct virtio_net_hdr_v1 *header, const uint8_t *bytes, uint32_t length)
{
	const struct fake_packet *packet = flow->packet;
	uint32_t own = length - packet->transport;
	uint32_t sum = pseudo_header(packet, own);
	const uint8_t *field = bytes + packet->transport + checksum_offset(packet);

	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if (!(flow->accepted & FEATURE(GUEST_CSUM)))
			return "a checksum is left to a receiver that did not accept that";
		if (header->csum_start != packet->transport ||
			header->csum_offset != checksum_offset(packet))
			return "the checksum is elsewhere";
		return get(field, 2) == sum ? NULL : "wrong beginning of a checksum";
	}
	if (packet->form.protocol == IPPROTO_UDP && get(field, 2) == 0)
		return "no checksum";
	return fake_packet_sum(sum, bytes + packet->transport, own) == 0xffff ? NULL
									      : "wrong checksum";
}

const char *fake_flow_receive(struct fake_flow *flow, const struct virtio_net_hdr_v1 *header,
	const uint8_t *bytes, uint32_t length)
{
	static const struct virtio_net_hdr_v1 nothing;
	const struct fake_packet *packet = flow->packet;
	uint32_t share = packet->form.payload - flow->payload;
	uint8_t headers[512];
	const char *wrong;

	if (header->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return receive_whole(flow, header, bytes, length);
	if (!(flow->accepted & FEATURE(GUEST_CSUM)) &&
		memcmp(header, &nothing, offsetof(struct virtio_net_hdr_v1, num_buffers)) != 0)
		return "a header for a receiver that accepted none";
	if (packet->form.gso_size && share > packet->form.gso_size)
		share = packet->form.gso_size;
	if (length != packet->headers + share)
		return "wrong length of the frame";
	if (memcmp(bytes + packet->headers, packet->bytes + packet->headers + flow->payload,
		    share) != 0)
		return "wrong payload";
	if (memcmp(bytes, packet->bytes, packet->network) != 0)
		return "another Ethernet header";
	wrong = judge_checksum(flow, header, bytes, length);
	memcpy(headers, bytes, packet->headers);
	if (!wrong)
		wrong = judge_ip(flow, headers + packet->network, length - packet->network);
	if (!wrong)
		wrong = judge_transport(flow, headers + packet->transport,
			length - packet->transport);
	flow->payload += share;
	flow->frames++;
	return wrong;
}

bool fake_flow_complete(const struct fake_flow *flow)
{
	return flow->payload == flow->packet->form.payload &&
		(flow->frames > 0 || flow->packet->form.gso_size);
}
