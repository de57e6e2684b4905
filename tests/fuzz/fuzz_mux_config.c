/* Any bytes as muxd's configuration file. */

#include "mux_config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void check_wire(const struct mux_config_wire *wire)
{
	assert(wire->name[0] && strlen(wire->name) <= WIRE_NAME_MAX && wire->ageing_s);
	assert(wire->kind == WIRE_CABLE || wire->kind == WIRE_SWITCH);
	assert(wire->port_count <= (wire->kind == WIRE_CABLE ? 2 : WIRE_PORTS_MAX));
	for (size_t i = 0; i < wire->port_count; i++) {
		const struct mux_config_port *port = &wire->ports[i];

		assert(port->name[0] && port->settings.vlan <= 4094);
		assert(port->settings.link <= 1 && port->settings.vlan_mode <= PORT_VLAN_TRUNK);
		assert(port->settings.loss_per_10000 <= 10000);
		assert(port->allow.count <= WIRE_PORTS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct config_error error = { "" };
	struct mux_config config;
	char path[32];

	assert(fd >= 0 && write(fd, input, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (mux_config_load(&config, path, &error) < 0)
		assert(error.text[0] && !strchr(error.text, '\n') && !strchr(error.text, '\x1b'));
	for (size_t i = 0; i < config.wire_count; i++)
		check_wire(&config.wires[i]);

	mux_config_destroy(&config);
	close(fd);
	return 0;
}
