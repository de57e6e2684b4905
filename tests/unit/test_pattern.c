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
	unsigned flags;
	const char *line;
	int found;
} cases[] = {
	{ "a.c", 0, "xabcx", 1 },
	{ "a.c", PATTERN_FIXED, "xabcx", 0 },
	{ "a.c", PATTERN_FIXED, "xa.cx", 1 },
	{ "ABC", PATTERN_FIXED, "xabcx", 0 },
	{ "ABC", PATTERN_FIXED | PATTERN_CASELESS, "xabcx", 1 },
	{ "É", PATTERN_CASELESS, "é", 1 },
	{ "^login: $", 0, "login: ", 1 },
	{ "or", PATTERN_FIXED | PATTERN_WORDS, "error", 0 },
	{ "or", PATTERN_FIXED | PATTERN_WORDS, "error or not", 1 },
	{ "or", PATTERN_WORDS, "or_", 0 },
	{ "or", PATTERN_WORDS, "öor", 0 },
	{ ".foo", PATTERN_FIXED | PATTERN_WORDS, "a .foo", 1 },
	{ "a|ab", PATTERN_WORDS, "ab", 1 },
	{ "\\E(", PATTERN_FIXED | PATTERN_WORDS, "x \\E( y", 1 },
	{ "", PATTERN_FIXED, "", 1 },
	{ "", 0, "x", 1 },
	{ "\xff", PATTERN_FIXED, "x", -1 },
	{ "x", 0, "\xff\xfe x", 1 },
	{ "(a+)+$", 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", -ELOOP },
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
	unsigned flags;
	const char *message;
} wrong[] = {
	{ "(ab", 0, "missing closing parenthesis at 3" },
	{ "ab)", 0, "unmatched closing parenthesis at 2" },
	{ ")(", PATTERN_WORDS, "unmatched closing parenthesis at 0" },
	{ "a\\C", 0, "using \\C is disabled by the application at 3" },
	{ "((a{1000}){1000}){1000}", 0, "regular expression is too large at 23" },
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
