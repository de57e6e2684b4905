#include "config.h"
#include "guest_name.h"
#include "units.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERNEL "[kernel]\nimage = '/vmlinuz'\n"

static char directory[] = "/tmp/test_config.XXXXXX";
static struct vmm_config config;
static struct config_error error;

static void start(void)
{
	memcpy(strrchr(directory, '.'), ".XXXXXX", sizeof(".XXXXXX"));
	ck_assert(mkdtemp(directory) != NULL);
	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(mkdir("sub", 0700), 0);
}

static void stop(void)
{
	config_destroy(&config);
	unlink("guest1.toml");
	unlink("sub/guest1.toml");
	unlink("-x.toml");
	rmdir("sub");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert(file != NULL);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static int load(const char *text)
{
	config_destroy(&config);
	write_file("guest1.toml", text);
	return config_load(&config, "guest1.toml", NULL, 0, &error);
}

static void must_load(const char *text)
{
	int result = load(text);

	ck_assert_msg(result == 0, "%s", error.text);
}

START_TEST(a_kernel_is_all_that_is_needed)
{
	must_load(KERNEL);

	ck_assert_str_eq(config.name, "guest1");
	ck_assert_str_eq(config.kernel.image, "/vmlinuz");
	ck_assert_ptr_null(config.kernel.initrd);
	ck_assert_str_eq(config.kernel.cmdline, "");
	ck_assert(config.kernel.defaults);
	ck_assert_uint_eq(config.vcpus, 1);
	ck_assert_uint_eq(config.memory, 128 << 20);
	ck_assert_int_eq(config.on_reboot, ON_REBOOT_RESTART);
	ck_assert_uint_eq(config.stop_timeout_ms, 90000);
	ck_assert(!config.huge_pages && !config.prefault);
	ck_assert_uint_eq(config.affinity.count, 0);
	ck_assert_int_eq(config.console.key, 0);
	ck_assert_int_eq(config.console.color, 0);
	ck_assert_int_eq(config.console.flags, 0);
	ck_assert_uint_eq(config.console.ring_size, 256 << 10);
	ck_assert_int_eq(config.console.input, INPUT_AUTO);
}

START_TEST(every_key_reaches_its_field)
{
	must_load("name = 'db'\n"
		  "[kernel]\nimage = '/k'\ninitrd = '/i'\ncmdline = 'quiet'\ndefaults = false\n"
		  "[machine]\nvcpus = 2\nmemory = '1GiB'\non_reboot = 'exit'\n"
		  "stop_timeout = '2min'\nhugepages = true\nprefault = true\naffinity = [3, 0]\n"
		  "[console]\nkey = '1'\ncolor = 'G'\nshow = true\nkeep = true\ntimestamps = true\n"
		  "buffer = 65536\ninput = 'uart'\n");

	ck_assert_str_eq(config.name, "db");
	ck_assert_str_eq(config.kernel.image, "/k");
	ck_assert_str_eq(config.kernel.initrd, "/i");
	ck_assert_str_eq(config.kernel.cmdline, "quiet");
	ck_assert(!config.kernel.defaults);
	ck_assert_uint_eq(config.vcpus, 2);
	ck_assert_uint_eq(config.memory, 1 << 30);
	ck_assert_int_eq(config.on_reboot, ON_REBOOT_EXIT);
	ck_assert_uint_eq(config.stop_timeout_ms, 120000);
	ck_assert(config.huge_pages && config.prefault);
	ck_assert_uint_eq(config.affinity.count, 2);
	ck_assert_uint_eq(config.affinity.items[0], 3);
	ck_assert_uint_eq(config.affinity.items[1], 0);
	ck_assert_int_eq(config.console.key, '1');
	ck_assert_int_eq(config.console.color, 'G');
	ck_assert_int_eq(config.console.flags, CONSOLE_SHOW | CONSOLE_KEEP | CONSOLE_TIMESTAMPS);
	ck_assert_uint_eq(config.console.ring_size, 65536);
	ck_assert_int_eq(config.console.input, INPUT_SERIAL);
}

START_TEST(hiding_is_not_the_same_as_saying_nothing)
{
	must_load(KERNEL "[console]\nshow = false\n");

	ck_assert_int_eq(config.console.flags, CONSOLE_HIDE);
}

START_TEST(paths_are_relative_to_the_file)
{
	write_file("sub/guest1.toml", "[kernel]\nimage = 'vmlinuz'\ninitrd = '/boot/initrd'\n");
	ck_assert_int_eq(config_load(&config, "sub/guest1.toml", NULL, 0, &error), 0);

	ck_assert_str_eq(config.kernel.image, "sub/vmlinuz");
	ck_assert_str_eq(config.kernel.initrd, "/boot/initrd");
}

START_TEST(paths_in_settings_are_relative_to_the_current_directory)
{
	const char *settings[] = { "kernel.image=other" };

	write_file("sub/guest1.toml", "[kernel]\nimage = 'vmlinuz'\n");
	ck_assert_int_eq(config_load(&config, "sub/guest1.toml", settings, 1, &error), 0);

	ck_assert_str_eq(config.kernel.image, "other");
}

START_TEST(settings_override_the_file_and_later_ones_the_earlier)
{
	const char *settings[] = {
		"machine.memory=512M",
		"machine.vcpus=3",
		"machine.vcpus=4",
		"machine.affinity=[0, 1, 2, 3]",
		"kernel.cmdline=console=hvc0 quiet",
		"console.key=1",
		"machine.prefault=true",
		"name='quoted'",
		"machine.stop_timeout=\"5s\"",
	};

	write_file("guest1.toml", KERNEL "cmdline = 'x'\n[machine]\nvcpus = 2\n");
	ck_assert_int_eq(config_load(&config, "guest1.toml", settings, 9, &error), 0);

	ck_assert_uint_eq(config.memory, 512 << 20);
	ck_assert_uint_eq(config.vcpus, 4);
	ck_assert_uint_eq(config.affinity.count, 4);
	ck_assert_str_eq(config.kernel.cmdline, "console=hvc0 quiet");
	ck_assert_int_eq(config.console.key, '1');
	ck_assert(config.prefault);
	ck_assert_str_eq(config.name, "quoted");
	ck_assert_uint_eq(config.stop_timeout_ms, 5000);
}

static const struct {
	const char *text;
	const char *message;
} wrong[] = {
	{ "[kernel\n", "1:8: expected \"]\", found the end of the line" },
	{ "", " kernel.image is not set; it names the kernel to boot" },
	{ "nmae = 'x'", "1:1: unknown key \"nmae\", did you mean \"name\"?" },
	{ "[machin]", "1:2: unknown table \"machin\", did you mean \"machine\"?" },
	{ "[[disk]]",
		"1:3: unknown table \"disk\", known are name, [kernel], [machine], "
		"[console], [[net]]" },
	{ "vcpus = 2", "1:1: unknown key \"vcpus\", it belongs to [machine]" },
	{ "[machine]\nvcpu = 2",
		"2:1: unknown key \"vcpu\" in [machine], did you mean \"vcpus\"?" },
	{ "machine.mem = 2", "1:9: unknown key \"mem\" in [machine], did you mean \"memory\"?" },
	{ "[console]\n\"\\u001b[2J\" = 1",
		"2:1: unknown key \"\\x1b[2J\" in [console], known are "
		"key, color, show, keep, timestamps, buffer, history, input" },
	{ "kernel = 1", "1:1: kernel must be a table, not an integer" },
	{ "[[kernel]]", "1:3: kernel must be one table, written [kernel]" },
	{ "[kernel]\nimage = 1", "2:9: kernel.image must be a string with a path, not an integer" },
	{ "[kernel]\nimage = ''", "2:9: kernel.image must not be empty" },
	{ "[kernel]\nimage = \"a\\u0000\"", "2:9: kernel.image must not contain NUL" },
	{ "[kernel]\ncmdline = \"a\\nb\"",
		"2:11: kernel.cmdline must not contain control characters" },
	{ "[kernel]\ndefaults = 1",
		"2:12: kernel.defaults must be a boolean (true or false), not an integer" },
	{ "[machine]\nvcpus = 0", "2:9: machine.vcpus must be 1 to 4096, not 0" },
	{ "[machine]\nvcpus = -1", "2:9: machine.vcpus must be 1 to 4096, not -1" },
	{ "[machine]\nvcpus = 4097", "2:9: machine.vcpus must be 1 to 4096, not 4097" },
	{ "[machine]\nvcpus = '2'", "2:9: machine.vcpus must be an integer, not a string" },
	{ "[machine]\nvcpus = 2.0", "2:9: machine.vcpus must be an integer, not a float" },
	{ "[machine]\nmemory = '256X'",
		"2:10: machine.memory must be a size such as \"256M\", not \"256X\"" },
	{ "[machine]\nmemory = 256", "2:10: machine.memory must be 16M to 4T, not 256" },
	{ "[machine]\nmemory = -1", "2:10: machine.memory must not be negative" },
	{ "[machine]\nmemory = '17M'", "2:10: machine.memory must be a multiple of 2M, not 17M" },
	{ "[machine]\nmemory = '99999999999T'",
		"2:10: machine.memory must be a size such as \"256M\", not \"99999999999T\"" },
	{ "[machine]\nmemory = true",
		"2:10: machine.memory must be a size such as \"256M\" or a "
		"number of bytes, not a boolean" },
	{ "[machine]\non_reboot = 'stop'",
		"2:13: machine.on_reboot must be \"restart\" or \"exit\", not \"stop\"" },
	{ "[machine]\nstop_timeout = '90'",
		"2:16: machine.stop_timeout must be a duration such as \"90s\", not \"90\"" },
	{ "[machine]\nstop_timeout = '25h'", "2:16: machine.stop_timeout must be at most 24h" },
	{ "[machine]\naffinity = [1, 'x']",
		"2:12: machine.affinity must be an array of integers, not of a string" },
	{ "[machine]\naffinity = [-1]", "2:12: machine.affinity must be 0 to 4095, not -1" },
	{ KERNEL "[machine]\naffinity = [0, 1]",
		"4:12: machine.affinity must name one host processor for each of 1 vcpus, not 2" },
	{ "[console]\nkey = 'ab'", "2:7: console.key must be one printable ASCII character" },
	{ "[console]\nkey = '\xc3\xa9'", "2:7: console.key must be one printable ASCII character" },
	{ "[console]\nkey = 'q'",
		"2:7: console.key must be another: \"q\" is a key of muxd's own" },
	{ "[console]\nhistory = '17M'", "2:11: console.history must be 512 to 16M, not 17M" },
	{ "[console]\ncolor = 'x'", "2:9: console.color must be one letter of nrgybmcwNRGYBMCW" },
	{ "[console]\nbuffer = '1K'", "2:10: console.buffer must be 4K to 64M, not 1K" },
	{ "[console]\nbuffer = '5K'",
		"2:10: console.buffer must be a power of two such as \"256K\", not 5K" },
	{ "[console]\ninput = 'keyboard'",
		"2:9: console.input must be \"auto\" or \"virtio\" or "
		"\"uart\", not \"keyboard\"" },
	{ "name = \"a\\u001bb\"", "1:8: name must not contain control characters" },
	{ "name = 'a/b'", "1:8: name must not contain a slash" },
	{ "name = ''", "1:8: name must not be empty" },
	{ "name = 1", "1:8: name must be a string, not an integer" },
	{ "name = 'a'\nname = 'b'", "2:1: \"name\" is already set (line 1)" },
};

START_TEST(says_where_and_what_is_wrong_with_a_file)
{
	char expected[512];

	ck_assert_int_eq(load(wrong[_i].text), -EINVAL);

	snprintf(expected, sizeof(expected), "guest1.toml:%s", wrong[_i].message);
	ck_assert_str_eq(error.text, expected);
}

static const struct {
	const char *setting;
	const char *message;
} wrong_settings[] = {
	{ "machine.memory", "machine.memory: has no value; write KEY=VALUE" },
	{ "machine.memori=1G",
		"machine.memori: unknown key \"memori\" in [machine], "
		"did you mean \"memory\"?" },
	{ "memory=1G", "memory: unknown key \"memory\", it belongs to [machine]" },
	{ "machin.memory=1G",
		"machin.memory: unknown table \"machin\", "
		"did you mean \"machine\"?" },
	{ "machine.memory=x", "machine.memory: must be a size such as \"256M\", not \"x\"" },
	{ "machine.vcpus=x", "machine.vcpus: must be an integer" },
	{ "machine.vcpus=1.5", "machine.vcpus: must be an integer, not a float" },
	{ "machine.vcpus=2\nmachine.memory=1", "machine.vcpus: must be an integer" },
	{ "machine.vcpus=", "machine.vcpus: must be an integer" },
	{ "machine.affinity=[0,1]",
		"machine.affinity: must name one host processor for each of "
		"1 vcpus, not 2" },
	{ "", ": has no value; write KEY=VALUE" },
	{ "=", ": unknown key \"\", known are name, [kernel], [machine], [console], [[net]]" },
	{ "kernel=1", "kernel: is a table, not a key" },
	{ "net=1", "net: is a table, not a key" },
	{ ".=1", ".: unknown table \"\", known are name, [kernel], [machine], [console], [[net]]" },
};

START_TEST(says_what_is_wrong_with_a_setting)
{
	const char *settings[] = { wrong_settings[_i].setting };
	char expected[512];

	write_file("guest1.toml", KERNEL);
	ck_assert_int_eq(config_load(&config, "guest1.toml", settings, 1, &error), -EINVAL);

	snprintf(expected, sizeof(expected), "--set %s", wrong_settings[_i].message);
	ck_assert_str_eq(error.text, expected);
}

START_TEST(a_file_that_is_not_there_is_named)
{
	ck_assert_int_eq(config_load(&config, "nowhere.toml", NULL, 0, &error), -EINVAL);
	ck_assert_str_eq(error.text, "nowhere.toml: cannot be read: No such file or directory");
	config_destroy(&config);

	ck_assert_int_eq(config_load(&config, "sub", NULL, 0, &error), -EINVAL);
	ck_assert_str_eq(error.text, "sub: cannot be read: Is a directory");
}

START_TEST(a_file_without_an_end_is_refused)
{
	ck_assert_int_eq(config_load(&config, "/dev/zero", NULL, 0, &error), -EINVAL);
	ck_assert_str_eq(error.text, "/dev/zero:1:1: the document is larger than 1 MiB");
}

START_TEST(a_file_name_that_is_no_guest_name_wants_one)
{
	write_file("-x.toml", KERNEL);
	ck_assert_int_eq(config_load(&config, "-x.toml", NULL, 0, &error), -EINVAL);

	ck_assert_str_eq(error.text,
		"-x.toml: name is not set, and cannot be the file's: it must "
		"not begin with \".\" or \"-\"");
}

START_TEST(a_long_path_does_not_push_the_message_out)
{
	char path[4096];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(config_load(&config, path, NULL, 0, &error), -EINVAL);

	ck_assert(strstr(error.text, "...: cannot be read: File name too long") != NULL);
}

START_TEST(names_are_visible_words)
{
	static const char *const good[] = { "a", "guest1", "web-1.example", "\xc3\xa9t\xc3\xa9",
		"_x", "9", "a:b", "a@b" };
	static const char *const bad[] = { "", ".", "..", ".a", "-a", "a/b", "a b", "a\tb", "a\n",
		"\x7f", "\xff", "\xc2\x9b", "\xe2\x80\x8b", "\xc2\xa0" };
	char longest[65];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_ptr_null(guest_name_problem(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_ptr_nonnull(guest_name_problem(bad[i], strlen(bad[i])));
	memset(longest, 'a', sizeof(longest));
	ck_assert_ptr_null(guest_name_problem(longest, 63));
	ck_assert_ptr_nonnull(guest_name_problem(longest, 64));
	ck_assert_ptr_nonnull(guest_name_problem("a\0b", 3));
}

START_TEST(sizes_and_durations_are_read_and_written)
{
	static const struct {
		const char *text;
		bool valid;
		uint64_t bytes;
	} sizes[] = {
		{ "0", true, 0 },
		{ "1", true, 1 },
		{ "4k", true, 4096 },
		{ "4KiB", true, 4096 },
		{ "1T", true, UINT64_C(1) << 40 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "16777216T", false, 0 },
		{ "", false, 0 },
		{ "M", false, 0 },
		{ "-1", false, 0 },
		{ " 1", false, 0 },
		{ "1 M", false, 0 },
		{ "1MB", false, 0 },
		{ "1.5G", false, 0 },
	};
	char text[UNITS_TEXT_MAX];
	uint64_t number;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bool valid = units_read_size(sizes[i].text, strlen(sizes[i].text), &number);

		ck_assert_int_eq(valid, sizes[i].valid);
		if (valid)
			ck_assert_uint_eq(number, sizes[i].bytes);
	}
	ck_assert(units_read_duration("1500ms", 6, &number) && number == 1500);
	ck_assert(!units_read_duration("1500", 4, &number));
	ck_assert(!units_read_duration("5124095576031h", 14, &number));
	ck_assert_str_eq(units_write_size(text, 1536 << 10), "1536K");
	ck_assert_str_eq(units_write_size(text, 0), "0");
	ck_assert_str_eq(units_write_size(text, UINT64_MAX), "18446744073709551615");
	ck_assert_str_eq(units_write_duration(text, 90000), "90s");
}

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_kernel_is_all_that_is_needed);
	tcase_add_test(tcase, every_key_reaches_its_field);
	tcase_add_test(tcase, hiding_is_not_the_same_as_saying_nothing);
	tcase_add_test(tcase, paths_are_relative_to_the_file);
	tcase_add_test(tcase, paths_in_settings_are_relative_to_the_current_directory);
	tcase_add_test(tcase, settings_override_the_file_and_later_ones_the_earlier);
	tcase_add_loop_test(tcase, says_where_and_what_is_wrong_with_a_file, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_loop_test(tcase, says_what_is_wrong_with_a_setting, 0,
		sizeof(wrong_settings) / sizeof(wrong_settings[0]));
	tcase_add_test(tcase, a_file_that_is_not_there_is_named);
	tcase_add_test(tcase, a_file_without_an_end_is_refused);
	tcase_add_test(tcase, a_file_name_that_is_no_guest_name_wants_one);
	tcase_add_test(tcase, a_long_path_does_not_push_the_message_out);
	tcase_add_test(tcase, names_are_visible_words);
	tcase_add_test(tcase, sizes_and_durations_are_read_and_written);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
