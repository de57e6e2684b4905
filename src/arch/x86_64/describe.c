/* What the guest finds in the place of firmware: its description, and a way to reset. */
#include "acpi.h"
#include "arch.h"
#include "layout.h"
#include "log.h"
#include "machine.h"
#include "platform.h"

#include <errno.h>
#include <string.h>

/*
 * Kernels that think the machine has EFI's reset, and others as their last resort, go back to real
 * mode and jump to the processor's reset vector.
 */
static const uint8_t reset_code[] = {
	0xba, PORT_RESET & 0xff, PORT_RESET >> 8, /* mov dx, PORT_RESET */
	0xb0, RESET_VALUE, /* mov al, RESET_VALUE */
	0xee, /* out dx, al */
	0xf4, /* hlt */
	0xeb, 0xfd, /* jmp to the hlt */
};

_Static_assert(sizeof(reset_code) <= RESET_VECTOR_SIZE, "the reset code fits");

int arch_describe_machine(struct machine *machine)
{
	struct acpi_device device[MACHINE_DEVICES];
	struct acpi_machine description = { machine->config->vcpus, device, machine->device_count };
	uint8_t *area = guest_memory_at(&machine->memory, FIRMWARE_BASE, FIRMWARE_SIZE);
	int result;

	for (unsigned i = 0; i < machine->device_count; i++)
		device[i] = (struct acpi_device){ machine->device[i].base,
			machine->device[i].interrupt };
	if (!area ||
		!acpi_build(&description, area, FIRMWARE_SIZE - RESET_VECTOR_SIZE, FIRMWARE_BASE)) {
		log_error("%s: the tables that describe %u vcpus do not fit", machine->config->name,
			machine->config->vcpus);
		return -EINVAL;
	}
	memcpy(area + FIRMWARE_SIZE - RESET_VECTOR_SIZE, reset_code, sizeof(reset_code));
	result = platform_add_ports(machine);
	return result < 0 ? result : platform_add_serial(machine);
}
