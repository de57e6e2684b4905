/* Delay, loss and rate on the way to a port; the time is driven by hand. */

#include "fake_port.h"
#include "impair.h"
#include "wire.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define LENGTH 100

static struct fake_port fake[2];
static struct wire *wire;

static void start(void)
{
	wire = wire_create(&wire_cable, 300);
	ck_assert_ptr_nonnull(wire);
	wire->now_ns = SECOND;
	for (uint16_t i = 0; i < 2; i++) {
		fake_port_init(&fake[i], i);
		wire_plug(wire, &fake[i].port);
	}
}

static void stop(void)
{
	wire_destroy(wire);
	for (unsigned i = 0; i < 2; i++)
		fake_port_release(&fake[i]);
}

static void set(uint32_t delay_us, uint64_t rate, uint16_t loss)
{
	struct port_settings settings = fake[1].port.settings;

	settings.delay_us = delay_us;
	settings.rate = rate;
	settings.loss_per_10000 = loss;
	wire_set(&fake[1].port, &settings);
}

/* Frames of port 0, numbered in their last byte. */
static void queue(unsigned count, uint8_t first)
{
	uint8_t bytes[LENGTH] = { 2 };

	for (unsigned i = 0; i < count; i++) {
		bytes[LENGTH - 1] = (uint8_t)(first + i);
		fake_port_queue(&fake[0], NULL, bytes, sizeof(bytes));
	}
}

/* A turn of the worker; when it wants to come again. */
static uint64_t turn(void)
{
	uint64_t next_ns;

	while (wire->type->forward(wire, &fake[0].port))
		;
	next_ns = wire_run_late(wire);
	wire_flush(wire);
	return next_ns;
}

static unsigned arrived(void)
{
	return (unsigned)fake[1].received_count;
}

static uint64_t lost(void)
{
	return fake[1].port.counters->dropped[DROP_IMPAIRED];
}

START_TEST(a_delayed_frame_comes_when_it_is_due_and_not_before)
{
	set(5000, 0, 0);
	queue(1, 0);

	ck_assert_uint_eq(turn(), SECOND + 5 * MS);
	ck_assert_uint_eq(arrived(), 0);
	wire->now_ns = SECOND + 5 * MS - 1;
	turn();
	ck_assert_uint_eq(arrived(), 0);

	wire->now_ns = SECOND + 5 * MS;
	ck_assert_uint_eq(turn(), UINT64_MAX);
	ck_assert_uint_eq(arrived(), 1);
	ck_assert_uint_eq(fake[1].flushed, 1);
	ck_assert_uint_eq(fake[1].port.counters->frames_received, 1);
}

START_TEST(a_delayed_frame_is_what_its_sender_sent_even_if_that_changes_it_later)
{
	const struct virtio_net_hdr_v1 header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 34,
		.csum_offset = 6,
	};
	uint8_t bytes[LENGTH];
	const struct fake_frame *frame;

	memset(bytes, 7, sizeof(bytes));
	fake[1].port.accepted = 1ULL << VIRTIO_NET_F_GUEST_CSUM;
	fake[0].piece = 9;
	set(1000, 0, 0);
	fake_port_queue(&fake[0], &header, bytes, sizeof(bytes));

	turn();
	memset(fake[0].queue.frame[0].bytes, 8, LENGTH);
	wire->now_ns += MS;
	turn();

	frame = fake_port_take(&fake[1]);
	ck_assert_ptr_nonnull(frame);
	ck_assert_uint_eq(frame->length, LENGTH);
	ck_assert_mem_eq(frame->bytes, bytes, LENGTH);
	ck_assert_mem_eq(&frame->header, &header, sizeof(header));
}

START_TEST(a_rate_lets_through_what_it_says_and_a_cable_still_loses_nothing)
{
	unsigned of_one_second;

	set(0, 1000 * LENGTH, 0); /* a frame a millisecond */
	queue(5000, 0);

	turn();
	ck_assert_uint_eq(arrived(), 0);
	for (unsigned i = 0; i < 1000; i++) {
		wire->now_ns += MS;
		turn();
	}
	of_one_second = arrived();
	for (unsigned i = 0; i < 5000; i++) {
		wire->now_ns += MS;
		turn();
	}

	ck_assert_uint_ge(of_one_second, 999);
	ck_assert_uint_le(of_one_second, 1001);
	ck_assert_uint_eq(arrived(), 5000);
	for (unsigned i = 0; i < 5000; i++)
		ck_assert_uint_eq(fake_port_take(&fake[1])->bytes[LENGTH - 1],
			(uint8_t)i); /* in order */
}

START_TEST(a_slow_line_has_a_short_queue)
{
	set(0, 1000 * LENGTH, 0);
	queue(1000, 0);

	turn();

	ck_assert_uint_lt(1000 - fake_port_waiting(&fake[0]), 30);
	ck_assert(fake[0].port.blocked);
	ck_assert(!fake[1].port.starved); /* it has room: only time helps */
}

START_TEST(a_sender_that_waits_for_the_line_goes_on_with_it)
{
	uint64_t next_ns;

	set(0, 1000 * LENGTH, 0);
	queue(100, 0);

	next_ns = turn();
	for (unsigned i = 0; i < 1000 && next_ns != UINT64_MAX; i++) {
		wire->now_ns = next_ns;
		next_ns = turn();
	}

	ck_assert_uint_eq(arrived(), 100);
}

START_TEST(a_tiny_rate_is_no_reason_to_wait_for_ever_once_it_is_lifted)
{
	set(0, 1, 0);
	queue(3, 0);
	turn();
	ck_assert_uint_eq(arrived(), 0);

	set(0, 0, 0);
	turn();

	ck_assert_uint_eq(arrived(), 3);
	ck_assert_ptr_null(fake[1].port.impairment);
}

