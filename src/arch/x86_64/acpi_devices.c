/* The DSDT's devices: UART, power button, panic port, and every virtio-mmio transport. */
#include "acpi.h"
#include "aml.h"
#include "layout.h"
#include "virtio_mmio.h"

#include <stdio.h>

#define NOTIFY_BUTTON_PRESSED 0x80U
#define SERIAL_PORTS 8U

static void write_serial(struct aml *aml)
{
	size_t device = aml_open_device(aml, "COM1"), resources;

	aml_name_string(aml, "_HID", "PNP0501");
	aml_name_integer(aml, "_UID", 0);
	resources = aml_open_resources(aml);
	aml_resource_ports(aml, PORT_SERIAL, SERIAL_PORTS);
	aml_resource_edge_interrupt(aml, GSI_SERIAL);
	aml_close_resources(aml, resources);
	aml_close(aml, device);
}

/* The button, and the device whose interrupt (its only one) says that it was pressed. */
static void write_power_button(struct aml *aml)
{
	size_t device = aml_open_device(aml, "PWRB"), resources, method;

	aml_name_string(aml, "_HID", "PNP0C0C");
	aml_name_integer(aml, "_UID", 0);
	aml_close(aml, device);

	device = aml_open_device(aml, "GED0");
	aml_name_string(aml, "_HID", "ACPI0013");
	aml_name_integer(aml, "_UID", 0);
	resources = aml_open_resources(aml);
	aml_resource_edge_interrupt(aml, GSI_POWER_BUTTON);
	aml_close_resources(aml, resources);
	method = aml_open_method(aml, "_EVT", 1);
	aml_notify(aml, "\\_SB.PWRB", NOTIFY_BUTTON_PRESSED);
	aml_close(aml, method);
	aml_close(aml, device);
}

static void write_panic_port(struct aml *aml)
{
	size_t device = aml_open_device(aml, "PVPN"), resources;

	aml_name_string(aml, "_HID", "QEMU0001");
	aml_name_integer(aml, "_UID", 0);
	resources = aml_open_resources(aml);
	aml_resource_ports(aml, PORT_PANIC, 1);
	aml_close_resources(aml, resources);
	aml_close(aml, device);
}

static void write_device(struct aml *aml, unsigned number, const struct acpi_device *device)
{
	char name[16];
	size_t opened, resources;

	snprintf(name, sizeof(name), "V%03X", number & 0xfff);
	opened = aml_open_device(aml, name);
	aml_name_string(aml, "_HID", "LNRO0005");
	aml_name_integer(aml, "_UID", number);
	aml_name_integer(aml, "_CCA", 1);
	resources = aml_open_resources(aml);
	aml_resource_memory(aml, (uint32_t)device->base, VIRTIO_MMIO_SIZE);
	aml_resource_edge_interrupt(aml, device->gsi);
	aml_close_resources(aml, resources);
	aml_close(aml, opened);
}

void acpi_write_devices(const struct acpi_machine *machine, struct aml *aml)
{
	static const uint8_t soft_off[] = { SLEEP_TYPE_S5, 0, 0, 0 };
	size_t scope;

	aml_name_bytes_package(aml, "\\_S5", soft_off, sizeof(soft_off));
	scope = aml_open_scope(aml, "\\_SB");
	write_serial(aml);
	write_power_button(aml);
	write_panic_port(aml);
	for (unsigned i = 0; i < machine->device_count; i++)
		write_device(aml, i, &machine->device[i]);
	aml_close(aml, scope);
}
