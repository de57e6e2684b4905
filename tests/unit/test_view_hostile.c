#include "compiler.h"
#include "view.h"

#include <check.h>
#include <event2/buffer.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct evbuffer *out;
static struct view view;
static struct view_channel one;

static void start(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	out = evbuffer_new();
	view_init(&view, out, "\r\n");
	view.width = 80;
	view_channel_init(&view, &one, "vm1", 0);
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

static const struct {
	const char *bytes, *text;
} filtered[] = {
	{ "caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac" },
	{ "\033[31mred\033[0m", "red" },
	{ "\033[38;5;17m\033[4:3mred\033[K\033[2K\033[J\033[0J\033[6n", "red" },
	{ "\033[?25l\033[?2004h\033[?1;25h\033=\033>\033(B\033)0\033%G\033[!ptext\033M", "text" },
	{ "\016text\017", "text" },
	{ "\033[2J\033[Hgone", "^[[2J^[[Hgone" },
	{ "\033[1Jgone\033[3K", "^[[1Jgone^[[3K" },
	{ "\033[A\033[12G\033[5d", "^[[A^[[12G^[[5d" },
	{ "\033[?1049h\033[?1000h\033[?25;1049h\033[4h", "^[[?1049h^[[?1000h^[[?25;1049h^[[4h" },
	{ "\033[?l\033[?25;l\033[?99999h", "^[[?l^[[?25;l^[[?99999h" },
	{ "\033[c\033[>c\033[5n\033[16n\033[18t", "^[[c^[[>c^[[5n^[[16n^[[18t" },
	{ "\033[p\033[61\"p", "^[[p^[[61\"p" },
	{ "\033[>4;2m\033[?K", "^[[>4;2m^[[?K" },
	{ "\033c\0337\0338\033#8\033n", "^[c^[7^[8^[#8^[n" },
	{ "\033]0;title\007text", "^[]0;title^Gtext" },
	{ "\033]0;title\033\\text", "^[]0;title^[\\text" },
	{ "\033]0;caf\xc3\xa9\xff\007", "^[]0;caf\xc3\xa9\\xff^G" },
	{ "\033Pdevice\033\\text", "^[Pdevice^[\\text" },
	{ "\033_program\033\\\033^private\033\\", "^[_program^[\\^[^private^[\\" },
	{ "\033]0;a\033[2Jb", "^[]0;a^[[2Jb" },
	{ "\033]0;a\033[31mb", "^[]0;ab" },
	{ "\033]0;a\033\033[31mb", "^[]0;a^[b" },
	{ "\033]0;a\030b", "^[]0;a^Xb" },
	{ "\033(Btext", "text" },
	{ "\033M\0337text", "^[7text" },
	{ "\033[31", "^[[31" },
	{ "\033", "^[" },
	{ "\033\033[31mx", "^[x" },
	{ "\033[3\03330mx", "^[[3^[30mx" },
	{ "\033[3\0301x", "^[[3^X1x" },
	{ "\033[3\xc3\xa9", "^[[3\xc3\xa9" },
	{ "a\007b", "a^Gb" },
	{ "\177", "^?" },
	{ "\xc2\x9b"
	  "31m",
		"\\x9b31m" },
	{ "\x9b"
	  "31m",
		"\\x9b31m" },
	{ "\xc3(", "\\xc3(" },
	{ "\xff\xfe", "\\xff\\xfe" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	{ "\xc0\x8d", "\\xc0\\x8d" },
	{ "\xe2\x80\xae"
	  "evil",
		"\\u{202e}evil" },
	{ "\xe2\x80\xa8", "\\u{2028}" },
	{ "a\xe2\x80\x8b\xc2\xad\xef\xbb\xbf\xe2\x81\xa6", "a\\u{200b}\\u{ad}\\u{feff}\\u{2066}" },
	{ "\xc2\x85\xc2\x9d", "\\x85\\x9d" },
	{ "ae\xcc\x81\b!", "a!" },
	{ "a\tb", "a       b" },
	{ "12345678\tb", "12345678        b" },
	{ "abd\bc", "abc" },
	{ "\xc3\xa9\b!", "!" },
	{ "\b\bx", "x" },
	{ "\r\r", "" },
	{ "\xc3\033[0m\xa9", "\\xc3\\xa9" },
};

START_TEST(guest_text_is_harmless)
{
	char expected[256];

	snprintf(expected, sizeof(expected), "vm1     | %s\r\n", filtered[_i].text);
	feed(&one, filtered[_i].bytes);
	feed(&one, "\r\n");

	ck_assert_str_eq(shown(), expected);
}
END_TEST

START_TEST(nul_bytes_do_not_cut_a_line)
{
	view_feed(&one, (const uint8_t *)"a\0b\n", 4, 0);

	ck_assert_str_eq(shown(), "vm1     | a^@b\r\n");
}
END_TEST

START_TEST(a_progress_bar_is_a_row_each_time)
{
	feed(&one, "10%\r20%\r\n30%\r\033[K40%\r\r\n");

	ck_assert_str_eq(shown(),
		"vm1     | 10%\r\nvm1     | 20%\r\nvm1     | 30%\r\nvm1     | 40%\r\n");
}
END_TEST

START_TEST(a_carriage_return_at_the_start_of_a_line_is_nothing)
{
	feed(&one, "\rabc\n\rdef\n");

	ck_assert_str_eq(shown(), "vm1     | abc\r\nvm1     | def\r\n");
}
END_TEST

START_TEST(an_unfinished_string_does_not_swallow_the_next_line)
{
	feed(&one, "\033]0;title\nnext\n");

	ck_assert_str_eq(shown(), "vm1     | ^[]0;title\r\nvm1     | next\r\n");
}
END_TEST

START_TEST(a_sequence_without_end_is_shown_by_its_beginning)
{
	static const char *const begins[] = { "\033[", "\033]", "\033P", "\033(" };
	char expected[256];

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		bool is_string = begins[i][1] == ']' || begins[i][1] == 'P';
		char filler = is_string ? 'a' : begins[i][1] == '[' ? '1' : ' ';

		feed(&one, begins[i]);
		for (int k = 0; k < 10000; k++)
			view_feed(&one, (const uint8_t *)&filler, 1, 0);
		feed(&one, "\nnext\n");
		snprintf(expected, sizeof(expected), "vm1     | ^[%c", begins[i][1]);
		ck_assert(!strncmp(shown(), expected, strlen(expected)));
	}
}
END_TEST

START_TEST(a_long_string_is_shown_by_its_beginning)
{
	char expected[256];
	int length = snprintf(expected, sizeof(expected), "vm1     | ^[]%062d...end\r\n", 0);

	feed(&one, "\033]");
	for (int i = 0; i < 4000; i++)
		feed(&one, "0");
	feed(&one, "\007end\n");

	ck_assert_int_gt(length, 0);
	ck_assert_str_eq(shown(), expected);
}
END_TEST

START_TEST(a_channel_that_ends_shows_its_unfinished_sequence)
{
	feed(&one, "x\033]0;t");
	view_channel_end(&one);

	ck_assert_str_eq(shown(), "vm1     | x^[]0;t\r\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("view of hostile guests");
	TCase *test = tcase_create("hostile");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(test, start, stop);
	tcase_add_loop_test(test, guest_text_is_harmless, 0, (int)ARRAY_SIZE(filtered));
	tcase_add_test(test, nul_bytes_do_not_cut_a_line);
	tcase_add_test(test, a_progress_bar_is_a_row_each_time);
	tcase_add_test(test, a_carriage_return_at_the_start_of_a_line_is_nothing);
	tcase_add_test(test, an_unfinished_string_does_not_swallow_the_next_line);
	tcase_add_test(test, a_sequence_without_end_is_shown_by_its_beginning);
	tcase_add_test(test, a_long_string_is_shown_by_its_beginning);
	tcase_add_test(test, a_channel_that_ends_shows_its_unfinished_sequence);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
