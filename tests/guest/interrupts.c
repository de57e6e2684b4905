/* Interrupts of a tiny guest: the local APIC in x2APIC mode, the IOAPIC, one counting handler. */

#include "guest.h"
#include "layout.h"

#define MSR_APIC_BASE 0x1b
#define APIC_X2APIC 0xc00 /* enabled, and in x2APIC mode */
#define MSR_X2APIC_ID 0x802
#define MSR_X2APIC_TASK_PRIORITY 0x808
#define MSR_X2APIC_SPURIOUS 0x80f
#define APIC_SOFTWARE_ENABLE 0x100
#define SPURIOUS_VECTOR 0xff
#define CODE_SELECTOR 8
#define INTERRUPT_GATE 0x8e
#define IOAPIC_SELECT IOAPIC_BASE
#define IOAPIC_DATA (IOAPIC_BASE + 0x10)
#define IOAPIC_REDIRECTION 0x10

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t stack;
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

volatile uint64_t interrupt_count;

static struct gate table[256];

void interrupt_stub(void); /* start.S */

void interrupts_start(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = { sizeof(table) - 1, (uint64_t)table };
	uint64_t handler = (uint64_t)interrupt_stub;

	for (size_t i = 32; i < 256; i++)
		table[i] = (struct gate){
			.offset_low = (uint16_t)handler,
			.selector = CODE_SELECTOR,
			.type = INTERRUPT_GATE,
			.offset_middle = (uint16_t)(handler >> 16),
			.offset_high = (uint32_t)(handler >> 32),
		};
	__asm__ volatile("lidt %0" : : "m"(pointer));
	write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | APIC_X2APIC);
	write_msr(MSR_X2APIC_TASK_PRIORITY, 0);
	write_msr(MSR_X2APIC_SPURIOUS, APIC_SOFTWARE_ENABLE | SPURIOUS_VECTOR);
}

void interrupts_route(uint32_t gsi, uint8_t vector)
{
	uint32_t entry = IOAPIC_REDIRECTION + 2 * gsi;
	uint32_t destination = (uint32_t)read_msr(MSR_X2APIC_ID);

	store32(IOAPIC_SELECT, entry + 1);
	store32(IOAPIC_DATA, destination << 24);
	store32(IOAPIC_SELECT, entry);
	store32(IOAPIC_DATA, vector);
}

/* Halting with interrupts on is one step: none slips in between. */
void interrupts_wait(uint64_t count)
{
	for (;;) {
		__asm__ volatile("cli");
		if (interrupt_count >= count)
			break;
		__asm__ volatile("sti\n\thlt");
	}
}
