/* A channel's history: bytes and record in a file, whatever happens to the process or the file. */

#include "history.h"
#include "log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 8192

static char directory[] = "/tmp/history-XXXXXX";
static char path[64];
static struct history history;
static bool fresh;

static int open_again(void)
{
	history_close(&history);
	return history_open(&history, path, "guest1", SIZE, &fresh);
}

static void start(void)
{
	log_init(LOG_ERROR);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/guest1", directory);
	ck_assert_int_eq(open_again(), 0);
	ck_assert(fresh);
}

static void stop(void)
{
	history_close(&history);
	unlink(path);
	rmdir(directory);
}

/* What is appended from a position on comes then: times do not only grow. */
static uint64_t time_of(uint64_t position)
{
	return 1000000 + position % 7919 * 3;
}

static uint8_t byte_at(uint64_t position)
{
	return (uint8_t)((position * 2654435761U) >> 11);
}

static void append_pattern(size_t length)
{
	static uint8_t bytes[HISTORY_PIECE];

	for (size_t i = 0; i < length; i++)
		bytes[i] = byte_at(history.record.end + i);
	history_append(&history, bytes, length, time_of(history.record.end));
}

static bool is_whole(const struct history *of)
{
	struct iovec pieces[2];
	uint64_t position = history_begin(of);

	history_look(of, position, SIZE_MAX, pieces);
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *bytes = pieces[i].iov_base;

		for (size_t at = 0; at < pieces[i].iov_len; at++) {
			if (bytes[at] != byte_at(position++))
				return false;
		}
	}
	return position == of->committed;
}

/* Each piece of one time has that of its first byte; how many there are, older ones aside. */
static unsigned count_times(const struct history *of)
{
	uint64_t position = history_begin(of);
	unsigned count = 0;

	if (!history_time(of, position))
		position = history_next_time(of, position);
	for (; position < of->committed; position = history_next_time(of, position), count++) {
		uint64_t last = history_next_time(of, position) - 1;

		if (position > history_begin(of))
			ck_assert_uint_eq(history_time(of, position), time_of(position));
		ck_assert_uint_eq(history_time(of, last), history_time(of, position));
	}
	return count;
}

START_TEST(keeps_bytes_and_record_when_reopened)
{
	append_pattern(100);
	history.record.lost = 7;
	history.record.key = 'k';
	history_commit(&history);

	ck_assert_int_eq(open_again(), 0);

	ck_assert(!fresh);
	ck_assert_uint_eq(history.record.end, 100);
	ck_assert_uint_eq(history.record.lost, 7);
	ck_assert_int_eq(history.record.key, 'k');
	ck_assert(is_whole(&history));
}

START_TEST(a_byte_has_the_time_when_it_came)
{
	history_append(&history, "one\n", 4, 1000);
	history_commit(&history);
	history_append(&history, "two", 3, 1000);
	history_commit(&history);
	history_append(&history, "\nthree\n", 7, 1500);
	history_commit(&history);

	for (unsigned again = 0; again < 2; again++) {
		ck_assert_uint_eq(history_time(&history, 0), 1000);
		ck_assert_uint_eq(history_time(&history, 6), 1000);
		ck_assert_uint_eq(history_time(&history, 7), 1500);
		ck_assert_uint_eq(history_next_time(&history, 0), 7);
		ck_assert_uint_eq(history_next_time(&history, 7), 14);
		ck_assert_uint_eq(history_since(&history, 1), 0);
		ck_assert_uint_eq(history_since(&history, 1001), 7);
		ck_assert_uint_eq(history_since(&history, 1501), 14);
		ck_assert_int_eq(open_again(), 0);
	}
}
END_TEST

START_TEST(without_a_mark_there_is_no_time)
{
	history_append(&history, "x", 1, 0);
	history_commit(&history);

	ck_assert_uint_eq(history_time(&history, 0), 0);
	ck_assert_uint_eq(history_next_time(&history, 0), 1);
	ck_assert_uint_eq(history_since(&history, 1), 1);
}
END_TEST

