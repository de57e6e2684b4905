#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdint.h>

/*
 * Where things are in a PC guest. RAM begins at 0 and leaves a hole from 3 to 4 GiB, where register
 * windows, the interrupt controllers and KVM's own pages live.
 */
#define PAGE_SIZE 0x1000U
#define LOW_RAM_END 0xc0000000ULL
#define HIGH_RAM_BASE 0x100000000ULL

#define DEVICE_WINDOW_BASE 0xd0000000ULL
#define DEVICE_WINDOW_SIZE 0x01000000ULL
#define IOAPIC_BASE 0xfec00000ULL
#define IOAPIC_WINDOW_SIZE 0x1000U
#define LOCAL_APIC_BASE 0xfee00000U
#define KVM_IDENTITY_MAP_BASE 0xfffbc000ULL /* one page, older processors need it */
#define KVM_TSS_BASE 0xfffbd000ULL /* three pages, likewise */

/* The first MiB: what the kernel finds when it starts. */
#define BOOT_GDT 0x500U
#define PVH_START_INFO 0x6000U
#define PVH_MODULES 0x6100U
#define PVH_MEMORY_MAP 0x6200U
#define BOOT_PARAMS 0x7000U
#define BOOT_STACK 0x8ff0U
#define BOOT_PAGE_TABLES 0x9000U /* six pages */
#define BOOT_SEED 0x10000U
#define BOOT_COMMAND_LINE 0x20000U
#define BOOT_COMMAND_LINE_SIZE 0x10000U
#define LOW_MEMORY_END 0x9fc00U
#define FIRMWARE_BASE 0xe0000U /* ACPI tables, the RSDP first */
#define FIRMWARE_SIZE 0x20000U
#define RESET_VECTOR_SIZE 16U /* at the end of that */
#define KERNEL_LOWEST 0x100000U

/* Interrupt lines of the IOAPIC. */
#define GSI_SERIAL 4U
#define GSI_POWER_BUTTON 5U
#define GSI_FIRST_DEVICE 16U
#define IOAPIC_PINS 64U

/* I/O ports. */
#define PORT_KEYBOARD 0x64U
#define PORT_SERIAL 0x3f8U
#define PORT_PANIC 0x505U
#define PORT_SLEEP_CONTROL 0x600U
#define PORT_SLEEP_STATUS 0x601U
#define PORT_RESET 0x602U
#define PORT_PCI 0xcf8U /* eight of them; 0xcf9 is the reset control register */

#define RESET_VALUE 1U /* as the FADT says */
#define SLEEP_TYPE_S5 5U

#endif
