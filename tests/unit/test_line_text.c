/* The text of a guest's lines: what is left of them, and where each byte of it came from. */

#include "line_text.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static struct line_text line;
static char lines[65536];
static unsigned count;

static void line_ended(struct line_text *ended)
{
	strcat(lines, ended->text);
	strcat(lines, "\n");
	count++;
}

static void feed(const char *bytes)
{
	line_text_feed(&line, (const uint8_t *)bytes, strlen(bytes));
}

static void start(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	memset(&line, 0, sizeof(line));
	line.ended = line_ended;
	*lines = '\0';
	count = 0;
}

START_TEST(lines_come_one_by_one_and_the_last_stands)
{
	feed("one\r\ntwo\nthree");

	ck_assert_str_eq(lines, "one\ntwo\n");
	ck_assert_str_eq(line.text, "three");
	ck_assert_uint_eq(line.length, 5);
}

START_TEST(control_sequences_and_what_was_taken_back_are_gone)
{
	feed("\033[1;32mgr\303\274\bu\bn\033[0m\tok\033]0;title\007!");

	ck_assert_str_eq(line.text, "grn ok!");
}

START_TEST(what_is_no_character_is_made_one)
{
	feed("a\001b\377c");

	ck_assert_str_eq(line.text, "a^Ab\\xffc");
}

START_TEST(a_carriage_return_begins_another_line)
{
	feed("10%\r20%\rlogin: ");

	ck_assert_str_eq(lines, "10%\n20%\n");
	ck_assert_str_eq(line.text, "login: ");
}

START_TEST(it_is_known_how_much_was_fed_for_each_byte)
{
	feed("one\r\n\033[1ma\tb");

	ck_assert_uint_eq(line.begin, 5);
	ck_assert_uint_eq(line.begin + line.fed[0], 10);
	ck_assert_uint_eq(line.begin + line.fed[1], 11);
	ck_assert_uint_eq(line.begin + line.fed[2], line.total);
	feed("\rx");
	ck_assert_uint_eq(line.begin + line.fed[0], line.total);
}

START_TEST(a_very_long_line_is_several)
{
	for (unsigned i = 0; i < LINE_TEXT_MAX + 10; i++)
		feed("\303\274");

	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(line.length, 20);
}

int main(void)
{
	Suite *suite = suite_create("line_text");
	TCase *tcase = tcase_create("lines");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, lines_come_one_by_one_and_the_last_stands);
	tcase_add_test(tcase, control_sequences_and_what_was_taken_back_are_gone);
	tcase_add_test(tcase, what_is_no_character_is_made_one);
	tcase_add_test(tcase, a_carriage_return_begins_another_line);
	tcase_add_test(tcase, it_is_known_how_much_was_fed_for_each_byte);
	tcase_add_test(tcase, a_very_long_line_is_several);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
