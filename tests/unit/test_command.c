/* The command table: what stands in its rows, and what is checked by them. */

#include "command.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct command *command;
static char message[512];
static char line[6000];
static char *words[32];

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
	ck_assert_ptr_nonnull(row->words);
	ck_assert_uint_eq(!!*row->words, !!row->most);
	ck_assert_uint_le(row->least, row->most);
	ck_assert_msg(!row->run == !!(row->flags & (COMMAND_LOCAL | COMMAND_OWN | COMMAND_SHELL)),
		"%s", row->name);
	ck_assert_ptr_eq(command_find(row->name), row);
	if (row->alias)
		ck_assert_ptr_eq(command_find(row->alias), row);
}

/* Names for completion: the channels dash-1 and mail, the wire lan. */
static const char *name_for(void *owner, const char *kind, unsigned index)
{
	static const char *const channels[] = { "dash-1", "mail", NULL };

	(void)owner;
	if (!strcmp(kind, "CHANNEL"))
		return channels[index];
	return !strcmp(kind, "WIRE") && !index ? "lan" : NULL;
}

/* What can stand where the last word of the text does, joined by blanks. */
static const char *completed(const char *text)
{
	static char all[1024];
	struct command_names names = { .without = COMMAND_SHELL, .name = name_for };
	char **list = split(text);
	const char *word;
	size_t count = 0;

	while (list[count])
		count++;
	if (!*text || text[strlen(text) - 1] == ' ') {
		list[count] = line + sizeof(line) - 1;
		list[count + 1] = NULL;
	}
	*all = '\0';
	for (unsigned i = 0; (word = command_complete(&names, list, i)); i++) {
		strcat(all, *all ? " " : "");
		strcat(all, word);
	}
	return all;
}

START_TEST(commands_are_completed_without_those_for_elsewhere)
{
	ck_assert_str_eq(completed("ca"), "cat");
	ck_assert_str_eq(completed("hid"), "hide hideall");
	ck_assert_str_eq(completed("help qu"), "quit");
	ck_assert_str_eq(completed("xyzzy"), "");
	ck_assert_str_eq(completed("xyzzy a"), "");
}

START_TEST(words_are_completed_as_the_row_says)
{
	ck_assert_str_eq(completed("link p "), "up down");
	ck_assert_str_eq(completed("link p d"), "down");
	ck_assert_str_eq(completed("link p up "), "");
	ck_assert_str_eq(completed("cat "), "dash-1 mail");
	ck_assert_str_eq(completed("cat m"), "mail");
	ck_assert_str_eq(completed("cat mail "), "");
	ck_assert_str_eq(completed("show mail d"), "dash-1");
	ck_assert_str_eq(completed("poll "), "lan");
	ck_assert_str_eq(completed("poll lan "), "off always");
	ck_assert_str_eq(completed("impair p loss=1 d"), "delay=");
}

START_TEST(options_are_completed_once_begun)
{
	ck_assert_str_eq(completed("list "), "dash-1 mail");
	ck_assert_str_eq(completed("list -"), "-l --json");
	ck_assert_str_eq(completed("list --"), "--json");
	ck_assert_str_eq(completed("list -- -"), "");
	ck_assert_str_eq(completed("ls -l d"), "dash-1");
	ck_assert_str_eq(completed("list -x d"), "");
}

static const char *sorted_as(const char *text)
{
	static char result[256];
	struct command_words sorted;
	int length = 0;

	if (!command_sort(split(text), &command, &sorted, message, sizeof(message)))
		return message;
	for (unsigned i = 0; i < sorted.plain_count; i++)
		length += sprintf(result + length, "%s ", sorted.plain[i]);
	for (unsigned i = 0; i < sorted.option_count; i++)
		length += sprintf(result + length, "[%s%s%s]", sorted.options[i].option->name,
			*sorted.options[i].value ? " " : "", sorted.options[i].value);
	return result;
}

START_TEST(options_stand_anywhere_among_words)
{
	ck_assert_str_eq(sorted_as("list -l a --json b"), "list a b [-l][--json]");
	ck_assert_str_eq(sorted_as("list a -"), "list a - ");
	ck_assert_str_eq(sorted_as("list -l -- -l"), "list -l [-l]");
	ck_assert_str_eq(sorted_as("list -ll"), "list [-l][-l]");
}

START_TEST(an_unknown_option_may_mean_another)
{
	ck_assert_str_eq(sorted_as("list --jsn"),
		"list: unknown option --jsn: did you mean --json?");
	ck_assert_str_eq(sorted_as("cat -z"), "cat: unknown option -z: try help cat");
	ck_assert_str_eq(sorted_as("list -lz"), "list: unknown option -z: try help list");
	ck_assert_str_eq(sorted_as("list --json=x"), "list: --json takes no value");
}

START_TEST(options_and_words_have_a_limit)
{
	static char *many[COMMAND_WORDS_MAX + 3];
	struct command_words sorted;

	for (size_t i = 0; i < COMMAND_WORDS_MAX + 2; i++)
		many[i] = (char *)(uintptr_t)(i ? "x" : "show");

	ck_assert(!command_sort(many, &command, &sorted, message, sizeof(message)));
	ck_assert_str_eq(message, "too many words");
	many[COMMAND_WORDS_MAX + 1] = NULL;
	ck_assert(command_sort(many, &command, &sorted, message, sizeof(message)));
	ck_assert_str_eq(sorted_as("list -lllllllllllllllll"), "list: -l is one option too many");
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
	ck_assert(!is_right("link p"));
	ck_assert_str_eq(message, "too few words: link PORT up|down");
	ck_assert(!is_right("break one two"));
	ck_assert_str_eq(message, "too many words: break CHANNEL");
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
	tcase_add_test(tcase, commands_are_completed_without_those_for_elsewhere);
	tcase_add_test(tcase, words_are_completed_as_the_row_says);
	tcase_add_test(tcase, options_are_completed_once_begun);
	tcase_add_test(tcase, options_stand_anywhere_among_words);
	tcase_add_test(tcase, an_unknown_option_may_mean_another);
	tcase_add_test(tcase, options_and_words_have_a_limit);
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
