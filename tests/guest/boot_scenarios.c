/* How a guest starts, and how it ends. */

#include "layout.h"
#include "scenarios.h"

static uint8_t sum_of(uint64_t address, size_t length)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)address)[i]);
	return sum;
}

/* What the loader promised is there. */
void scenario_boot(const char *argument)
{
	print(boot.long_mode ? "entry: long mode\n" : "entry: PVH\n");
	print("argument: ");
	print(argument);
	print("\ninitrd: ");
	for (uint64_t i = 0; i < boot.initrd_size && i < 64; i++)
		print((const char[]){ ((const char *)boot.initrd)[i], '\0' });
	print("\n");
	EXPECT(same_text((const char *)boot.rsdp, "RSD PTR ", 8));
	EXPECT_EQUAL(sum_of(boot.rsdp, 20), 0);
	EXPECT_EQUAL(sum_of(boot.rsdp, 36), 0);
}

#define MSR_X2APIC_COMMAND 0x830
#define COMMAND_INIT 0x4500
#define COMMAND_START 0x4600
#define START_PAGE 0x8U

extern const uint8_t processor_start[], processor_count[], processor_end[]; /* start.S */

/* Wake that many other processors, each to say that it is there. */
void scenario_processors(const char *argument)
{
	uint8_t *page = (uint8_t *)(uint64_t)(START_PAGE * PAGE_SIZE);
	uint32_t others = (uint32_t)(*argument - '0');
	const volatile uint32_t *count =
		(const volatile uint32_t *)(page + (processor_count - processor_start));

	for (size_t i = 0; i < (size_t)(processor_end - processor_start); i++)
		page[i] = processor_start[i];
	interrupts_start();
	for (uint64_t i = 1; i <= others; i++) {
		write_msr(MSR_X2APIC_COMMAND, i << 32 | COMMAND_INIT);
		write_msr(MSR_X2APIC_COMMAND, i << 32 | COMMAND_START | START_PAGE);
	}
	while (*count < others)
		__asm__ volatile("pause");
	print("all there\n");
}

/* The power button is the one interrupt here; then off, as an operating system would. */
void scenario_button(const char *argument)
{
	(void)argument;
	interrupts_start();
	interrupts_route(GSI_POWER_BUTTON, 0x40);
	print("waiting for the button\n");
	interrupts_wait(1);
	print("button\n");
}

/* Hears nothing. */
void scenario_deaf(const char *argument)
{
	(void)argument;
	print("not listening\n");
	__asm__ volatile("cli");
	halt_for_ever();
}

void scenario_restart(const char *argument)
{
	print(argument);
	print("\nrestarting\n");
	reset();
}

/* As Linux does with panic=-1. */
void scenario_panic(const char *argument)
{
	print("[    0.1] Kernel panic - not syncing: ");
	print(argument);
	print("\n[    0.2] ---[ end ]---\n");
	reset();
}

void scenario_fault(const char *argument)
{
	(void)argument;
	triple_fault();
}

/* Nobody lives there: reads are all ones, writes vanish. */
void scenario_nowhere(const char *argument)
{
	uint64_t nowhere = DEVICE_WINDOW_BASE + DEVICE_WINDOW_SIZE - PAGE_SIZE;

	(void)argument;
	store32(nowhere, 1);
	EXPECT_EQUAL(load32(nowhere), 0xffffffff);
	EXPECT_EQUAL(in8(0x7777), 0xff);
	out8(0x7777, 1);
}
