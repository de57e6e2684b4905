#include "prompt_history.h"

#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/prompt-history-XXXXXX";
static struct prompt_history history;
static char loaded[1 << 20];
static unsigned count;

static void start(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	setenv("XDG_STATE_HOME", directory, 1);
	prompt_history_find(&history);
}

static void stop(void)
{
	char path[512];

	unlink(history.path);
	snprintf(path, sizeof(path), "%s/muxd", directory);
	rmdir(path);
	ck_assert_int_eq(rmdir(directory), 0);
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
}

static void line_came(void *owner, const char *text)
{
	(void)owner;
	count++;
	strcat(strcat(loaded, text), "|");
}

static const char *load(void)
{
	loaded[0] = 0;
	count = 0;
	prompt_history_load(&history, line_came, NULL);
	return loaded;
}

static void write_file(const void *bytes, size_t length)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/muxd", directory);
	mkdir(path, 0700);
	file = fopen(history.path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

START_TEST(what_is_added_comes_back)
{
	struct stat status;

	prompt_history_add(&history, "list -l");
	prompt_history_add(&history, "connect \xc3\xa4");

	ck_assert_str_eq(load(), "list -l|connect \xc3\xa4|");
	ck_assert_int_eq(stat(history.path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
}

START_TEST(a_line_that_begins_with_a_blank_is_not_kept)
{
	prompt_history_add(&history, " send guest1 secret");

	ck_assert_str_eq(load(), "");
}

START_TEST(the_oldest_make_room)
{
	char line[32];

	for (unsigned i = 0; i < PROMPT_HISTORY_LINES + 7; i++) {
		snprintf(line, sizeof(line), "line %u", i);
		prompt_history_add(&history, line);
	}

	ck_assert_ptr_eq(strstr(load(), "line 7|"), loaded);
	ck_assert_uint_eq(count, PROMPT_HISTORY_LINES);
}

START_TEST(hostile_lines_are_left_out)
{
	static const char text[] = "good\nbad\033[2J\n\nbad\0nul\nbad\xff\xfe\nlast";

	write_file(text, sizeof(text) - 1);

	ck_assert_str_eq(load(), "good|last|");
}

START_TEST(of_a_huge_file_the_end_is_read)
{
	static char text[4 << 20];

	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 10, "\nend\nlast\n", 10);
	write_file(text, sizeof(text));

	ck_assert_str_eq(load(), "end|last|");
	prompt_history_add(&history, "new");
	ck_assert_str_eq(load(), "end|last|new|");
}

START_TEST(a_link_is_not_followed)
{
	char target[512];

	write_file("", 0);
	unlink(history.path);
	snprintf(target, sizeof(target), "%s/target", directory);
	ck_assert_int_eq(symlink(target, history.path), 0);

	prompt_history_add(&history, "line");

	ck_assert_int_ne(access(target, F_OK), 0);
	ck_assert_str_eq(load(), "");
}

START_TEST(without_a_place_nothing_happens)
{
	struct prompt_history none;

	setenv("XDG_STATE_HOME", "relative", 1);
	unsetenv("HOME");
	prompt_history_find(&none);
	ck_assert_str_eq(none.path, "");
	prompt_history_add(&none, "line");
	prompt_history_load(&none, line_came, NULL);
	ck_assert_uint_eq(count, 0);
}

int main(void)
{
	Suite *suite = suite_create("prompt_history");
	TCase *tests = tcase_create("prompt_history");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, what_is_added_comes_back);
	tcase_add_test(tests, a_line_that_begins_with_a_blank_is_not_kept);
	tcase_add_test(tests, the_oldest_make_room);
	tcase_add_test(tests, hostile_lines_are_left_out);
	tcase_add_test(tests, of_a_huge_file_the_end_is_read);
	tcase_add_test(tests, a_link_is_not_followed);
	tcase_add_test(tests, without_a_place_nothing_happens);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
