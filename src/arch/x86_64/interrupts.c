/*
 * Interrupt controllers: local APICs in KVM, the IOAPIC here (KVM's split irqchip), no PIC and no
 * PIT. Lines are eventfds bound to GSIs; an entry of the IOAPIC becomes the GSI's route.
 */
#include "arch.h"
#include "fd.h"
#include "kvm.h"
#include "layout.h"
#include "log.h"
#include "machine.h"
#include "platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#define MOST_8_BIT_IDS 255U

/* The table is the kernel's structure with an array at its end. */
union routing {
	struct kvm_irq_routing table;
	uint8_t room[sizeof(struct kvm_irq_routing) +
		IOAPIC_PINS * sizeof(struct kvm_irq_routing_entry)];
};

static void add_route(struct kvm_irq_routing *table, uint32_t gsi,
	const struct ioapic_message *message)
{
	struct kvm_irq_routing_entry *entry = &table->entries[table->nr++];

	entry->gsi = gsi;
	entry->type = KVM_IRQ_ROUTING_MSI;
	entry->u.msi.address_lo = message->address_low;
	entry->u.msi.address_hi = message->address_high;
	entry->u.msi.data = message->data;
}

/* The IOAPIC's lock is held, so tables reach KVM in the order of the guest's writes. */
static void routes_changed(void *owner)
{
	struct machine *machine = owner;
	union routing routing = { .room = { 0 } };
	struct ioapic_message message;

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		if (ioapic_message(&machine->platform->ioapic, pin, &message))
			add_route(&routing.table, pin, &message);
	if (kvm_ioctl(machine->vm_fd, KVM_SET_GSI_ROUTING, &routing) < 0)
		machine_request(machine, MACHINE_FAIL, "KVM refuses interrupt routes");
}

static int enable(struct machine *machine, uint32_t capability, uint64_t argument)
{
	struct kvm_enable_cap cap = { .cap = capability, .args = { argument } };

	return kvm_ioctl(machine->vm_fd, KVM_ENABLE_CAP, &cap);
}

static int refuse(const struct machine *machine, const char *what, int error)
{
	log_error("%s: KVM has no %s: %s", machine->config->name, what, strerror(-error));
	return error;
}

/* Older Intel processors run real mode by help of four pages of guest addresses. */
static int reserve_pages(const struct machine *machine)
{
	uint64_t identity_map = KVM_IDENTITY_MAP_BASE;
	int result = kvm_ioctl(machine->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);

	if (result < 0)
		return result;
	result = ioctl(machine->vm_fd, KVM_SET_TSS_ADDR, (unsigned long)KVM_TSS_BASE);
	return result < 0 ? -errno : 0;
}

static int add_ioapic(struct machine *machine)
{
	struct platform *platform = machine->platform;
	bool wide = machine->config->vcpus > MOST_8_BIT_IDS;
	int result = enable(machine, KVM_CAP_X2APIC_API,
		KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK);

	if (result < 0 && wide)
		return refuse(machine, "32-bit APIC ids, so no more than 255 vcpus", result);
	ioapic_init(&platform->ioapic, wide, routes_changed, machine);
	return bus_add(&machine->bus,
		&(struct bus_region){
			.kind = BUS_MMIO,
			.base = IOAPIC_BASE,
			.size = IOAPIC_WINDOW_SIZE,
			.name = "ioapic",
			.owner = &platform->ioapic,
			.read = ioapic_read,
			.write = ioapic_write,
		});
}

int arch_create_interrupt_controller(struct machine *machine)
{
	int result;

	machine->platform = calloc(1, sizeof(*machine->platform));
	if (!machine->platform)
		return -ENOMEM;
	machine->platform->power_button_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->platform->power_button_fd < 0)
		return -errno;
	result = reserve_pages(machine);
	if (result < 0)
		return refuse(machine, "place for its own pages", result);
	result = enable(machine, KVM_CAP_SPLIT_IRQCHIP, IOAPIC_PINS);
	if (result < 0)
		return refuse(machine, "split interrupt controller", result);
	result = add_ioapic(machine);
	if (result < 0)
		return result;
	return machine_wire_interrupt(machine, machine->platform->power_button_fd,
		GSI_POWER_BUTTON);
}

void arch_destroy_interrupt_controller(struct machine *machine)
{
	struct platform *platform = machine->platform;

	if (!platform)
		return;
	ioapic_destroy(&platform->ioapic);
	pci_destroy(&platform->pci);
	close_fd(&platform->power_button_fd);
	free(platform->cpuid);
	free(platform);
	machine->platform = NULL;
}

void arch_press_power_button(struct machine *machine)
{
	eventfd_write(machine->platform->power_button_fd, 1);
}
