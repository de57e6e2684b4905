/* Signals to eventfds of peers, which may be full, and which may not be eventfds. */
#include "bell.h"

#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

START_TEST(every_ring_is_counted)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	eventfd_t count;

	for (unsigned i = 0; i < 1000; i++)
		ck_assert(bell_ring(fd));

	ck_assert_int_eq(eventfd_read(fd, &count), 0);
	ck_assert_uint_eq(count, 1000);
	close(fd);
}

START_TEST(one_that_is_full_makes_nobody_wait)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	ck_assert_int_eq(eventfd_write(fd, UINT64_MAX - 1), 0);

	for (unsigned i = 0; i < 1000; i++)
		ck_assert(bell_ring(fd));
	close(fd);
}

START_TEST(what_is_no_eventfd_is_not_rung)
{
	int pair[2];

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);

	ck_assert(!bell_ring(pair[1]));
	ck_assert(!bell_ring(-1));
	close(pair[0]);
	close(pair[1]);
}

START_TEST(many_are_rung_in_turn)
{
	int fds[100];
	eventfd_t count;

	for (unsigned i = 0; i < 100; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (unsigned i = 0; i < 5000; i++)
		ck_assert(bell_ring(fds[i % 100]));

	for (unsigned i = 0; i < 100; i++) {
		ck_assert_int_eq(eventfd_read(fds[i], &count), 0);
		ck_assert_uint_eq(count, 50);
		close(fds[i]);
	}
}

int main(void)
{
	Suite *suite = suite_create("bell");
	TCase *tcase = tcase_create("bell");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, every_ring_is_counted);
	tcase_add_test(tcase, one_that_is_full_makes_nobody_wait);
	tcase_add_test(tcase, what_is_no_eventfd_is_not_rung);
	tcase_add_test(tcase, many_are_rung_in_turn);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
