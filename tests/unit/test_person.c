/* Who is at the other end of a unix socket. */

#include "person.h"

#include <check.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(a_socket_tells_who_made_it)
{
	const struct passwd *user = getpwuid(geteuid());
	struct person person;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	person_at(pair[0], &person);
	ck_assert_int_eq(person.pid, getpid());
	ck_assert_uint_eq(person.uid, geteuid());
	ck_assert_uint_eq(person_uid_at(pair[0]), geteuid());
	if (user)
		ck_assert_str_eq(person.user, user->pw_name);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(what_is_no_socket_tells_nobody)
{
	struct person person;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	person_at(fds[0], &person);
	ck_assert_int_eq(person.pid, 0);
	ck_assert(!person_is_ours(person.uid));
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_person_is_told_with_its_process_if_that_is_known)
{
	struct person person = { .pid = 4711, .user = "root" };
	char text[PERSON_TEXT_MAX];

	person_text(&person, text);
	ck_assert_str_eq(text, "root (pid 4711)");
	person.pid = 0;
	person_text(&person, text);
	ck_assert_str_eq(text, "root");
}
END_TEST

START_TEST(root_and_oneself_are_trusted)
{
	ck_assert(person_is_ours(0));
	ck_assert(person_is_ours(geteuid()));
	ck_assert(!person_is_ours(geteuid() + 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("person");
	TCase *tests = tcase_create("person");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, a_socket_tells_who_made_it);
	tcase_add_test(tests, what_is_no_socket_tells_nobody);
	tcase_add_test(tests, a_person_is_told_with_its_process_if_that_is_known);
	tcase_add_test(tests, root_and_oneself_are_trusted);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
