/* Accepting connections, also from those who never cease to connect. */

#include "listener.h"
#include "unix_socket.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define ENDLESS 1000

static char directory[] = "/tmp/test_listener.XXXXXX";
static char path[64];
static struct event_base *base;
static struct listener *listener;
static unsigned accepted_count;
static int accepted_fd = -1;
static int error;
static bool insistent; /* who was accepted is there again at once */

static void knock(void)
{
	close(unix_connect(path));
}

static void accepted(void *owner, int fd)
{
	ck_assert_ptr_eq(owner, &base);
	if (accepted_fd >= 0)
		close(accepted_fd);
	accepted_fd = fd;
	accepted_count++;
	ck_assert_uint_lt(accepted_count, ENDLESS);
	if (insistent)
		knock();
}

static void failed(void *owner, int why)
{
	ck_assert_ptr_eq(owner, &base);
	error = why;
}

static void start(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	base = event_base_new();
	listener = listener_create(base, unix_listen(path, 0600), accepted, failed, &base);
	ck_assert_ptr_nonnull(listener);
}

static void stop(void)
{
	listener_destroy(listener);
	event_base_free(base);
	unlink(path);
	rmdir(directory);
}

START_TEST(connections_do_not_block_and_are_closed_on_exec)
{
	knock();
	event_base_loop(base, EVLOOP_ONCE);

	ck_assert_uint_eq(accepted_count, 1);
	ck_assert_int_ne(fcntl(accepted_fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(accepted_fd, F_GETFD) & FD_CLOEXEC, 0);
}

START_TEST(all_who_wait_are_accepted)
{
	for (unsigned i = 0; i < 50; i++)
		knock();
	while (accepted_count < 50)
		event_base_loop(base, EVLOOP_ONCE);
	event_base_loop(base, EVLOOP_NONBLOCK);

	ck_assert_uint_eq(accepted_count, 50);
	ck_assert_int_eq(error, 0);
}

START_TEST(who_connects_without_end_does_not_keep_the_loop)
{
	insistent = true;
	knock();
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_gt(accepted_count, 0);
}

START_TEST(goes_on_once_there_are_descriptors_again)
{
	struct rlimit limit, none;

	knock();
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(error, EMFILE);
	ck_assert_uint_eq(accepted_count, 0);

	setrlimit(RLIMIT_NOFILE, &limit);
	while (!accepted_count)
		event_base_loop(base, EVLOOP_ONCE);
}

START_TEST(can_go_while_it_pauses)
{
	struct rlimit limit, none;

	knock();
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	event_base_loop(base, EVLOOP_ONCE);
	setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert_int_eq(error, EMFILE);

	listener_destroy(listener);
	listener = NULL;
	ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 1); /* there is nothing left */
	ck_assert_uint_eq(accepted_count, 0);
}

int main(void)
{
	Suite *suite = suite_create("listener");
	TCase *tcase = tcase_create("listener");
	SRunner *runner = srunner_create(suite);
	int failed_count;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, connections_do_not_block_and_are_closed_on_exec);
	tcase_add_test(tcase, all_who_wait_are_accepted);
	tcase_add_test(tcase, who_connects_without_end_does_not_keep_the_loop);
	tcase_add_test(tcase, goes_on_once_there_are_descriptors_again);
	tcase_add_test(tcase, can_go_while_it_pauses);

	srunner_run_all(runner, CK_NORMAL);
	failed_count = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed_count ? EXIT_FAILURE : EXIT_SUCCESS;
}
