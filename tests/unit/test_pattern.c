/* Patterns: where they are found, what is said of wrong ones, and the bound of a search. */

#include "pattern.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char message[256];

static int find(const char *text, unsigned flags, const char *line, struct pattern_place *place)
{
	struct pattern *pattern = pattern_create(text, flags, message, sizeof(message));
	int result;

	ck_assert_msg(pattern != NULL, "%s: %s", text, message);
	result = pattern_find(pattern, line, strlen(line), 0, place);
	pattern_destroy(pattern);
	return result;
}

static const struct {
	const char *text;
	const char *line;
	unsigned flags;
	int found;
} cases[] = {
	{ "a.c", "xabcx", 0, 1 },
	{ "a.c", "xabcx", PATTERN_FIXED, 0 },
	{ "a.c", "xa.cx", PATTERN_FIXED, 1 },
	{ "ABC", "xabcx", PATTERN_FIXED, 0 },
	{ "ABC", "xabcx", PATTERN_FIXED | PATTERN_CASELESS, 1 },
	{ "É", "é", PATTERN_CASELESS, 1 },
	{ "^login: $", "login: ", 0, 1 },
	{ "or", "error", PATTERN_FIXED | PATTERN_WORDS, 0 },
	{ "or", "error or not", PATTERN_FIXED | PATTERN_WORDS, 1 },
	{ "or", "or_", PATTERN_WORDS, 0 },
	{ "or", "öor", PATTERN_WORDS, 0 },
	{ ".foo", "a .foo", PATTERN_FIXED | PATTERN_WORDS, 1 },
	{ "a|ab", "ab", PATTERN_WORDS, 1 },
	{ "\\E(", "x \\E( y", PATTERN_FIXED | PATTERN_WORDS, 1 },
	{ "", "", PATTERN_FIXED, 1 },
	{ "", "x", 0, 1 },
	{ "\xff", "x", PATTERN_FIXED, -1 },
	{ "x", "\xff\xfe x", 0, 1 },
	{ "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 0, -ELOOP },
};

START_TEST(finds_what_stands_in_a_line)
{
	if (cases[_i].found == -1)
		ck_assert_ptr_null(
			pattern_create(cases[_i].text, cases[_i].flags, message, sizeof(message)));
	else
		ck_assert_msg(find(cases[_i].text, cases[_i].flags, cases[_i].line, NULL) ==
				cases[_i].found,
			"%s in %s", cases[_i].text, cases[_i].line);
}
END_TEST

START_TEST(says_where_it_was_found)
{
	struct pattern_place place;

	ck_assert_int_eq(find("l+", 0, "hello", &place), 1);

	ck_assert_uint_eq(place.begin, 2);
	ck_assert_uint_eq(place.end, 4);
}
END_TEST

static const struct {
	const char *text;
	const char *message;
	unsigned flags;
} wrong[] = {
	{ "(ab", "missing closing parenthesis at 3", 0 },
	{ "ab)", "unmatched closing parenthesis at 2", 0 },
	{ ")(", "unmatched closing parenthesis at 0", PATTERN_WORDS },
	{ "a\\C", "using \\C is disabled by the application at 3", 0 },
	{ "((a{1000}){1000}){1000}", "regular expression is too large at 23", 0 },
};

START_TEST(says_what_is_wrong_and_where)
{
	ck_assert_ptr_null(
		pattern_create(wrong[_i].text, wrong[_i].flags, message, sizeof(message)));

	ck_assert_str_eq(message, wrong[_i].message);
}
END_TEST

START_TEST(a_pattern_without_end_is_refused)
{
	static char text[10000];

	memset(text, 'a', sizeof(text) - 1);

	ck_assert_ptr_null(pattern_create(text, 0, message, sizeof(message)));
	ck_assert_str_eq(message, "longer than 4096 bytes");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pattern");
	TCase *tcase = tcase_create("pattern");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, finds_what_stands_in_a_line, 0,
		sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, says_where_it_was_found);
	tcase_add_loop_test(tcase, says_what_is_wrong_and_where, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tcase, a_pattern_without_end_is_refused);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
