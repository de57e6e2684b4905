#include "panic.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TRACE "[    1.5] CPU: 0 PID: 1 Comm: init\r\n[    1.6] Call Trace:\r\n"

static const struct {
	const char *text;
	const char *reason; /* NULL: no panic */
} cases[] = {
	{ "", NULL },
	{ "[    1.0] all is well\r\n", NULL },
	{ "[    1.0] Kernel panic - not syncing: No working init found.\r\n" TRACE,
		"No working init found." },
	{ "Kernel panic - not syncing: without time stamps\n", "without time stamps" },
	{ "[    1.0] Kernel panic - not syncing: cut off", "cut off" },
	{ "login: [   12.5] Kernel panic - not syncing: behind a prompt\r\n", "behind a prompt" },
	{ "[    1.0][    T1] Kernel panic - not syncing: with its caller\r\n", "with its caller" },
	{ "[ 1.0] Kernel panic - not syncing: a\r\n[ 1.1] Kernel panic - not syncing: b\r\n", "b" },
	{ "[ 1.0] ---[ end Kernel panic - not syncing: only the end ]---\r\n", NULL },
	{ "$ echo Kernel panic - not syncing: just typed\r\n", NULL },
	{ "[ 1.0] Kernel panic - not syncing: x\r\n[ 9.0] reboot: Restarting system\r\n", NULL },
	{ "[ 1.0] reboot: Power down\r\n[ 9.0] Kernel panic - not syncing: after\r\n", "after" },
	{ "[ 1.0] Kernel panic - not syncing: \033[31mred\tand \200 more\r\n",
		"?[31mred?and ? more" },
	{ "[ 1.0] Kernel panic - not syncing: \r\n", "" },
	{ "\n\n]\n] \n[\r\n", NULL },
};

START_TEST(a_panic_is_what_the_kernel_said_last)
{
	char reason[64] = "untouched";
	bool found = panic_find(cases[_i].text, strlen(cases[_i].text), reason, sizeof(reason));

	ck_assert_int_eq(found, cases[_i].reason != NULL);
	if (found)
		ck_assert_str_eq(reason, cases[_i].reason);
}

START_TEST(a_long_reason_is_cut)
{
	static const char text[] = "Kernel panic - not syncing: 0123456789\n";
	char reason[6];

	ck_assert(panic_find(text, strlen(text), reason, sizeof(reason)));
	ck_assert_str_eq(reason, "01234");
}

START_TEST(text_need_not_be_terminated)
{
	char *text = strdup("[ 1.0] Kernel panic - not syncing: reason");
	char reason[64];
	char *exact = malloc(strlen(text));

	memcpy(exact, text, strlen(text));
	for (size_t length = 0; length <= strlen(text); length++)
		panic_find(exact, length, reason, sizeof(reason));

	ck_assert_str_eq(reason, "reason");
	free(text);
	free(exact);
}

int main(void)
{
	Suite *suite = suite_create("panic");
	TCase *tcase = tcase_create("panic");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, a_panic_is_what_the_kernel_said_last, 0,
		sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, a_long_reason_is_cut);
	tcase_add_test(tcase, text_need_not_be_terminated);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