START_TEST(loses_about_as_many_as_asked_and_counts_them)
{
	set(0, 0, 1000);
	queue(10000, 0);

	turn();

	ck_assert_uint_ge(lost(), 700);
	ck_assert_uint_le(lost(), 1300);
	ck_assert_uint_eq(arrived() + lost(), 10000);
}

START_TEST(loses_all_or_nothing_at_the_ends_of_the_scale)
{
	set(0, 0, 10000);
	queue(1000, 0);
	turn();
	ck_assert_uint_eq(arrived(), 0);
	ck_assert_uint_eq(lost(), 1000);

	set(1, 0, 0);
	queue(1000, 0);
	turn();
	wire->now_ns += MS;
	turn();
	ck_assert_uint_eq(arrived(), 1000);
}

START_TEST(two_lines_lose_different_frames)
{
	struct port_settings settings = { .link = 1, .loss_per_10000 = 5000 };
	struct impairment *one = impairment_create(&settings);
	struct impairment *other = impairment_create(&settings);
	uint8_t bytes[LENGTH] = { 0 };
	struct iovec iov = { bytes, sizeof(bytes) };
	struct frame frame = { .iov = &iov, .count = 1, .length = LENGTH, .plain = true };
	unsigned different = 0;

	for (unsigned i = 0; i < 1000; i++)
		different += impairment_take(one, &frame, 0) != impairment_take(other, &frame, 0);

	ck_assert_uint_gt(different, 300);
	impairment_destroy(one);
	impairment_destroy(other);
}

START_TEST(what_is_under_way_is_bounded)
{
	static uint8_t bytes[65000];
	unsigned taken;

	set(10 * 1000 * 1000, 0, 0);
	fake_port_queue(&fake[0], NULL, bytes, sizeof(bytes));
	fake[0].endless = true;

	for (taken = 0; taken < 10000 && wire->type->forward(wire, &fake[0].port); taken++)
		;

	ck_assert_uint_lt(taken, (16 << 20) / sizeof(bytes) + 1);
	ck_assert_uint_gt(taken, 200);
}

START_TEST(what_is_due_waits_for_room_without_being_lost_or_asked_for_all_the_time)
{
	set(1000, 0, 0);
	queue(5, 0);
	turn();
	fake[1].room = 2;

	wire->now_ns += MS;
	ck_assert_uint_eq(turn(), UINT64_MAX);
	ck_assert_uint_eq(arrived(), 2);
	ck_assert(fake[1].port.starved);

	fake[1].room = FAKE_PORT_UNLIMITED;
	turn();
	ck_assert_uint_eq(arrived(), 5);
	ck_assert(!fake[1].port.starved);
}

START_TEST(order_is_kept_when_the_delay_gets_shorter)
{
	set(50000, 0, 0);
	queue(3, 0);
	turn();

	set(1000, 0, 0);
	queue(3, 3);
	turn();
	wire->now_ns += MS;
	turn();

	ck_assert_uint_eq(arrived(), 6);
	for (uint8_t i = 0; i < 6; i++)
		ck_assert_uint_eq(fake_port_take(&fake[1])->bytes[LENGTH - 1], i);
}

START_TEST(a_cable_pulled_meanwhile_swallows_what_is_under_way)
{
	struct port_settings settings;

	set(1000, 0, 0);
	queue(3, 0);
	turn();
	settings = fake[1].port.settings;
	settings.link = 0;
	wire_set(&fake[1].port, &settings);

	wire->now_ns += MS;
	turn();

	ck_assert_uint_eq(arrived(), 0);
	ck_assert_uint_eq(fake[1].port.counters->dropped[DROP_LINK_DOWN], 3);
}

START_TEST(unplugging_frees_what_is_under_way)
{
	set(1000, 0, 0);
	queue(3, 0);
	turn();

	wire_unplug(&fake[1].port);

	ck_assert_uint_eq(wire_run_late(wire), UINT64_MAX);
	ck_assert_ptr_null(fake[1].port.impairment);
}

static Suite *impair_suite(void)
{
	Suite *suite = suite_create("impair");
	TCase *tcase = tcase_create("line");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_delayed_frame_comes_when_it_is_due_and_not_before);
	tcase_add_test(tcase,
		a_delayed_frame_is_what_its_sender_sent_even_if_that_changes_it_later);
	tcase_add_test(tcase, a_rate_lets_through_what_it_says_and_a_cable_still_loses_nothing);
	tcase_add_test(tcase, a_slow_line_has_a_short_queue);
	tcase_add_test(tcase, a_sender_that_waits_for_the_line_goes_on_with_it);
	tcase_add_test(tcase, a_tiny_rate_is_no_reason_to_wait_for_ever_once_it_is_lifted);
	tcase_add_test(tcase, loses_about_as_many_as_asked_and_counts_them);
	tcase_add_test(tcase, loses_all_or_nothing_at_the_ends_of_the_scale);
	tcase_add_test(tcase, two_lines_lose_different_frames);
	tcase_add_test(tcase, what_is_under_way_is_bounded);
	tcase_add_test(tcase,
		what_is_due_waits_for_room_without_being_lost_or_asked_for_all_the_time);
	tcase_add_test(tcase, order_is_kept_when_the_delay_gets_shorter);
	tcase_add_test(tcase, a_cable_pulled_meanwhile_swallows_what_is_under_way);
	tcase_add_test(tcase, unplugging_frees_what_is_under_way);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(impair_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
