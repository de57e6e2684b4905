/* muxd.toml. */

#include "keys.h"
#include "log_line.h"
#include "mux_config.h"
#include "timestamps.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/test_mux_config.XXXXXX";
static struct mux_config config;
static struct config_error error;

static void start(void)
{
	memcpy(strrchr(directory, '.'), ".XXXXXX", sizeof(".XXXXXX"));
	ck_assert(mkdtemp(directory) != NULL);
	ck_assert_int_eq(chdir(directory), 0);
}

static void stop(void)
{
	mux_config_destroy(&config);
	unlink("muxd.toml");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}

static int load(const char *text)
{
	FILE *file = fopen("muxd.toml", "w");

	ck_assert(file != NULL);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	return mux_config_load(&config, "muxd.toml", &error);
}

static void must_load(const char *text)
{
	int result = load(text);

	ck_assert_msg(result == 0, "%s", error.text);
}

static void is_plain(const struct port_settings *settings)
{
	struct port_settings plain;

	mux_config_port_init(&plain);
	ck_assert_mem_eq(settings, &plain, sizeof(plain));
	ck_assert_uint_eq(plain.link, 1);
	for (size_t i = 0; i < sizeof(plain.allowed); i++)
		ck_assert_uint_eq(plain.allowed[i], 0xff);
}

START_TEST(without_a_file_there_is_one_cable)
{
	ck_assert_int_eq(mux_config_default(&config), 0);

	ck_assert_uint_eq(config.wire_count, 1);
	ck_assert_int_eq(config.wires[0].kind, WIRE_CABLE);
	ck_assert_str_eq(config.wires[0].name, "cable0");
	ck_assert_uint_eq(config.wires[0].poll_ns, 50000);
	ck_assert_uint_eq(config.wires[0].mtu, 0);
	ck_assert(config.wires[0].open);
	ck_assert_uint_eq(config.wires[0].port_count, 0);
}

START_TEST(an_empty_file_means_no_wires)
{
	must_load("");

	ck_assert_uint_eq(config.wire_count, 0);
}

START_TEST(a_name_is_all_that_a_wire_needs)
{
	must_load("[[switch]]\nname = 'lan'\n[[cable]]\nname = 'a'\n"
		  "[[cable.port]]\nname = 'left'\n");

	ck_assert_uint_eq(config.wire_count, 2);
	ck_assert_int_eq(config.wires[0].kind, WIRE_CABLE);
	ck_assert_str_eq(config.wires[0].name, "a");
	ck_assert_int_eq(config.wires[1].kind, WIRE_SWITCH);
	ck_assert_str_eq(config.wires[1].name, "lan");
	for (size_t i = 0; i < 2; i++) {
		struct mux_config_wire plain;

		mux_config_wire_init(&plain, config.wires[i].kind);
		ck_assert_uint_eq(config.wires[i].poll_ns, plain.poll_ns);
		ck_assert_uint_eq(config.wires[i].ageing_s, plain.ageing_s);
		ck_assert_uint_eq(config.wires[i].mtu, plain.mtu);
		ck_assert_int_eq(config.wires[i].open, plain.open);
		ck_assert_str_eq(config.wires[i].uplink, plain.uplink);
	}
	ck_assert_uint_eq(config.wires[0].port_count, 1);
	ck_assert(!config.wires[0].ports[0].socket);
	is_plain(&config.wires[0].ports[0].settings);
}

