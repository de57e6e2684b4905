/* The loop of a wire's worker, with ports that have no guests behind them. */

#include "fake_port.h"
#include "monotonic.h"
#include "worker_parts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FRAMES (2 * PORT_BATCH + 3)
#define LOOKS_ENOUGH 5

static struct worker worker;
static struct fake_port fakes[2];
static struct event *look; /* is there whenever the loop looks for events */
static int look_fd;
static unsigned looks;
static unsigned sleeps;
static void (*when_asleep)(void); /* then it is woken; NULL: the test has seen enough */

static void looked(int fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	(void)argument;
	if (++looks == LOOKS_ENOUGH)
		worker.ended = true;
	if (!worker.poll.slept)
		return;
	sleeps++;
	worker.ended = !when_asleep;
	if (when_asleep)
		when_asleep();
	when_asleep = NULL;
}

static void start_with(const struct wire_type *type)
{
	memset(&worker, 0, sizeof(worker));
	looks = 0;
	sleeps = 0;
	when_asleep = NULL;
	worker.base = event_base_new();
	worker.wire = wire_create(type, 300);
	worker.late_fd = -1;
	look_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	look = event_new(worker.base, look_fd, EV_READ | EV_PERSIST, looked, NULL);
	event_add(look, NULL);
	worker_poll_init(&worker.poll, 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		fake_port_init(&fakes[i], (uint16_t)i);
		worker.plug[i].port = &fakes[i].port;
		wire_plug(worker.wire, &fakes[i].port);
	}
}

static void start(void)
{
	start_with(&wire_cable);
}

static void stop(void)
{
	wire_destroy(worker.wire);
	for (unsigned i = 0; i < 2; i++)
		fake_port_release(&fakes[i]);
	event_free(look);
	event_base_free(worker.base);
	close(look_fd);
}

static void queue_frames(unsigned count)
{
	uint8_t frame[64] = { 2 };

	for (unsigned i = 0; i < count; i++)
		fake_port_queue(&fakes[0], NULL, frame, sizeof(frame));
}

START_TEST(passes_all_that_was_sent_then_awaits_kicks)
{
	queue_frames(FRAMES);
	worker_wake(&worker, &fakes[0].port);

	worker_loop(&worker);

	ck_assert_uint_eq(fake_port_kept(&fakes[1]), FRAMES);
	ck_assert_uint_eq(sleeps, 1);
	ck_assert(fakes[0].armed_to_send);
	ck_assert_uint_eq(worker.active_count, 0);
}

static void send_and_kick(void)
{
	queue_frames(1);
	worker_wake(&worker, &fakes[0].port);
}

START_TEST(is_woken_by_a_kick)
{
	when_asleep = send_and_kick;

	worker_loop(&worker);

	ck_assert_uint_eq(fake_port_kept(&fakes[1]), 1);
	ck_assert_uint_eq(sleeps, 2);
}

START_TEST(awaits_the_room_of_a_full_receiver_not_more_frames)
{
	fakes[1].room = 5;
	queue_frames(FRAMES);
	worker_wake(&worker, &fakes[0].port);

	worker_loop(&worker);

	ck_assert_uint_eq(fake_port_kept(&fakes[1]), 5);
	ck_assert_uint_eq(sleeps, 1);
	ck_assert(!fakes[0].armed_to_send);
	ck_assert(fakes[1].armed_room);
}

static void make_room(void)
{
	fakes[1].room = FAKE_PORT_UNLIMITED;
	worker_wake(&worker, &fakes[1].port);
}

START_TEST(goes_on_when_the_receiver_has_room)
{
	fakes[1].room = 5;
	queue_frames(FRAMES);
	worker_wake(&worker, &fakes[0].port);
	when_asleep = make_room;

	worker_loop(&worker);

	ck_assert_uint_eq(fake_port_kept(&fakes[1]), FRAMES);
	ck_assert_uint_eq(sleeps, 2);
}

/* As much is under way as may be; and all of it arrives at once, after the sender's turn. */
START_TEST(goes_on_with_a_sender_whose_receiver_takes_all_that_was_late)
{
	static const uint8_t frame[60000];
	struct port_settings settings = fakes[1].port.settings;

	settings.rate = UINT64_MAX; /* so all is due at once */
	wire_set(&fakes[1].port, &settings);
	for (unsigned i = 0; i < 400; i++)
		fake_port_queue(&fakes[0], NULL, frame, sizeof(frame));
	fakes[1].room = 0;
	fakes[1].forgets = true;
	worker_wake(&worker, &fakes[0].port);
	when_asleep = make_room;
	looks = LOOKS_ENOUGH; /* already: it ends asleep */

	worker_loop(&worker);

	ck_assert_uint_eq(fakes[1].received_count, 400);
}

