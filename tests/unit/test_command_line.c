#include "command_line.h"
#include "compiler.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#define PANIC "panic=-1 "
#define REBOOT "reboot=a "
#define EARLY "earlycon=uart8250,io,0x3f8,115200 "
#define PCI "pci=noearly "

static const struct {
	const char *words;
	const char *line;
} defaults[] = {
	{ "", PANIC REBOOT EARLY PCI },
	{ "console=hvc0", PANIC REBOOT EARLY PCI "console=hvc0" },
	{ "console=ttyS0", PANIC REBOOT PCI "console=ttyS0" },
	{ "console=ttyS0,115200 quiet", PANIC REBOOT PCI "console=ttyS0,115200 quiet" },
	{ "earlyprintk=serial", PANIC REBOOT PCI "earlyprintk=serial" },
	{ "a earlycon b", PANIC REBOOT PCI "a earlycon b" },
	{ "panic=10", REBOOT EARLY PCI "panic=10" },
	{ "panic_print=1", PANIC REBOOT EARLY PCI "panic_print=1" },
	{ "reboot=t pci=off", PANIC EARLY "reboot=t pci=off" },
	{ "init=/bin/sh -- panic=1", PANIC REBOOT EARLY PCI "init=/bin/sh -- panic=1" },
	{ "foo=\"a panic=1\"", PANIC REBOOT EARLY PCI "foo=\"a panic=1\"" },
};

START_TEST(words_are_added_that_the_operator_did_not_give)
{
	char line[256];

	ck_assert_int_eq(command_line_build(defaults[_i].words, true, line, sizeof(line)), 0);
	ck_assert_str_eq(line, defaults[_i].line);
}

START_TEST(nothing_is_added_when_it_is_not_wanted)
{
	char line[256];

	ck_assert_int_eq(command_line_build("console=hvc0", false, line, sizeof(line)), 0);
	ck_assert_str_eq(line, "console=hvc0");
}

START_TEST(a_line_that_does_not_fit_is_refused)
{
	char line[8];

	ck_assert_int_eq(command_line_build("1234567", false, line, sizeof(line)), 0);
	ck_assert_int_eq(command_line_build("12345678", false, line, sizeof(line)), -EINVAL);
	ck_assert_int_eq(command_line_build("1", true, line, sizeof(line)), -EINVAL);
}

START_TEST(words_are_found_by_how_they_begin)
{
	ck_assert(command_line_has("quiet  nokaslr", "nokaslr"));
	ck_assert(command_line_has("\tnokaslr", "nokaslr"));
	ck_assert(!command_line_has("", "nokaslr"));
	ck_assert(!command_line_has("   ", "nokaslr"));
	ck_assert(!command_line_has("xnokaslr", "nokaslr"));
	ck_assert(!command_line_has("-- nokaslr", "nokaslr"));
	ck_assert(!command_line_has("x=\"nokaslr", "nokaslr"));
}

int main(void)
{
	Suite *suite = suite_create("command line");
	TCase *tcase = tcase_create("command line");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, words_are_added_that_the_operator_did_not_give, 0,
		ARRAY_SIZE(defaults));
	tcase_add_test(tcase, nothing_is_added_when_it_is_not_wanted);
	tcase_add_test(tcase, a_line_that_does_not_fit_is_refused);
	tcase_add_test(tcase, words_are_found_by_how_they_begin);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
