/* Log lines: what arrives on stderr. */

#include "log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int output; /* what was written to stderr */

static void start(void)
{
	char path[] = "/tmp/test_log.XXXXXX";

	output = mkstemp(path);
	ck_assert_int_ge(output, 0);
	unlink(path);
	dup2(output, STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	log_init(LOG_INFO);
}

static void stop(void)
{
	close(output);
}

static const char *written(void)
{
	static char text[65536];
	ssize_t length = pread(output, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(length, 0);
	text[length] = '\0';
	return text;
}

START_TEST(writes_one_line_a_message)
{
	log_error("net0: no carrier");
	log_info("cable %s: %d ports", "lan", 2);

	ck_assert_str_eq(written(), "net0: no carrier\ncable lan: 2 ports\n");
}

START_TEST(leaves_out_what_is_below_the_level)
{
	log_debug("a: hidden");
	log_set_level(LOG_DEBUG);
	log_debug("b: shown");
	log_set_level(LOG_ERROR);
	log_warning("c: hidden");

	ck_assert_str_eq(written(), "b: shown\n");
}

START_TEST(says_priorities_to_the_journal)
{
	char stream[64];
	struct stat status;

	fstat(STDERR_FILENO, &status);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		(uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init(LOG_DEBUG);

	log_error("a");
	log_warning("b");
	log_info("c");
	log_debug("d");

	ck_assert_str_eq(written(), "<3>a\n<4>b\n<6>c\n<7>d\n");
}

START_TEST(says_no_priorities_where_stderr_is_not_the_journals)
{
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_init(LOG_INFO);

	log_error("a");

	ck_assert_str_eq(written(), "a\n");
}

START_TEST(lets_no_foreign_text_end_a_line_or_act_on_the_terminal)
{
	log_error("guest %s: up", "a\n<0>b\033[2J\r\x7f");

	ck_assert_str_eq(written(), "guest a?<0>b?[2J??: up\n");
}

START_TEST(cuts_a_long_line)
{
	char text[5000];
	size_t length;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';

	log_error("%s", text);

	length = strlen(written());
	ck_assert_uint_lt(length, 1100);
	ck_assert_uint_gt(length, 900);
	ck_assert_int_eq(written()[length - 1], '\n');
}

START_TEST(keeps_errno)
{
	errno = ENOSPC;

	log_error("a");

	ck_assert_int_eq(errno, ENOSPC);
}

START_TEST(limits_and_counts_what_others_can_trigger)
{
	struct log_limit limit = { 0 };
	unsigned lines = 0;
	const char *text;

	for (unsigned i = 0; i < 1000; i++)
		log_limited(&limit, "peer: wrong");
	limit.window_start_ms -= 2000; /* as if two seconds had passed */
	ck_assert_uint_gt(limit.suppressed, 0);
	log_limited(&limit, "peer: again");

	text = written();
	for (const char *line = text; (line = strstr(line, "peer: wrong\n")); line++)
		lines++;
	ck_assert_uint_ge(lines, 10);
	ck_assert_uint_lt(lines, 1000);
	ck_assert_ptr_nonnull(strstr(text, " similar lines left out\npeer: again\n"));
	ck_assert_uint_eq(limit.suppressed, 0);
}

START_TEST(limits_each_subject_by_itself)
{
	struct log_limit noisy = { 0 }, quiet = { 0 };

	for (unsigned i = 0; i < 100; i++)
		log_limited(&noisy, "noisy");
	log_limited(&quiet, "quiet");

	ck_assert_ptr_nonnull(strstr(written(), "quiet\n"));
}

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("log");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, writes_one_line_a_message);
	tcase_add_test(tcase, leaves_out_what_is_below_the_level);
	tcase_add_test(tcase, says_priorities_to_the_journal);
	tcase_add_test(tcase, says_no_priorities_where_stderr_is_not_the_journals);
	tcase_add_test(tcase, lets_no_foreign_text_end_a_line_or_act_on_the_terminal);
	tcase_add_test(tcase, cuts_a_long_line);
	tcase_add_test(tcase, keeps_errno);
	tcase_add_test(tcase, limits_and_counts_what_others_can_trigger);
	tcase_add_test(tcase, limits_each_subject_by_itself);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
