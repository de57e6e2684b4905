/* Telling the service manager how we are. */

#include "notify.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager's socket; name begins with '@' for an abstract one. */
static int manager(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, strlen(name));
	if (*name == '@')
		address.sun_path[0] = '\0';
	ck_assert(!bind(fd, (struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))));
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *received(int fd)
{
	static char text[2048];
	ssize_t length = recv(fd, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(length, 0);
	text[length] = '\0';
	return text;
}

START_TEST(tells_a_manager_at_a_path)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/tmp/test_notify.%d", getpid());
	fd = manager(name);

	ck_assert_int_eq(notify_send("READY=1\nSTATUS=%s runs", "guest1"), 0);

	ck_assert_str_eq(received(fd), "READY=1\nSTATUS=guest1 runs");
	unlink(name);
}

START_TEST(tells_a_manager_at_an_abstract_address)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "@test_notify.%d", getpid());
	fd = manager(name);

	ck_assert_int_eq(notify_send("STOPPING=1"), 0);
	ck_assert_int_eq(notify_send("WATCHDOG=1"), 0);

	ck_assert_str_eq(received(fd), "STOPPING=1");
	ck_assert_str_eq(received(fd), "WATCHDOG=1");
}

START_TEST(is_content_where_nobody_asked)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(notify_send("READY=1"), 0);

	setenv("NOTIFY_SOCKET", "", 1);
	ck_assert_int_eq(notify_send("READY=1"), 0);
}

START_TEST(says_why_it_cannot)
{
	char name[200];

	setenv("NOTIFY_SOCKET", "/nowhere/socket", 1);
	ck_assert_int_eq(notify_send("READY=1"), -ENOENT);

	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert_int_eq(notify_send("READY=1"), -EAFNOSUPPORT);

	memset(name, '/', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	ck_assert_int_eq(notify_send("READY=1"), -ENAMETOOLONG);
}

START_TEST(never_blocks_on_a_manager_that_does_not_read)
{
	char name[64];
	int fd, result = 0;

	snprintf(name, sizeof(name), "@test_notify.full.%d", getpid());
	fd = manager(name);

	for (unsigned i = 0; i < 100000 && !result; i++)
		result = notify_send("WATCHDOG=1");

	ck_assert_int_eq(result, -EAGAIN);
	close(fd);
}

static const struct {
	const char *usec;
	const char *pid; /* NULL: unset */
	uint64_t expected;
} watchdogs[] = {
	{ "3000000", NULL, 3000000 },
	{ "3000000", "1", 0 }, /* meant for another process */
	{ "0", NULL, 0 },
	{ "-1", NULL, 0 },
	{ "12x", NULL, 0 },
	{ "99999999999999999999999", NULL, 0 },
	{ "", NULL, 0 },
};

START_TEST(knows_how_often_the_manager_wants_to_hear)
{
	setenv("WATCHDOG_USEC", watchdogs[_i].usec, 1);
	unsetenv("WATCHDOG_PID");
	if (watchdogs[_i].pid)
		setenv("WATCHDOG_PID", watchdogs[_i].pid, 1);

	ck_assert_uint_eq(notify_watchdog_us(), watchdogs[_i].expected);
}

START_TEST(heeds_a_watchdog_meant_for_this_process)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	setenv("WATCHDOG_USEC", "20", 1);
	ck_assert_uint_eq(notify_watchdog_us(), 20);

	unsetenv("WATCHDOG_USEC");
	ck_assert_uint_eq(notify_watchdog_us(), 0);
}

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tcase = tcase_create("notify");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, tells_a_manager_at_a_path);
	tcase_add_test(tcase, tells_a_manager_at_an_abstract_address);
	tcase_add_test(tcase, is_content_where_nobody_asked);
	tcase_add_test(tcase, says_why_it_cannot);
	tcase_add_test(tcase, never_blocks_on_a_manager_that_does_not_read);
	tcase_add_loop_test(tcase, knows_how_often_the_manager_wants_to_hear, 0,
		sizeof(watchdogs) / sizeof(watchdogs[0]));
	tcase_add_test(tcase, heeds_a_watchdog_meant_for_this_process);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
