/* Settings of wires and ports, as operators write them. */

#include "compiler.h"
#include "port_text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct port_settings settings;

static const char *read_vlan(const char *text)
{
	return port_read_vlan(text, strlen(text), &settings);
}

static bool carries(unsigned vlan)
{
	return settings.trunk[vlan / 8] & 1 << vlan % 8;
}

START_TEST(an_access_port_has_one_vlan)
{
	ck_assert_ptr_null(read_vlan("access=4094"));

	ck_assert_uint_eq(settings.vlan_mode, PORT_VLAN_ACCESS);
	ck_assert_uint_eq(settings.vlan, 4094);
}

START_TEST(a_trunk_carries_what_is_listed)
{
	ck_assert_ptr_null(read_vlan("trunk=5,7-9"));

	ck_assert_uint_eq(settings.vlan_mode, PORT_VLAN_TRUNK);
	for (unsigned vlan = 0; vlan < 4096; vlan++)
		ck_assert_int_eq(carries(vlan), vlan == 5 || (vlan >= 7 && vlan <= 9));
}

START_TEST(all_of_a_trunk_is_every_vlan_that_may_be)
{
	ck_assert_ptr_null(read_vlan("trunk=all"));

	ck_assert(!carries(0) && carries(1) && carries(4094) && !carries(4095));
}

START_TEST(none_takes_back_what_was_before)
{
	ck_assert_ptr_null(read_vlan("trunk=all"));
	ck_assert_ptr_null(read_vlan("none"));

	ck_assert_uint_eq(settings.vlan_mode, PORT_VLAN_NONE);
	ck_assert(!carries(1));
}

static const char *const wrong_vlans[] = { "", "access", "access=", "access=0", "access=4095",
	"access=5x", "access=99999999999999", "trunk", "trunk=", "trunk=0", "trunk=0-5", "trunk=5-",
	"trunk=9-7", "trunk=5,", "trunk=,5", "trunk=5 7", "trunk=4095", "trunk=ALL", "All", "5",
	"trunk=5-7-9", "trunk=4294967301" };

START_TEST(a_wrong_vlan_changes_nothing)
{
	ck_assert_ptr_null(read_vlan("access=7"));
	ck_assert_ptr_nonnull(read_vlan(wrong_vlans[_i]));

	ck_assert_uint_eq(settings.vlan_mode, PORT_VLAN_ACCESS);
	ck_assert_uint_eq(settings.vlan, 7);
	ck_assert(!carries(5));
}

START_TEST(a_text_ends_where_it_is_said_to_end)
{
	ck_assert_ptr_null(port_read_vlan("access=57", 8, &settings));

	ck_assert_uint_eq(settings.vlan, 5);
}

