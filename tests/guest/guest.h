#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What tiny guests have: no operating system, one vCPU, memory below 4 GiB mapped one to one. */

/* How it was entered and what the loader handed over. */
struct boot {
	bool long_mode; /* by the 64-bit protocol, else by PVH */
	uint64_t argument;
	const char *command_line;
	uint64_t rsdp;
	uint64_t initrd;
	uint64_t initrd_size;
};

extern struct boot boot;

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t load32(uint64_t address)
{
	return *(volatile uint32_t *)address;
}

static inline void store32(uint64_t address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

static inline uint64_t read_msr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (uint64_t)high << 32;
}

static inline void write_msr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr));
}

/* Text to the UART. */
void print(const char *text);
void print_hex(uint64_t value);

/* Print what is not so, and go on; the guest then ends with a reset instead of powering off. */
#define EXPECT(condition) expect(condition, #condition, __LINE__)
#define EXPECT_EQUAL(value, wanted) expect_equal(value, wanted, #value, __LINE__)
void expect(bool condition, const char *text, int line);
void expect_equal(uint64_t value, uint64_t wanted, const char *text, int line);

bool same_text(const char *left, const char *right, size_t length);

_Noreturn void power_off(void); /* as the ACPI tables say */
_Noreturn void reset(void); /* likewise */
_Noreturn void triple_fault(void);
_Noreturn void halt_for_ever(void);

/* Interrupts: every vector counts here. */
extern volatile uint64_t interrupt_count;
void interrupts_start(void);
void interrupts_route(uint32_t gsi, uint8_t vector); /* edge-triggered, to this vCPU */
void interrupts_wait(uint64_t count); /* halts until so many came in all */

#endif
