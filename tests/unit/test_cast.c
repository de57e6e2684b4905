#include "cast_reader.h"
#include "cast_writer.h"
#include "compiler.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW 1700000000123

static const struct cast_header header = { .columns = 100,
	.rows = 30,
	.title = "guest \"1\"",
	.terminal = "vt100" };
static char directory[] = "/tmp/test-cast-XXXXXX";
static char path[64];
static struct cast_writer writer;
static struct cast_reader reader;
static struct cast_event event;

static void start(void)
{
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/file.cast", directory);
}

static void stop(void)
{
	cast_reader_close(&reader);
	unlink(path);
	rmdir(directory);
}

static void begin(void)
{
	ck_assert_int_eq(cast_writer_open(&writer, path), 0);
	ck_assert_int_eq(cast_writer_begin(&writer, NOW, &header), 0);
}

static void output(uint64_t at_ms, const char *text)
{
	ck_assert_int_eq(cast_writer_bytes(&writer, CAST_OUTPUT, NOW + at_ms, text, strlen(text)),
		0);
}

static const char *written(void)
{
	static char text[4096];
	int fd = open(path, O_RDONLY);
	ssize_t length = read(fd, text, sizeof(text) - 1);

	ck_assert_int_ge(length, 0);
	text[length] = 0;
	close(fd);
	return text;
}

#define HEADER \
	"{\"version\":2,\"width\":100,\"height\":30,\"timestamp\":1700000000," \
	"\"title\":\"guest \\\"1\\\"\",\"env\":{\"TERM\":\"vt100\"}}\n"

START_TEST(a_recording_is_lines_of_json)
{
	begin();
	output(1, "hello\r\n\033[1m\"\\");
	ck_assert_int_eq(cast_writer_bytes(&writer, CAST_INPUT, NOW + 1500, "a\0", 2), 0);
	ck_assert_int_eq(cast_writer_size(&writer, NOW + 60000, 132, 50), 0);
	ck_assert_int_eq(cast_writer_marker(&writer, NOW + 3600000, "5 bytes lost"), 0);
	ck_assert_int_eq(cast_writer_end(&writer), 0);

	ck_assert_str_eq(written(),
		HEADER "[0.001,\"o\",\"hello\\r\\n\\u001B[1m\\\"\\\\\"]\n"
		       "[1.500,\"i\",\"a\\u0000\"]\n"
		       "[60.000,\"r\",\"132x50\"]\n"
		       "[3600.000,\"m\",\"5 bytes lost\"]\n");
}
END_TEST

START_TEST(the_file_is_new_and_its_owners_alone)
{
	struct stat status;

	begin();
	ck_assert_int_eq(cast_writer_end(&writer), 0);

	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	ck_assert_int_eq(cast_writer_open(&writer, path), -EEXIST);
	ck_assert_int_eq(cast_writer_end(&writer), 0);
	ck_assert_str_eq(written(), HEADER);
}
END_TEST

START_TEST(time_does_not_go_back)
{
	begin();
	output(2000, "a");
	output(1000, "b");
	cast_writer_end(&writer);

	ck_assert_str_eq(written(), HEADER "[2.000,\"o\",\"a\"]\n[2.000,\"o\",\"b\"]\n");
}
END_TEST

START_TEST(characters_in_pieces_become_whole)
{
	const char *text = "\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9";

	begin();
	for (size_t i = 0; i < strlen(text); i++)
		ck_assert_int_eq(cast_writer_bytes(&writer, CAST_OUTPUT, NOW, text + i, 1), 0);
	cast_writer_end(&writer);

	ck_assert_str_eq(written(),
		HEADER "[0.000,\"o\",\"\xe2\x82\xac\"]\n[0.000,\"o\",\"\xf0\x9f\x98\x80\"]\n"
		       "[0.000,\"o\",\"\xc3\xa9\"]\n");
}
END_TEST

START_TEST(input_and_output_do_not_share_a_character)
{
	begin();
	output(0, "\xc3");
	ck_assert_int_eq(cast_writer_bytes(&writer, CAST_INPUT, NOW, "x", 1), 0);
	output(0, "\xa9");
	cast_writer_end(&writer);

	ck_assert_str_eq(written(), HEADER "[0.000,\"i\",\"x\"]\n[0.000,\"o\",\"\xc3\xa9\"]\n");
}
END_TEST