START_TEST(older_lines_than_marks_have_no_time)
{
	size_t room = history.ring_size / HISTORY_BYTES_PER_MARK;

	for (unsigned i = 0; i < room + 9; i++) {
		history_append(&history, "x\n", 2, 5000 + i);
		history_commit(&history);
	}

	for (unsigned again = 0; again < 2; again++) {
		ck_assert_uint_eq(history_begin(&history), 0);
		ck_assert_uint_eq(history_time(&history, 0), 0);
		ck_assert_uint_eq(history_time(&history, 18), 0);
		ck_assert_uint_eq(history_next_time(&history, 0), 20);
		ck_assert_uint_eq(history_time(&history, 20), 5010);
		ck_assert_uint_eq(history_since(&history, 1), 20);
		ck_assert_int_eq(open_again(), 0);
	}
}
END_TEST

START_TEST(a_mark_that_was_not_committed_is_forgotten)
{
	history_append(&history, "one\n", 4, 1000);
	history_commit(&history);
	history_append(&history, "two\n", 4, 2000);

	ck_assert_uint_eq(history_next_time(&history, 0), 4);
	ck_assert_int_eq(open_again(), 0);
	ck_assert_uint_eq(history_time(&history, 3), 1000);
	history_append(&history, "too\n", 4, 3000);
	history_commit(&history);
	ck_assert_uint_eq(history_time(&history, 4), 3000);
}
END_TEST

START_TEST(forgets_what_was_not_committed)
{
	append_pattern(100);
	history_commit(&history);
	append_pattern(HISTORY_PIECE);
	history.record.lost = 7;

	ck_assert_int_eq(open_again(), 0);

	ck_assert_uint_eq(history.record.end, 100);
	ck_assert_uint_eq(history.record.lost, 0);
	ck_assert(is_whole(&history));
}

START_TEST(serves_what_it_promises_while_more_is_appended)
{
	struct history other = { 0 };
	bool other_fresh;

	for (unsigned i = 0; i < 50; i++) {
		append_pattern(HISTORY_PIECE - 1);
		ck_assert_int_eq(history_open(&other, path, "guest1", SIZE, &other_fresh), 0);
		ck_assert(is_whole(&other));
		history_close(&other);
		history_commit(&history);
		ck_assert(is_whole(&history));
	}
	ck_assert_uint_ge(history.committed - history_begin(&history), SIZE);
}

START_TEST(a_look_ends_at_the_end)
{
	struct iovec pieces[2];

	append_pattern(50);
	history_commit(&history);

	ck_assert_uint_eq(history_look(&history, 20, 1000, pieces), 30);
	ck_assert_uint_eq(history_look(&history, 50, 1000, pieces), 0);
}

START_TEST(knows_where_a_line_ends)
{
	ck_assert(history_at_line_start(&history));
	history_append(&history, "login: ", 7, 1);
	ck_assert(!history_at_line_start(&history));
	history_append(&history, "root\r\n", 6, 1);
	ck_assert(history_at_line_start(&history));
	ck_assert_uint_eq(history.record.output_lines, 1);
}

/* The child counts in the record and in the bytes, and is killed at any instruction. */
static void count_for_ever(void)
{
	for (;;) {
		append_pattern((size_t)(history.record.end % 3000) + 1);
		history.record.lost = history.record.end;
		history.record.link_offset = history.record.end;
		history_commit(&history);
	}
}

static uint64_t marks_served(void)
{
	return history_mark_room(&history) - 1;
}

START_TEST(is_whole_after_a_kill_at_any_instruction)
{
	uint64_t before = 0;

	for (unsigned i = 0; i < 20; i++) {
		pid_t child = fork();

		if (!child)
			count_for_ever();
		for (int turn = 0; turn <= _i; turn++)
			sched_yield(); /* any moment will do */
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		ck_assert_int_eq(open_again(), 0);
		ck_assert(!fresh);
		ck_assert_uint_ge(history.record.end, before);
		ck_assert_uint_eq(history.record.lost, history.record.end);
		ck_assert_uint_eq(history.record.link_offset, history.record.end);
		ck_assert(is_whole(&history));
		ck_assert_uint_eq(history.first_mark,
			history.record.marks > marks_served()
				? history.record.marks - marks_served()
				: 0);
		ck_assert(!history.record.end || count_times(&history));
		before = history.record.end;
	}
}

