/* The last lines of a stream. */

#include "last_lines.h"

#include <check.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

static struct last_lines last;
static struct evbuffer *out;

static void start(void)
{
	ck_assert_int_eq(last_lines_init(&last), 0);
	out = evbuffer_new();
	ck_assert(out != NULL);
}

static void stop(void)
{
	evbuffer_free(out);
	last_lines_release(&last);
}

static void add(uint64_t position, const char *text)
{
	last_lines_add(&last, position, (const uint8_t *)text, strlen(text));
}

static void shows(unsigned count, const char *expected)
{
	evbuffer_drain(out, evbuffer_get_length(out));
	last_lines_copy(&last, count, out);
	ck_assert_uint_eq(evbuffer_get_length(out), strlen(expected));
	if (*expected)
		ck_assert_mem_eq(evbuffer_pullup(out, -1), expected, strlen(expected));
}

START_TEST(are_none_at_first)
{
	shows(10, "");
}

START_TEST(are_as_many_as_asked_for)
{
	add(0, "one\ntwo\nthree\n");

	shows(1, "three\n");
	shows(2, "two\nthree\n");
	shows(3, "one\ntwo\nthree\n");
	shows(4, "one\ntwo\nthree\n");
}

START_TEST(a_last_line_without_an_end_is_one)
{
	add(0, "one\ntwo\nlog");
	add(11, "in: ");

	shows(1, "login: ");
	shows(2, "two\nlogin: ");
}

START_TEST(bytes_that_come_again_are_known)
{
	add(0, "one\ntwo\n");
	add(4, "two\n");
	add(4, "two\nthree\n");

	shows(10, "one\ntwo\nthree\n");
}

START_TEST(what_is_before_a_gap_is_forgotten)
{
	add(0, "one\ntwo\n");
	add(100, "three\n");

	shows(10, "three\n");
}

START_TEST(are_bounded)
{
	static char text[3 * LAST_LINES_BYTES];

	memset(text, 'x', sizeof(text) - 1);
	add(0, text);
	add(sizeof(text) - 1, "y");

	last_lines_copy(&last, 10, out);
	ck_assert_uint_eq(evbuffer_get_length(out), LAST_LINES_BYTES);
	ck_assert_uint_eq(last.end, sizeof(text));
}

int main(void)
{
	Suite *suite = suite_create("last_lines");
	TCase *tests = tcase_create("last_lines");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, are_none_at_first);
	tcase_add_test(tests, are_as_many_as_asked_for);
	tcase_add_test(tests, a_last_line_without_an_end_is_one);
	tcase_add_test(tests, bytes_that_come_again_are_known);
	tcase_add_test(tests, what_is_before_a_gap_is_forgotten);
	tcase_add_test(tests, are_bounded);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
