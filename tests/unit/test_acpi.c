#include "acpi.h"
#include "compiler.h"
#include "layout.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DEVICES 32

static uint8_t area[FIRMWARE_SIZE];
static struct acpi_device device[MOST_DEVICES];
static struct acpi_machine machine;

static void start(void)
{
	for (unsigned i = 0; i < MOST_DEVICES; i++)
		device[i] = (struct acpi_device){ DEVICE_WINDOW_BASE + i * PAGE_SIZE,
			GSI_FIRST_DEVICE + i };
	machine = (struct acpi_machine){ 2, device, 2 };
}

static uint32_t get_32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static uint64_t get_64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static const uint8_t *at(uint64_t address)
{
	ck_assert_uint_ge(address, FIRMWARE_BASE);
	ck_assert_uint_lt(address, FIRMWARE_BASE + FIRMWARE_SIZE);
	return area + (address - FIRMWARE_BASE);
}

static uint8_t sum(const uint8_t *bytes, size_t size)
{
	uint8_t result = 0;

	for (size_t i = 0; i < size; i++)
		result = (uint8_t)(result + bytes[i]);
	return result;
}

/* A table by its signature, found as a kernel finds it. */
static const uint8_t *find(const char *signature)
{
	const uint8_t *xsdt = at(get_64(area + 24));
	const uint8_t *found = NULL;

	for (uint32_t i = 36; i < get_32(xsdt + 4); i += 8) {
		const uint8_t *table = at(get_64(xsdt + i));

		if (memcmp(table, signature, 4) == 0)
			found = table;
	}
	if (strcmp(signature, "DSDT") == 0)
		found = at(get_64(find("FACP") + 140));
	ck_assert_ptr_nonnull(found);
	ck_assert_uint_eq(sum(found, get_32(found + 4)), 0);
	return found;
}

START_TEST(the_root_pointer_is_where_firmware_puts_it)
{
	ck_assert_uint_gt(acpi_build(&machine, area, sizeof(area), FIRMWARE_BASE), 0);

	ck_assert_mem_eq(area, "RSD PTR ", 8);
	ck_assert_uint_eq(sum(area, 20), 0);
	ck_assert_uint_eq(sum(area, 36), 0);
	ck_assert_mem_eq(at(get_64(area + 24)), "XSDT", 4);
}

START_TEST(the_machine_is_hardware_reduced_and_can_sleep_and_reset)
{
	const uint8_t *fadt;

	acpi_build(&machine, area, sizeof(area), FIRMWARE_BASE);
	fadt = find("FACP");

	ck_assert_uint_ge(fadt[8], 5);
	ck_assert(get_32(fadt + 112) & 1U << 20);
	ck_assert(get_32(fadt + 112) & 1U << 10);
	ck_assert_uint_eq(fadt[109] & 2, 0); /* no keyboard controller */
	ck_assert_uint_eq(get_64(fadt + 120), PORT_RESET);
	ck_assert_uint_eq(fadt[128], RESET_VALUE);
	ck_assert_uint_eq(get_64(fadt + 248), PORT_SLEEP_CONTROL);
	ck_assert_uint_eq(get_64(fadt + 260), PORT_SLEEP_STATUS);
}

static unsigned count_entries(const uint8_t *madt, uint8_t type)
{
	unsigned count = 0;
	uint32_t length = get_32(madt + 4);

	for (uint32_t i = 44; i < length; i += madt[i + 1]) {
		ck_assert_uint_ge(madt[i + 1], 2);
		ck_assert_uint_le(i + madt[i + 1], length);
		count += madt[i] == type;
	}
	return count;
}

