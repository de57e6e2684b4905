#include "ioapic.h"

#include <check.h>
#include <stdlib.h>

#define SELECT 0x00
#define DATA 0x10
#define ENTRY(pin) (0x10U + 2 * (pin))
#define MASKED 0x10000U
#define LEVEL 0x8000U

static struct ioapic ioapic;
static unsigned changes;

static void count_change(void *owner)
{
	unsigned *count = owner;

	(*count)++;
}

static void start(void)
{
	changes = 0;
	ioapic_init(&ioapic, false, count_change, &changes);
}

static void stop(void)
{
	ioapic_destroy(&ioapic);
}

static uint32_t get(uint32_t number)
{
	ioapic_write(&ioapic, SELECT, 4, number);
	return (uint32_t)ioapic_read(&ioapic, DATA, 4);
}

static void set(uint32_t number, uint32_t value)
{
	ioapic_write(&ioapic, SELECT, 4, number);
	ioapic_write(&ioapic, DATA, 4, value);
}

START_TEST(says_how_many_lines_it_has)
{
	ck_assert_uint_eq(get(1) >> 16 & 0xff, IOAPIC_PINS - 1);
	ck_assert_uint_eq(get(1) & 0xff, 0x11);
}

START_TEST(begins_with_every_line_masked)
{
	struct ioapic_message message;

	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		ck_assert_uint_eq(get(ENTRY(pin)), MASKED);
		ck_assert(!ioapic_message(&ioapic, pin, &message));
	}
}

START_TEST(turns_an_entry_into_a_message)
{
	struct ioapic_message message;

	set(ENTRY(7) + 1, 3U << 24);
	set(ENTRY(7), 0x931); /* vector 0x31, lowest priority, logical */

	ck_assert(ioapic_message(&ioapic, 7, &message));
	ck_assert_uint_eq(message.address_low, 0xfee03004);
	ck_assert_uint_eq(message.address_high, 0);
	ck_assert_uint_eq(message.data, 0x131);
}

START_TEST(reaches_more_processors_when_told_to)
{
	struct ioapic_message message;

	ioapic.wide_destinations = true;
	set(ENTRY(7) + 1, 0x02060000); /* 0x302: the low 8 bits at the top, then 7 more */
	set(ENTRY(7), 0x31);

	ck_assert(ioapic_message(&ioapic, 7, &message));
	ck_assert_uint_eq(message.address_low, 0xfee02000);
	ck_assert_uint_eq(message.address_high, 0x300);
}

START_TEST(tells_of_changes_that_matter_only)
{
	set(ENTRY(2) + 1, 1U << 24);
	set(ENTRY(2), MASKED | 0x40);
	ck_assert_uint_eq(changes, 0);

	set(ENTRY(2), 0x40);
	ck_assert_uint_eq(changes, 1);
	set(ENTRY(2), 0x40);
	ck_assert_uint_eq(changes, 1);
	set(ENTRY(2), 0x41);
	ck_assert_uint_eq(changes, 2);
	set(ENTRY(2), MASKED | 0x41);
	ck_assert_uint_eq(changes, 3);
}

START_TEST(delivers_level_lines_as_edges)
{
	struct ioapic_message message;

	set(ENTRY(2), LEVEL | 0x40);

	ck_assert(ioapic_message(&ioapic, 2, &message));
	ck_assert_uint_eq(message.data, 0x40);
	ck_assert_uint_eq(get(ENTRY(2)), LEVEL | 0x40);
}

START_TEST(keeps_its_status_bits_to_itself)
{
	set(ENTRY(2), 0x5040);

	ck_assert_uint_eq(get(ENTRY(2)), 0x40);
}

/* SMI, INIT, ExtINT and the reserved ones are for hardware that is not here. */
START_TEST(refuses_odd_delivery_modes)
{
	static const uint32_t mode[] = { 2, 3, 5, 6, 7 };
	struct ioapic_message message;

	set(ENTRY(2), mode[_i] << 8 | 0x40);

	ck_assert(!ioapic_message(&ioapic, 2, &message));
	ck_assert_uint_eq(changes, 0);
}

START_TEST(survives_every_register_in_every_width)
{
	struct ioapic_message message;

	for (uint64_t offset = 0; offset < IOAPIC_WINDOW_SIZE; offset++)
		for (unsigned length = 1; length <= 8; length *= 2) {
			ioapic_write(&ioapic, offset, length, UINT64_MAX);
			ioapic_read(&ioapic, offset, length);
		}
	for (uint32_t number = 0; number < 256; number++) {
		set(number, UINT32_MAX);
		get(number);
	}
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		ck_assert(!ioapic_message(&ioapic, pin, &message));
	ck_assert(!ioapic_message(&ioapic, IOAPIC_PINS, &message));
	ck_assert_uint_eq(get(0), 0x0f000000);
}

int main(void)
{
	Suite *suite = suite_create("ioapic");
	TCase *tcase = tcase_create("ioapic");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, says_how_many_lines_it_has);
	tcase_add_test(tcase, begins_with_every_line_masked);
	tcase_add_test(tcase, turns_an_entry_into_a_message);
	tcase_add_test(tcase, reaches_more_processors_when_told_to);
	tcase_add_test(tcase, tells_of_changes_that_matter_only);
	tcase_add_test(tcase, delivers_level_lines_as_edges);
	tcase_add_test(tcase, keeps_its_status_bits_to_itself);
	tcase_add_loop_test(tcase, refuses_odd_delivery_modes, 0, 5);
	tcase_add_test(tcase, survives_every_register_in_every_width);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