START_TEST(every_key_of_a_switch_reaches_its_field)
{
	const struct mux_config_wire *lan;
	const struct mux_config_port *port;

	must_load("[[switch]]\nname = 'lan'\npoll = 'always'\nuplink = 'tap0'\nageing = '5min'\n"
		  "mtu = 9000\nopen = false\n"
		  "[[switch.port]]\nname = 'guest1'\nsocket = true\nvlan = 'trunk=5,7-9'\n"
		  "mac = '52:54:00:00:00:aB'\n"
		  "isolated = true\nmonitor = true\nallow = ['tap0', 'guest2']\nlink = false\n"
		  "delay = '20ms'\nloss = '0.5%'\nrate = '100Mbit'\n"
		  "[[switch.port]]\nname = 'guest2'\nvlan = 'access=5'\nallow = []\n");

	ck_assert_uint_eq(config.wire_count, 1);
	lan = &config.wires[0];
	ck_assert_uint_eq(lan->poll_ns, WIRE_POLL_ALWAYS);
	ck_assert_str_eq(lan->uplink, "tap0");
	ck_assert_uint_eq(lan->ageing_s, 300);
	ck_assert_uint_eq(lan->mtu, 9000);
	ck_assert(!lan->open);
	ck_assert_uint_eq(lan->port_count, 2);
	port = &lan->ports[0];
	ck_assert_str_eq(port->name, "guest1");
	ck_assert(port->socket);
	ck_assert_uint_eq(port->settings.vlan_mode, PORT_VLAN_TRUNK);
	ck_assert_uint_eq(port->settings.trunk[0], 1 << 5 | 1 << 7);
	ck_assert_mem_eq(port->settings.mac, "\x52\x54\0\0\0\xab", 6);
	ck_assert_uint_eq(port->settings.isolated, 1);
	ck_assert_uint_eq(port->settings.monitor, 1);
	ck_assert(port->allow_listed);
	ck_assert_uint_eq(port->allow.count, 2);
	ck_assert_str_eq(port->allow.items[1], "guest2");
	ck_assert_uint_eq(port->settings.link, 0);
	ck_assert_uint_eq(port->settings.delay_us, 20000);
	ck_assert_uint_eq(port->settings.loss_per_10000, 50);
	ck_assert_uint_eq(port->settings.rate, 12500000);
	ck_assert_uint_eq(lan->ports[1].settings.vlan, 5);
	ck_assert(lan->ports[1].allow_listed);
	ck_assert_uint_eq(lan->ports[1].allow.count, 0);
}

START_TEST(every_key_of_logs_reaches_its_field)
{
	must_load("[log]\ndirectory = \"logs\"\nchannels = [\"web*\", \"db\"]\nsize = \"1M\"\n"
		  "files = 9\ntimes = \"local\"\ntext = true\n");

	ck_assert_str_eq(config.log.directory, "logs");
	ck_assert_uint_eq(config.log.channels.count, 2);
	ck_assert_str_eq(config.log.channels.items[1], "db");
	ck_assert_uint_eq(config.log.size, 1 << 20);
	ck_assert_uint_eq(config.log.files, 9);
	ck_assert_uint_eq(config.log.times, LOG_TIMES_LOCAL);
	ck_assert(config.log.text);
}

START_TEST(every_key_of_the_console_reaches_its_field)
{
	must_load("[console]\nprompt = \"here\"\nescape = \"Ctrl-T\"\nkeys = \"sddf\"\n"
		  "timestamps = \"utc\"\nautoconnect = [\"guest1\", \"db\"]\n");

	ck_assert_str_eq(config.console.prompt, "here");
	ck_assert_int_eq(config.console.escape, 0x14);
	ck_assert_uint_eq(config.console.keys, KEYS_SDDF);
	ck_assert_uint_eq(config.console.timestamps, TIMESTAMPS_UTC);
	ck_assert_uint_eq(config.console.autoconnect.count, 2);
	ck_assert_str_eq(config.console.autoconnect.items[1], "db");
}

START_TEST(without_a_word_the_console_is_as_it_was)
{
	must_load("");

	ck_assert_str_eq(config.console.prompt, "cons");
	ck_assert_int_eq(config.console.escape, 0);
	ck_assert_uint_eq(config.console.keys, KEYS_CONS);
	ck_assert_uint_eq(config.console.timestamps, TIMESTAMPS_OFF);
	ck_assert_uint_eq(config.console.autoconnect.count, 0);
}

