/* The cable: in order, without loss, whatever its ends do. */
#include "compiler.h"
#include "fake_port.h"
#include "wire.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH 60
#define MANY 300 /* more than some batches */

static struct fake_port end[2];
static struct wire *cable;

static void start(void)
{
	cable = wire_create(&wire_cable, 0);
	ck_assert_ptr_nonnull(cable);
	for (uint16_t i = 0; i < 2; i++) {
		fake_port_init(&end[i], i);
		wire_plug(cable, &end[i].port);
	}
}

static void stop(void)
{
	wire_destroy(cable);
	for (unsigned i = 0; i < 2; i++)
		fake_port_release(&end[i]);
}

/* Frames tell their number. */
static void queue(struct fake_port *from, uint32_t first, uint32_t count)
{
	uint8_t bytes[LENGTH] = { 0 };

	for (uint32_t i = first; i < first + count; i++) {
		memcpy(bytes, &i, sizeof(i));
		fake_port_queue(from, NULL, bytes, sizeof(bytes));
	}
}

static unsigned turn(void)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < 2; i++)
		passed += cable->type->forward(cable, &end[i].port);
	wire_flush(cable);
	return passed;
}

static void run(void)
{
	while (turn())
		;
}

static void check_received(struct fake_port *to, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		const struct fake_frame *frame = fake_port_take(to);
		uint32_t number;

		ck_assert_ptr_nonnull(frame);
		ck_assert_uint_eq(frame->length, LENGTH);
		memcpy(&number, frame->bytes, sizeof(number));
		ck_assert_uint_eq(number, i);
	}
	ck_assert_ptr_null(fake_port_take(to));
}

START_TEST(passes_frames_both_ways_in_order)
{
	queue(&end[0], 0, MANY);
	queue(&end[1], 1000, MANY);

	run();

	check_received(&end[1], 0, MANY);
	check_received(&end[0], 1000, MANY);
}

START_TEST(counts_frames_where_they_come_from_and_where_they_go)
{
	queue(&end[0], 0, MANY);

	run();

	ck_assert_uint_eq(end[0].port.counters->frames_sent, MANY);
	ck_assert_uint_eq(end[0].port.counters->bytes_sent, MANY * LENGTH);
	ck_assert_uint_eq(end[1].port.counters->frames_received, MANY);
	ck_assert_uint_eq(end[1].port.counters->bytes_received, MANY * LENGTH);
	ck_assert_uint_eq(end[0].port.counters->frames_received, 0);
}

START_TEST(keeps_frames_at_their_sender_until_there_is_room)
{
	queue(&end[0], 0, MANY);
	end[1].room = 10;

	run();
	ck_assert_uint_eq(fake_port_waiting(&end[0]), MANY - 10);
	ck_assert(end[0].port.blocked);
	ck_assert(end[1].port.starved);
	while (fake_port_waiting(&end[0])) {
		end[1].room = 7;
		ck_assert_uint_gt(turn(), 0);
	}

	check_received(&end[1], 0, MANY);
	ck_assert(!end[0].port.blocked);
	ck_assert(!end[1].port.starved);
	ck_assert_uint_eq(end[0].port.counters->frames_sent, MANY);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		ck_assert_uint_eq(end[1].port.counters->dropped[i], 0);
}

START_TEST(is_not_held_up_by_a_frame_that_is_too_long)
{
	uint8_t longer[LENGTH + 1] = { 0 };

	queue(&end[0], 0, 3);
	fake_port_queue(&end[0], NULL, longer, sizeof(longer));
	queue(&end[0], 3, 3);
	end[1].longest = LENGTH;

	run();

	check_received(&end[1], 0, 6);
	ck_assert_uint_eq(end[1].port.counters->dropped[DROP_TOO_LONG], 1);
}

START_TEST(drops_what_is_sent_into_a_pulled_end)
{
	queue(&end[0], 0, 5);
	queue(&end[1], 0, 6);
	wire_set(&end[1].port, &(struct port_settings){ .link = 0 });

	run();

	ck_assert_uint_eq(fake_port_kept(&end[0]) + fake_port_kept(&end[1]), 0);
	ck_assert_uint_eq(end[1].port.counters->dropped[DROP_LINK_DOWN], 5 + 6);
}

START_TEST(goes_on_after_its_end_is_plugged_in_again)
{
	queue(&end[0], 0, 5);
	end[1].room = 2;
	run();
	wire_unplug(&end[1].port);
	ck_assert_uint_eq(end[0].port.blocked, false);
	end[1].room = FAKE_PORT_UNLIMITED;
	wire_plug(cable, &end[1].port);

	run();

	check_received(&end[1], 0, 5);
}

START_TEST(keeps_frames_for_an_end_that_is_away_for_a_moment)
{
	uint64_t due_ns;

	wire_unplug(&end[1].port);
	queue(&end[0], 0, 5);
	run();
	ck_assert(end[0].port.blocked);
	due_ns = wire_run_late(cable);
	ck_assert_uint_gt(due_ns, cable->now_ns);
	ck_assert_uint_ne(due_ns, UINT64_MAX);

	end[1].port.receives = false; /* its front-end has plugged in, and has no rings yet */
	wire_plug(cable, &end[1].port);
	run();
	ck_assert_uint_eq(fake_port_kept(&end[0]), 0);
	end[1].port.receives = true;
	run();

	check_received(&end[1], 0, 5);
	ck_assert(!end[0].port.blocked);
}

START_TEST(waits_no_longer_for_an_end_that_stays_away)
{
	wire_unplug(&end[1].port);
	queue(&end[0], 0, 5);
	run();
	cable->now_ns = wire_run_late(cable);

	run();

	ck_assert_uint_eq(end[0].port.counters->dropped[DROP_LINK_DOWN], 5);
	ck_assert_uint_eq(wire_run_late(cable), UINT64_MAX);
}

START_TEST(tells_both_ends_once_a_turn)
{
	queue(&end[0], 0, PORT_BATCH);

	turn();

	ck_assert_uint_eq(end[0].flushed, 1);
	ck_assert_uint_eq(end[1].flushed, 1);
	turn();
	ck_assert_uint_eq(end[0].flushed, 1);
	ck_assert_uint_eq(end[1].flushed, 1);
}

START_TEST(flushes_nobody_who_was_unplugged)
{
	queue(&end[0], 0, 1);
	cable->type->forward(cable, &end[0].port);
	wire_unplug(&end[1].port);
	wire_plug(cable, &end[1].port);
	wire_unplug(&end[1].port);

	wire_flush(cable);

	ck_assert_uint_eq(end[0].flushed, 1);
	ck_assert_uint_eq(end[1].flushed, 0);
}

int main(void)
{
	Suite *suite = suite_create("cable");
	TCase *tcase = tcase_create("cable");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, passes_frames_both_ways_in_order);
	tcase_add_test(tcase, counts_frames_where_they_come_from_and_where_they_go);
	tcase_add_test(tcase, keeps_frames_at_their_sender_until_there_is_room);
	tcase_add_test(tcase, is_not_held_up_by_a_frame_that_is_too_long);
	tcase_add_test(tcase, drops_what_is_sent_into_a_pulled_end);
	tcase_add_test(tcase, goes_on_after_its_end_is_plugged_in_again);
	tcase_add_test(tcase, keeps_frames_for_an_end_that_is_away_for_a_moment);
	tcase_add_test(tcase, waits_no_longer_for_an_end_that_stays_away);
	tcase_add_test(tcase, tells_both_ends_once_a_turn);
	tcase_add_test(tcase, flushes_nobody_who_was_unplugged);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
