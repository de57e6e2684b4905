/* What every tiny guest needs: text out, checks, and ways to end. */

#include "guest.h"
#include "layout.h"

#define TRANSMIT PORT_SERIAL
#define LINE_STATUS (PORT_SERIAL + 5)
#define TRANSMITTER_EMPTY 0x20
#define SLEEP_ENABLE 0x20

static bool failed;

static void print_char(char c)
{
	while (!(in8(LINE_STATUS) & TRANSMITTER_EMPTY))
		;
	out8(TRANSMIT, (uint8_t)c);
}

void print(const char *text)
{
	for (; *text; text++)
		print_char(*text);
}

void print_hex(uint64_t value)
{
	print("0x");
	for (int shift = 60; shift >= 0; shift -= 4)
		if (shift == 0 || value >> shift)
			print_char("0123456789abcdef"[value >> shift & 15]);
}

static void print_number(int number)
{
	char digits[12];
	unsigned count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (count)
		print_char(digits[--count]);
}

static void complain(const char *text, int line)
{
	failed = true;
	print("FAIL line ");
	print_number(line);
	print(": ");
	print(text);
}

void expect(bool condition, const char *text, int line)
{
	if (condition)
		return;
	complain(text, line);
	print("\n");
}

void expect_equal(uint64_t value, uint64_t wanted, const char *text, int line)
{
	if (value == wanted)
		return;
	complain(text, line);
	print(" is ");
	print_hex(value);
	print(", not ");
	print_hex(wanted);
	print("\n");
}

bool same_text(const char *left, const char *right, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (left[i] != right[i])
			return false;
	return true;
}

void halt_for_ever(void)
{
	for (;;)
		__asm__ volatile("hlt");
}

/* No interrupt table at all: the first exception cannot be delivered, nor the ones it raises. */
void triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) nothing;

	__asm__ volatile("lidt %0\n\tud2" : : "m"(nothing));
	halt_for_ever();
}

/* The ACPI structures in the way to the two registers (ACPI 6.4, section 5.2). */
struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t rest[28];
};

struct acpi_register {
	uint8_t space; /* 1: ports */
	uint8_t bits;
	uint8_t offset;
	uint8_t size;
	uint64_t address;
} __attribute__((packed));

#define RSDP_XSDT 24
#define FADT_RESET_REGISTER 116
#define FADT_RESET_VALUE 128
#define FADT_SLEEP_CONTROL 244

static const struct acpi_header *find_fadt(void)
{
	const struct acpi_header *xsdt = (const void *)*(const uint64_t *)(boot.rsdp + RSDP_XSDT);
	const uint64_t *entry = (const void *)(xsdt + 1);

	for (size_t i = 0; i < (xsdt->length - sizeof(*xsdt)) / 8; i++) {
		const struct acpi_header *table = (const void *)entry[i];

		if (same_text(table->signature, "FACP", 4))
			return table;
	}
	print("FAIL: no FADT\n");
	triple_fault();
}

static void write_register(uint64_t offset, uint8_t value)
{
	const struct acpi_register *target = (const void *)((uint64_t)find_fadt() + offset);

	EXPECT_EQUAL(target->space, 1);
	EXPECT_EQUAL(target->bits, 8);
	if (failed)
		triple_fault();
	out8((uint16_t)target->address, value);
	halt_for_ever();
}

/* A check that failed is not to look like a good end. */
void power_off(void)
{
	if (failed)
		triple_fault();
	print("powering off\n");
	write_register(FADT_SLEEP_CONTROL, SLEEP_TYPE_S5 << 2 | SLEEP_ENABLE);
	halt_for_ever();
}

void reset(void)
{
	write_register(FADT_RESET_REGISTER, *((const uint8_t *)find_fadt() + FADT_RESET_VALUE));
	halt_for_ever();
}
