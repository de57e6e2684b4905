/* How long a wire's worker looks for work, told by a clock in the test's hand. */

#include "wire_control.h"
#include "worker_poll.h"

#include <check.h>
#include <stdlib.h>

#define MOST 50000U

static struct worker_poll poll;
static uint64_t now;

static void start(void)
{
	now = 1000000000;
	worker_poll_init(&poll, MOST, now);
}

/* Nothing comes for so long after the last work; whether the worker slept meanwhile. */
static bool work_after(uint64_t gap)
{
	uint64_t last = now;
	bool slept = false;

	for (; now < last + gap; now += 1000) {
		if (!slept && worker_poll_is_over(&poll, now)) {
			worker_poll_sleep(&poll);
			slept = true;
		}
	}
	worker_poll_worked(&poll, now);
	return slept;
}

START_TEST(goes_on_looking_while_work_comes_at_short_intervals)
{
	for (unsigned i = 0; i < 1000; i++)
		ck_assert(!work_after(40000));
}

START_TEST(gives_up_looking_where_work_comes_at_long_intervals)
{
	for (unsigned i = 0; i < 10; i++)
		ck_assert(work_after(1000000));

	ck_assert_uint_eq(poll.window_ns, 0);
	ck_assert(worker_poll_is_over(&poll, now));
}

START_TEST(takes_up_looking_when_work_comes_at_short_intervals_again)
{
	for (unsigned i = 0; i < 10; i++)
		work_after(1000000);

	for (unsigned i = 0; i < 10; i++)
		work_after(20000);

	ck_assert(!work_after(20000));
}

START_TEST(does_not_look_longer_than_it_may)
{
	for (unsigned i = 0; i < 100; i++)
		work_after(MOST - 1000);

	ck_assert_uint_le(poll.window_ns, MOST);
	ck_assert(!worker_poll_is_over(&poll, now + MOST - 1));
	ck_assert(worker_poll_is_over(&poll, now + MOST));
}

START_TEST(does_not_look_for_what_comes_a_little_too_late)
{
	for (unsigned i = 0; i < 20; i++)
		ck_assert(work_after(MOST + 10000));

	ck_assert_uint_eq(poll.window_ns, 0);
}

START_TEST(never_looks_when_it_may_not)
{
	worker_poll_init(&poll, 0, now);

	for (unsigned i = 0; i < 100; i++)
		ck_assert(work_after(1000));
}

START_TEST(never_sleeps_when_it_is_always_to_look)
{
	worker_poll_init(&poll, WIRE_POLL_ALWAYS, now);

	ck_assert(!worker_poll_is_over(&poll, now + 3600000000000));
	worker_poll_worked(&poll, now + 3600000000000);
	ck_assert(!worker_poll_is_over(&poll, UINT64_MAX - 1));
}

int main(void)
{
	Suite *suite = suite_create("worker_poll");
	TCase *tcase = tcase_create("worker_poll");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, goes_on_looking_while_work_comes_at_short_intervals);
	tcase_add_test(tcase, gives_up_looking_where_work_comes_at_long_intervals);
	tcase_add_test(tcase, takes_up_looking_when_work_comes_at_short_intervals_again);
	tcase_add_test(tcase, does_not_look_longer_than_it_may);
	tcase_add_test(tcase, does_not_look_for_what_comes_a_little_too_late);
	tcase_add_test(tcase, never_looks_when_it_may_not);
	tcase_add_test(tcase, never_sleeps_when_it_is_always_to_look);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