START_TEST(all_channels_are_logged_unless_it_says_which)
{
	must_load("[log]\ndirectory = \"/var/log/guests\"\n");

	ck_assert_str_eq(config.log.directory, "/var/log/guests");
	ck_assert_uint_eq(config.log.channels.count, 1);
	ck_assert_str_eq(config.log.channels.items[0], "*");
	ck_assert_uint_eq(config.log.size, 16 << 20);
	ck_assert_uint_eq(config.log.files, 5);
	ck_assert_uint_eq(config.log.times, LOG_TIMES_UTC);
	ck_assert(!config.log.text);
}

START_TEST(every_key_of_triggers_reaches_its_field)
{
	must_load("[[trigger]]\nfor = \"panic|BUG\"\nmessage = \"dead\"\n[[trigger]]\n"
		  "channels = [\"web*\"]\nfor = \"login: $\"\npause = \"1min\"\n"
		  "command = [\"/bin/true\", \"\"]\n");

	ck_assert_uint_eq(config.trigger_count, 2);
	ck_assert_str_eq(config.triggers[0].channels.items[0], "*");
	ck_assert_str_eq(config.triggers[0].pattern, "panic|BUG");
	ck_assert_str_eq(config.triggers[0].message, "dead");
	ck_assert_uint_eq(config.triggers[0].pause_ms, 1000);
	ck_assert_uint_eq(config.triggers[0].command.count, 0);
	ck_assert_str_eq(config.triggers[1].channels.items[0], "web*");
	ck_assert_ptr_null(config.triggers[1].message);
	ck_assert_uint_eq(config.triggers[1].pause_ms, 60000);
	ck_assert_uint_eq(config.triggers[1].command.count, 2);
	ck_assert_str_eq(config.triggers[1].command.items[1], "");
}

START_TEST(ptys_are_where_it_says)
{
	must_load("[[pty]]\nchannel = \"web.1\"\npath = \"tty\"\n[[pty]]\nchannel = \"db\"\n");

	ck_assert_uint_eq(config.pty_count, 2);
	ck_assert_str_eq(config.ptys[0].channel, "web.1");
	ck_assert_str_eq(config.ptys[0].path, "tty");
	ck_assert_str_eq(config.ptys[1].channel, "db");
	ck_assert_ptr_null(config.ptys[1].path);
}

START_TEST(a_port_that_lists_nobody_may_send_to_all)
{
	must_load("[[switch]]\nname = 'lan'\n[[switch.port]]\nname = 'a'\n");

	ck_assert(!config.wires[0].ports[0].allow_listed);
	is_plain(&config.wires[0].ports[0].settings);
}

