/* The command table: what stands in its rows, and what is checked by them. */

#include "command.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct command *command;
static char message[512];
static char line[6000];
static char *words[8];

static char **split(const char *text)
{
	size_t count = 0;

	strcpy(line, text);
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	words[count] = NULL;
	return words;
}

static bool is_right(const char *text)
{
	return command_check(split(text), &command, message, sizeof(message));
}

START_TEST(every_row_tells_what_it_does)
{
	const struct command *row = &command_table[_i];

	ck_assert(*row->name);
	ck_assert(*row->help);
	ck_assert_ptr_nonnull(row->arguments);
	ck_assert_uint_le(row->least, row->most);
	ck_assert_msg(!row->run == !!(row->flags & (COMMAND_LOCAL | COMMAND_SHELL)), "%s",
		row->name);
	ck_assert_ptr_eq(command_find(row->name), row);
	if (row->alias)
		ck_assert_ptr_eq(command_find(row->alias), row);
}

START_TEST(a_row_knows_words_to_complete)
{
	ck_assert_str_eq(command_word(command_find("link"), 0), "up");
	ck_assert_str_eq(command_word(command_find("link"), 1), "down");
	ck_assert_ptr_null(command_word(command_find("link"), 2));
	ck_assert_str_eq(command_word(command_find("list"), 0), "--json");
	ck_assert_ptr_null(command_word(command_find("list"), 1));
	ck_assert_ptr_null(command_word(command_find("cat"), 0));
}

START_TEST(what_is_for_a_shell_is_not_run)
{
	struct command_call call = { .mux = NULL };

	ck_assert_int_eq(command_run(&call, split("capture cable0 -")), 2);
	ck_assert_ptr_nonnull(strstr(call.message, "for a shell"));
}

START_TEST(words_that_fit_the_row_are_right)
{
	ck_assert(is_right("tail guest1 5"));
	ck_assert_str_eq(command->name, "tail");
	ck_assert(is_right("ls"));
	ck_assert_str_eq(command->name, "list");
	ck_assert(is_right("c guest1"));
	ck_assert_str_eq(command->name, "connect");
}

START_TEST(a_wrong_number_of_words_shows_the_usage)
{
	ck_assert(!is_right("tail"));
	ck_assert_str_eq(message, "too few words: tail CHANNEL [LINES]");
	ck_assert(!is_right("cat one two"));
	ck_assert_str_eq(message, "too many words: cat CHANNEL");
	ck_assert(!is_right("showall x"));
	ck_assert_str_eq(message, "too many words: showall");
}

START_TEST(an_unknown_command_may_mean_another)
{
	ck_assert(!is_right("hidall"));
	ck_assert_str_eq(message, "unknown command hidall: did you mean hideall?");
	ck_assert(!is_right("xyzzy"));
	ck_assert_str_eq(message, "unknown command xyzzy: try help");
}

START_TEST(no_words_are_no_command)
{
	ck_assert(!is_right(""));
	ck_assert_str_eq(message, "no command: try help");
}

START_TEST(a_long_word_does_not_overflow_the_message)
{
	static char word[5000];

	memset(word, 'x', sizeof(word) - 1);

	ck_assert(!is_right(word));
	ck_assert_uint_eq(strlen(message), sizeof(message) - 1);
}

START_TEST(what_is_for_the_prompt_is_not_run)
{
	struct command_call call = { .mux = NULL };

	ck_assert_int_eq(command_run(&call, split("quit")), 2);
	ck_assert_str_eq(call.message, "quit is for the prompt: try muxd attach");
}

int main(void)
{
	Suite *suite = suite_create("command");
	TCase *tcase = tcase_create("table");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, every_row_tells_what_it_does, 0, (int)command_count);
	tcase_add_test(tcase, a_row_knows_words_to_complete);
	tcase_add_test(tcase, what_is_for_a_shell_is_not_run);
	tcase_add_test(tcase, words_that_fit_the_row_are_right);
	tcase_add_test(tcase, a_wrong_number_of_words_shows_the_usage);
	tcase_add_test(tcase, an_unknown_command_may_mean_another);
	tcase_add_test(tcase, no_words_are_no_command);
	tcase_add_test(tcase, a_long_word_does_not_overflow_the_message);
	tcase_add_test(tcase, what_is_for_the_prompt_is_not_run);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
