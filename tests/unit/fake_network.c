/* A wire with fake ports, and a station with an address at each. */
#include "fake_network.h"

#include <stdlib.h>
#include <string.h>

const uint8_t fake_broadcast[FAKE_ADDRESS] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void fake_network_create(struct fake_network *network, const struct wire_type *type, unsigned count)
{
	network->wire = wire_create(type, 300);
	network->count = count;
	if (!network->wire)
		abort();
	for (unsigned i = 0; i < count; i++) {
		fake_port_init(&network->port[i], (uint16_t)i);
		wire_plug(network->wire, &network->port[i].port);
	}
}

void fake_network_destroy(struct fake_network *network)
{
	wire_destroy(network->wire);
	for (unsigned i = 0; i < network->count; i++)
		fake_port_release(&network->port[i]);
}

static void apply(struct fake_network *network, unsigned port, const struct port_settings *settings)
{
	wire_set(&network->port[port].port, settings);
}

void fake_network_access(struct fake_network *network, unsigned port, uint16_t vlan)
{
	struct port_settings settings = network->port[port].port.settings;

	settings.vlan_mode = PORT_VLAN_ACCESS;
	settings.vlan = vlan;
	apply(network, port, &settings);
}

void fake_network_trunk(struct fake_network *network, unsigned port, uint16_t first, uint16_t last)
{
	struct port_settings settings = network->port[port].port.settings;

	settings.vlan_mode = PORT_VLAN_TRUNK;
	memset(settings.trunk, 0, sizeof(settings.trunk));
	for (unsigned vlan = first; vlan <= last; vlan++)
		settings.trunk[vlan / 8] |= (uint8_t)(1U << vlan % 8);
	apply(network, port, &settings);
}

void fake_network_monitor(struct fake_network *network, unsigned port)
{
	struct port_settings settings = network->port[port].port.settings;

	settings.monitor = 1;
	apply(network, port, &settings);
}

void fake_network_isolate(struct fake_network *network, unsigned port)
{
	struct port_settings settings = network->port[port].port.settings;

	settings.isolated = 1;
	apply(network, port, &settings);
}

void fake_network_allow(struct fake_network *network, unsigned from, unsigned to, bool allowed)
{
	struct port_settings settings = network->port[from].port.settings;
	uint8_t bit = (uint8_t)(1U << to % 8);

	if (allowed)
		settings.allowed[to / 8] |= bit;
	else
		settings.allowed[to / 8] &= (uint8_t)~bit;
	apply(network, from, &settings);
}

void fake_network_own(struct fake_network *network, unsigned port, const uint8_t *address)
{
	struct port_settings settings = network->port[port].port.settings;

	memcpy(settings.mac, address, FAKE_ADDRESS);
	apply(network, port, &settings);
}

void fake_network_link(struct fake_network *network, unsigned port, bool up)
{
	struct port_settings settings = network->port[port].port.settings;

	settings.link = up;
	apply(network, port, &settings);
}

void fake_address(uint8_t address[FAKE_ADDRESS], unsigned station)
{
	const uint8_t made[FAKE_ADDRESS] = {
		0x02,
		0,
		(uint8_t)(station >> 24),
		(uint8_t)(station >> 16),
		(uint8_t)(station >> 8),
		(uint8_t)station,
	};

	memcpy(address, made, sizeof(made));
}

uint32_t fake_frame_make(uint8_t *bytes, const uint8_t *to, const uint8_t *from,
	const uint32_t tags[2])
{
	uint32_t at = 2 * FAKE_ADDRESS;

	memcpy(bytes, to, FAKE_ADDRESS);
	memcpy(bytes + FAKE_ADDRESS, from, FAKE_ADDRESS);
	for (unsigned i = 0; i < 2 && tags && tags[i]; i++) {
		for (unsigned byte = 0; byte < 4; byte++)
			bytes[at++] = (uint8_t)(tags[i] >> (24 - 8 * byte));
	}
	bytes[at++] = 0x08;
	bytes[at++] = 0x00;
	for (; at < FAKE_FRAME; at++)
		bytes[at] = (uint8_t)at;
	return at;
}

void fake_network_queue(struct fake_network *network, unsigned from, const uint8_t *to)
{
	uint8_t address[FAKE_ADDRESS];
	uint8_t bytes[FAKE_FRAME];

	fake_address(address, from);
	fake_port_queue(&network->port[from], NULL, bytes,
		fake_frame_make(bytes, to, address, NULL));
}

void fake_network_send(struct fake_network *network, unsigned from, unsigned to)
{
	uint8_t address[FAKE_ADDRESS];

	fake_address(address, to);
	fake_network_queue(network, from, address);
	fake_network_run(network);
}

void fake_network_send_to_all(struct fake_network *network, unsigned from)
{
	fake_network_queue(network, from, fake_broadcast);
	fake_network_run(network);
}

void fake_network_send_tagged(struct fake_network *network, unsigned from, const uint8_t *to,
	const uint32_t tags[2])
{
	uint8_t address[FAKE_ADDRESS];
	uint8_t bytes[FAKE_FRAME];

	fake_address(address, from);
	fake_port_queue(&network->port[from], NULL, bytes,
		fake_frame_make(bytes, to, address, tags));
	fake_network_run(network);
}

unsigned fake_network_run(struct fake_network *network)
{
	struct wire *wire = network->wire;
	unsigned moved = 0;
	unsigned before;

	do {
		before = moved;
		for (unsigned i = 0; i < network->count; i++) {
			if (wire->port[i])
				moved += wire->type->forward(wire, wire->port[i]);
		}
		wire_run_late(wire);
		wire_flush(wire);
	} while (moved > before);
	return moved;
}

bool fake_network_got(struct fake_network *network, unsigned port, unsigned count)
{
	unsigned kept = fake_port_kept(&network->port[port]);

	fake_port_clear(&network->port[port]);
	return kept == count;
}
