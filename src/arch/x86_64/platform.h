#ifndef PLATFORM_H
#define PLATFORM_H

#include "ioapic.h"
#include "pci.h"

#include <stdbool.h>

struct kvm_cpuid2;
struct machine;

/* What a PC has besides processors, memory and virtio devices. Owned by the machine. */
struct platform {
	struct ioapic ioapic;
	struct pci pci;
	int power_button_fd; /* eventfd wired to the power button's line */
	struct kvm_cpuid2 *cpuid; /* owned: what vCPUs are told; made once, main thread */
};

/* Fixed I/O ports, put on the machine's bus: power, reset and panic; COM1. 0 or -errno. */
int platform_add_ports(struct machine *machine);
int platform_add_serial(struct machine *machine);

#endif
