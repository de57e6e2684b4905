#include "arch.h"
#include "layout.h"
#include "machine.h"

#include <check.h>
#include <stdlib.h>

#define GIB 0x40000000ULL

static const struct {
	uint64_t size;
	unsigned count;
	uint64_t low;
	uint64_t high;
} sizes[] = {
	{ 0x200000, 1, 0x200000, 0 },
	{ 128 << 20, 1, 128 << 20, 0 },
	{ 3 * GIB - PAGE_SIZE, 1, 3 * GIB - PAGE_SIZE, 0 },
	{ 3 * GIB, 1, 3 * GIB, 0 },
	{ 3 * GIB + PAGE_SIZE, 2, 3 * GIB, PAGE_SIZE },
	{ 4 * GIB, 2, 3 * GIB, GIB },
	{ 1024 * GIB, 2, 3 * GIB, 1021 * GIB },
};

START_TEST(ram_leaves_a_hole_below_four_gib)
{
	struct address_range ranges[GUEST_MEMORY_REGIONS] = { 0 };

	ck_assert_uint_eq(arch_ram_layout(sizes[_i].size, ranges), sizes[_i].count);
	ck_assert_uint_eq(ranges[0].base, 0);
	ck_assert_uint_eq(ranges[0].size, sizes[_i].low);
	ck_assert_uint_eq(ranges[1].base, sizes[_i].high ? 4 * GIB : 0);
	ck_assert_uint_eq(ranges[1].size, sizes[_i].high);
}

START_TEST(nothing_in_the_hole_overlaps)
{
	struct address_range window = arch_device_window();

	ck_assert_uint_ge(window.base, LOW_RAM_END);
	ck_assert_uint_ge(window.size, (uint64_t)MACHINE_DEVICES * PAGE_SIZE);
	ck_assert_uint_le(window.base + window.size, IOAPIC_BASE);
	ck_assert_uint_le(IOAPIC_BASE + IOAPIC_WINDOW_SIZE, LOCAL_APIC_BASE);
	ck_assert_uint_le(LOCAL_APIC_BASE + PAGE_SIZE, KVM_IDENTITY_MAP_BASE);
	ck_assert_uint_eq(KVM_IDENTITY_MAP_BASE + PAGE_SIZE, KVM_TSS_BASE);
	ck_assert_uint_le(KVM_TSS_BASE + 3 * PAGE_SIZE, HIGH_RAM_BASE);
}

START_TEST(every_device_has_its_own_line)
{
	ck_assert_uint_gt(arch_interrupt_number(0), GSI_SERIAL);
	ck_assert_uint_gt(arch_interrupt_number(0), GSI_POWER_BUTTON);
	ck_assert_uint_eq(arch_interrupt_number(1), arch_interrupt_number(0) + 1);
	ck_assert_uint_lt(arch_interrupt_number(MACHINE_DEVICES - 1), IOAPIC_PINS);
}

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *tcase = tcase_create("layout");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, ram_leaves_a_hole_below_four_gib, 0, ARRAY_SIZE(sizes));
	tcase_add_test(tcase, nothing_in_the_hole_overlaps);
	tcase_add_test(tcase, every_device_has_its_own_line);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
