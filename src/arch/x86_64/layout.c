/* The guest's address map: RAM around the hole below 4 GiB, register windows inside it. */
#include "layout.h"

#include "arch.h"

unsigned arch_ram_layout(uint64_t size, struct address_range ranges[GUEST_MEMORY_REGIONS])
{
	if (size <= LOW_RAM_END) {
		ranges[0] = (struct address_range){ 0, size };
		return 1;
	}
	ranges[0] = (struct address_range){ 0, LOW_RAM_END };
	ranges[1] = (struct address_range){ HIGH_RAM_BASE, size - LOW_RAM_END };
	return 2;
}

struct address_range arch_device_window(void)
{
	return (struct address_range){ DEVICE_WINDOW_BASE, DEVICE_WINDOW_SIZE };
}

uint32_t arch_interrupt_number(unsigned device)
{
	return GSI_FIRST_DEVICE + device;
}
