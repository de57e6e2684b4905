/* Times in front of lines, in each way there is. */

#include "timestamps.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOMENT 1795200170123U /* 2026-11-20 18:42:50.123 UTC */

static const struct {
	enum timestamps how;
	uint64_t time_ms, start_ms;
	const char *text;
} cases[] = {
	{ TIMESTAMPS_OFF, MOMENT, 0, "" },
	{ TIMESTAMPS_LOCAL, MOMENT, 0, "[2026-11-20 21:42:50.123] " },
	{ TIMESTAMPS_LOCAL, 0, 0, "                          " },
	{ TIMESTAMPS_UTC, MOMENT, 0, "[2026-11-20 18:42:50.123Z] " },
	{ TIMESTAMPS_UTC, 0, 0, "                           " },
	{ TIMESTAMPS_RELATIVE, MOMENT, MOMENT, "[+00000.000] " },
	{ TIMESTAMPS_RELATIVE, MOMENT + 12345, MOMENT, "[+00012.345] " },
	{ TIMESTAMPS_RELATIVE, MOMENT, MOMENT + 1, "[-00000.001] " },
	{ TIMESTAMPS_RELATIVE, 0, MOMENT, "             " },
	{ TIMESTAMPS_UTC, UINT64_MAX, 0, "                           " },
	{ TIMESTAMPS_LOCAL, UINT64_MAX, 0, "                          " },
	{ TIMESTAMPS_RELATIVE, UINT64_MAX, 0, "[+18446744073709551.615] " },
};

START_TEST(shows_a_time)
{
	char text[TIMESTAMP_MAX];
	size_t length;

	setenv("TZ", "UTC-3", 1);
	tzset();
	length = timestamp_write(cases[_i].how, cases[_i].time_ms, cases[_i].start_ms, text);

	ck_assert_str_eq(text, cases[_i].text);
	ck_assert_uint_eq(length, strlen(text));
}
END_TEST

START_TEST(each_way_has_a_name)
{
	enum timestamps how;

	for (unsigned i = 0; i < TIMESTAMPS_COUNT; i++) {
		ck_assert(timestamps_read(timestamps_name((enum timestamps)i), &how));
		ck_assert_uint_eq(how, i);
	}
	ck_assert(timestamps_read("on", &how));
	ck_assert_uint_eq(how, TIMESTAMPS_LOCAL);
	ck_assert(!timestamps_read("", &how));
	ck_assert(!timestamps_read("Local", &how));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timestamps");
	TCase *tcase = tcase_create("timestamps");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, shows_a_time, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, each_way_has_a_name);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
