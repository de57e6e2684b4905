/* The PC's fixed I/O ports: power, reset, panic, and the UART. */
#include "platform.h"

#include "arch.h"
#include "layout.h"
#include "machine.h"

#define SLEEP_ENABLE 0x20U
#define SLEEP_TYPE(value) ((value) >> 2 & 7U)
#define KEYBOARD_PULSE_RESET 0xfeU
#define PANICKED 1U /* pvpanic's event; a crash kernel that takes over is none of ours */

/* Also how a kernel ends that panicked: what it said on its console tells. */
static void reset(void *owner)
{
	machine_request(owner, MACHINE_REBOOT, NULL);
}

static void sleep_written(void *owner, uint64_t offset, unsigned length, uint64_t value)
{
	(void)length;
	if (offset == 0 && value & SLEEP_ENABLE && SLEEP_TYPE(value) == SLEEP_TYPE_S5)
		machine_request(owner, MACHINE_POWER_OFF, NULL);
}

static void reset_written(void *owner, uint64_t offset, unsigned length, uint64_t value)
{
	(void)offset;
	(void)length;
	if ((value & 0xff) == RESET_VALUE)
		reset(owner);
}

static void keyboard_written(void *owner, uint64_t offset, unsigned length, uint64_t value)
{
	(void)offset;
	(void)length;
	if ((value & 0xff) == KEYBOARD_PULSE_RESET)
		reset(owner);
}

static void panic_written(void *owner, uint64_t offset, unsigned length, uint64_t value)
{
	(void)offset;
	(void)length;
	if (value & PANICKED)
		machine_request(owner, MACHINE_CRASH, "the guest kernel panicked");
}

static uint64_t panic_read(void *owner, uint64_t offset, unsigned length)
{
	(void)owner;
	(void)offset;
	(void)length;
	return PANICKED;
}

static uint64_t zero_read(void *owner, uint64_t offset, unsigned length)
{
	(void)owner;
	(void)offset;
	(void)length;
	return 0;
}

int platform_add_ports(struct machine *machine)
{
	const struct bus_region ports[] = {
		{ BUS_PIO, PORT_SLEEP_CONTROL, 2, "sleep", machine, zero_read, sleep_written },
		{ BUS_PIO, PORT_RESET, 1, "reset", machine, zero_read, reset_written },
		{ BUS_PIO, PORT_PCI, PCI_PORT_COUNT, "pci", &machine->platform->pci, pci_read,
			pci_write },
		{ BUS_PIO, PORT_KEYBOARD, 1, "keyboard", machine, NULL, keyboard_written },
		{ BUS_PIO, PORT_PANIC, 1, "panic", machine, panic_read, panic_written },
	};

	pci_init(&machine->platform->pci, reset, machine);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		int result = bus_add(&machine->bus, &ports[i]);

		if (result < 0)
			return result;
	}
	return 0;
}

int platform_add_serial(struct machine *machine)
{
	int result = bus_add(&machine->bus,
		&(struct bus_region){
			.kind = BUS_PIO,
			.base = PORT_SERIAL,
			.size = SERIAL_PORT_COUNT,
			.name = "serial",
			.owner = &machine->serial,
			.read = serial_read,
			.write = serial_write,
		});

	if (result < 0)
		return result;
	return machine_wire_interrupt(machine, machine->serial_interrupt_fd, GSI_SERIAL);
}
