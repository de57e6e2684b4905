/* Finds the headers of a TCP or UDP packet in a frame (IEEE 802.1Q, RFC 791, 8200, 9293, 768). */
#include "offload_headers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/if_ether.h>

#define TAGS_MOST 4 /* VLAN tags before the type that counts */
#define TAG_LENGTH 4
#define IPV4_LENGTH 20
#define IPV4_FRAGMENT 0x3fff /* more fragments, or an offset */
#define IPV6_LENGTH 40
#define TCP_LENGTH 20
#define UDP_LENGTH 8

uint16_t network_16(const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return ntohs(value);
}

uint32_t network_32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return ntohl(value);
}

void network_16_set(uint8_t *bytes, uint32_t value)
{
	uint16_t wire = htons((uint16_t)value);

	memcpy(bytes, &wire, sizeof(wire));
}

void network_32_set(uint8_t *bytes, uint32_t value)
{
	uint32_t wire = htonl(value);

	memcpy(bytes, &wire, sizeof(wire));
}

static bool is_tag(uint16_t type)
{
	return type == ETH_P_8021Q || type == ETH_P_8021AD;
}

/* The packet's type, behind tags; *offset becomes where it begins. 0 if there is none. */
static uint16_t packet_type(const uint8_t *bytes, uint32_t length, uint32_t *offset)
{
	*offset = ETH_HLEN;
	for (unsigned i = 0; i <= TAGS_MOST && *offset <= length; i++) {
		uint16_t type = network_16(bytes + *offset - sizeof(type));

		if (!is_tag(type))
			return type;
		*offset += TAG_LENGTH;
	}
	return 0;
}

static bool parse_ipv4(struct offload_headers *headers, const uint8_t *bytes, uint32_t length)
{
	const uint8_t *ip = bytes + headers->network;
	uint32_t own;

	if (length - headers->network < IPV4_LENGTH || ip[0] >> 4 != 4)
		return false;
	own = (ip[0] & 0xfU) * 4;
	if (own < IPV4_LENGTH || network_16(ip + 6) & IPV4_FRAGMENT)
		return false;
	headers->version = 4;
	headers->protocol = ip[9];
	headers->transport = headers->network + own;
	return true;
}

/* Whether a header of this type lies between IPv6's and the transport's. */
static bool is_extension(uint8_t type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_DSTOPTS;
}

static bool parse_ipv6(struct offload_headers *headers, const uint8_t *bytes, uint32_t length)
{
	const uint8_t *ip = bytes + headers->network;
	uint32_t offset = headers->network + IPV6_LENGTH;
	uint8_t type;

	if (length < offset || ip[0] >> 4 != 6)
		return false;
	type = ip[6];
	while (is_extension(type)) {
		uint32_t own;

		if (length - offset < 8)
			return false;
		own = (bytes[offset + 1] + 1U) * 8;
		if (length - offset < own)
			return false;
		/* The address that the checksum covers may be in it, another than in IP's. */
		if (type == IPPROTO_ROUTING)
			headers->segmentable = false;
		type = bytes[offset];
		offset += own;
	}
	headers->version = 6;
	headers->protocol = type;
	headers->transport = offset;
	return true;
}

static bool parse_transport(struct offload_headers *headers, const uint8_t *bytes, uint32_t length)
{
	uint32_t own = UDP_LENGTH;

	if (headers->protocol == IPPROTO_TCP) {
		if (length < headers->transport + TCP_LENGTH)
			return false;
		own = (uint32_t)(bytes[headers->transport + 12] >> 4) * 4;
		if (own < TCP_LENGTH)
			return false;
	} else if (headers->protocol != IPPROTO_UDP) {
		return false;
	}
	headers->length = headers->transport + own;
	return headers->length <= length;
}

bool offload_headers_parse(struct offload_headers *headers, const uint8_t *bytes, uint32_t length)
{
	uint16_t type;

	*headers = (struct offload_headers){ .segmentable = true };
	type = packet_type(bytes, length, &headers->network);
	if (type == ETH_P_IP && !parse_ipv4(headers, bytes, length))
		return false;
	if (type == ETH_P_IPV6 && !parse_ipv6(headers, bytes, length))
		return false;
	return headers->version && parse_transport(headers, bytes, length);
}
