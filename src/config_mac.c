/* Ethernet addresses of a guest's network devices: as given, or derived from its name. */

#include "config_mac.h"

#include "ethernet_address.h"

#include <string.h>

#define MAC_SIZE ETHERNET_ADDRESS_SIZE
#define MULTICAST 1
#define LOCAL 2

static int store_mac(struct config_reader *reader, const struct toml_value *value, void *field)
{
	static const uint8_t zero[MAC_SIZE];
	struct config_net *net = (void *)((char *)field - offsetof(struct config_net, mac));
	uint8_t mac[MAC_SIZE];

	if (!ethernet_address_read(value->string.bytes, value->string.length, mac)) {
		char shown[CONFIG_SHOWN_MAX];

		return config_problem(reader,
			"must be an Ethernet address such as \"52:54:00:00:00:01\", not \"%s\"",
			config_show(shown, &value->string));
	}
	if (mac[0] & MULTICAST)
		return config_problem(reader,
			"must be the address of one station; the first byte of this one is odd, "
			"which makes it a group's");
	if (memcmp(mac, zero, sizeof(mac)) == 0)
		return config_problem(reader, "must not be all zero");
	memcpy(net->mac, mac, sizeof(mac));
	net->mac_set = true;
	return 0;
}

const struct config_kind config_mac = {
	.wanted = "a string with an Ethernet address",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_mac,
};

/* FNV-1a over the name, then two rounds of multiplying and folding, for names differ in one letter.
 */
static uint64_t hash(const char *name, uint64_t number)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		value = (value ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	value += (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

/* Whether the address is another's: one that was given, or one of those before. */
static bool taken(const struct vmm_config *config, const struct config_net *net)
{
	for (size_t i = 0; i < config->net_count; i++) {
		const struct config_net *other = &config->nets[i];

		if (other != net && (other->mac_set || other < net) &&
			memcmp(other->mac, net->mac, MAC_SIZE) == 0)
			return true;
	}
	return false;
}

static void derive(const struct vmm_config *config, struct config_net *net)
{
	uint64_t index = (uint64_t)(net - config->nets);

	do {
		uint64_t value = hash(config->name, index);

		for (size_t i = 0; i < MAC_SIZE; i++)
			net->mac[i] = (uint8_t)(value >> 8 * i);
		net->mac[0] = (uint8_t)((net->mac[0] & ~MULTICAST) | LOCAL);
		index += CONFIG_NETS_MAX;
	} while (taken(config, net));
}

void config_derive_macs(struct vmm_config *config)
{
	for (size_t i = 0; i < config->net_count; i++)
		if (!config->nets[i].mac_set)
			derive(config, &config->nets[i]);
}