static const char *const wrong_macs[] = { "", "any ", "none", "52:54:00:00:00", "52:54:00:00:00:0",
	"52:54:00:00:00:001", "52-54-00-00-00-01", "5254:00:00:00:01x", "52:54:00:00:00:0g",
	"01:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "52:54:00:00:00:@1" };

START_TEST(a_wrong_address_changes_nothing)
{
	uint8_t mac[6] = { 1, 2, 3, 4, 5, 6 };

	ck_assert_ptr_nonnull(port_read_mac(wrong_macs[_i], strlen(wrong_macs[_i]), mac));

	ck_assert_mem_eq(mac, "\1\2\3\4\5\6", 6);
}

START_TEST(an_address_is_written_as_it_is_read)
{
	char text[PORT_TEXT_MAX];
	uint8_t mac[6];

	ck_assert_ptr_null(port_read_mac("52:54:00:aB:Cd:01", 17, mac));
	ck_assert_str_eq(port_write_mac(text, mac), "52:54:00:ab:cd:01");
	ck_assert_ptr_null(port_read_mac("any", 3, mac));
	ck_assert_str_eq(port_write_mac(text, mac), "any");
}

static const char *const vlans[] = { "none", "access=1", "access=4094", "trunk=all", "trunk=1",
	"trunk=5,7-9", "trunk=1-4093", "trunk=2-4094" };

START_TEST(a_vlan_is_written_as_it_is_read)
{
	char text[PORT_TEXT_MAX];

	ck_assert_ptr_null(read_vlan(vlans[_i]));

	ck_assert_str_eq(port_write_vlan(text, &settings), vlans[_i]);
}

START_TEST(a_trunk_too_long_to_be_written_ends_in_dots)
{
	char text[PORT_TEXT_MAX];

	settings.vlan_mode = PORT_VLAN_TRUNK;
	memset(settings.trunk, 0x55, sizeof(settings.trunk));
	port_write_vlan(text, &settings);

	ck_assert_uint_lt(strlen(text), PORT_TEXT_MAX);
	ck_assert_str_eq(text + strlen(text) - 4, ",...");
}

START_TEST(poll_delay_loss_and_rate_are_read_and_written)
{
	static const char *const polls[] = { "off", "always", "50us", "1s", "3ms" };
	static const char *const delays[] = { "none", "20ms", "10s", "7us" };
	static const char *const losses[] = { "none", "100%", "0.5%", "12.25%", "0.01%", "3%" };
	static const char *const rates[] = { "none", "8kbit", "100Mbit", "10Gbit" };
	char text[PORT_TEXT_MAX];
	uint64_t number = 1;

	for (size_t i = 0; i < ARRAY_SIZE(polls); i++) {
		ck_assert_ptr_null(port_read_poll(polls[i], strlen(polls[i]), &number));
		ck_assert_str_eq(port_write_poll(text, number), polls[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		ck_assert_ptr_null(
			port_read_delay(delays[i], strlen(delays[i]), &settings.delay_us));
		ck_assert_str_eq(port_write_delay(text, settings.delay_us), delays[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
		ck_assert_ptr_null(
			port_read_loss(losses[i], strlen(losses[i]), &settings.loss_per_10000));
		ck_assert_str_eq(port_write_loss(text, settings.loss_per_10000), losses[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		ck_assert_ptr_null(port_read_rate(rates[i], strlen(rates[i]), &number));
		ck_assert_str_eq(port_write_rate(text, number), rates[i]);
	}
}

START_TEST(numbers_mean_what_their_units_say)
{
	uint64_t number = 0;

	ck_assert_ptr_null(port_read_poll("50us", 4, &number));
	ck_assert_uint_eq(number, 50000);
	ck_assert_ptr_null(port_read_rate("100Mbit", 7, &number));
	ck_assert_uint_eq(number, 12500000);
	ck_assert_ptr_null(port_read_delay("20ms", 4, &settings.delay_us));
	ck_assert_uint_eq(settings.delay_us, 20000);
	ck_assert_ptr_null(port_read_loss("12.5%", 5, &settings.loss_per_10000));
	ck_assert_uint_eq(settings.loss_per_10000, 1250);
}

START_TEST(what_makes_no_sense_is_refused)
{
	static const char *const polls[] = { "", "50", "50 us", "2s", "-1us", "never", "1.5ms" };
	static const char *const delays[] = { "", "11s", "20", "off", "18446744073709551615h" };
	static const char *const losses[] = { "", "5", "%", ".5%", "101%", "100.01%", "1.%",
		"1.234%", "1.5.5%", "-1%", "5%%" };
	static const char *const rates[] = { "", "100", "1bit", "7kbit", "100MBit", "-8kbit",
		"99999999999999999999Gbit" };
	uint64_t number = 7;

	for (size_t i = 0; i < ARRAY_SIZE(polls); i++)
		ck_assert_ptr_nonnull(port_read_poll(polls[i], strlen(polls[i]), &number));
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		ck_assert_ptr_nonnull(port_read_rate(rates[i], strlen(rates[i]), &number));
	ck_assert_uint_eq(number, 7);
	for (size_t i = 0; i < ARRAY_SIZE(delays); i++)
		ck_assert_ptr_nonnull(
			port_read_delay(delays[i], strlen(delays[i]), &settings.delay_us));
	for (size_t i = 0; i < ARRAY_SIZE(losses); i++)
		ck_assert_msg(port_read_loss(losses[i], strlen(losses[i]),
				      &settings.loss_per_10000) != NULL,
			"%s", losses[i]);
	ck_assert_uint_eq(settings.delay_us, 0);
	ck_assert_uint_eq(settings.loss_per_10000, 0);
}

static void start(void)
{
	settings = (struct port_settings){ 0 };
}

int main(void)
{
	Suite *suite = suite_create("port_text");
	TCase *tests = tcase_create("port_text");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, start, NULL);
	tcase_add_test(tests, an_access_port_has_one_vlan);
	tcase_add_test(tests, a_trunk_carries_what_is_listed);
	tcase_add_test(tests, all_of_a_trunk_is_every_vlan_that_may_be);
	tcase_add_test(tests, none_takes_back_what_was_before);
	tcase_add_loop_test(tests, a_wrong_vlan_changes_nothing, 0, ARRAY_SIZE(wrong_vlans));
	tcase_add_loop_test(tests, a_wrong_address_changes_nothing, 0, ARRAY_SIZE(wrong_macs));
	tcase_add_test(tests, an_address_is_written_as_it_is_read);
	tcase_add_test(tests, a_text_ends_where_it_is_said_to_end);
	tcase_add_loop_test(tests, a_vlan_is_written_as_it_is_read, 0, ARRAY_SIZE(vlans));
	tcase_add_test(tests, a_trunk_too_long_to_be_written_ends_in_dots);
	tcase_add_test(tests, poll_delay_loss_and_rate_are_read_and_written);
	tcase_add_test(tests, numbers_mean_what_their_units_say);
	tcase_add_test(tests, what_makes_no_sense_is_refused);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
