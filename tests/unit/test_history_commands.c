/* cat, tail and grep step by step, while the guest goes on printing, on any bytes. */

#include "channel.h"
#include "command.h"
#include "log.h"
#include "mux.h"

#include <check.h>
#include <event2/event.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORY_SIZE 65536
#define STEPS_MOST 100000

static const struct mux_options options = {
	.prompt = "cons",
	.history_size = HISTORY_SIZE,
	.show_all = true,
};
static char directory[] = "/tmp/history-commands-XXXXXX";
static struct event_base *base;
static struct mux mux;
static struct channel *one;
static struct command_call call;
static char *printed;
static size_t printed_length;
static unsigned woken;

static void start(void)
{
	char channels[64];
	int error;

	log_init(LOG_ERROR);
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(channels, sizeof(channels), "%s/channels", directory);
	base = event_base_new();
	ck_assert_int_eq(mux_open(&mux, base, &options, channels), 0);
	one = channel_create(&mux, "one", &error);
	ck_assert_ptr_nonnull(one);
}

static void stop(void)
{
	char path[64];

	free(printed);
	if (one)
		channel_drop(one);
	mux_close(&mux);
	event_base_free(base);
	snprintf(path, sizeof(path), "%s/channels", directory);
	rmdir(path);
	rmdir(directory);
}

static void print(const char *text)
{
	channel_output(one, (const uint8_t *)text, strlen(text));
}

static void print_numbers(unsigned first, unsigned end)
{
	char line[32];

	for (; first < end; first++) {
		snprintf(line, sizeof(line), "number %u\r\n", first);
		print(line);
	}
}

static void take_output(struct command_call *of, const void *bytes, size_t length)
{
	(void)of;
	printed = realloc(printed, printed_length + length + 1);
	ck_assert_ptr_nonnull(printed);
	memcpy(printed + printed_length, bytes, length);
	printed_length += length;
	printed[printed_length] = '\0';
}

static void take_wake(struct command_call *of)
{
	(void)of;
	woken++;
}

/* The first turn: words separated by blanks. */
static int begin(const char *line)
{
	static char copy[256];
	char *words[32], *next = copy;
	size_t count = 0;

	printed_length = 0;
	take_output(&call, "", 0);
	snprintf(copy, sizeof(copy), "%s", line);
	while ((words[count] = strtok_r(next, " ", &next)))
		count++;
	call = (struct command_call){ .mux = &mux, .output = take_output, .wake = take_wake };
	return command_run(&call, words);
}

static int go_on(int status)
{
	for (unsigned i = 0; status == COMMAND_AGAIN; i++) {
		ck_assert_uint_lt(i, STEPS_MOST);
		status = command_step(&call);
	}
	return status;
}

static int run(const char *line)
{
	int status = go_on(begin(line));

	command_end(&call);
	return status;
}

static unsigned count_of(const char *text)
{
	const char *place = printed;
	unsigned count = 0;

	while ((place = strstr(place, text))) {
		place++;
		count++;
	}
	return count;
}

START_TEST(cat_tells_what_was_overwritten_while_it_printed)
{
	int status;

	print_numbers(0, 6000);
	status = begin("cat one");
	status = status == COMMAND_AGAIN ? command_step(&call) : status;
	ck_assert_int_eq(status, COMMAND_AGAIN);
	print_numbers(6000, 20000);
	status = go_on(status);
	command_end(&call);

	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(count_of(" bytes were overwritten meanwhile ---\r\n"), 1);
	ck_assert_uint_eq(count_of("number 6000\r\n"), 0);
}
END_TEST

START_TEST(grep_tells_what_it_could_not_search)
{
	int status;

	print_numbers(0, 6000);
	status = begin("grep -B3 5999 one");
	command_step(&call);
	print_numbers(6000, 20000);
	status = go_on(status);
	command_end(&call);

	ck_assert_int_eq(status, 2);
	ck_assert_ptr_nonnull(strstr(call.message, "overwritten before they were searched"));
}
END_TEST

START_TEST(grep_does_not_print_what_came_where_a_match_was_overwritten)
{
	int status;

	print_numbers(0, 2000);
	status = begin("grep -B5000 1999 one");
	for (unsigned i = 0; i < 2 && status == COMMAND_AGAIN; i++)
		status = command_step(&call);
	print_numbers(2000, 20000);
	go_on(status);
	command_end(&call);

	for (char *rest = printed, *line; (line = strsep(&rest, "\n"));)
		ck_assert(strncmp(line, "number", 6) != 0 || strtoul(line + 7, NULL, 10) < 2000);
}
END_TEST

static const char *const commands[] = { "cat one", "tail -n 9 one", "tail -f one", "grep -v x one",
	"grep x" };

START_TEST(a_channel_may_be_dropped_at_any_time)
{
	for (unsigned steps = 0; steps < 4; steps++) {
		int error, status;

		print_numbers(0, 6000);
		status = begin(commands[_i]);
		for (unsigned i = 0; i < steps && status == COMMAND_AGAIN; i++)
			status = command_step(&call);
		channel_drop(one);
		one = NULL;
		if (status == COMMAND_WAITING)
			status = COMMAND_AGAIN;
		status = go_on(status);
		command_end(&call);

		ck_assert_int_ge(status, 0);
		one = channel_create(&mux, "one", &error);
		ck_assert_ptr_nonnull(one);
	}
}
END_TEST

