#include "compiler.h"
#include "player.h"
#include "terminal.h"

#include <check.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SMALL "{\"version\":2,\"width\":1,\"height\":1}\n"

static char path[] = "/tmp/test-player-XXXXXX";
static struct event_base *base;
static struct terminal terminal;
static struct player player;
static _Atomic uint32_t modes;
static unsigned ends;
static char message[512];

static void ended(void *owner, const char *text)
{
	(void)owner;
	ends++;
	snprintf(message, sizeof(message), "%s", text);
}

static void typed(void *owner, const uint8_t *bytes, size_t length)
{
	(void)owner;
	(void)bytes;
	(void)length;
}

static void start(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	base = event_base_new();
	terminal = (struct terminal){
		.input_fd = -1,
		.output_fd = memfd_create("terminal", MFD_CLOEXEC),
		.synchronous = true,
		.moves = true,
		.out = evbuffer_new(),
		.typed = typed,
	};
	player = (struct player){
		.base = base,
		.terminal = &terminal,
		.modes = &modes,
		.ended = ended,
	};
	ends = 0;
}

static void stop(void)
{
	player_close(&player);
	terminal_close(&terminal);
	event_base_free(base);
}

/* The events as JSON. */
static void open_file(const char *events)
{
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(dprintf(fd, SMALL "%s", events), 0);
	close(fd);
	ck_assert_int_eq(player_open(&player, path, 1000, 2), 0);
	unlink(path);
}

static const char *shown(void)
{
	static char text[65536];
	ssize_t length = pread(terminal.output_fd, text, sizeof(text) - 1, 0);

	text[length > 0 ? length : 0] = 0;
	return strncmp(text, "*** recorded", 12) != 0 ? text : strchr(text, '\n') + 1;
}

static void play_text(const char *text)
{
	char events[1024];

	snprintf(events, sizeof(events), "[0,\"o\",\"%s\"]\n", text);
	open_file(events);
	event_base_dispatch(base);
	ck_assert_uint_eq(ends, 1);
	ck_assert_str_eq(message, "");
}

static const struct {
	const char *json, *shown;
} texts[] = {
	{ "hello\\r\\n", "hello\r\n" },
	{ "a\\u0007\\t\\b\\n", "a\a\t\b\n" },
	{ "\\u001b[1;31mred\\u001b[0m\\n", "\033[1;31mred\033[0m\n" },
	{ "\\u001b[2J\\u001b[5;7Hx\\u001b[K\\u001b[3A\\n", "\033[2J\033[5;7Hx\033[K\033[3A\n\r\n" },
	{ "\\u001b[?25lx\\n", "\033[?25lx\n\033[?25h" },
	{ "\\u001b[?99hx\\u001b[?25;99lx\\n", "xx\n" },
	{ "\\u001b[6n\\u001b[c\\u001b[>c\\u001b[5i\\u001b[21t\\u001b[?1$px\\n", "x\n" },
	{ "\\u001b]0;title\\u0007\\u001b]52;c;eA==\\u001b\\\\x\\n", "x\n" },
	{ "\\u001bPq\\u001b\\\\\\u001b_a\\u001b\\\\\\u001b^b\\u001b\\\\x\\n", "x\n" },
	{ "\\u0005\\u0000\\u007fx\\u009b31m\\u0085\\n", "x31m\n" },
	{ "\\u001b]0;t\\u001b[31mx\\u001b[0m\\n", "\033[31mx\033[0m\n" },
	{ "\\u001b[3\\u001b[31mx\\u001b[0m\\n", "\033[31mx\033[0m\n" },
	{ "\\u001b[31\\u0018x\\u001bZ\\u001b#8\\u001b(0\\u001b(B\\n", "x\033(0\033(B\n\017\033(B" },
	{ "caf\xc3\xa9 \xe5\xae\xbd\\n", "caf\xc3\xa9 \xe5\xae\xbd\n" },
	{ "unfinished\\u001b[3", "unfinished\r\n" },
};

START_TEST(only_what_draws_or_can_be_undone_is_played)
{
	play_text(texts[_i].json);

	ck_assert_str_eq(shown(), texts[_i].shown);
	ck_assert_uint_eq(modes, 0);
}
END_TEST

START_TEST(a_dumb_terminal_gets_no_sequences)
{
	terminal.moves = false;
	play_text("\\u001b[1mbold\\u001b[2J\\n");

	ck_assert_str_eq(shown(), "bold\n");
}
END_TEST

