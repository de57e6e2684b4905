#include "compiler.h"
#include "view.h"

#include <check.h>
#include <event2/buffer.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RED "\033[31m"
#define GREEN "\033[32m"
#define END "\033[0m"
#define UP "\033[A\r\033[J"

static struct evbuffer *out;
static struct view view;
static struct view_channel one, two;

static void start(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	out = evbuffer_new();
	view_init(&view, out, "\r\n");
	view.width = 80;
	view_channel_init(&view, &one, "vm1", 0);
	view_channel_init(&view, &two, "vm2", 0);
}

static void stop(void)
{
	evbuffer_free(out);
}

static void feed(struct view_channel *channel, const char *text)
{
	view_feed(channel, (const uint8_t *)text, strlen(text), 0);
}

static const char *shown(void)
{
	static char text[65536];
	int length = evbuffer_remove(out, text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = 0;
	return text;
}

START_TEST(a_whole_line_is_shown_behind_its_tag)
{
	feed(&one, "hello\r\n");

	ck_assert_str_eq(shown(), "vm1     | hello\r\n");
}
END_TEST

START_TEST(nothing_of_a_line_is_shown_before_it_is_whole)
{
	feed(&one, "hel");
	view_expire(&one, VIEW_PARTIAL_MS - 1);

	ck_assert_str_eq(shown(), "");
	feed(&one, "lo\n");
	ck_assert_str_eq(shown(), "vm1     | hello\r\n");
}
END_TEST

START_TEST(a_part_of_a_line_is_shown_in_time_however_much_follows)
{
	view_feed(&one, (const uint8_t *)"a", 1, 1000);
	view_feed(&one, (const uint8_t *)"b", 1, 1000 + VIEW_PARTIAL_MS - 1);
	view_expire(&one, 1000 + VIEW_PARTIAL_MS);

	ck_assert_str_eq(shown(), "vm1     | ab");
	feed(&one, "c\n");
	ck_assert_str_eq(shown(), "c\r\n");
}
END_TEST

START_TEST(an_interrupted_line_goes_on_behind_a_colon)
{
	feed(&one, "login: ");
	view_release(&one);
	feed(&two, "noise\n");
	feed(&one, "root\nnext\n");

	ck_assert_str_eq(shown(),
		"vm1     | login: \r\nvm2     | noise\r\nvm1     : root\r\nvm1     | next\r\n");
}
END_TEST

START_TEST(an_interrupted_line_that_only_ends_takes_no_further_row)
{
	feed(&one, "login: ");
	view_release(&one);
	feed(&two, "noise\n");
	feed(&one, "\nnext\n");

	ck_assert_str_eq(shown(), "vm1     | login: \r\nvm2     | noise\r\nvm1     | next\r\n");
}
END_TEST

START_TEST(lines_written_byte_by_byte_are_never_mixed)
{
	const char *first = "first\n", *second = "other\n";

	for (int i = 0; i < 6; i++) {
		view_feed(&one, (const uint8_t *)first + i, 1, 0);
		view_feed(&two, (const uint8_t *)second + i, 1, 0);
	}

	ck_assert_str_eq(shown(), "vm1     | first\r\nvm2     | other\r\n");
}
END_TEST

START_TEST(each_row_has_its_colour_and_ends_it)
{
	view.colors = true;
	one.color = 'r';
	two.color = 'g';
	feed(&one, "a");
	view_release(&one);
	feed(&two, "b\n");

	ck_assert_str_eq(shown(),
		RED "vm1     | " END RED "a" END "\r\n" GREEN "vm2     | " END GREEN "b" END
		    "\r\n");
}
END_TEST

START_TEST(bright_colours_are_upper_case)
{
	ck_assert_str_eq(view_color('B'), "\033[1;34m");
	ck_assert_str_eq(view_color('n'), "");
	ck_assert_str_eq(view_color('?'), "");
}
END_TEST

START_TEST(a_row_closed_by_the_prompt_is_taken_up_again)
{
	view.moves = true;
	feed(&one, "..");
	view_release(&one);
	view_close(&view);
	ck_assert_str_eq(shown(), "vm1     | ..\r\n");
	feed(&one, ".");
	view_release(&one);

	ck_assert_str_eq(shown(), UP "vm1     | ...");
}
END_TEST

START_TEST(a_row_that_somebody_wrote_below_is_not_taken_up_again)
{
	view.moves = true;
	feed(&one, "..");
	view_release(&one);
	view_close(&view);
	feed(&two, "x\n");
	feed(&one, ".\n");

	ck_assert_str_eq(shown(), "vm1     | ..\r\nvm2     | x\r\nvm1     : .\r\n");
}
END_TEST

START_TEST(a_row_as_wide_as_the_terminal_is_not_taken_up_again)
{
	view.moves = true;
	view.width = 14;
	feed(&one, "1234");
	view_release(&one);
	view_close(&view);
	feed(&one, "5\n");

	ck_assert_str_eq(shown(), "vm1     | 1234\r\nvm1     : 5\r\n");
}
END_TEST

START_TEST(with_whole_lines_time_shows_nothing)
{
	view.whole_lines = true;
	feed(&one, "abc");
	view_expire(&one, 100000);

	ck_assert_str_eq(shown(), "");
}
END_TEST

START_TEST(a_line_longer_than_can_be_collected_is_shown_in_rows)
{
	static char line[3 * VIEW_LINE_MAX];
	const char *text;
	size_t count = 0;

	memset(line, 'x', sizeof(line) - 1);
	view.whole_lines = true;
	feed(&one, line);
	feed(&one, "\n");

	text = shown();
	for (size_t i = 0; text[i]; i++)
		count += text[i] == 'x';
	ck_assert_uint_eq(count, sizeof(line) - 1);
	ck_assert_ptr_nonnull(strstr(text, "\r\nvm1     : x"));
}
END_TEST

START_TEST(a_message_is_a_line_of_its_own)
{
	feed(&one, "abc");
	view_release(&one);
	view_message(&view, "vm2: rebooted\033[2J");
	feed(&one, "d\n");

	ck_assert_str_eq(shown(), "vm1     | abc\r\n*** vm2: rebooted\r\nvm1     : d\r\n");
}
END_TEST

START_TEST(a_channel_that_ends_shows_what_it_had)
{
	feed(&one, "last words");
	view_channel_end(&one);

	ck_assert_str_eq(shown(), "vm1     | last words\r\n");
	ck_assert_ptr_null(view.open);
}
END_TEST

START_TEST(a_name_becomes_harmless)
{
	view_channel_init(&view, &one, "a\033[31mb\nc", 0);
	feed(&one, "x\n");

	ck_assert_str_eq(shown(), "ab c    | x\r\n");
}
END_TEST

START_TEST(wide_characters_and_accents_are_not_cut_by_long_lines)
{
	static const char wide[] = "\xe5\xae\xbd", accented[] = "e\xcc\x81";
	const char *text;

	view.whole_lines = true;
	for (size_t i = 0; i < 2 * VIEW_LINE_MAX; i++) {
		feed(&one, i % 2 ? wide : accented);
		if (i % 7 == 0)
			feed(&one, "a");
	}
	feed(&one, "\n");

	text = shown();
	ck_assert_ptr_null(strstr(text, "\\x"));
	ck_assert_ptr_null(strstr(text, ": \xcc\x81"));
	ck_assert_ptr_nonnull(strstr(text, "\r\nvm1     : "));
}
END_TEST

START_TEST(a_row_of_wide_characters_is_taken_up_again_if_it_is_one_row)
{
	view.moves = true;
	view.width = 40;
	for (int i = 0; i < 14; i++)
		feed(&one, "\xe5\xae\xbd");
	view_release(&one);
	view_close(&view);
	shown();
	feed(&one, "x");
	view_release(&one);
	ck_assert(!strncmp(shown(), UP, strlen(UP)));

	feed(&one, "\xe5\xae\xbd");
	view_release(&one);
	view_close(&view);
	shown();
	feed(&one, "y\n");
	ck_assert_str_eq(shown(), "vm1     : y\r\n");
}
END_TEST

START_TEST(a_character_split_between_writes_is_whole)
{
	feed(&one, "\xe2\x82");
	view_release(&one);
	feed(&one, "\xac\n");

	ck_assert_str_eq(shown(), "vm1     | \xe2\x82\xac\r\n");
}
END_TEST

START_TEST(tags_grow_to_the_longest_name)
{
	struct view_channel *channels[] = { &one, &two };

	view_channel_init(&view, &two, "database-1", 0);
	view_label(&view, channels, 2);
	feed(&one, "a\n");
	feed(&two, "b\n");

	ck_assert_str_eq(shown(), "vm1       | a\r\ndatabase-1| b\r\n");
}
END_TEST

START_TEST(a_very_long_name_is_cut_with_a_mark)
{
	struct view_channel *channels[] = { &one, &two };

	view_channel_init(&view, &two, "a-very-long-database-name", 0);
	view_label(&view, channels, 2);

	ck_assert_str_eq(two.label, "a-very-lon~-name");
	ck_assert_uint_eq(view.tag_width, VIEW_TAG_MAX);
}
END_TEST

START_TEST(a_long_name_of_wide_characters_is_cut_between_them)
{
	struct view_channel *channels[] = { &one, &two };

	view_channel_init(&view, &two,
		"a\xe5\xae\xbd\xe5\xae\xbd\xe5\xae\xbd\xe5\xae\xbd\xe5\xae\xbd\xe5\xae\xbd"
		"\xe5\xae\xbd\xe5\xae\xbd\xe5\xae\xbd\xe5\xae\xbd",
		0);
	view_label(&view, channels, 2);

	ck_assert_str_eq(two.label,
		"a\xe5\xae\xbd\xe5\xae\xbd\xe5\xae\xbd\xe5\xae\xbd~\xe5\xae\xbd\xe5\xae\xbd");
	ck_assert_uint_le(text_columns(two.label), VIEW_TAG_MAX);
}
END_TEST

START_TEST(names_that_would_look_the_same_are_shown_in_full)
{
	struct view_channel *channels[] = { &one, &two };

	view_channel_init(&view, &one, "a-very-long-database-name", 0);
	view_channel_init(&view, &two, "a-very-long-web-name", 0);
	view_label(&view, channels, 2);

	ck_assert_str_eq(one.label, "a-very-long-database-name");
	ck_assert_str_eq(two.label, "a-very-long-web-name");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("view");
	TCase *test = tcase_create("view");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(test, start, stop);
	tcase_add_test(test, a_whole_line_is_shown_behind_its_tag);
	tcase_add_test(test, nothing_of_a_line_is_shown_before_it_is_whole);
	tcase_add_test(test, a_part_of_a_line_is_shown_in_time_however_much_follows);
	tcase_add_test(test, an_interrupted_line_goes_on_behind_a_colon);
	tcase_add_test(test, an_interrupted_line_that_only_ends_takes_no_further_row);
	tcase_add_test(test, lines_written_byte_by_byte_are_never_mixed);
	tcase_add_test(test, each_row_has_its_colour_and_ends_it);
	tcase_add_test(test, bright_colours_are_upper_case);
	tcase_add_test(test, a_row_closed_by_the_prompt_is_taken_up_again);
	tcase_add_test(test, a_row_that_somebody_wrote_below_is_not_taken_up_again);
	tcase_add_test(test, a_row_as_wide_as_the_terminal_is_not_taken_up_again);
	tcase_add_test(test, with_whole_lines_time_shows_nothing);
	tcase_add_test(test, a_line_longer_than_can_be_collected_is_shown_in_rows);
	tcase_add_test(test, a_message_is_a_line_of_its_own);
	tcase_add_test(test, a_channel_that_ends_shows_what_it_had);
	tcase_add_test(test, a_name_becomes_harmless);
	tcase_add_test(test, a_character_split_between_writes_is_whole);
	tcase_add_test(test, tags_grow_to_the_longest_name);
	tcase_add_test(test, a_very_long_name_is_cut_with_a_mark);
	tcase_add_test(test, wide_characters_and_accents_are_not_cut_by_long_lines);
	tcase_add_test(test, a_row_of_wide_characters_is_taken_up_again_if_it_is_one_row);
	tcase_add_test(test, a_long_name_of_wide_characters_is_cut_between_them);
	tcase_add_test(test, names_that_would_look_the_same_are_shown_in_full);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
