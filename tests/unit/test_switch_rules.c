/* The switch: who may send to whom, and who sees it. */

#include "fake_network.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct fake_network network;

static void start(void)
{
	fake_network_create(&network, &wire_switch, 5);
}

static void stop(void)
{
	fake_network_destroy(&network);
}

static uint64_t not_allowed(unsigned port)
{
	return network.port[port].port.counters->dropped[DROP_NOT_ALLOWED];
}

static bool got(unsigned port, unsigned count)
{
	return fake_network_got(&network, port, count);
}

static void forget(void)
{
	for (unsigned i = 0; i < network.count; i++)
		fake_port_clear(&network.port[i]);
}

/* Everybody is known to the switch. */
static void learn(void)
{
	for (unsigned i = 0; i < network.count; i++)
		fake_network_send_to_all(&network, i);
	forget();
}

START_TEST(isolated_ports_reach_only_ports_that_are_not)
{
	fake_network_isolate(&network, 0);
	fake_network_isolate(&network, 1);
	learn();

	fake_network_send_to_all(&network, 0);
	ck_assert(got(1, 0) && got(2, 1) && got(3, 1));
	fake_network_send_to_all(&network, 2);
	ck_assert(got(0, 1) && got(1, 1));
	fake_network_send(&network, 0, 2);
	fake_network_send(&network, 2, 0);
	ck_assert(got(2, 1) && got(0, 1));

	fake_network_send(&network, 0, 1);
	ck_assert(got(1, 0));
	ck_assert_uint_eq(not_allowed(0), 1);
}

START_TEST(a_frame_to_an_unknown_address_does_not_leave_isolation)
{
	fake_network_isolate(&network, 0);
	fake_network_isolate(&network, 1);

	fake_network_send(&network, 0, 77);

	ck_assert(got(1, 0) && got(2, 1) && got(3, 1) && got(4, 1));
}

START_TEST(allow_lists_are_directional)
{
	fake_network_allow(&network, 0, 1, false);
	learn();

	fake_network_send(&network, 0, 1);
	fake_network_send(&network, 1, 0);
	ck_assert(got(1, 0) && got(0, 1));
	ck_assert_uint_eq(not_allowed(0), 1);
	ck_assert_uint_eq(not_allowed(1), 0);

	fake_network_send_to_all(&network, 0);
	ck_assert(got(1, 0) && got(2, 1));
}

START_TEST(allow_lists_may_change_at_any_time)
{
	learn();
	fake_network_allow(&network, 0, 1, false);
	fake_network_send(&network, 0, 1);
	ck_assert(got(1, 0));

	fake_network_allow(&network, 0, 1, true);
	fake_network_send(&network, 0, 1);

	ck_assert(got(1, 1));
}

START_TEST(an_allow_list_holds_for_a_port_that_is_plugged_in_later)
{
	wire_unplug(&network.port[1].port);
	fake_network_allow(&network, 0, 1, false);
	wire_plug(network.wire, &network.port[1].port);

	fake_network_send_to_all(&network, 0);

	ck_assert(got(1, 0) && got(2, 1));
}

START_TEST(a_monitor_sees_each_frame_once_whoever_it_is_for)
{
	fake_network_monitor(&network, 4);
	learn();

	fake_network_send_to_all(&network, 0);
	ck_assert(got(4, 1));
	fake_network_send(&network, 1, 2);
	ck_assert(got(4, 1));
	fake_network_send(&network, 1, 77);
	ck_assert(got(4, 1));
}

START_TEST(there_may_be_many_monitors)
{
	fake_network_monitor(&network, 3);
	fake_network_monitor(&network, 4);

	fake_network_send(&network, 0, 1);

	ck_assert(got(3, 1) && got(4, 1) && got(1, 1));
}

START_TEST(a_monitor_sends_nothing)
{
	fake_network_monitor(&network, 4);

	fake_network_send_to_all(&network, 4);
	fake_network_send(&network, 4, 0);

	ck_assert(got(0, 0) && got(1, 0));
	ck_assert_uint_eq(not_allowed(4), 2);
}

START_TEST(a_station_at_a_port_that_became_a_monitor_is_not_sent_to_there)
{
	learn();
	fake_network_monitor(&network, 4);

	fake_network_send(&network, 0, 4);

	ck_assert(got(4, 1)); /* the copy, like of any other */
	ck_assert(got(1, 1)); /* for the station may be anywhere */
}

START_TEST(a_monitor_without_room_costs_the_others_nothing)
{
	fake_network_monitor(&network, 4);
	network.port[4].room = 0;
	learn();

	for (unsigned i = 0; i < 100; i++)
		fake_network_send(&network, 0, 1);

	ck_assert(got(1, 100));
	ck_assert_uint_eq(network.port[4].port.counters->dropped[DROP_NO_ROOM], 104);
}

START_TEST(a_monitor_does_not_see_what_does_not_pass)
{
	fake_network_monitor(&network, 4);
	fake_network_allow(&network, 0, 1, false);
	learn();

	fake_network_send(&network, 0, 1);

	ck_assert(got(4, 0));
}

START_TEST(a_port_that_is_no_monitor_any_more_is_like_others)
{
	struct port_settings settings = network.port[4].port.settings;

	fake_network_monitor(&network, 4);
	wire_set(&network.port[4].port, &settings);
	learn();

	fake_network_send(&network, 0, 1);
	fake_network_send(&network, 4, 0);

	ck_assert(got(4, 0) && got(0, 1));
}

