/* The switch: what is dropped and why, and that it costs nobody else anything. */

#include "fake_network.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct fake_network network;

static void make(unsigned ports)
{
	fake_network_create(&network, &wire_switch, ports);
}

static void start(void)
{
	make(5);
}

static void stop(void)
{
	fake_network_destroy(&network);
}

static struct fake_port *fake(unsigned port)
{
	return &network.port[port];
}

static uint64_t dropped(unsigned port, enum port_drop reason)
{
	return fake(port)->port.counters->dropped[reason];
}

static bool got(unsigned port, unsigned count)
{
	return fake_network_got(&network, port, count);
}

/* All but some ports have received so many frames. */
static bool others_got(unsigned count, unsigned one, unsigned another)
{
	bool so = true;

	for (unsigned i = 0; i < network.count; i++) {
		if (i != one && i != another)
			so &= got(i, count);
	}
	return so;
}

static void send_from(unsigned port, const uint8_t *to, const uint8_t *from)
{
	uint8_t bytes[FAKE_FRAME];

	fake_port_queue(fake(port), NULL, bytes, fake_frame_make(bytes, to, from, NULL));
	fake_network_run(&network);
}

START_TEST(drops_for_a_port_without_room_and_goes_on_with_the_others)
{
	fake(2)->room = 1;

	for (unsigned i = 0; i < 3; i++)
		fake_network_send_to_all(&network, 0);

	ck_assert(got(2, 1));
	ck_assert_uint_eq(dropped(2, DROP_NO_ROOM), 2);
	ck_assert(others_got(3, 0, 2));
	ck_assert_uint_eq(fake_port_waiting(fake(0)), 0);
	ck_assert(!fake(2)->port.starved); /* nobody waits for it */
}

START_TEST(drops_for_a_port_whose_buffers_are_too_small)
{
	fake(2)->longest = FAKE_FRAME - 1;

	fake_network_send_to_all(&network, 0);

	ck_assert_uint_eq(dropped(2, DROP_TOO_LONG), 1);
	ck_assert(others_got(1, 0, 2));
}

START_TEST(a_pulled_cable_neither_gets_nor_gives_frames)
{
	fake_network_link(&network, 1, false);

	fake_network_send_to_all(&network, 0);
	fake_network_send_to_all(&network, 1);

	ck_assert(got(1, 0));
	ck_assert(others_got(1, 0, 1));
	ck_assert(got(0, 0));
	ck_assert_uint_eq(dropped(1, DROP_LINK_DOWN), 2); /* one each way */
	ck_assert_uint_eq(fake_port_waiting(fake(1)), 0);
}

START_TEST(a_station_behind_a_pulled_cable_may_be_anywhere)
{
	fake_network_send_to_all(&network, 1);
	others_got(1, 1, 1);

	fake_network_link(&network, 1, false);
	fake_network_send(&network, 0, 1);

	ck_assert(others_got(1, 0, 1));
}

START_TEST(counts_frames_to_a_port_where_nobody_listens)
{
	fake(1)->port.receives = false;

	fake_network_send_to_all(&network, 0);

	ck_assert_uint_eq(dropped(1, DROP_LINK_DOWN), 1);
	ck_assert(others_got(1, 0, 1));
}

START_TEST(counts_what_is_sent_and_received)
{
	fake_network_send_to_all(&network, 0);
	fake_network_send(&network, 1, 0);

	ck_assert_uint_eq(fake(0)->port.counters->frames_sent, 1);
	ck_assert_uint_eq(fake(0)->port.counters->bytes_sent, FAKE_FRAME);
	ck_assert_uint_eq(fake(0)->port.counters->frames_received, 1);
	ck_assert_uint_eq(fake(1)->port.counters->frames_received, 1);
	ck_assert_uint_eq(fake(1)->port.counters->frames_sent, 1);
	ck_assert_uint_eq(fake(2)->port.counters->frames_received, 1);
	ck_assert_uint_eq(fake(2)->port.counters->bytes_received, FAKE_FRAME);
}

