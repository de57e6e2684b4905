#include "console_input.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	const char *cmdline;
	bool serial;
} cases[] = {
	{ "", false },
	{ "quiet", false },
	{ "console=hvc0", false },
	{ "console=ttyS0", true },
	{ "console=ttyS0,115200n8 quiet", true },
	{ "console=ttyS0 console=hvc0", false },
	{ "console=hvc0  console=ttyS0 ", true },
	{ "noconsole=ttyS0", false },
	{ "console=tty0", false },
	{ "console=", false },
	{ "earlycon=uart8250,io,0x3f8", false },
	{ "console=uart8250,io,0x3f8,115200", true },
};

START_TEST(the_last_console_of_the_command_line_gets_the_input)
{
	ck_assert_int_eq(console_input_is_serial(cases[_i].cmdline), cases[_i].serial);
}

int main(void)
{
	Suite *suite = suite_create("console_input");
	TCase *tcase = tcase_create("console_input");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, the_last_console_of_the_command_line_gets_the_input, 0,
		sizeof(cases) / sizeof(cases[0]));

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