static void send_as(unsigned port, unsigned station)
{
	uint8_t address[FAKE_ADDRESS];
	uint8_t bytes[FAKE_FRAME];

	fake_address(address, station);
	fake_port_queue(&network.port[port], NULL, bytes,
		fake_frame_make(bytes, fake_broadcast, address, NULL));
	fake_network_run(&network);
}

static void own(unsigned port, unsigned station)
{
	uint8_t address[FAKE_ADDRESS];

	fake_address(address, station);
	fake_network_own(&network, port, address);
}

START_TEST(a_port_with_an_address_sends_from_no_other)
{
	own(0, 0);

	send_as(0, 0);
	ck_assert(got(1, 1));
	send_as(0, 77);
	ck_assert(got(1, 0));
	ck_assert_uint_eq(not_allowed(0), 1);
}

START_TEST(nobody_sends_from_the_address_of_a_port)
{
	own(0, 0);
	learn();

	send_as(1, 0);
	ck_assert(got(2, 0));
	ck_assert_uint_eq(not_allowed(1), 1);
	fake_network_send(&network, 2, 0);
	ck_assert(got(0, 1) && got(1, 0));
}

START_TEST(who_had_the_address_before_its_owner_has_it_no_more)
{
	send_as(1, 0);
	fake_network_send_to_all(&network, 2);
	forget();

	own(0, 0);
	fake_network_send(&network, 2, 0);

	ck_assert(got(0, 1) && got(1, 1)); /* it may be anywhere but where it was */
}

START_TEST(a_port_that_gets_an_address_has_its_others_no_more)
{
	send_as(0, 77);
	forget();

	own(0, 0);
	fake_network_send(&network, 2, 77);

	ck_assert(got(0, 1) && got(1, 1)); /* that station may be anywhere */
}

START_TEST(an_address_is_free_again_without_its_owner)
{
	own(0, 0);
	own(1, 1);
	fake_network_own(&network, 0, (const uint8_t[FAKE_ADDRESS]){ 0 });
	wire_unplug(&network.port[1].port);

	send_as(2, 0);
	send_as(2, 1);
	send_as(0, 77);

	ck_assert(got(3, 3));
}

START_TEST(an_address_is_its_port_s_in_every_vlan)
{
	fake_network_access(&network, 0, 5);
	fake_network_access(&network, 1, 6);
	fake_network_access(&network, 2, 6);
	own(0, 0);

	send_as(1, 0);

	ck_assert(got(2, 0));
	ck_assert_uint_eq(not_allowed(1), 1);
}

/* In the midst of delivering, its sender makes it a frame from another station. */
static void change_source(void *owner)
{
	struct fake_frame *frame = owner;

	fake_address(frame->bytes + FAKE_ADDRESS, 1);
}

START_TEST(a_sender_cannot_change_its_address_after_it_was_judged)
{
	uint8_t address[FAKE_ADDRESS];

	own((unsigned)_i, (unsigned)_i);
	fake_network_queue(&network, 0, fake_broadcast);
	network.port[1].on_delivery = change_source;
	network.port[1].owner = &network.port[0].queue.frame[network.port[0].queue.first];

	fake_network_run(&network);

	fake_address(address, 0);
	for (unsigned i = 1; i < network.count; i++)
		ck_assert_mem_eq(fake_port_take(&network.port[i])->bytes + FAKE_ADDRESS, address,
			FAKE_ADDRESS);
}

static Suite *rules_suite(void)
{
	Suite *suite = suite_create("switch_rules");
	TCase *tcase = tcase_create("rules");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, isolated_ports_reach_only_ports_that_are_not);
	tcase_add_test(tcase, a_frame_to_an_unknown_address_does_not_leave_isolation);
	tcase_add_test(tcase, allow_lists_are_directional);
	tcase_add_test(tcase, allow_lists_may_change_at_any_time);
	tcase_add_test(tcase, an_allow_list_holds_for_a_port_that_is_plugged_in_later);
	tcase_add_test(tcase, a_monitor_sees_each_frame_once_whoever_it_is_for);
	tcase_add_test(tcase, there_may_be_many_monitors);
	tcase_add_test(tcase, a_monitor_sends_nothing);
	tcase_add_test(tcase, a_station_at_a_port_that_became_a_monitor_is_not_sent_to_there);
	tcase_add_test(tcase, a_monitor_without_room_costs_the_others_nothing);
	tcase_add_test(tcase, a_monitor_does_not_see_what_does_not_pass);
	tcase_add_test(tcase, a_port_that_is_no_monitor_any_more_is_like_others);
	tcase_add_test(tcase, a_port_with_an_address_sends_from_no_other);
	tcase_add_test(tcase, nobody_sends_from_the_address_of_a_port);
	tcase_add_test(tcase, who_had_the_address_before_its_owner_has_it_no_more);
	tcase_add_test(tcase, a_port_that_gets_an_address_has_its_others_no_more);
	tcase_add_test(tcase, an_address_is_free_again_without_its_owner);
	tcase_add_test(tcase, an_address_is_its_port_s_in_every_vlan);
	tcase_add_loop_test(tcase, a_sender_cannot_change_its_address_after_it_was_judged, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(rules_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