START_TEST(another_name_is_another_history)
{
	append_pattern(100);
	history_commit(&history);
	history_close(&history);

	ck_assert_int_eq(history_open(&history, path, "guest2", SIZE, &fresh), 0);

	ck_assert(fresh);
	ck_assert_uint_eq(history.record.end, 0);
}

START_TEST(keeps_the_size_it_was_created_with)
{
	size_t size = history.ring_size;

	history_close(&history);
	ck_assert_int_eq(history_open(&history, path, "guest1", 4 * SIZE, &fresh), 0);

	ck_assert(!fresh);
	ck_assert_uint_eq(history.ring_size, size);
}

START_TEST(a_flipped_byte_of_the_head_is_found_or_harmless)
{
	uint8_t byte;
	int fd;

	append_pattern(5000);
	history_commit(&history);
	history_close(&history);
	fd = open(path, O_RDWR);
	ck_assert_int_eq(pread(fd, &byte, 1, _i * 7), 1);
	byte ^= 0xff;
	ck_assert_int_eq(pwrite(fd, &byte, 1, _i * 7), 1);
	close(fd);

	ck_assert_int_eq(history_open(&history, path, "guest1", SIZE, &fresh), 0);

	ck_assert_uint_eq(history.record.end, fresh ? 0 : history.committed);
	ck_assert(is_whole(&history));
	ck_assert_uint_eq(count_times(&history), fresh ? 0 : 1);
}

START_TEST(a_file_of_any_other_length_is_begun_anew)
{
	static const off_t lengths[] = { 0, 1, 4095, 4096, 24576, 34816, 34817, 39936, 1LL << 40 };

	history_close(&history);
	ck_assert_int_eq(truncate(path, lengths[_i]), 0);

	ck_assert_int_eq(open_again(), 0);

	ck_assert_msg(fresh == (lengths[_i] != 34816), "%ld", (long)lengths[_i]);
}

START_TEST(has_its_space_even_if_its_file_had_holes)
{
	static uint8_t head[4096];
	struct stat status;
	int fd = open(path, O_RDWR);

	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_eq(pread(fd, head, sizeof(head), 0), sizeof(head));
	history_close(&history);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(ftruncate(fd, status.st_size), 0);
	ck_assert_int_eq(pwrite(fd, head, sizeof(head), 0), sizeof(head));

	ck_assert_int_eq(open_again(), 0);

	ck_assert(!fresh);
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_ge(status.st_blocks * 512, status.st_size);
	close(fd);
}
END_TEST

START_TEST(follows_no_link)
{
	history_close(&history);
	unlink(path);
	ck_assert_int_eq(symlink("/dev/null", path), 0);

	ck_assert_int_eq(open_again(), -ELOOP);
}

START_TEST(says_that_there_is_no_directory)
{
	ck_assert_int_eq(history_open(&history, "/nowhere/guest1", "guest1", SIZE, &fresh),
		-ENOENT);
}

int main(void)
{
	Suite *suite = suite_create("history");
	TCase *tcase = tcase_create("history");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, keeps_bytes_and_record_when_reopened);
	tcase_add_test(tcase, a_byte_has_the_time_when_it_came);
	tcase_add_test(tcase, without_a_mark_there_is_no_time);
	tcase_add_test(tcase, older_lines_than_marks_have_no_time);
	tcase_add_test(tcase, a_mark_that_was_not_committed_is_forgotten);
	tcase_add_test(tcase, forgets_what_was_not_committed);
	tcase_add_test(tcase, serves_what_it_promises_while_more_is_appended);
	tcase_add_test(tcase, a_look_ends_at_the_end);
	tcase_add_test(tcase, knows_where_a_line_ends);
	tcase_add_loop_test(tcase, is_whole_after_a_kill_at_any_instruction, 0, 5);
	tcase_add_test(tcase, another_name_is_another_history);
	tcase_add_test(tcase, keeps_the_size_it_was_created_with);
	tcase_add_loop_test(tcase, a_flipped_byte_of_the_head_is_found_or_harmless, 0, 160);
	tcase_add_loop_test(tcase, a_file_of_any_other_length_is_begun_anew, 0, 9);
	tcase_add_test(tcase, has_its_space_even_if_its_file_had_holes);
	tcase_add_test(tcase, follows_no_link);
	tcase_add_test(tcase, says_that_there_is_no_directory);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
