/* Stream sockets in the file system. */

#include "unix_socket.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/test_unix_socket.XXXXXX";
static char path[64];

static void start(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
}

static void stop(void)
{
	unlink(path);
	rmdir(directory);
}

START_TEST(a_client_reaches_the_listener)
{
	int listener = unix_listen(path, 0600);
	int client = unix_connect(path);
	int accepted = accept(listener, NULL, NULL);
	char byte = 0;

	ck_assert_int_ge(client, 0);
	ck_assert_int_ge(accepted, 0);
	ck_assert_int_eq(write(client, "x", 1), 1);
	ck_assert_int_eq(read(accepted, &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
}

START_TEST(has_the_mode_asked_for_whatever_the_umask)
{
	struct stat status;

	umask(0777);
	ck_assert_int_ge(unix_listen(path, 0660), 0);
	umask(022);

	ck_assert(!stat(path, &status));
	ck_assert_uint_eq(status.st_mode & 07777, 0660);
}

START_TEST(descriptors_are_non_blocking_and_closed_on_exec)
{
	int fd[] = { unix_listen(path, 0600), unix_connect(path) };

	for (int i = 0; i < 2; i++) {
		ck_assert(fcntl(fd[i], F_GETFL) & O_NONBLOCK);
		ck_assert(fcntl(fd[i], F_GETFD) & FD_CLOEXEC);
	}
}

START_TEST(refuses_a_path_somebody_listens_on)
{
	ck_assert_int_ge(unix_listen(path, 0600), 0);

	ck_assert_int_eq(unix_listen(path, 0600), -EADDRINUSE);

	ck_assert_int_ge(unix_connect(path), 0);
}

START_TEST(replaces_a_socket_nobody_listens_on)
{
	close(unix_listen(path, 0600));
	ck_assert_int_eq(unix_connect(path), -ECONNREFUSED);

	ck_assert_int_ge(unix_listen(path, 0600), 0);

	ck_assert_int_ge(unix_connect(path), 0);
}

START_TEST(never_replaces_what_is_no_socket)
{
	int file = open(path, O_CREAT | O_RDWR, 0600);

	ck_assert_int_eq(unix_listen(path, 0600), -EADDRINUSE);

	ck_assert(!access(path, F_OK));
	close(file);
}

START_TEST(never_follows_a_link)
{
	char other[80];
	int listener;

	snprintf(other, sizeof(other), "%s/other", directory);
	listener = unix_listen(other, 0600);
	close(listener);
	ck_assert(!symlink(other, path));

	ck_assert_int_eq(unix_listen(path, 0600), -EADDRINUSE);

	unlink(other);
}

START_TEST(refuses_a_path_that_does_not_fit)
{
	char longest[108 + 1];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, directory, strlen(directory));
	longest[strlen(directory)] = '/';

	ck_assert_int_eq(unix_listen(longest, 0600), -ENAMETOOLONG);
	ck_assert_int_eq(unix_connect(longest), -ENAMETOOLONG);
	ck_assert_int_eq(unix_listen("", 0600), -EINVAL);
	ck_assert_int_eq(unix_connect(""), -EINVAL);

	longest[107] = '\0'; /* fits */
	ck_assert_int_ge(unix_listen(longest, 0600), 0);
	unlink(longest);
}

START_TEST(says_why_it_cannot)
{
	char missing[80];

	snprintf(missing, sizeof(missing), "%s/missing/socket", directory);

	ck_assert_int_eq(unix_listen(missing, 0600), -ENOENT);
	ck_assert_int_eq(unix_connect(missing), -ENOENT);
}

int main(void)
{
	Suite *suite = suite_create("unix_socket");
	TCase *tcase = tcase_create("unix_socket");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_client_reaches_the_listener);
	tcase_add_test(tcase, has_the_mode_asked_for_whatever_the_umask);
	tcase_add_test(tcase, descriptors_are_non_blocking_and_closed_on_exec);
	tcase_add_test(tcase, refuses_a_path_somebody_listens_on);
	tcase_add_test(tcase, replaces_a_socket_nobody_listens_on);
	tcase_add_test(tcase, never_replaces_what_is_no_socket);
	tcase_add_test(tcase, never_follows_a_link);
	tcase_add_test(tcase, refuses_a_path_that_does_not_fit);
	tcase_add_test(tcase, says_why_it_cannot);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