static const uint8_t impossible_source[][FAKE_ADDRESS] = {
	{ 0 },
	{ 1, 2, 3, 4, 5, 6 },
	{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
};

START_TEST(drops_frames_from_addresses_that_nobody_has)
{
	send_from(0, fake_broadcast, impossible_source[_i]);

	ck_assert_uint_eq(dropped(0, DROP_MALFORMED), 1);
	ck_assert(others_got(0, 0, 0));
}

START_TEST(drops_frames_without_a_whole_ethernet_header)
{
	uint8_t bytes[FAKE_FRAME] = { 0 };

	memcpy(bytes, fake_broadcast, FAKE_ADDRESS);
	fake_address(bytes + FAKE_ADDRESS, 0);
	fake_port_queue(fake(0), NULL, bytes, (uint32_t)_i);

	fake_network_run(&network);

	ck_assert_uint_eq(dropped(0, DROP_MALFORMED), _i < 14);
	ck_assert(others_got(_i >= 14, 0, 0));
}

START_TEST(reads_addresses_that_lie_in_many_pieces)
{
	fake_network_send_to_all(&network, 1);
	others_got(1, 1, 1);
	fake(0)->piece = (uint32_t)_i;

	fake_network_send(&network, 0, 1);

	ck_assert(got(1, 1));
	ck_assert(others_got(0, 1, 1));
}

START_TEST(keeps_reserved_addresses_to_itself)
{
	uint8_t reserved[FAKE_ADDRESS] = { 0x01, 0x80, 0xc2, 0, 0, (uint8_t)_i };

	fake_network_queue(&network, 0, reserved);
	fake_network_run(&network);

	ck_assert(others_got(_i >= 16, 0, 0));
	ck_assert_uint_eq(dropped(0, DROP_NOT_ALLOWED), _i < 16);
}

START_TEST(lets_a_port_send_a_batch_at_a_time)
{
	for (unsigned i = 0; i < 3 * PORT_BATCH; i++)
		fake_network_queue(&network, 0, fake_broadcast);

	ck_assert_uint_eq(wire_switch.forward(network.wire, &fake(0)->port), PORT_BATCH);
	ck_assert_uint_eq(fake_port_waiting(fake(0)), 2 * PORT_BATCH);
}

START_TEST(one_stopped_port_of_sixteen_costs_the_others_nothing)
{
	fake(15)->room = 0;
	for (unsigned i = 0; i < 16; i++)
		fake_network_send_to_all(&network, i);
	for (unsigned i = 0; i < 16; i++)
		fake_port_clear(fake(i));

	/* Each sends as many to the stopped one as to its neighbour. */
	for (unsigned i = 0; i < 15; i++) {
		uint8_t address[FAKE_ADDRESS];

		for (unsigned frames = 0; frames < 500; frames++) {
			fake_address(address, 15);
			fake_network_queue(&network, i, address);
			fake_address(address, (i + 1) % 15);
			fake_network_queue(&network, i, address);
		}
	}
	fake_network_run(&network);

	for (unsigned i = 0; i < 15; i++) {
		ck_assert_uint_eq(fake_port_waiting(fake(i)), 0);
		ck_assert(got(i, 500));
		ck_assert_uint_eq(dropped(i, DROP_NO_ROOM), 0);
	}
	ck_assert_uint_eq(dropped(15, DROP_NO_ROOM), 15 + 15 * 500);
}

START_TEST(serves_as_many_ports_as_a_wire_may_have)
{
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++)
		fake_network_send_to_all(&network, i);
	ck_assert(others_got(WIRE_PORTS_MAX - 1, 0, 0));
	ck_assert(got(0, WIRE_PORTS_MAX - 1));

	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++)
		fake_network_send(&network, i, WIRE_PORTS_MAX - 1 - i);

	ck_assert(others_got(1, 0, 0));
	ck_assert(got(0, 1));
}

START_TEST(a_storm_reaches_each_port_once_a_frame_and_ends)
{
	for (unsigned frames = 0; frames < 100; frames++) {
		for (unsigned i = 0; i < 16; i++)
			fake_network_queue(&network, i, fake_broadcast);
	}

	ck_assert_uint_eq(fake_network_run(&network), 1600);

	for (unsigned i = 0; i < 16; i++)
		ck_assert(got(i, 1500));
}

START_TEST(a_port_that_makes_addresses_up_takes_nobody_his)
{
	for (unsigned i = 1; i < 16; i++)
		fake_network_send_to_all(&network, i);
	for (unsigned i = 0; i < 50000; i++) {
		uint8_t bytes[FAKE_FRAME];
		uint8_t made_up[FAKE_ADDRESS];

		fake_address(made_up, 0x1000000 + i);
		fake_port_queue(fake(0), NULL, bytes,
			fake_frame_make(bytes, fake_broadcast, made_up, NULL));
	}
	for (unsigned i = 0; i < 16; i++)
		fake(i)->forgets = true;
	fake_network_run(&network);
	for (unsigned i = 0; i < 16; i++) {
		fake(i)->forgets = false;
		fake_port_clear(fake(i));
	}

	for (unsigned i = 1; i < 16; i++)
		fake_network_send(&network, i, i % 15 + 1);

	ck_assert(got(0, 0));
	ck_assert(others_got(1, 0, 0));
}

static void start_sixteen(void)
{
	make(16);
}

static void start_all(void)
{
	make(WIRE_PORTS_MAX);
}

static TCase *dropping(void)
{
	TCase *tcase = tcase_create("dropping");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, drops_for_a_port_without_room_and_goes_on_with_the_others);
	tcase_add_test(tcase, drops_for_a_port_whose_buffers_are_too_small);
	tcase_add_test(tcase, a_pulled_cable_neither_gets_nor_gives_frames);
	tcase_add_test(tcase, a_station_behind_a_pulled_cable_may_be_anywhere);
	tcase_add_test(tcase, counts_frames_to_a_port_where_nobody_listens);
	tcase_add_test(tcase, counts_what_is_sent_and_received);
	tcase_add_loop_test(tcase, drops_frames_from_addresses_that_nobody_has, 0, 3);
	tcase_add_loop_test(tcase, drops_frames_without_a_whole_ethernet_header, 1, 16);
	tcase_add_loop_test(tcase, reads_addresses_that_lie_in_many_pieces, 1, 16);
	tcase_add_loop_test(tcase, keeps_reserved_addresses_to_itself, 0, 18);
	tcase_add_test(tcase, lets_a_port_send_a_batch_at_a_time);
	return tcase;
}

static Suite *drops_suite(void)
{
	Suite *suite = suite_create("switch_drops");
	TCase *sixteen = tcase_create("sixteen ports");
	TCase *all = tcase_create("as many ports as there may be");

	suite_add_tcase(suite, dropping());
	tcase_add_checked_fixture(sixteen, start_sixteen, stop);
	tcase_add_test(sixteen, one_stopped_port_of_sixteen_costs_the_others_nothing);
	tcase_add_test(sixteen, a_storm_reaches_each_port_once_a_frame_and_ends);
	tcase_add_test(sixteen, a_port_that_makes_addresses_up_takes_nobody_his);
	suite_add_tcase(suite, sixteen);
	tcase_add_checked_fixture(all, start_all, stop);
	tcase_add_test(all, serves_as_many_ports_as_a_wire_may_have);
	suite_add_tcase(suite, all);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(drops_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
