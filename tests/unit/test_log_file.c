/* Logs of channels: what is in them, and how far, over kills and rotations. */

#include "log_file.h"
#include "log_line.h"
#include "log_text.h"

#include <check.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/test_log_file.XXXXXX";
static struct log_file file;
static bool fresh;

static void start(void)
{
	memcpy(strrchr(directory, '.'), ".XXXXXX", sizeof(".XXXXXX"));
	ck_assert(mkdtemp(directory) != NULL);
	ck_assert_int_eq(chdir(directory), 0);
	log_file_init(&file, 0, 2);
	ck_assert_int_eq(log_file_open(&file, "log", "place", &fresh), 0);
}

static void stop(void)
{
	char command[64];

	log_file_close(&file);
	ck_assert_int_eq(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static int append(const char *text, uint64_t position)
{
	struct log_piece piece = {
		.bytes = text,
		.length = strlen(text),
		.position = position,
		.line_open = text[strlen(text) - 1] != '\n',
	};

	return log_file_write(&file, &piece);
}

static void must_append(const char *text, uint64_t position)
{
	ck_assert_int_eq(append(text, position), 0);
}

static void contains(const char *path, const char *expected)
{
	char text[256] = "";
	FILE *opened = fopen(path, "r");

	ck_assert_msg(opened != NULL, "%s", path);
	ck_assert_uint_lt(fread(text, 1, sizeof(text), opened), sizeof(text));
	fclose(opened);
	ck_assert_str_eq(text, expected);
}

/* As after a kill: while "position" was to become "next" by so many bytes more. */
static void kill_while_writing(uint64_t position, uint64_t next, uint64_t more)
{
	struct log_record record = file.place.record;

	ck_assert_uint_eq(record.position, position);
	record.next_position = next;
	record.next_size = record.size + more;
	record.next_line_open = 1;
	log_position_store(&file.place, &record);
	log_file_close(&file);
}

static void start_again(void)
{
	log_file_init(&file, 0, 2);
	ck_assert_int_eq(log_file_open(&file, "log", "place", &fresh), 0);
	ck_assert(!fresh);
	ck_assert_int_eq(log_file_settle(&file), 0);
}

static void put(const char *path, const char *text)
{
	FILE *opened = fopen(path, "a");

	ck_assert(opened != NULL);
	ck_assert_int_ge(fputs(text, opened), 0);
	ck_assert_int_eq(fclose(opened), 0);
}

START_TEST(begins_without_knowing_anything)
{
	ck_assert(fresh);
	ck_assert_uint_eq(file.place.record.position, 0);
	ck_assert_int_eq(access("log", F_OK), -1);
}

START_TEST(remembers_how_far_it_is)
{
	must_append("one\n", 4);
	must_append("tw", 6);
	log_file_close(&file);

	start_again();

	ck_assert_uint_eq(file.place.record.position, 6);
	ck_assert_uint_eq(file.place.record.line_open, 1);
	must_append("o\n", 8);
	contains("log", "one\ntwo\n");
}

START_TEST(what_was_written_before_a_kill_is_not_written_again)
{
	must_append("one\n", 4);
	kill_while_writing(4, 7, 3);
	put("log", "two");

	start_again();

	ck_assert_uint_eq(file.place.record.position, 7);
	ck_assert_uint_eq(file.place.record.line_open, 1);
}

START_TEST(what_was_not_written_before_a_kill_is_still_to_come)
{
	must_append("one\n", 4);
	kill_while_writing(4, 7, 3);

	start_again();

	ck_assert_uint_eq(file.place.record.position, 4);
	ck_assert_uint_eq(file.place.record.line_open, 0);
	contains("log", "one\n");
}

START_TEST(a_part_that_was_written_before_a_kill_is_taken_away)
{
	must_append("one\n", 4);
	kill_while_writing(4, 7, 3);
	put("log", "t");

	start_again();

	ck_assert_uint_eq(file.place.record.position, 4);
	contains("log", "one\n");
}

START_TEST(a_log_moved_away_after_a_kill_may_have_bytes_that_come_again)
{
	must_append("one\n", 4);
	kill_while_writing(4, 7, 3);
	put("log", "two");
	ck_assert_int_eq(rename("log", "moved"), 0);

	start_again();

	ck_assert_uint_eq(file.place.record.position, 4);
	contains("log", "");
	contains("moved", "one\ntwo");
}

START_TEST(a_place_that_makes_no_sense_is_begun_anew)
{
	must_append("one\n", 4);
	log_file_close(&file);
	ck_assert_int_eq(truncate("place", 0), 0);

	log_file_init(&file, 0, 2);
	ck_assert_int_eq(log_file_open(&file, "log", "place", &fresh), 0);

	ck_assert(fresh);
	ck_assert_uint_eq(file.place.record.position, 0);
}

START_TEST(is_rotated_between_lines_and_the_oldest_goes)
{
	log_file_close(&file);
	log_file_init(&file, 4, 2);
	ck_assert_int_eq(log_file_open(&file, "log", "place", &fresh), 0);

	must_append("aaaa", 4);
	must_append("a\n", 6);
	must_append("bbbb\n", 11);
	must_append("cccc\n", 16);
	must_append("d\n", 18);

	contains("log", "d\n");
	contains("log.1", "cccc\n");
	contains("log.2", "bbbb\n");
	ck_assert_int_eq(access("log.3", F_OK), -1);
}

START_TEST(is_made_anew_when_somebody_removes_it)
{
	must_append("one\n", 4);
	ck_assert_int_eq(unlink("log"), 0);

	must_append("two\n", 8);

	contains("log", "two\n");
}

START_TEST(is_no_link_and_no_other_kind_of_file)
{
	ck_assert_int_eq(symlink("elsewhere", "log"), 0);
	ck_assert_int_eq(append("one\n", 4), -ELOOP);
	ck_assert_int_eq(unlink("log"), 0);
	ck_assert_int_eq(mkfifo("log", 0600), 0);
	ck_assert_int_eq(append("one\n", 4), -ENXIO);
	ck_assert_int_eq(unlink("log"), 0);

	must_append("one\n", 4);

	contains("log", "one\n");
	ck_assert_int_eq(access("elsewhere", F_OK), -1);
}

START_TEST(others_cannot_read_it)
{
	struct stat status;

	must_append("one\n", 4);

	ck_assert_int_eq(stat("log", &status), 0);
	ck_assert_uint_eq(status.st_mode & 0137U, 0);
}

START_TEST(times_are_those_of_RFC_3339)
{
	char text[LOG_LINE_TIME_MAX] = "";
	size_t length;

	setenv("TZ", "IST-5:30", 1);
	length = log_line_time(LOG_TIMES_UTC, 951782400007, text);
	ck_assert_int_eq(strncmp(text, "2000-02-29T00:00:00.007Z ", length), 0);
	length = log_line_time(LOG_TIMES_LOCAL, 951782400007, text);
	ck_assert_int_eq(strncmp(text, "2000-02-29T05:30:00.007+05:30 ", length), 0);
	length = log_line_time(LOG_TIMES_UTC, 0, text);
	ck_assert_uint_eq(length, strlen("2000-02-29T00:00:00.007Z "));
	ck_assert_uint_eq(strspn(text, " "), length);
	ck_assert_uint_eq(log_line_time(LOG_TIMES_OFF, 951782400007, text), 0);
}

START_TEST(text_has_no_control_sequences_and_what_was_written_over)
{
	static const char written[] = "\033[1mab\b\xc3\xa9\b\bc\033[m\rd\a";
	static struct log_text text;

	ck_assert(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	log_text_feed(&text, (const uint8_t *)written, sizeof(written) - 1);

	ck_assert_uint_eq(text.length, 5);
	ck_assert_mem_eq(text.bytes, "c\nd^G", 5);
}

START_TEST(whatever_is_fed_at_once_has_room)
{
	static struct log_text text = { .length = LOG_TEXT_LINE_MOST - 1 };
	uint8_t bytes[LOG_TEXT_FEED_MOST];

	ck_assert(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	memset(bytes, 0xff, sizeof(bytes)); /* nothing becomes longer */
	log_text_feed(&text, bytes, sizeof(bytes));

	ck_assert_uint_eq(text.length, LOG_TEXT_LINE_MOST - 1 + 4 * sizeof(bytes));
}

int main(void)
{
	Suite *suite = suite_create("log_file");
	TCase *tests = tcase_create("log_file");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, begins_without_knowing_anything);
	tcase_add_test(tests, remembers_how_far_it_is);
	tcase_add_test(tests, what_was_written_before_a_kill_is_not_written_again);
	tcase_add_test(tests, what_was_not_written_before_a_kill_is_still_to_come);
	tcase_add_test(tests, a_part_that_was_written_before_a_kill_is_taken_away);
	tcase_add_test(tests, a_log_moved_away_after_a_kill_may_have_bytes_that_come_again);
	tcase_add_test(tests, a_place_that_makes_no_sense_is_begun_anew);
	tcase_add_test(tests, is_rotated_between_lines_and_the_oldest_goes);
	tcase_add_test(tests, is_made_anew_when_somebody_removes_it);
	tcase_add_test(tests, is_no_link_and_no_other_kind_of_file);
	tcase_add_test(tests, others_cannot_read_it);
	tcase_add_test(tests, times_are_those_of_RFC_3339);
	tcase_add_test(tests, text_has_no_control_sequences_and_what_was_written_over);
	tcase_add_test(tests, whatever_is_fed_at_once_has_room);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