static const struct port_ops *real_ops;

/* A frame comes before the sender knows that it has to kick. */
static bool arm_too_late(struct port *port, bool to_send, bool room)
{
	port->ops = real_ops;
	queue_frames(1);
	return port->ops->arm(port, to_send, room);
}

START_TEST(does_not_miss_a_frame_that_comes_just_before_it_sleeps)
{
	struct port_ops ops = *fakes[0].port.ops;

	ops.arm = arm_too_late;
	real_ops = fakes[0].port.ops;
	fakes[0].port.ops = &ops;
	worker_wake(&worker, &fakes[0].port);

	worker_loop(&worker);

	ck_assert_uint_eq(fake_port_kept(&fakes[1]), 1);
	ck_assert_uint_eq(sleeps, 1);
}

START_TEST(does_not_look_at_ports_that_nobody_woke)
{
	queue_frames(1);

	worker_loop(&worker);

	ck_assert_uint_eq(fake_port_kept(&fakes[1]), 0);
}

START_TEST(forgets_a_port_that_is_unplugged)
{
	queue_frames(1);
	worker_wake(&worker, &fakes[0].port);
	worker_forget(&worker, &fakes[0].port);
	wire_unplug(&fakes[0].port);
	worker.plug[0].port = NULL;

	worker_loop(&worker);

	ck_assert_uint_eq(fake_port_kept(&fakes[1]), 0);
	ck_assert_uint_eq(sleeps, 1);
}

START_TEST(waits_for_an_end_that_went_away_while_it_slept)
{
	worker.wire->now_ns = 1; /* long ago */
	worker_unplug(&worker, 1);
	worker.wire->now_ns = monotonic_ns();
	queue_frames(1);

	ck_assert_uint_eq(worker.wire->type->forward(worker.wire, &fakes[0].port), 0);
	ck_assert_uint_eq(fake_port_waiting(&fakes[0]), 1);
}

START_TEST(never_sleeps_with_a_port_to_be_looked_at_always)
{
	worker_poll_init(&worker.poll, WIRE_POLL_ALWAYS, 0);
	queue_frames(FRAMES);
	worker_wake(&worker, &fakes[0].port);

	worker_loop(&worker);

	ck_assert_uint_eq(fake_port_kept(&fakes[1]), FRAMES);
	ck_assert_uint_eq(looks, LOOKS_ENOUGH);
	ck_assert_uint_eq(sleeps, 0);
}

START_TEST(sleeps_where_nobody_sends_even_if_it_is_always_to_look)
{
	worker_poll_init(&worker.poll, WIRE_POLL_ALWAYS, 0);
	fakes[0].port.sends = false;
	worker_wake(&worker, &fakes[0].port);

	worker_loop(&worker);

	ck_assert_uint_eq(sleeps, 1);
}

START_TEST(lets_a_silent_port_rest_while_others_are_busy)
{
	uint8_t frame[64] = { 2 };

	worker_poll_init(&worker.poll, 1000000000000, 0);
	fake_port_queue(&fakes[1], NULL, frame, sizeof(frame));
	fakes[1].endless = fakes[0].forgets = true;
	worker_wake(&worker, &fakes[0].port);
	worker_wake(&worker, &fakes[1].port);
	worker.plug[0].worked_ns = 0; /* long ago */

	worker_loop(&worker);

	ck_assert_uint_eq(looks, LOOKS_ENOUGH);
	ck_assert_uint_eq(sleeps, 0);
	ck_assert(fakes[0].armed_to_send);
	ck_assert(!worker.plug[0].active);
	ck_assert(worker.plug[1].active);
}

int main(void)
{
	Suite *suite = suite_create("worker_loop");
	TCase *tcase = tcase_create("worker_loop");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, passes_all_that_was_sent_then_awaits_kicks);
	tcase_add_test(tcase, is_woken_by_a_kick);
	tcase_add_test(tcase, awaits_the_room_of_a_full_receiver_not_more_frames);
	tcase_add_test(tcase, goes_on_when_the_receiver_has_room);
	tcase_add_test(tcase, goes_on_with_a_sender_whose_receiver_takes_all_that_was_late);
	tcase_add_test(tcase, does_not_miss_a_frame_that_comes_just_before_it_sleeps);
	tcase_add_test(tcase, does_not_look_at_ports_that_nobody_woke);
	tcase_add_test(tcase, forgets_a_port_that_is_unplugged);
	tcase_add_test(tcase, waits_for_an_end_that_went_away_while_it_slept);
	tcase_add_test(tcase, never_sleeps_with_a_port_to_be_looked_at_always);
	tcase_add_test(tcase, sleeps_where_nobody_sends_even_if_it_is_always_to_look);
	tcase_add_test(tcase, lets_a_silent_port_rest_while_others_are_busy);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
