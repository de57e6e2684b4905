/* The UART, as the first thing a kernel speaks to. */

#include "layout.h"
#include "scenarios.h"

#define RECEIVE PORT_SERIAL
#define INTERRUPT_ENABLE (PORT_SERIAL + 1)
#define LINE_STATUS (PORT_SERIAL + 5)
#define SCRATCH (PORT_SERIAL + 7)
#define DATA_READY 1
#define BREAK 0x10
#define SERIAL_VECTOR 0x52

/* Everything typed comes back, until a q; the bytes are announced by interrupts. */
void scenario_serial(const char *argument)
{
	uint8_t byte = 0;

	(void)argument;
	out8(SCRATCH, 0x5a);
	EXPECT_EQUAL(in8(SCRATCH), 0x5a);
	interrupts_start();
	interrupts_route(GSI_SERIAL, SERIAL_VECTOR);
	out8(INTERRUPT_ENABLE, DATA_READY);
	print("serial ready\n");
	while (byte != 'q') {
		uint64_t before = interrupt_count;
		uint8_t status = in8(LINE_STATUS);

		if (status & BREAK)
			print("<break>");
		if (!(status & DATA_READY)) {
			interrupts_wait(before + 1);
			continue;
		}
		byte = in8(RECEIVE);
		print((const char[]){ (char)byte, '\0' });
	}
	print("\n");
}

/* Says nothing and does nothing, so that a waking process can only be the vmm itself. */
void scenario_silence(const char *argument)
{
	(void)argument;
	halt_for_ever();
}
