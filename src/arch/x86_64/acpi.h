#ifndef ACPI_H
#define ACPI_H

#include <stddef.h>
#include <stdint.h>

struct aml;

/*
 * The machine's description for the guest (ACPI 6.4), hardware-reduced: there is no fixed hardware
 * but sleep and reset registers. Tables follow each other in one area, the RSDP first.
 */
struct acpi_device {
	uint64_t base; /* of a virtio-mmio register page, below 4 GiB */
	uint32_t gsi;
};

struct acpi_machine {
	unsigned vcpus;
	const struct acpi_device *device;
	unsigned device_count;
};

/* Bytes used of the area, which the guest sees at address; 0 when it is too small. */
size_t acpi_build(const struct acpi_machine *machine, uint8_t *area, size_t size, uint64_t address);

/* The definition block of the DSDT: the devices. */
void acpi_write_devices(const struct acpi_machine *machine, struct aml *aml);

#endif
