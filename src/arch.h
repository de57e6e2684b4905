#ifndef ARCH_H
#define ARCH_H

#include "guest_memory.h"

#include <stddef.h>
#include <stdint.h>

struct machine;
struct vcpu;

/*
 * What an architecture is: these functions, implemented once a directory of src/arch. Common code
 * contains no architecture's name. int results are 0 or -errno, with one line logged where the
 * reason is known; -EINVAL means the operator can mend it (exit status 2).
 */
struct address_range {
	uint64_t base;
	uint64_t size;
};

/* Where memory of that size appears to the guest; the number of ranges, the first from the lowest.
 */
unsigned arch_ram_layout(uint64_t size, struct address_range ranges[GUEST_MEMORY_REGIONS]);

/* Where register windows of devices go, outside every RAM layout. */
struct address_range arch_device_window(void);

/* Interrupt controllers and routing; before the first vCPU, after the memory slots. */
int arch_create_interrupt_controller(struct machine *machine);
void arch_destroy_interrupt_controller(struct machine *machine);

/* The interrupt line (GSI) of the device of that number, as the guest is told it. */
uint32_t arch_interrupt_number(unsigned device);

/* Features and identity of a vCPU whose descriptor exists. */
int arch_create_vcpu(struct vcpu *vcpu);

/* Kernel, initrd and command line into guest memory; fills machine->entry. */
int arch_load_boot_image(struct machine *machine);

/* Tables that tell the guest what the machine is made of; puts fixed platform devices on the bus.
 */
int arch_describe_machine(struct machine *machine);

/* Boot registers of the first vCPU, waiting state of the others. */
int arch_start_vcpu(struct vcpu *vcpu);

/*
 * An exit that is no plain MMIO. 0: handled, run on. -ENOTSUP: nobody knows this exit, the guest
 * has crashed. Other ends are told by machine_request() before 0 is returned.
 */
int arch_handle_exit(struct vcpu *vcpu);

/* Where the vCPU stands and why it cannot go on, for a crash's one line of reason. */
void arch_describe_vcpu(struct vcpu *vcpu, char *text, size_t length);

/* The power button. */
void arch_press_power_button(struct machine *machine);

#endif