#define WRONG "\xef\xbf\xbd"

static const struct {
	const char *bytes, *text;
	unsigned count;
} wrong[] = {
	{ "\xff", WRONG, 1 },
	{ "a\x80z", "a" WRONG "z", 1 },
	{ "\xe2\x82(", WRONG WRONG "(", 2 },
	{ "\xed\xa0\x80", WRONG WRONG WRONG, 3 },
	{ "\xc0\xaf", WRONG WRONG, 2 },
	{ "\xf5\x80\x80\x80", WRONG WRONG WRONG WRONG, 4 },
	{ "\xf0\x80", WRONG WRONG, 2 },
};

START_TEST(what_is_no_utf8_is_replaced_and_counted)
{
	char expected[512];

	begin();
	output(0, wrong[_i].bytes);
	cast_writer_end(&writer);

	snprintf(expected, sizeof(expected),
		HEADER "[0.000,\"o\",\"%s\"]\n[0.000,\"m\",\"%u bytes were no UTF-8\"]\n",
		wrong[_i].text, wrong[_i].count);
	ck_assert_str_eq(written(), expected);
}
END_TEST

START_TEST(a_character_that_never_ends_is_counted_at_the_end)
{
	begin();
	output(0, "\xe2\x82");
	cast_writer_end(&writer);

	ck_assert_str_eq(written(),
		HEADER "[0.000,\"o\",\"" WRONG WRONG
		       "\"]\n[0.000,\"m\",\"2 bytes were no UTF-8\"]\n");
}
END_TEST

START_TEST(a_full_disk_leaves_whole_lines)
{
	struct rlimit limit = { 1000, 1000 };
	static char text[2000];
	const char *all;

	memset(text, 'x', sizeof(text) - 1);
	signal(SIGXFSZ, SIG_IGN);
	begin();
	output(0, "first");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(cast_writer_bytes(&writer, CAST_OUTPUT, NOW, text, strlen(text)), -EFBIG);
	ck_assert_int_eq(cast_writer_bytes(&writer, CAST_OUTPUT, NOW, "x", 1), -EFBIG);
	ck_assert_int_eq(cast_writer_end(&writer), -EFBIG);

	all = written();
	ck_assert_str_eq(all, HEADER "[0.000,\"o\",\"first\"]\n");
}
END_TEST

static void write_file(const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
	close(fd);
}

START_TEST(what_was_written_can_be_read)
{
	begin();
	output(1500, "\033[31m\xe2\x82\xac\n");
	ck_assert_int_eq(cast_writer_bytes(&writer, CAST_OUTPUT, NOW + 2000, "a\0b", 3), 0);
	cast_writer_end(&writer);

	ck_assert_int_eq(cast_reader_open(&reader, path), 0);
	ck_assert_uint_eq(reader.columns, 100);
	ck_assert_uint_eq(reader.rows, 30);
	ck_assert_int_eq(cast_reader_next(&reader, &event), 1);
	ck_assert_double_eq(event.time, 1.5);
	ck_assert_int_eq(event.code, 'o');
	ck_assert_str_eq(event.text, "\033[31m\xe2\x82\xac\n");
	ck_assert_int_eq(cast_reader_next(&reader, &event), 1);
	ck_assert_uint_eq(event.length, 3);
	ck_assert_int_eq(cast_reader_next(&reader, &event), 0);
}
END_TEST

#define SMALL "{\"version\":2,\"width\":80,\"height\":24}\n"