static const struct {
	const char *text;
	const char *message;
} wrong[] = {
	{ "[[trigger]]", "1:3: trigger needs what it is for" },
	{ "[[trigger]]\nfor = 'x'", "1:3: trigger needs a message or a command" },
	{ "[[trigger]]\nfor = 'a(b'",
		"2:7: trigger.for is no regular expression: missing closing parenthesis at 3" },
	{ "[[trigger]]\nfor = ''", "2:7: trigger.for must not be empty or contain NUL" },
	{ "[[trigger]]\nfor = 'x'\ncommand = ['reboot']",
		"3:11: trigger.command must begin with the whole path of a program" },
	{ "[[pty]]", "1:3: pty needs a channel" },
	{ "[[pty]]\nchannel = 'console'",
		"2:11: pty.channel must not be console, which means the prompt of muxd" },
	{ "[[pty]]\nchannel = 'a'\n[[pty]]\nchannel = 'a'", "4:11: pty.channel has a pty already" },
	{ "[log]\nfiles = 0", "2:9: log.files must be 1 to 99, not 0" },
	{ "[log]\ntimes = 'gmt'",
		"2:9: log.times must be \"off\" or \"local\" or \"utc\", not \"gmt\"" },
	{ "[log]\nchannels = ['']",
		"2:12: log.channels is an array whose strings must be 1 to 255 bytes long, unlike \"\"" },
	{ "[[cabel]]", "1:3: unknown table \"cabel\", did you mean \"cable\"?" },
	{ "[[hub]]",
		"1:3: unknown table \"hub\", known are [console], [history], [log], [[pty]], [[trigger]], "
		"[[cable]], [[switch]]" },
	{ "[console]\nescape = 'Ctrl'",
		"2:10: console.escape must be a key such as \"Ctrl-E\", \"^E\", \"@\" or \"none\", "
		"not \"Ctrl\"" },
	{ "[console]\nprompt = ''", "2:10: console.prompt must be 1 to 23 bytes long" },
	{ "[console]\nkeys = 'screen'",
		"2:8: console.keys must be \"cons\" or \"libvmm\" or \"sddf\", not \"screen\"" },
	{ "[console]\nautoconnect = 'guest1'",
		"2:15: console.autoconnect must be an array of strings, not a string" },
	{ "[cable]\nname = 'a'", "1:2: cable must be an array of tables, each written [[cable]]" },
	{ "[[cable]]", "1:3: cable needs a name" },
	{ "[[switch]]\nname = ''", "2:8: switch.name must not be empty" },
	{ "[[switch]]\nname = 'a.b'", "2:8: switch.name must consist of letters, digits, - and _" },
	{ "[[cable]]\nname = 'a'\n[[cable]]\nname = 'a'",
		"4:8: cable.name is already that of another cable" },
	{ "[[switch]]\nname = 'a'\n[[cable]]\nname = 'a'",
		"2:8: switch.name is already that of another wire" },
	{ "[[cable]]\nname = 'a'\nageing = '300s'",
		"3:1: unknown key \"ageing\" in [[cable]], it belongs to [[switch]]" },
	{ "[[cable]]\nname = 'a'\n[[cable.port]]\nvlan = 'none'",
		"4:1: unknown key \"vlan\" in [[cable.port]], it belongs to [[switch.port]]" },
	{ "[[cable]]\nname = 'a'\n[[cable.prot]]",
		"3:9: unknown table \"prot\" in [[cable]], did you mean \"port\"?" },
	{ "[[cable]]\nname = 'a'\n[[cable.port]]\n[[cable.port]]\n[[cable.port]]",
		"3:9: cable.port must not be there more than 2 times, not 3" },
	{ "[[switch]]\nname = 'a'\npoll = '50'",
		"3:8: switch.poll must be \"off\", \"always\" or a duration up to 1s such as "
		"\"50us\", not \"50\"" },
	{ "[[switch]]\nname = 'a'\npoll = 50",
		"3:8: switch.poll must be a string such as \"50us\", not an integer" },
	{ "[[switch]]\nageing = '1500ms'",
		"2:10: switch.ageing must be a duration of whole seconds from 1s to 24h such as "
		"\"300s\", not \"1500ms\"" },
	{ "[[switch]]\nmtu = 67", "2:7: switch.mtu must be 0 or 68 to 65535, not 67" },
	{ "[[switch]]\nuplink = 'a/b'",
		"2:10: switch.uplink must consist of printable ASCII characters without \"/\", "
		"\":\" and \"%\"" },
	{ "[[switch]]\nuplink = 'abcdefghijklmnop'",
		"2:10: switch.uplink must be at most 15 bytes long" },
	{ "[[switch]]\nuplink = \"a\\u0000\"",
		"2:10: switch.uplink must consist of printable ASCII characters without \"/\", "
		"\":\" and \"%\"" },
	{ "[[switch]]\nname = 'a'\n[[switch.port]]\nvlan = 'access=5'",
		"3:10: switch.port needs a name" },
	{ "[[switch]]\nname = 'a'\n[[switch.port]]\nname = 'x'\n[[switch.port]]\nname = 'x'",
		"6:8: switch.port.name is already that of another port" },
	{ "[[switch]]\nname = 'a'\n[[switch.port]]\nname = 'x'\nmac = '02:00:00:00:00:01'\n"
	  "[[switch.port]]\nname = 'y'\nmac = '02:00:00:00:00:01'",
		"8:7: switch.port.mac is already that of port x" },
	{ "[[switch]]\nname = 'a'\n[[switch.port]]\nname = 'x'\nmac = '01:00:00:00:00:01'",
		"5:7: switch.port.mac must be \"any\" or the address of one station such as "
		"\"52:54:00:00:00:01\", not \"01:00:00:00:00:01\"" },
	{ "[[cable]]\nname = 'a'\n[[cable.port]]\nmac = 'any'",
		"4:1: unknown key \"mac\" in [[cable.port]], it belongs to [[switch.port]]" },
	{ "[[switch]]\nname = 'a'\n[[switch.port]]\nname = 'x/y'",
		"4:8: switch.port.name must not contain a slash" },
	{ "[[switch]]\nname = 'a'\n[[switch.port]]\nname = 'x'\nallow = 'y'",
		"5:9: switch.port.allow must be an array of strings, not a string" },
	{ "[[switch]]\nname = 'a'\n[[switch.port]]\nname = 'x'\nallow = ['y', 1]",
		"5:9: switch.port.allow must be an array of strings, not of an integer" },
	{ "[[switch]]\nname = 'a'\n[[switch.port]]\nname = 'x'\nallow = ['y', '']",
		"5:9: switch.port.allow is an array whose strings must not be empty, unlike \"\"" },
	{ "[[switch]]\nname = 'a'\nopen = false\n[[switch.port]]\nname = 'x'\nallow = ['y']",
		"6:9: switch.port.allow must name ports of this switch, which is not open; \"y\" "
		"is none" },
	{ "[[switch]]\nname = 'a'\nuplink = 't'\n[[switch.port]]\nname = 't'\nsocket = true",
		"6:10: switch.port.socket must be false: the port is the uplink's" },
	{ "[[switch]]\nname = 'a'\n[[switch.port]]\nloss = '101%'",
		"4:8: switch.port.loss must be \"none\" or a percentage such as \"0.5%\", with two "
		"digits behind the point at most, not \"101%\"" },
};

