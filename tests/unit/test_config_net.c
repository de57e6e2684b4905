/* The network devices of a guest's configuration. */

#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERNEL "[kernel]\nimage = '/vmlinuz'\n"

static char directory[] = "/tmp/test_config_net.XXXXXX";
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

START_TEST(each_net_has_its_keys)
{
	must_load(KERNEL "[[net]]\nwire = 'cable0'\nport = 'left'\nmac = '52:54:00:aB:00:01'\n"
			 "mtu = 9000\noffloads = false\n[[net]]\nvhost_user = '/run/ovs.sock'\n");

	ck_assert_uint_eq(config.net_count, 2);
	ck_assert_str_eq(config.nets[0].wire, "cable0");
	ck_assert_ptr_null(config.nets[0].vhost_user);
	ck_assert_str_eq(config.nets[0].port, "left");
	ck_assert(config.nets[0].mac_set);
	ck_assert_mem_eq(config.nets[0].mac, "\x52\x54\x00\xab\x00\x01", 6);
	ck_assert_uint_eq(config.nets[0].mtu, 9000);
	ck_assert(!config.nets[0].offloads);
	ck_assert_ptr_null(config.nets[1].wire);
	ck_assert_str_eq(config.nets[1].vhost_user, "/run/ovs.sock");
	ck_assert_ptr_null(config.nets[1].port);
	ck_assert(!config.nets[1].mac_set);
	ck_assert_uint_eq(config.nets[1].mtu, 0);
	ck_assert(config.nets[1].offloads);
}

START_TEST(a_derived_address_is_stable_local_and_a_stations)
{
	uint8_t first[6];

	must_load(KERNEL "[[net]]\nwire = 'a'\n");
	memcpy(first, config.nets[0].mac, sizeof(first));
	must_load("name = 'guest1'\n[[net]]\nvhost_user = '/b'\n[[net]]\nwire = 'a'\n" KERNEL);

	ck_assert_int_eq(first[0] & 3, 2);
	ck_assert_mem_eq(config.nets[0].mac, first, sizeof(first));
	ck_assert_mem_ne(config.nets[1].mac, first, sizeof(first));
}

START_TEST(derived_addresses_of_similar_names_are_far_apart)
{
	static const char *const names[] = { "guest1", "guest2", "guest3", "guest11", "gues1t" };
	uint8_t mac[5][6];

	for (size_t i = 0; i < 5; i++) {
		char text[128];

		snprintf(text, sizeof(text), "name = '%s'\n[[net]]\nwire = 'a'\n" KERNEL, names[i]);
		must_load(text);
		memcpy(mac[i], config.nets[0].mac, 6);
		for (size_t other = 0; other < i; other++) {
			ck_assert_mem_ne(mac[i], mac[other], 3);
			ck_assert_mem_ne(mac[i] + 3, mac[other] + 3, 3);
		}
	}
}

START_TEST(a_derived_address_gives_way_to_a_given_one)
{
	char text[256];
	uint8_t derived[6];

	must_load(KERNEL "[[net]]\nwire = 'a'\n[[net]]\nwire = 'b'\n");
	memcpy(derived, config.nets[0].mac, sizeof(derived));
	snprintf(text, sizeof(text),
		KERNEL "[[net]]\nwire = 'a'\n[[net]]\nwire = 'b'\n"
		       "mac = '%02x:%02x:%02x:%02x:%02x:%02x'\n",
		derived[0], derived[1], derived[2], derived[3], derived[4], derived[5]);
	must_load(text);

	ck_assert_mem_eq(config.nets[1].mac, derived, sizeof(derived));
	ck_assert_mem_ne(config.nets[0].mac, derived, sizeof(derived));
	ck_assert_int_eq(config.nets[0].mac[0] & 3, 2);
}

START_TEST(settings_reach_into_nets_and_add_them)
{
	const char *settings[] = { "net.0.wire=lan", "net.1.wire=b", "net.1.mtu=1400",
		"net.2.vhost_user=c.sock" };

	write_file("sub/guest1.toml", KERNEL "[[net]]\nwire = 'a'\nmtu = 1500\n");
	ck_assert_msg(config_load(&config, "sub/guest1.toml", settings, 4, &error) == 0, "%s",
		error.text);

	ck_assert_uint_eq(config.net_count, 3);
	ck_assert_str_eq(config.nets[0].wire, "lan");
	ck_assert_uint_eq(config.nets[0].mtu, 1500);
	ck_assert_str_eq(config.nets[1].wire, "b");
	ck_assert_uint_eq(config.nets[1].mtu, 1400);
	ck_assert(config.nets[1].offloads);
	ck_assert_str_eq(config.nets[2].vhost_user, "c.sock");
}

START_TEST(nets_may_come_from_settings_alone)
{
	const char *settings[] = { "net.0.wire=a" };

	write_file("guest1.toml", KERNEL);
	ck_assert_int_eq(config_load(&config, "guest1.toml", settings, 1, &error), 0);

	ck_assert_uint_eq(config.net_count, 1);
	ck_assert_str_eq(config.nets[0].wire, "a");
}