static const struct {
	const char *text, *error;
} hostile[] = {
	{ "", ":1: no recording" },
	{ "\n\n", ":3: no recording" },
	{ "hello\n", ":1: " },
	{ "[]\n", ":1: no recording" },
	{ "{\"version\":1,\"width\":80,\"height\":24}\n", ":1: not version 2" },
	{ "{\"version\":\"2\",\"width\":80,\"height\":24}\n", ":1: not version 2" },
	{ "{\"version\":2,\"width\":80}\n", ":1: width and height" },
	{ "{\"version\":2,\"width\":-1,\"height\":24}\n", ":1: width and height" },
	{ "{\"version\":2,\"width\":80,\"height\":1e3}\n", ":1: width and height" },
	{ "{\"version\":2,\"width\":99999999999,\"height\":24}\n", ":1: width and height" },
	{ SMALL "{}\n", ":2: not an event" },
	{ SMALL "[]\n", ":2: not an event" },
	{ SMALL "[1,\"o\"]\n", ":2: not an event" },
	{ SMALL "\n[1,\"oo\",\"x\"]\n", ":3: not an event" },
	{ SMALL "[\"1\",\"o\",\"x\"]\n", ":2: not an event" },
	{ SMALL "[1,\"o\",7]\n", ":2: not an event" },
	{ SMALL "[-1,\"o\",\"x\"]\n", ":2: its time" },
	{ SMALL "[1e300,\"o\",\"x\"]\n", ":2: its time" },
	{ SMALL "[1e999,\"o\",\"x\"]\n", ":2: " },
	{ SMALL "[1,\"o\",\"x\"\n", ":2: " },
	{ SMALL "[1,\"o\",\"\xff\"]\n", ":2: " },
	{ SMALL "[1,\"o\",\"\\ud800\"]\n", ":2: " },
};

START_TEST(a_wrong_file_is_refused_by_its_line)
{
	char expected[128];

	write_file(hostile[_i].text, strlen(hostile[_i].text));
	if (!cast_reader_open(&reader, path))
		ck_assert_int_eq(cast_reader_next(&reader, &event), -1);

	snprintf(expected, sizeof(expected), "%s%s", path, hostile[_i].error);
	reader.error[strlen(expected)] = 0;
	ck_assert_str_eq(reader.error, expected);
}
END_TEST

START_TEST(an_endless_line_is_refused)
{
	char *text = malloc(2 * CAST_LINE_MAX);

	ck_assert_ptr_nonnull(text);
	memset(text, '[', 2 * CAST_LINE_MAX);
	write_file(text, 2 * CAST_LINE_MAX);
	ck_assert_int_eq(cast_reader_open(&reader, path), -1);
	ck_assert_ptr_nonnull(strstr(reader.error, ":1: a line of more than"));
	cast_reader_close(&reader);

	write_file(text, CAST_LINE_MAX - 1);
	ck_assert_int_eq(cast_reader_open(&reader, path), -1);
	free(text);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	ck_assert_int_eq(cast_reader_open(&reader, path), -1);
	ck_assert_ptr_nonnull(strstr(reader.error, "No such file"));
	cast_reader_close(&reader);
	ck_assert_int_eq(cast_reader_open(&reader, "/dev/zero"), -1);
	cast_reader_close(&reader);
	ck_assert_int_eq(cast_reader_open(&reader, directory), -1);
	cast_reader_close(&reader);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(cast_reader_open(&reader, path), -1);
	ck_assert_ptr_nonnull(strstr(reader.error, "not a regular file"));
}
END_TEST

START_TEST(time_that_goes_back_is_not_followed)
{
	const char *text = SMALL "[5,\"o\",\"a\"]\n[1.5,\"o\",\"b\"]";

	write_file(text, strlen(text));
	ck_assert_int_eq(cast_reader_open(&reader, path), 0);
	ck_assert_int_eq(cast_reader_next(&reader, &event), 1);
	ck_assert_int_eq(cast_reader_next(&reader, &event), 1);
	ck_assert_double_eq(event.time, 5);
	ck_assert_int_eq(cast_reader_next(&reader, &event), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cast");
	TCase *test = tcase_create("cast");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(test, start, stop);
	tcase_add_test(test, a_recording_is_lines_of_json);
	tcase_add_test(test, the_file_is_new_and_its_owners_alone);
	tcase_add_test(test, time_does_not_go_back);
	tcase_add_test(test, characters_in_pieces_become_whole);
	tcase_add_test(test, input_and_output_do_not_share_a_character);
	tcase_add_loop_test(test, what_is_no_utf8_is_replaced_and_counted, 0,
		(int)ARRAY_SIZE(wrong));
	tcase_add_test(test, a_character_that_never_ends_is_counted_at_the_end);
	tcase_add_test(test, a_full_disk_leaves_whole_lines);
	tcase_add_test(test, what_was_written_can_be_read);
	tcase_add_loop_test(test, a_wrong_file_is_refused_by_its_line, 0, (int)ARRAY_SIZE(hostile));
	tcase_add_test(test, an_endless_line_is_refused);
	tcase_add_test(test, what_is_no_file_is_refused);
	tcase_add_test(test, time_that_goes_back_is_not_followed);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