START_TEST(a_command_may_end_at_any_time)
{
	for (unsigned steps = 0; steps < 4; steps++) {
		int status;

		print_numbers(0, 6000);
		status = begin(commands[_i]);
		for (unsigned i = 0; i < steps && status == COMMAND_AGAIN; i++)
			status = command_step(&call);
		command_end(&call);
		print_numbers(0, 10);
	}
}
END_TEST

START_TEST(tail_waits_for_more_and_is_woken)
{
	int status;

	print("one\r\ntwo\r\n");
	status = go_on(begin("tail -f -n1 one"));
	ck_assert_int_eq(status, COMMAND_WAITING);
	ck_assert_str_eq(printed, "two\r\n");
	woken = 0;
	print("three");
	ck_assert_uint_eq(woken, 1);
	status = go_on(COMMAND_AGAIN);
	ck_assert_int_eq(status, COMMAND_WAITING);
	ck_assert_str_eq(printed, "two\r\nthree");
	command_end(&call);
	print("four");
	ck_assert_uint_eq(woken, 1);
}
END_TEST

START_TEST(what_follows_faster_than_it_is_taken_is_counted)
{
	print("begin\r\n");
	ck_assert_int_eq(go_on(begin("tail -f one")), COMMAND_WAITING);
	print_numbers(0, 20000);
	ck_assert_int_eq(go_on(COMMAND_AGAIN), COMMAND_WAITING);
	command_end(&call);

	ck_assert_uint_eq(count_of(" bytes were overwritten meanwhile ---\r\n"), 1);
	ck_assert_uint_eq(count_of("number 19999\r\n"), 1);
}
END_TEST

/* Bytes of which much means something. */
static void print_noise(unsigned seed)
{
	static const char pieces[][8] = { "\r\n", "\r", "\n", "a", "ab", "\033[31m", "\033]0;",
		"\007", "\b", "\t", "\xc3\xa4", "\xc3", "\xff", "\033[", "1;2H", "b a",
		"\xe2\x82\xac", "" };
	static char text[8000];
	unsigned length = 0;

	srandom(seed);
	for (unsigned i = 0; i < 1000; i++) {
		long any = random() % (long)(sizeof(pieces) / sizeof(pieces[0]));

		if (any == 17)
			text[length++] = '\0';
		length +=
			(unsigned)snprintf(text + length, sizeof(text) - length, "%s", pieces[any]);
	}
	channel_output(one, (const uint8_t *)text, length);
	for (unsigned i = 0; i < seed % 3 * 4000; i++)
		print(i % 7 ? "a" : "b");
}

/* The lines of the output that begin with a number and the separator, or all. */
static char *lines_with(char separator)
{
	char *lines = calloc(1, printed_length + 1);
	char *copy = strdup(printed), *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		const char *behind = line + strspn(line, "0123456789");

		if (behind == line || *behind != separator)
			continue;
		strcat(lines, line);
		strcat(lines, "\n");
	}
	free(copy);
	return lines;
}

static unsigned count_lines(const char *text)
{
	unsigned count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

START_TEST(context_changes_nothing_about_what_matches)
{
	static const char *const contexts[] = { "-B1", "-A1", "-C2", "-B9000", "-C10000" };
	unsigned matching, others;
	char *expected;

	print_noise((unsigned)_i);
	run("grep -n ab one");
	expected = lines_with(':');
	matching = count_lines(expected);
	run("grep -nv ab one");
	others = count_lines(printed);
	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		char line[64];
		char *found;

		snprintf(line, sizeof(line), "grep -n %s ab one", contexts[i]);
		run(line);
		found = lines_with(':');
		ck_assert_str_eq(found, expected);
		free(found);
		ck_assert_uint_le(count_lines(printed), 2 * matching + others);
	}
	ck_assert(!matching || count_lines(printed) == matching + others);
	free(expected);
}
END_TEST

START_TEST(what_grep_prints_is_text)
{
	print_noise((unsigned)_i);
	run("grep -v no-such-text one");

	for (size_t i = 0; i < printed_length; i++)
		ck_assert((unsigned char)printed[i] >= ' ' || printed[i] == '\n');
	ck_assert(!strchr(printed, 0x7f));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("history commands");
	TCase *tcase = tcase_create("history commands");
	SRunner *runner = srunner_create(suite);
	int kinds = (int)(sizeof(commands) / sizeof(commands[0]));
	int failed;

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, cat_tells_what_was_overwritten_while_it_printed);
	tcase_add_test(tcase, grep_tells_what_it_could_not_search);
	tcase_add_test(tcase, grep_does_not_print_what_came_where_a_match_was_overwritten);
	tcase_add_loop_test(tcase, a_channel_may_be_dropped_at_any_time, 0, kinds);
	tcase_add_loop_test(tcase, a_command_may_end_at_any_time, 0, kinds);
	tcase_add_test(tcase, tail_waits_for_more_and_is_woken);
	tcase_add_test(tcase, what_follows_faster_than_it_is_taken_is_counted);
	tcase_add_loop_test(tcase, context_changes_nothing_about_what_matches, 0, 30);
	tcase_add_loop_test(tcase, what_grep_prints_is_text, 0, 30);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
