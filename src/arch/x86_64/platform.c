/* The PC's fixed I/O ports: power, reset, panic, and the UART. */
#include "platform.h"

#include "arch.h"
#include "kvm.h"
#include "layout.h"
#include "machine.h"

#include <pthread.h>

#include <linux/kvm.h>

#define SLEEP_ENABLE 0x20U
#define SLEEP_TYPE(value) ((value) >> 2 & 7U)
#define KEYBOARD_PULSE_RESET 0xfeU
#define PANICKED 1U /* pvpanic's event; a crash kernel that takes over is none of ours */
#define FLAGS_INTERRUPTS_ON 0x200U

static const struct vcpu *this_vcpu(const struct machine *machine)
{
	for (unsigned i = 0; i < machine->config->vcpus; i++)
		if (machine->vcpu[i].started &&
			pthread_equal(machine->vcpu[i].thread, pthread_self()))
			return &machine->vcpu[i];
	return NULL;
}

static bool has_interrupts_on(const struct vcpu *vcpu)
{
	struct kvm_regs registers = { 0 };

	return !vcpu || kvm_ioctl(vcpu->fd, KVM_GET_REGS, &registers) < 0 ||
		registers.rflags & FLAGS_INTERRUPTS_ON;
}

/*
 * A guest asks for a reset. A kernel that reboots in order first silences the IOAPIC; one that
 * panicked (and does not wait, panic=-1) resets as it stands, with interrupts off; one that is told
 * to by an emergency key has them on.
 */
static void reset(void *owner)
{
	struct machine *machine = owner;

	if (ioapic_in_use(&machine->platform->ioapic) && !has_interrupts_on(this_vcpu(machine)))
		machine_request(machine, MACHINE_CRASH, "the guest kernel panicked");
	else
		machine_request(machine, MACHINE_REBOOT, NULL);
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
	if ((value & 0xff) == RESET_BY_VECTOR)
		machine_request(owner, MACHINE_REBOOT, NULL);
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