START_TEST(says_where_and_what_is_wrong)
{
	char expected[512];

	ck_assert_int_eq(load(wrong[_i].text), -EINVAL);

	snprintf(expected, sizeof(expected), "muxd.toml:%s", wrong[_i].message);
	ck_assert_str_eq(error.text, expected);
	ck_assert_uint_eq(config.wire_count, 0);
}

START_TEST(a_file_that_is_not_there_is_named)
{
	ck_assert_int_eq(mux_config_load(&config, "nowhere.toml", &error), -EINVAL);

	ck_assert_str_eq(error.text, "nowhere.toml: cannot be read: No such file or directory");
}

int main(void)
{
	Suite *suite = suite_create("mux_config");
	TCase *tests = tcase_create("mux_config");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, without_a_file_there_is_one_cable);
	tcase_add_test(tests, an_empty_file_means_no_wires);
	tcase_add_test(tests, a_name_is_all_that_a_wire_needs);
	tcase_add_test(tests, every_key_of_a_switch_reaches_its_field);
	tcase_add_test(tests, every_key_of_logs_reaches_its_field);
	tcase_add_test(tests, every_key_of_the_console_reaches_its_field);
	tcase_add_test(tests, without_a_word_the_console_is_as_it_was);
	tcase_add_test(tests, all_channels_are_logged_unless_it_says_which);
	tcase_add_test(tests, every_key_of_triggers_reaches_its_field);
	tcase_add_test(tests, ptys_are_where_it_says);
	tcase_add_test(tests, a_port_that_lists_nobody_may_send_to_all);
	tcase_add_loop_test(tests, says_where_and_what_is_wrong, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tests, a_file_that_is_not_there_is_named);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
