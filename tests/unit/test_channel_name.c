/* Names of channels and of their files. */

#include "channel.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	const char *file;
} pairs[] = {
	{ "guest1", "guest1" },
	{ "a-b_C9", "a-b_C9" },
	{ "web.example", "web%2Eexample" },
	{ "50%", "50%25" },
	{ "*?[x]", "%2A%3F%5Bx%5D" },
	{ "gr\xc3\xb6\xc3\x9f"
	  "e",
		"gr%C3%B6%C3%9Fe" },
};

START_TEST(a_name_and_its_file_mean_each_other)
{
	char file[CHANNEL_FILE_MAX];
	char name[CONSOLE_NAME_MAX + 1];

	ck_assert_ptr_null(channel_name_error(pairs[_i].name, strlen(pairs[_i].name)));
	channel_file_name(pairs[_i].name, file);
	ck_assert_str_eq(file, pairs[_i].file);
	ck_assert(channel_name_of_file(file, name));
	ck_assert_str_eq(name, pairs[_i].name);
}

static const char *const no_files[] = {
	"",
	".",
	"..",
	".hidden",
	"a b",
	"a%2",
	"a%",
	"a%zz",
	"a%2fb",
	"a%00b",
	"%61", /* a stands for itself */
	"a%0Ab",
	"a%FF",
	"console",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

START_TEST(what_no_name_makes_is_no_file)
{
	char name[CONSOLE_NAME_MAX + 1];

	ck_assert_msg(!channel_name_of_file(no_files[_i], name), "%s", no_files[_i]);
}

START_TEST(the_longest_name_has_a_file)
{
	char name[CONSOLE_NAME_MAX + 1] = "";
	char again[CONSOLE_NAME_MAX + 1];
	char file[CHANNEL_FILE_MAX];

	memset(name, '%', CONSOLE_NAME_MAX);
	channel_file_name(name, file);

	ck_assert_uint_eq(strlen(file), CHANNEL_FILE_MAX - 1);
	ck_assert(channel_name_of_file(file, again));
	ck_assert_str_eq(again, name);
}

START_TEST(the_prompt_has_its_name_for_itself)
{
	ck_assert_ptr_nonnull(channel_name_error("console", 7));
	ck_assert_ptr_null(channel_name_error("consoles", 8));
	ck_assert_ptr_null(channel_name_error("console2", 8));
}

int main(void)
{
	Suite *suite = suite_create("channel_name");
	TCase *tcase = tcase_create("names");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, a_name_and_its_file_mean_each_other, 0, ARRAY_SIZE(pairs));
	tcase_add_loop_test(tcase, what_no_name_makes_is_no_file, 0, ARRAY_SIZE(no_files));
	tcase_add_test(tcase, the_longest_name_has_a_file);
	tcase_add_test(tcase, the_prompt_has_its_name_for_itself);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
