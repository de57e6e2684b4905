/* Signals to eventfds of peers, which may be full, and which may not be eventfds. */
#include "bell.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

START_TEST(every_ring_is_counted)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	eventfd_t count;

	for (unsigned i = 0; i < 1000; i++)
		ck_assert_int_eq(bell_ring(fd), 0);

	ck_assert_int_eq(eventfd_read(fd, &count), 0);
	ck_assert_uint_eq(count, 1000);
	close(fd);
}

START_TEST(one_that_is_full_makes_nobody_wait)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	ck_assert_int_eq(eventfd_write(fd, UINT64_MAX - 1), 0);

	for (unsigned i = 0; i < 1000; i++)
		ck_assert_int_eq(bell_ring(fd), 0);
	close(fd);
}

START_TEST(what_is_no_eventfd_is_not_rung)
{
	int pair[2];

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);

	ck_assert_int_eq(bell_ring(pair[1]), -EINVAL);
	ck_assert_int_eq(bell_ring(-1), -EINVAL);
	close(pair[0]);
	close(pair[1]);
}

START_TEST(looking_rings_nothing)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t count;

	for (unsigned i = 0; i < 1000; i++)
		ck_assert_int_eq(bell_check(fd), 0);

	ck_assert_int_ne(eventfd_read(fd, &count), 0);
	ck_assert_int_eq(bell_ring(fd), 0);
	ck_assert_int_eq(eventfd_read(fd, &count), 0);
	close(fd);
}

START_TEST(only_eventfds_look_like_eventfds)
{
	int fds[] = {
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
		open("/dev/null", O_RDWR | O_CLOEXEC),
		open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
		open("/", O_PATH | O_CLOEXEC),
		-1,
	};

	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		ck_assert_int_eq(bell_check(fds[i]), -EINVAL);
}

/* Where others have taken all that may be set up. */
static void take_all_away(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	ck_assert_int_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAGAIN), SCMP_SYS(io_setup), 0),
		0);
	ck_assert_int_eq(seccomp_load(filter), 0);
	seccomp_release(filter);
}

START_TEST(where_the_kernel_does_not_signal_nothing_is_written)
{
	int fd = eventfd(0, EFD_CLOEXEC), mode = fcntl(fd, F_GETFL);
	eventfd_t count;

	take_all_away();
	ck_assert_int_eq(bell_ring(fd), -EAGAIN);
	ck_assert_int_eq(bell_check(fd), -EAGAIN);

	ck_assert_int_eq(fcntl(fd, F_GETFL), mode);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_ne(eventfd_read(fd, &count), 0);
	close(fd);
}

START_TEST(many_are_rung_in_turn)
{
	int fds[100];
	eventfd_t count;

	for (unsigned i = 0; i < 100; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (unsigned i = 0; i < 5000; i++)
		ck_assert_int_eq(bell_ring(fds[i % 100]), 0);

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
	tcase_add_test(tcase, looking_rings_nothing);
	tcase_add_test(tcase, only_eventfds_look_like_eventfds);
	tcase_add_test(tcase, where_the_kernel_does_not_signal_nothing_is_written);
	tcase_add_test(tcase, many_are_rung_in_turn);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