static const struct {
	const char *text;
	const char *message;
} wrong[] = {
	{ "net = 1", "1:1: net must be an array of tables, each written [[net]]" },
	{ "[net]\nwire = 'a'", "1:2: net must be an array of tables, each written [[net]]" },
	{ "net = [1]", "1:8: net must be an array of tables, not of an integer" },
	{ "[[net]]\nwire = 'a b'", "2:8: net.wire must consist of letters, digits, - and _" },
	{ "[[net]]\nwire = ''", "2:8: net.wire must not be empty" },
	{ "[[net]]\nwire = '-a'", "2:8: net.wire must not begin with \"-\"" },
	{ "[[net]]\nwire = 'a23456789-b23456789_c23456789-d2'",
		"2:8: net.wire must be at most 31 characters long" },
	{ "[[net]]\nwir = 'a'", "2:1: unknown key \"wir\" in [[net]], did you mean \"wire\"?" },
	{ "wire = 'a'", "1:1: unknown key \"wire\", it belongs to [[net]]" },
	{ KERNEL "\n[[net]]\nwire = 'a'\n[[net]]\nmtu = 0",
		"6:3: net needs wire, a name of muxd's, or vhost_user, the path of a socket" },
	{ KERNEL "[[net]]\nvhost_user = '/a'\nwire = 'a'",
		"4:14: net.vhost_user must not be there beside net.wire: the device has one other "
		"end" },
	{ KERNEL "[[net]]\nvhost_user = '/a'\nport = 'a'",
		"5:8: net.port is of a wire, and so needs net.wire" },
	{ KERNEL "[[net]]\nwire = 'a'\nport = 'a/b'", "5:8: net.port must not contain a slash" },
	{ KERNEL "[[net]]\nwire = 'a'\nmtu = 67", "5:7: net.mtu must be 0 or 68 to 65535, not 67" },
	{ "[[net]]\nmtu = 65536", "2:7: net.mtu must be 0 to 65535, not 65536" },
	{ "[[net]]\nmac = '52:54:00:00:00'",
		"2:7: net.mac must be an Ethernet address such as \"52:54:00:00:00:01\", not "
		"\"52:54:00:00:00\"" },
	{ "[[net]]\nmac = '52:54:00:00:00-01'",
		"2:7: net.mac must be an Ethernet address such as \"52:54:00:00:00:01\", not "
		"\"52:54:00:00:00-01\"" },
	{ "[[net]]\nmac = '5g:54:00:00:00:01'",
		"2:7: net.mac must be an Ethernet address such as \"52:54:00:00:00:01\", not "
		"\"5g:54:00:00:00:01\"" },
	{ "[[net]]\nmac = '53:54:00:00:00:01'",
		"2:7: net.mac must be the address of one station; the first byte of this one is "
		"odd, which makes it a group's" },
	{ "[[net]]\nmac = '00:00:00:00:00:00'", "2:7: net.mac must not be all zero" },
	{ KERNEL "[[net]]\nwire = 'a'\nmac = '52:54:00:00:00:01'\n"
		 "[[net]]\nwire = 'b'\nmac = '52:54:00:00:00:01'\n",
		"8:7: net.mac is already the address of net 0 of this guest" },
	{ "[[net]]\n[[net]]\n[[net]]\n[[net]]\n[[net]]\n[[net]]\n[[net]]\n[[net]]\n[[net]]\n",
		"1:3: net must not be there more than 8 times, not 9" },
};

START_TEST(says_where_and_what_is_wrong_with_a_net)
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
	{ "net.wire=a",
		"net.wire: net is an array of tables: write net.0.KEY=VALUE for its first" },
	{ "net.0=a", "net.0: net is an array of tables: write net.0.KEY=VALUE for its first" },
	{ "net..wire=a",
		"net..wire: net is an array of tables: write net.0.KEY=VALUE for its first" },
	{ "net.1.wire=a",
		"net.1.wire: there are 0 of net, the next must have the number after them" },
	{ "net.99999999999999999999999.wire=a",
		"net.99999999999999999999999.wire: net is an array of tables: write net.0.KEY=VALUE "
		"for its first" },
	{ "net.0.wir=a", "net.0.wir: unknown key \"wir\" in [[net]], did you mean \"wire\"?" },
	{ "net.0.mtu=9",
		"net.0.mtu: needs wire, a name of muxd's, or vhost_user, the path of a socket" },
};

START_TEST(says_what_is_wrong_with_the_setting_of_a_net)
{
	const char *settings[] = { wrong_settings[_i].setting };
	char expected[512];

	write_file("guest1.toml", KERNEL);
	ck_assert_int_eq(config_load(&config, "guest1.toml", settings, 1, &error), -EINVAL);

	snprintf(expected, sizeof(expected), "--set %s", wrong_settings[_i].message);
	ck_assert_str_eq(error.text, expected);
}

int main(void)
{
	Suite *suite = suite_create("config_net");
	TCase *tests = tcase_create("net");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, start, stop);
	tcase_add_test(tests, each_net_has_its_keys);
	tcase_add_test(tests, a_derived_address_is_stable_local_and_a_stations);
	tcase_add_test(tests, derived_addresses_of_similar_names_are_far_apart);
	tcase_add_test(tests, a_derived_address_gives_way_to_a_given_one);
	tcase_add_test(tests, settings_reach_into_nets_and_add_them);
	tcase_add_test(tests, nets_may_come_from_settings_alone);
	tcase_add_loop_test(tests, says_where_and_what_is_wrong_with_a_net, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_loop_test(tests, says_what_is_wrong_with_the_setting_of_a_net, 0,
		sizeof(wrong_settings) / sizeof(wrong_settings[0]));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
