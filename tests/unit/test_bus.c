#include "bus.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static struct bus bus;
static uint64_t seen_offset, seen_value;
static unsigned seen_length;

static uint64_t echo_read(void *owner, uint64_t offset, unsigned length)
{
	seen_offset = offset;
	seen_length = length;
	return *(uint64_t *)owner;
}

static void echo_write(void *owner, uint64_t offset, unsigned length, uint64_t value)
{
	(void)owner;
	seen_offset = offset;
	seen_length = length;
	seen_value = value;
}

static uint64_t answer[BUS_REGIONS + 1];

static int add(enum bus_kind kind, uint64_t base, uint64_t size, unsigned number)
{
	answer[number] = number;
	return bus_add(&bus,
		&(struct bus_region){
			.kind = kind,
			.base = base,
			.size = size,
			.name = "echo",
			.owner = &answer[number],
			.read = echo_read,
			.write = echo_write,
		});
}

static void start(void)
{
	bus.count = 0;
	seen_value = 0;
}

START_TEST(finds_each_of_many_windows_added_in_any_order)
{
	uint64_t value;

	for (unsigned i = 0; i < BUS_REGIONS; i++)
		ck_assert_int_eq(add(BUS_MMIO, 0x1000 * ((i * 37) % BUS_REGIONS), 0x800, i), 0);

	for (unsigned i = 0; i < BUS_REGIONS; i++) {
		uint64_t base = 0x1000 * ((i * 37) % BUS_REGIONS);

		ck_assert(bus_read(&bus, BUS_MMIO, base + 0x7fc, 4, &value));
		ck_assert_uint_eq(value, i);
		ck_assert_uint_eq(seen_offset, 0x7fc);
		ck_assert_uint_eq(seen_length, 4);
	}
}

START_TEST(nobody_answers_outside_the_windows)
{
	static const uint64_t outside[] = { 0, 0xfff, 0x2000, 0x2fff, 0x5000, UINT64_MAX };
	uint64_t value;

	add(BUS_MMIO, 0x1000, 0x1000, 0);
	add(BUS_MMIO, 0x3000, 0x2000, 1);

	for (unsigned i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		ck_assert(!bus_read(&bus, BUS_MMIO, outside[i], 1, &value));
		ck_assert(!bus_write(&bus, BUS_MMIO, outside[i], 1, 0));
	}
}

START_TEST(an_access_must_lie_inside_one_window)
{
	uint64_t value;

	add(BUS_MMIO, 0x1000, 0x1000, 0);
	add(BUS_MMIO, 0x2000, 0x1000, 1);

	ck_assert(bus_read(&bus, BUS_MMIO, 0x1ff8, 8, &value));
	ck_assert(!bus_read(&bus, BUS_MMIO, 0x1ff9, 8, &value));
	ck_assert(!bus_read(&bus, BUS_MMIO, 0x2fff, 2, &value));
}

START_TEST(ports_and_memory_are_two_spaces)
{
	uint64_t value;

	ck_assert_int_eq(add(BUS_PIO, 0x3f8, 8, 1), 0);
	ck_assert_int_eq(add(BUS_MMIO, 0x3f8, 8, 2), 0);

	ck_assert(bus_read(&bus, BUS_PIO, 0x3ff, 1, &value));
	ck_assert_uint_eq(value, 1);
	ck_assert(bus_read(&bus, BUS_MMIO, 0x3ff, 1, &value));
	ck_assert_uint_eq(value, 2);
}

START_TEST(a_write_reaches_its_window)
{
	add(BUS_PIO, 0x3f8, 8, 0);

	ck_assert(bus_write(&bus, BUS_PIO, 0x3f9, 2, 0xabcd));
	ck_assert_uint_eq(seen_offset, 1);
	ck_assert_uint_eq(seen_length, 2);
	ck_assert_uint_eq(seen_value, 0xabcd);
}

static const struct {
	uint64_t base;
	uint64_t size;
	int result;
} additions[] = {
	{ 0x2000, 0x1000, -EEXIST },
	{ 0x1fff, 2, -EEXIST },
	{ 0x2fff, 1, -EEXIST },
	{ 0x2800, 4, -EEXIST },
	{ 0, UINT64_MAX, -EEXIST },
	{ 0x1000, 0x1000, 0 },
	{ 0x3000, 1, 0 },
	{ 0x1000, 0, -EINVAL },
	{ UINT64_MAX, 2, -EINVAL },
	{ UINT64_MAX, 1, 0 },
};

START_TEST(refuses_overlapping_and_impossible_windows)
{
	add(BUS_MMIO, 0x2000, 0x1000, 0);

	ck_assert_int_eq(add(BUS_MMIO, additions[_i].base, additions[_i].size, 1),
		additions[_i].result);
	ck_assert_uint_eq(bus.count, additions[_i].result == 0 ? 2 : 1);
}

START_TEST(refuses_more_windows_than_it_holds)
{
	for (unsigned i = 0; i < BUS_REGIONS; i++)
		ck_assert_int_eq(add(BUS_MMIO, 0x1000 * i, 0x1000, i), 0);

	ck_assert_int_eq(add(BUS_MMIO, 0x1000 * BUS_REGIONS, 0x1000, BUS_REGIONS), -ENOSPC);
}

int main(void)
{
	Suite *suite = suite_create("bus");
	TCase *tcase = tcase_create("bus");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, finds_each_of_many_windows_added_in_any_order);
	tcase_add_test(tcase, nobody_answers_outside_the_windows);
	tcase_add_test(tcase, an_access_must_lie_inside_one_window);
	tcase_add_test(tcase, ports_and_memory_are_two_spaces);
	tcase_add_test(tcase, a_write_reaches_its_window);
	tcase_add_loop_test(tcase, refuses_overlapping_and_impossible_windows, 0,
		sizeof(additions) / sizeof(additions[0]));
	tcase_add_test(tcase, refuses_more_windows_than_it_holds);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