START_TEST(every_processor_is_listed)
{
	static const struct {
		unsigned vcpus;
		unsigned local;
		unsigned x2;
		unsigned x2_nmi;
	} expected[] = { { 1, 1, 0, 0 }, { 255, 255, 0, 0 }, { 256, 255, 1, 1 },
		{ 1024, 255, 769, 1 }, { 4096, 255, 3841, 1 } };
	const uint8_t *madt;

	machine.vcpus = expected[_i].vcpus;
	ck_assert_uint_gt(acpi_build(&machine, area, sizeof(area), FIRMWARE_BASE), 0);
	madt = find("APIC");

	ck_assert_uint_eq(count_entries(madt, 0), expected[_i].local);
	ck_assert_uint_eq(count_entries(madt, 9), expected[_i].x2);
	ck_assert_uint_eq(count_entries(madt, 10), expected[_i].x2_nmi);
	ck_assert_uint_eq(count_entries(madt, 4), 1);
	ck_assert_uint_eq(count_entries(madt, 1), 1);
}

START_TEST(an_area_of_any_smaller_size_is_refused)
{
	size_t used = acpi_build(&machine, area, sizeof(area), FIRMWARE_BASE);
	uint8_t *exact;

	for (size_t size = 0; size < used; size++) {
		exact = malloc(size + 1);
		ck_assert_ptr_nonnull(exact);
		ck_assert_uint_eq(acpi_build(&machine, exact, size, FIRMWARE_BASE), 0);
		free(exact);
	}
}

static void write_file(const char *directory, const char *name, const uint8_t *bytes, size_t size)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

static void run(const char *directory, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && { %s; } >output 2>&1 || { cat output; exit 1; }",
		directory, command);
	ck_assert_int_eq(system(line), 0);
}

/* Whether the text, read back from the compiled table, holds every one of the lines. */
static void expect(const char *directory, const char *const *lines, size_t count)
{
	static char text[1 << 20];
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/dsdt.dsl", directory);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(strstr(text, lines[i]), "no %s in the DSDT", lines[i]);
}

/* The outside judge: ACPI's own compiler takes the tables apart and makes them again. */
START_TEST(the_reference_compiler_understands_every_table)
{
	static const char *const names[] = { "DSDT", "FACP", "APIC" };
	static const char *const lines[] = { "Device (COM1)", "\"PNP0501\"", "Device (PWRB)",
		"\"PNP0C0C\"", "\"ACPI0013\"", "Method (_EVT, 1", "Notify (\\_SB.PWRB, 0x80)",
		"\"QEMU0001\"", "Device (V000)", "Device (V01F)", "\"LNRO0005\"",
		"Memory32Fixed (ReadWrite", "0xD001F000", "0x00001000",
		"Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive", "0x0000002F",
		"_S5, Package (0x04)" };
	char directory[] = "/tmp/test_acpi.XXXXXX";

	if (system("command -v iasl >/dev/null") != 0) {
		puts("SKIP: iasl (package acpica-tools) is not installed");
		return;
	}
	ck_assert_ptr_nonnull(mkdtemp(directory));
	machine.device_count = MOST_DEVICES;
	acpi_build(&machine, area, sizeof(area), FIRMWARE_BASE);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		write_file(directory, names[i], find(names[i]), get_32(find(names[i]) + 4));

	run(directory, "iasl -p dsdt -d DSDT && iasl -we -p again dsdt.dsl");
	expect(directory, lines, ARRAY_SIZE(lines));
	run(directory, "iasl -p facp -d FACP && iasl -we -p again facp.dsl");
	run(directory, "iasl -p apic -d APIC && iasl -we -p again apic.dsl");
	run(directory, "! grep -l -i -E 'unknown|invalid|incorrect|error' *.dsl");
	run(directory, "rm -r \"$PWD\"");
}

int main(void)
{
	Suite *suite = suite_create("acpi");
	TCase *tcase = tcase_create("acpi");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, the_root_pointer_is_where_firmware_puts_it);
	tcase_add_test(tcase, the_machine_is_hardware_reduced_and_can_sleep_and_reset);
	tcase_add_loop_test(tcase, every_processor_is_listed, 0, 5);
	tcase_add_test(tcase, an_area_of_any_smaller_size_is_refused);
	tcase_add_test(tcase, the_reference_compiler_understands_every_table);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
