/* The times of lines in the tagged view. */

#include "view.h"

#include <check.h>
#include <event2/buffer.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

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
	one.timestamps = TIMESTAMPS_RELATIVE;
	one.start_ms = 1000;
}

static void stop(void)
{
	evbuffer_free(out);
}

/* What came at that time. */
static void feed(struct view_channel *channel, uint64_t time_ms, const char *text)
{
	channel->came_ms = time_ms;
	view_feed(channel, (const uint8_t *)text, strlen(text), 0);
}

static const char *shown(void)
{
	static char text[65536];
	int length = evbuffer_remove(out, text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = 0;
	return text;
}

START_TEST(a_line_has_the_time_of_its_first_byte)
{
	feed(&one, 3500, "hel");
	feed(&one, 4000, "lo\r\n\nx");
	feed(&one, 5000, "\n");
	feed(&two, 5000, "hello\r\n");
	feed(&one, 0, "y\n");

	ck_assert_str_eq(shown(),
		"vm1     | [+00002.500] hello\r\n"
		"vm1     | [+00003.000] \r\n"
		"vm1     | [+00003.000] x\r\n"
		"vm2     | hello\r\n"
		"vm1     |              y\r\n");
}
END_TEST

START_TEST(a_row_that_is_drawn_again_keeps_its_time)
{
	view.moves = true;
	feed(&one, 2000, "log");
	view_release(&one);
	view_close(&view);
	feed(&one, 3000, "in: ");
	view_release(&one);

	ck_assert_str_eq(shown(),
		"vm1     | [+00001.000] log\r\n" UP "vm1     | [+00001.000] login: ");
}
END_TEST

START_TEST(the_rest_of_a_line_has_no_time)
{
	feed(&one, 2000, "login: ");
	view_release(&one);
	feed(&two, 2000, "hello\n");
	feed(&one, 3000, "root\n");

	ck_assert_str_eq(shown(),
		"vm1     | [+00001.000] login: \r\n"
		"vm2     | hello\r\n"
		"vm1     : root\r\n");
}
END_TEST

START_TEST(what_overwrites_a_line_has_its_own_time)
{
	feed(&one, 2000, "10%\r");
	feed(&one, 3000, "20%\r\n");

	ck_assert_str_eq(shown(),
		"vm1     | [+00001.000] 10%\r\n"
		"vm1     | [+00002.000] 20%\r\n");
}
END_TEST

START_TEST(a_time_counts_as_columns_of_its_row)
{
	view.moves = true;
	view.width = 30;
	feed(&one, 2000, "12345678");
	view_release(&one);
	view_close(&view);
	feed(&one, 3000, "9\n");

	ck_assert_str_eq(shown(),
		"vm1     | [+00001.000] 12345678\r\n"
		"vm1     : 9\r\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("view times");
	TCase *tcase = tcase_create("view times");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_line_has_the_time_of_its_first_byte);
	tcase_add_test(tcase, a_row_that_is_drawn_again_keeps_its_time);
	tcase_add_test(tcase, the_rest_of_a_line_has_no_time);
	tcase_add_test(tcase, what_overwrites_a_line_has_its_own_time);
	tcase_add_test(tcase, a_time_counts_as_columns_of_its_row);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
