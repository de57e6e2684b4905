/* The switch: where frames go, and what it remembers. */

#include "fake_network.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define AGEING 300

static struct fake_network network;

static void start(void)
{
	fake_network_create(&network, &wire_switch, 5);
	network.wire->now_ns = 1000 * SECOND;
}

static void stop(void)
{
	fake_network_destroy(&network);
}

static struct fake_port *fake(unsigned port)
{
	return &network.port[port];
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

START_TEST(floods_what_it_does_not_know_but_never_back)
{
	fake_network_send(&network, 0, 1);

	ck_assert(got(0, 0));
	ck_assert(others_got(1, 0, 0));
}

START_TEST(sends_to_one_port_what_it_has_learned)
{
	fake_network_send_to_all(&network, 1);
	ck_assert(others_got(1, 1, 1));

	fake_network_send(&network, 0, 1);

	ck_assert(got(1, 1));
	ck_assert(others_got(0, 1, 1));
}

START_TEST(delivers_frames_unchanged_and_in_order)
{
	uint8_t expected[FAKE_FRAME];
	uint8_t to[FAKE_ADDRESS];
	uint8_t from[FAKE_ADDRESS];

	fake_address(to, 1);
	fake_address(from, 0);
	fake_network_send_to_all(&network, 1);
	got(0, 1);
	for (uint8_t i = 0; i < 200; i++) {
		fake_frame_make(expected, to, from, NULL);
		expected[FAKE_FRAME - 1] = i;
		fake_port_queue(fake(0), NULL, expected, FAKE_FRAME);
	}

	fake_network_run(&network);

	for (uint8_t i = 0; i < 200; i++) {
		const struct fake_frame *frame = fake_port_take(fake(1));

		expected[FAKE_FRAME - 1] = i;
		ck_assert_ptr_nonnull(frame);
		ck_assert_uint_eq(frame->length, FAKE_FRAME);
		ck_assert_mem_eq(frame->bytes, expected, FAKE_FRAME);
	}
	ck_assert_uint_gt(fake(0)->flushed, 0); /* the sender has its buffers back */
}

START_TEST(floods_broadcast_and_multicast_even_from_a_station_that_is_known)
{
	static const uint8_t multicast[FAKE_ADDRESS] = { 0x33, 0x33, 0, 0, 0, 1 };

	fake_network_send_to_all(&network, 1);
	ck_assert(others_got(1, 1, 1));
	fake_network_queue(&network, 1, multicast);
	fake_network_run(&network);

	ck_assert(got(1, 0));
	ck_assert(others_got(1, 1, 1));
}

START_TEST(follows_a_station_that_moves_at_once)
{
	uint8_t address[FAKE_ADDRESS];

	fake_address(address, 1);
	fake_network_send_to_all(&network, 1);
	others_got(1, 1, 1);

	send_from(2, fake_broadcast, address);
	others_got(1, 2, 2);
	fake_network_send(&network, 0, 1);

	ck_assert(got(2, 1));
	ck_assert(others_got(0, 2, 2));
}

START_TEST(gives_a_station_whose_address_was_taken_its_frames_back_when_it_speaks)
{
	uint8_t address[FAKE_ADDRESS];

	fake_address(address, 1);
	send_from(2, fake_broadcast, address);
	fake_network_send_to_all(&network, 1);
	for (unsigned i = 0; i < 5; i++)
		fake_port_clear(fake(i));

	fake_network_send(&network, 0, 1);

	ck_assert(got(1, 1));
	ck_assert(got(2, 0));
}

START_TEST(keeps_a_frame_to_a_station_at_its_own_port_off_the_others)
{
	uint8_t neighbour[FAKE_ADDRESS];

	fake_address(neighbour, 77);
	send_from(0, fake_broadcast, neighbour);
	others_got(1, 0, 0);

	fake_network_queue(&network, 0, neighbour);
	fake_network_run(&network);

	ck_assert(others_got(0, 0, 0));
	for (unsigned i = 0; i < DROP_REASONS; i++)
		ck_assert_uint_eq(fake(0)->port.counters->dropped[i], 0);
}

START_TEST(forgets_a_station_that_was_silent_for_the_ageing_time)
{
	fake_network_send_to_all(&network, 1);
	others_got(1, 1, 1);

	network.wire->now_ns += (AGEING - 1) * SECOND;
	fake_network_send(&network, 0, 1);
	ck_assert(others_got(0, 1, 1));
	network.wire->now_ns += SECOND;
	fake_network_send(&network, 0, 1);

	ck_assert(others_got(1, 0, 1));
	ck_assert(got(1, 2));
}

START_TEST(remembers_a_station_that_speaks_within_the_ageing_time)
{
	for (unsigned i = 0; i < 5; i++) {
		fake_network_send_to_all(&network, 1);
		network.wire->now_ns += (AGEING - 1) * SECOND;
	}
	others_got(5, 1, 1);

	fake_network_send(&network, 0, 1);

	ck_assert(others_got(0, 1, 1));
}

START_TEST(forgets_the_stations_of_a_port_that_goes)
{
	fake_network_send_to_all(&network, 1);
	others_got(1, 1, 1);

	wire_unplug(&fake(1)->port);
	fake_network_send(&network, 0, 1);

	ck_assert(others_got(1, 0, 1));
	ck_assert(got(1, 0));
}

START_TEST(knows_nothing_of_the_stations_that_were_at_a_port_before)
{
	fake_network_send_to_all(&network, 1);
	others_got(1, 1, 1);
	wire_unplug(&fake(1)->port);
	wire_plug(network.wire, &fake(1)->port);

	fake_network_send(&network, 0, 1);

	ck_assert(others_got(1, 0, 0));
}

START_TEST(learns_all_stations_behind_one_port_from_one_batch)
{
	uint8_t to[FAKE_ADDRESS];
	uint8_t bytes[FAKE_FRAME];
	uint8_t address[FAKE_ADDRESS];

	fake_network_send_to_all(&network, 1);
	fake_address(to, 1);
	for (unsigned i = 100; i < 110; i++) {
		fake_address(address, i);
		fake_port_queue(fake(0), NULL, bytes, fake_frame_make(bytes, to, address, NULL));
	}
	fake_network_run(&network);
	others_got(1, 1, 1);
	got(1, 10);

	for (unsigned i = 100; i < 110; i++)
		fake_network_send(&network, 1, i);

	ck_assert(got(0, 10));
	ck_assert(others_got(0, 0, 0));
}

/* Whom frame i of a mixed batch is for. */
static bool is_for(unsigned port, unsigned i)
{
	return i % 13 == 0 || 1 + i * 7 / 3 % 4 == port;
}

START_TEST(keeps_the_order_of_each_pair_when_a_batch_is_for_many)
{
	uint8_t bytes[FAKE_FRAME];
	uint8_t from[FAKE_ADDRESS];
	uint8_t to[FAKE_ADDRESS];

	for (unsigned i = 0; i < 5; i++)
		fake_network_send_to_all(&network, i);
	for (unsigned i = 0; i < 5; i++)
		fake_port_clear(fake(i));
	fake_address(from, 0);
	for (unsigned i = 0; i < 200; i++) {
		fake_address(to, 1 + i * 7 / 3 % 4);
		fake_frame_make(bytes, i % 13 ? to : fake_broadcast, from, NULL);
		bytes[FAKE_FRAME - 1] = (uint8_t)i;
		fake_port_queue(fake(0), NULL, bytes, FAKE_FRAME);
	}

	fake_network_run(&network);

	for (unsigned port = 1; port < 5; port++) {
		for (unsigned i = 0; i < 200; i++) {
			const struct fake_frame *frame;

			if (!is_for(port, i))
				continue;
			frame = fake_port_take(fake(port));
			ck_assert_ptr_nonnull(frame);
			ck_assert_uint_eq(frame->bytes[FAKE_FRAME - 1], i);
		}
		ck_assert_uint_eq(fake_port_kept(fake(port)), 0);
	}
}

START_TEST(serves_a_port_that_is_plugged_in_again)
{
	wire_unplug(&fake(1)->port);
	wire_plug(network.wire, &fake(1)->port);

	fake_network_send_to_all(&network, 0);
	fake_network_send(&network, 1, 0);

	ck_assert(got(1, 1));
	ck_assert(got(0, 1));
}

/* In the midst of a flood its sender makes it a frame to, and from, others. */
static void change_addresses(void *owner)
{
	struct fake_frame *frame = owner;

	fake_address(frame->bytes, 3);
	fake_address(frame->bytes + FAKE_ADDRESS, 2);
}

START_TEST(goes_on_as_decided_when_a_sender_changes_addresses_meanwhile)
{
	fake_network_send_to_all(&network, 3);
	others_got(1, 3, 3);
	fake_network_queue(&network, 0, fake_broadcast);
	fake(1)->on_delivery = change_addresses;
	fake(1)->owner = &fake(0)->queue.frame[fake(0)->queue.first];

	fake_network_run(&network);

	ck_assert(others_got(1, 0, 0));
	fake_network_send(&network, 3, 0);
	ck_assert(got(0, 1));
	ck_assert(others_got(0, 0, 0));
}

static TCase *forwarding(void)
{
	TCase *tcase = tcase_create("forwarding");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, floods_what_it_does_not_know_but_never_back);
	tcase_add_test(tcase, sends_to_one_port_what_it_has_learned);
	tcase_add_test(tcase, delivers_frames_unchanged_and_in_order);
	tcase_add_test(tcase, floods_broadcast_and_multicast_even_from_a_station_that_is_known);
	tcase_add_test(tcase, follows_a_station_that_moves_at_once);
	tcase_add_test(tcase,
		gives_a_station_whose_address_was_taken_its_frames_back_when_it_speaks);
	tcase_add_test(tcase, keeps_a_frame_to_a_station_at_its_own_port_off_the_others);
	tcase_add_test(tcase, forgets_a_station_that_was_silent_for_the_ageing_time);
	tcase_add_test(tcase, remembers_a_station_that_speaks_within_the_ageing_time);
	tcase_add_test(tcase, forgets_the_stations_of_a_port_that_goes);
	tcase_add_test(tcase, knows_nothing_of_the_stations_that_were_at_a_port_before);
	tcase_add_test(tcase, learns_all_stations_behind_one_port_from_one_batch);
	tcase_add_test(tcase, keeps_the_order_of_each_pair_when_a_batch_is_for_many);
	tcase_add_test(tcase, serves_a_port_that_is_plugged_in_again);
	tcase_add_test(tcase, goes_on_as_decided_when_a_sender_changes_addresses_meanwhile);
	return tcase;
}

static Suite *switch_suite(void)
{
	Suite *suite = suite_create("switch");

	suite_add_tcase(suite, forwarding());
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(switch_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
