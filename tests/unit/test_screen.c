#include "compiler.h"
#include "screen.h"

#include <check.h>
#include <event2/buffer.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define NOW 50000

static struct evbuffer *out;
static struct screen screen;

static void start(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	out = evbuffer_new();
	screen_init(&screen, 80, true);
}

static void stop(void)
{
	evbuffer_free(out);
}

static void feed(const char *text)
{
	screen_feed(&screen, (const uint8_t *)text, strlen(text), NOW);
}

static const char *written(void)
{
	static char text[65536];
	int length = evbuffer_remove(out, text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = 0;
	return text;
}

START_TEST(a_line_is_erased_and_drawn_again)
{
	feed("old\r\nlogin: ro");

	ck_assert(screen_is_free(&screen, NOW));
	screen_erase(&screen, out);
	ck_assert_str_eq(written(), "\r\033[K");
	screen_redraw(&screen, out);
	ck_assert_str_eq(written(), "login: ro");
}
END_TEST

START_TEST(a_line_as_long_as_the_terminal_is_wide_is_one_row)
{
	static const char *const characters[] = { "a", "\xc3\xa9", "\xe2\x82\xac", "\xe2\x94\x80",
		"e\xcc\x81" };

	for (size_t i = 0; i < ARRAY_SIZE(characters); i++) {
		screen_init(&screen, 40, true);
		for (int k = 0; k < 40; k++)
			feed(characters[i]);
		ck_assert_uint_eq(screen.column, 40);
		screen_erase(&screen, out);
		ck_assert_str_eq(written(), "\r\033[K");
		feed(characters[i]);
		screen_erase(&screen, out);
		ck_assert_str_eq(written(), "\r\n");
	}
}
END_TEST

START_TEST(wide_characters_take_two_columns)
{
	screen_init(&screen, 41, true);
	for (int i = 0; i < 20; i++)
		feed("\xe5\xae\xbd");
	ck_assert_uint_eq(screen.column, 40);
	ck_assert(!screen.wrapped);
	feed("\xe5\xae\xbd");
	ck_assert(screen.wrapped);
}
END_TEST

START_TEST(between_lines_nothing_needs_to_be_erased)
{
	feed("a line\r\n");

	screen_erase(&screen, out);
	screen_redraw(&screen, out);
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(colours_are_ended_and_brought_back)
{
	feed("\033[1;31mred\r\nstill");

	screen_erase(&screen, out);
	ck_assert_str_eq(written(), "\033[0m\r\033[K");
	screen_redraw(&screen, out);
	ck_assert_str_eq(written(), "\033[1;31mstill");
}
END_TEST

START_TEST(colours_that_were_reset_do_not_come_back)
{
	feed("\033[31mred\033[m\r\n\033[0;1mx\033[0mplain\r\nnow");

	screen_erase(&screen, out);
	screen_redraw(&screen, out);
	ck_assert_str_eq(written(), "\r\033[Know");
}
END_TEST

START_TEST(a_wrapped_line_is_left_where_it_is)
{
	screen_init(&screen, 10, true);
	feed("more than ten columns");

	screen_erase(&screen, out);
	ck_assert_str_eq(written(), "\r\n");
}
END_TEST

START_TEST(on_a_terminal_without_cursor_movement_nothing_is_erased)
{
	screen_init(&screen, 80, false);
	feed("text");

	screen_erase(&screen, out);
	ck_assert_str_eq(written(), "\r\n");
}
END_TEST

START_TEST(line_editing_stays_in_the_line)
{
	feed("$ ls\b \b\033[K\033[1D");

	ck_assert(screen_is_free(&screen, NOW));
	screen_redraw(&screen, out);
	ck_assert_str_eq(written(), "$ ls\b \b\033[K\033[1D");
}
END_TEST

static const char *const holding[] = {
	"\033[?1049h", "\033[?1049h\033[31mtext", "\033[?47h", "\033[H", "\033[5;5H", "\033[2J",
	"\033[A", "\0337", "\033M", "\033[2;20r", "\033[", /* in the middle of a sequence */
	"\033]0;tit", "\xe2\x82", /* and of a character */
};

START_TEST(a_screen_in_use_is_not_free)
{
	feed(holding[_i]);

	ck_assert(!screen_is_free(&screen, NOW));
}
END_TEST

START_TEST(cursor_addressing_holds_for_a_time)
{
	feed("\033[H\033[2J$ ");

	ck_assert(!screen_is_free(&screen, NOW + SCREEN_HOLD_MS - 1));
	ck_assert(screen_is_free(&screen, NOW + SCREEN_HOLD_MS));
}
END_TEST

START_TEST(the_alternate_screen_holds_until_it_is_left)
{
	feed("\033[?1049h\033[H");

	ck_assert(!screen_is_free(&screen, NOW + 10 * SCREEN_HOLD_MS));
	feed("\033[?1049l");
	ck_assert(screen_is_free(&screen, NOW));
}
END_TEST

START_TEST(a_line_too_long_to_keep_goes_on_in_another_row)
{
	static char line[SCREEN_LINE_MAX + 2];

	memset(line, 'x', sizeof(line) - 1);
	feed("\033[1m");
	feed(line);
	ck_assert(screen_is_free(&screen, NOW));
	screen_erase(&screen, out);
	ck_assert_str_eq(written(), "\033[0m\r\n");
	screen_redraw(&screen, out);
	ck_assert_str_eq(written(), "\033[1m");
}
END_TEST

START_TEST(an_endless_progress_bar_does_not_hold)
{
	for (int i = 0; i < 10000; i++)
		feed("\r[=====>    ] 50%");

	ck_assert(screen_is_free(&screen, NOW));
}
END_TEST

static const struct {
	const char *bytes, *undone;
} left[] = {
	{ "", "" },
	{ "text\r\n", "" },
	{ "text", "\r\n" },
	{ "\033[?25l", "\033[?25h" },
	{ "\033[?25l\033[?25h", "" },
	{ "\033[?1049h", "\033[?1049l\r\n" },
	{ "\033[?1000;1006;2004h", "\033[?1000l\033[?1006l\033[?2004l" },
	{ "\033[31m", "\033[0m\r\n" },
	{ "\033=", "\033>" },
	{ "\033[", "\030" },
	{ "\033]0;title", "\033\\" },
	{ "\033[2;5r", "\0337\033[r\0338\r\n" },
	{ "\033[?7l\033c", "\r\n" },
};

START_TEST(leaving_undoes_what_the_guest_did)
{
	feed(left[_i].bytes);
	screen_leave(&screen, out);

	ck_assert_str_eq(written(), left[_i].undone);
	screen_leave(&screen, out);
	ck_assert_str_eq(written(), "");
}
END_TEST

/* Random bytes of those that matter. */
static size_t make_bytes(unsigned *seed, uint8_t bytes[64])
{
	static const char *const parts[] = { "\n", "\r\n", "text", "\t", "\b\b", "\r", "\f",
		"\033[1;31m", "\033[", "2J", "\xe2\x82\xac", "\xe2", "\x0e", "\x7f", "\033]0;t\007",
		"\033[?1049h", "\033[?1049l", "more of it" };
	size_t length = 0;

	for (int i = 0; i < 6; i++) {
		const char *part = parts[(size_t)rand_r(seed) % ARRAY_SIZE(parts)];

		memcpy(bytes + length, part, strlen(part));
		length += strlen(part);
	}
	return length;
}

START_TEST(a_piece_of_output_is_what_its_bytes_are)
{
	static struct screen single;
	unsigned seed = 1;

	screen_init(&single, 80, true);
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[64];
		size_t length = make_bytes(&seed, bytes);

		screen_feed(&screen, bytes, length, NOW);
		for (size_t i = 0; i < length; i++)
			screen_feed(&single, bytes + i, 1, NOW);
		ck_assert_uint_eq(screen.length, single.length);
		ck_assert_mem_eq(screen.line, single.line, single.length);
		ck_assert_uint_eq(screen.column, single.column);
		ck_assert_uint_eq(screen.modes, single.modes);
		ck_assert_uint_eq(screen.unfinished, single.unfinished);
		ck_assert_int_eq(screen.wrapped, single.wrapped);
		ck_assert_int_eq(screen.overflow, single.overflow);
		ck_assert_uint_eq(screen.line_rendition_length, single.line_rendition_length);
		ck_assert_int_eq(screen_is_free(&screen, NOW), screen_is_free(&single, NOW));
	}
}
END_TEST

START_TEST(questions_to_the_terminal_are_not_asked_again)
{
	feed("a\033[6nb\033[cc");

	screen_redraw(&screen, out);
	ck_assert_str_eq(written(), "abc");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("screen");
	TCase *test = tcase_create("screen");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(test, start, stop);
	tcase_add_test(test, a_line_is_erased_and_drawn_again);
	tcase_add_test(test, a_line_as_long_as_the_terminal_is_wide_is_one_row);
	tcase_add_test(test, wide_characters_take_two_columns);
	tcase_add_test(test, between_lines_nothing_needs_to_be_erased);
	tcase_add_test(test, colours_are_ended_and_brought_back);
	tcase_add_test(test, colours_that_were_reset_do_not_come_back);
	tcase_add_test(test, a_wrapped_line_is_left_where_it_is);
	tcase_add_test(test, on_a_terminal_without_cursor_movement_nothing_is_erased);
	tcase_add_test(test, line_editing_stays_in_the_line);
	tcase_add_loop_test(test, a_screen_in_use_is_not_free, 0, (int)ARRAY_SIZE(holding));
	tcase_add_test(test, cursor_addressing_holds_for_a_time);
	tcase_add_test(test, the_alternate_screen_holds_until_it_is_left);
	tcase_add_test(test, a_line_too_long_to_keep_goes_on_in_another_row);
	tcase_add_test(test, an_endless_progress_bar_does_not_hold);
	tcase_add_loop_test(test, leaving_undoes_what_the_guest_did, 0, (int)ARRAY_SIZE(left));
	tcase_add_test(test, a_piece_of_output_is_what_its_bytes_are);
	tcase_add_test(test, questions_to_the_terminal_are_not_asked_again);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