START_TEST(a_sequence_that_is_too_long_is_left_out)
{
	char text[400];

	memset(text, '1', sizeof(text));
	memcpy(text, "\\u001b[", 7);
	strcpy(text + sizeof(text) - 6, "mx\\n");
	play_text(text);

	ck_assert_str_eq(shown(), "x\n");
}
END_TEST

START_TEST(only_output_is_played)
{
	open_file(
		"[0,\"i\",\"typed\"]\n[0.5,\"o\",\"shown\\n\"]\n[1,\"r\",\"1x1\"]\n[2,\"m\",\"x\"]\n");
	event_base_dispatch(base);

	ck_assert_str_eq(shown(), "shown\n");
	ck_assert_uint_eq(ends, 1);
}
END_TEST

START_TEST(what_precedes_an_error_is_played)
{
	open_file("[0,\"o\",\"\\u001b[?25lshown\\n\"]\nnonsense\n");
	event_base_dispatch(base);

	ck_assert_str_eq(shown(), "\033[?25lshown\n\033[?25h");
	ck_assert_ptr_nonnull(strstr(message, ":3: "));
}
END_TEST

START_TEST(a_key_ends_it)
{
	open_file("[0,\"o\",\"\\u001b[?25lshown\\n\"]\n[1e6,\"o\",\"never\"]\n");
	player.idle = 1e6;
	while (!strstr(shown(), "shown"))
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_ne(modes, 0);
	player_typed(&player, (const uint8_t *)"xq", 2);

	ck_assert_uint_eq(ends, 1);
	ck_assert_str_eq(shown(), "\033[?25lshown\n\033[?25h");
	ck_assert_uint_eq(modes, 0);
	ck_assert_int_eq(event_base_loop(base, EVLOOP_NONBLOCK), 1);
}
END_TEST

START_TEST(a_key_holds_it_and_lets_it_go_on)
{
	open_file("[0,\"o\",\"a\"]\n[1,\"o\",\"b\\n\"]\n");
	player_typed(&player, (const uint8_t *)" ", 1);
	ck_assert_int_eq(event_base_dispatch(base), 1);
	ck_assert_str_eq(shown(), "");
	player_typed(&player, (const uint8_t *)" ", 1);
	event_base_dispatch(base);

	ck_assert_str_eq(shown(), "ab\n");
}
END_TEST

START_TEST(a_longer_pause_than_told_is_cut)
{
	open_file("[0,\"o\",\"a\"]\n[1000000,\"o\",\"b\\n\"]\n");
	event_base_dispatch(base);

	ck_assert_str_eq(shown(), "ab\n");
}
END_TEST

START_TEST(a_full_terminal_is_waited_for)
{
	static const char full[TERMINAL_FULL];

	open_file("[0,\"o\",\"a\\n\"]\n");
	evbuffer_add(terminal.out, full, sizeof(full));
	event_base_dispatch(base);
	ck_assert_uint_eq(ends, 0);
	terminal_flush(&terminal);
	player_drained(&player);
	event_base_dispatch(base);

	ck_assert_uint_eq(ends, 1);
}
END_TEST

START_TEST(numbers_of_people_are_checked)
{
	static const char *const bad[] = { "", "x", "0", "-1", "nan", "inf", "1x", "1e7", "0.001" };
	double number;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert(!player_number(bad[i], &number));
	ck_assert(player_number("0.5", &number));
	ck_assert_double_eq(number, 0.5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("player");
	TCase *test = tcase_create("player");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(test, start, stop);
	tcase_add_loop_test(test, only_what_draws_or_can_be_undone_is_played, 0,
		(int)ARRAY_SIZE(texts));
	tcase_add_test(test, a_dumb_terminal_gets_no_sequences);
	tcase_add_test(test, a_sequence_that_is_too_long_is_left_out);
	tcase_add_test(test, only_output_is_played);
	tcase_add_test(test, what_precedes_an_error_is_played);
	tcase_add_test(test, a_key_ends_it);
	tcase_add_test(test, a_key_holds_it_and_lets_it_go_on);
	tcase_add_test(test, a_longer_pause_than_told_is_cut);
	tcase_add_test(test, a_full_terminal_is_waited_for);
	tcase_add_test(test, numbers_of_people_are_checked);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
