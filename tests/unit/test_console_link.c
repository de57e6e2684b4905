/* The vmm's end of the console link, against a fake muxd. */
#include "compiler.h"
#include "console_link.h"
#include "fake_muxd.h"
#include "log.h"

#include <check.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RING 65536
#define TURNS 60000 /* each at most a tick */

static struct event_base *base;
static struct event *tick;
static struct console_link *console;
static struct fake_muxd muxd;
static char directory[] = "/tmp/console-link-XXXXXX";
static char path[128];
static uint8_t taken[1 << 20];
static size_t taken_count;
static bool takes_input;
static struct console_size seen_size;
static unsigned breaks;

static void input_ready(struct console_consumer *consumer)
{
	(void)consumer;
	if (takes_input)
		taken_count += console_link_read(console, taken + taken_count,
			sizeof(taken) - taken_count);
}

static void resized(struct console_consumer *consumer, struct console_size size)
{
	(void)consumer;
	seen_size = size;
}

static void break_received(struct console_consumer *consumer)
{
	(void)consumer;
	breaks++;
}

static struct console_consumer consumer = { input_ready, resized, break_received };

static void ticked(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	(void)owner;
}

static void start_with_ring(size_t ring_size)
{
	const struct timeval every = { .tv_usec = 1000 };
	struct console_link_options options = {
		.name = "guest1",
		.path = path,
		.key = '1',
		.color = 'g',
		.flags = CONSOLE_KEEP,
		.ring_size = ring_size,
	};

	signal(SIGPIPE, SIG_IGN);
	log_init(LOG_ERROR);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/device.sock", directory);
	base = event_base_new();
	tick = event_new(base, -1, EV_PERSIST, ticked, NULL);
	event_add(tick, &every);
	console = console_link_create(base, &options);
	ck_assert_ptr_nonnull(console);
	takes_input = true;
}

static void start(void)
{
	start_with_ring(RING);
	ck_assert(fake_muxd_start(&muxd, path));
}

static void stop(void)
{
	console_link_destroy(console);
	event_free(tick);
	event_base_free(base);
	fake_muxd_destroy(&muxd);
	rmdir(directory);
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_ONCE);
	fake_muxd_turn(&muxd, 65536);
	ck_assert_msg(!muxd.complaint, "%s", muxd.complaint);
}

#define TURN_UNTIL(condition) \
	for (unsigned turns = 0; !(condition); turns++) { \
		ck_assert_msg(turns < TURNS, "never: %s", #condition); \
		turn(); \
	}

static bool all_acknowledged(void)
{
	struct console_link_status status;

	console_link_status(console, &status);
	return status.connected && muxd.have == status.output;
}

/* Every byte of the output tells where it belongs. */
static uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)((offset * 2654435761U) >> 13);
}

static bool is_as_written(uint64_t offset, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != byte_at(offset + i))
			return false;
	}
	return true;
}

static uint64_t written;

static void write_pattern(size_t length)
{
	uint8_t bytes[8000];

	for (size_t i = 0; i < length; i++)
		bytes[i] = byte_at(written + i);
	console_link_write(console, bytes, length);
	written += length;
}

START_TEST(says_who_it_is)
{
	TURN_UNTIL(muxd.welcomed);

	ck_assert_str_eq(muxd.name, "guest1");
	ck_assert_uint_eq(muxd.hello.version, CONSOLE_PROTOCOL_VERSION);
	ck_assert_int_eq(muxd.hello.key, '1');
	ck_assert_int_eq(muxd.hello.color, 'g');
	ck_assert_uint_eq(muxd.hello.flags, CONSOLE_KEEP);
	ck_assert_uint_eq(muxd.hello.pid, (uint64_t)getpid());
}

START_TEST(output_written_before_muxd_is_there_arrives)
{
	fake_muxd_kill(&muxd);
	unlink(path);
	muxd.check = is_as_written;
	write_pattern(5000);
	event_base_loop(base, EVLOOP_NONBLOCK);

	ck_assert(fake_muxd_start(&muxd, path));
	TURN_UNTIL(all_acknowledged());

	ck_assert_uint_eq(muxd.have, 5000);
	ck_assert_uint_eq(muxd.lost, 0);
}

START_TEST(what_the_ring_cannot_hold_is_counted_by_both_ends)
{
	struct console_link_status status;

	muxd.check = is_as_written;
	for (unsigned i = 0; i < 40; i++)
		write_pattern(5000);
	TURN_UNTIL(all_acknowledged());

	console_link_status(console, &status);
	ck_assert_uint_eq(muxd.lost, 200000 - RING);
	ck_assert_uint_eq(status.lost, 200000 - RING);
	ck_assert_uint_eq(status.output, 200000);
}

START_TEST(a_write_larger_than_the_ring_leaves_its_end)
{
	static uint8_t bytes[RING + 1000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_at(i);
	muxd.check = is_as_written;
	console_link_write(console, bytes, sizeof(bytes));
	TURN_UNTIL(all_acknowledged());

	ck_assert_uint_eq(muxd.lost, 1000);
}

START_TEST(unacknowledged_output_comes_again_on_a_new_connection)
{
	muxd.check = is_as_written;
	TURN_UNTIL(muxd.welcomed);
	muxd.silent = true;
	write_pattern(3000);
	TURN_UNTIL(muxd.have == 3000);
	muxd.have = 1000; /* of which it remembers as much */
	fake_muxd_kill(&muxd);
	unlink(path);
	muxd.silent = false;

	ck_assert(fake_muxd_start(&muxd, path));
	TURN_UNTIL(all_acknowledged());

	ck_assert_uint_eq(muxd.connections, 2);
	ck_assert_uint_eq(muxd.lost, 0);
}

struct random_writer {
	unsigned seed;
	uint64_t total;
};

static void *write_at_random(void *owner)
{
	struct random_writer *writer = owner;

	while (written < writer->total) {
		size_t length = (size_t)rand_r(&writer->seed) % 3000 + 1;

		write_pattern(length);
	}
	return NULL;
}

static void live_and_die_at_random(unsigned *seed)
{
	unsigned turns = (unsigned)rand_r(seed) % 200;

	for (unsigned i = 0; i < turns; i++) {
		event_base_loop(base, EVLOOP_ONCE);
		fake_muxd_turn(&muxd, (size_t)rand_r(seed) % 20000 + 1);
		ck_assert_msg(!muxd.complaint, "%s", muxd.complaint);
	}
	fake_muxd_kill(&muxd);
	unlink(path);
	muxd.silent = rand_r(seed) % 2;
	ck_assert(fake_muxd_start(&muxd, path));
}

START_TEST(every_byte_comes_once_or_is_counted_as_lost_whenever_muxd_dies)
{
	unsigned seed = (unsigned)_i * 7919 + 1;
	struct random_writer writer = { .seed = seed, .total = 1 << 22 };
	struct console_link_status status;
	pthread_t thread;

	muxd.check = is_as_written;
	ck_assert_int_eq(pthread_create(&thread, NULL, write_at_random, &writer), 0);
	for (unsigned i = 0; i < 10; i++)
		live_and_die_at_random(&seed);
	pthread_join(thread, NULL);
	muxd.silent = false;
	write_pattern(1);
	TURN_UNTIL(all_acknowledged());
	console_link_drain(console, 0);

	console_link_status(console, &status);
	ck_assert_uint_eq(status.output, written);
	ck_assert_uint_eq(muxd.have, written);
	ck_assert_uint_eq(status.lost, muxd.lost);
}

START_TEST(nothing_is_lost_while_the_gap_fits_in_the_ring)
{
	unsigned seed = (unsigned)_i + 1;

	muxd.check = is_as_written;
	for (unsigned i = 0; i < 12; i++) {
		write_pattern((size_t)rand_r(&seed) % 8000);
		live_and_die_at_random(&seed);
		muxd.silent = false;
		TURN_UNTIL(all_acknowledged());
	}

	ck_assert_uint_eq(muxd.lost, 0);
	ck_assert_uint_eq(muxd.have, written);
}

START_TEST(a_large_paste_arrives_whole_within_the_credit)
{
	static uint8_t paste[1 << 20];
	size_t sent = 0;

	for (size_t i = 0; i < sizeof(paste); i++)
		paste[i] = byte_at(i);
	console_link_set_consumer(console, &consumer);
	TURN_UNTIL(muxd.welcomed);
	while (taken_count < sizeof(paste)) {
		sent += fake_muxd_type(&muxd, paste + sent, sizeof(paste) - sent);
		turn();
		input_ready(&consumer);
	}

	ck_assert_mem_eq(taken, paste, sizeof(paste));
	ck_assert_uint_eq(muxd.connections, 1);
}

START_TEST(input_waits_for_a_device)
{
	TURN_UNTIL(muxd.credit);
	ck_assert_uint_ge(muxd.credit, 4096);
	ck_assert_uint_le(muxd.credit, 65536);
	fake_muxd_type(&muxd, (const uint8_t *)"early", 5);
	for (unsigned i = 0; i < 10; i++)
		turn();

	console_link_set_consumer(console, &consumer);

	ck_assert_uint_eq(taken_count, 5);
	ck_assert_mem_eq(taken, "early", 5);
}

START_TEST(no_more_credit_than_room_while_nobody_reads)
{
	uint8_t bytes[4096] = { 0 };
	uint64_t typed = 0;

	takes_input = false;
	TURN_UNTIL(muxd.credit);
	for (unsigned i = 0; i < 100; i++) {
		typed += fake_muxd_type(&muxd, bytes, sizeof(bytes));
		turn();
	}

	ck_assert_uint_eq(typed, muxd.credit);
	ck_assert_uint_le(typed, 65536);
	ck_assert_uint_eq(muxd.connections, 1);
}

START_TEST(input_beyond_the_credit_ends_the_connection)
{
	uint8_t bytes[4096] = { 0 };

	takes_input = false;
	TURN_UNTIL(muxd.credit);
	for (unsigned i = 0; i < 20; i++)
		fake_muxd_send(&muxd, CONSOLE_INPUT, bytes, sizeof(bytes));
	TURN_UNTIL(muxd.connections == 2 && muxd.welcomed);
}

START_TEST(a_size_is_kept_for_the_next_device)
{
	struct console_size size = { .columns = 132, .rows = 43 };

	TURN_UNTIL(muxd.welcomed);
	fake_muxd_send(&muxd, CONSOLE_SIZE, &size, sizeof(size));
	for (unsigned i = 0; i < 10; i++)
		turn();

	console_link_set_consumer(console, &consumer);

	ck_assert_uint_eq(seen_size.columns, 132);
	ck_assert_uint_eq(seen_size.rows, 43);
}

START_TEST(a_break_reaches_the_device)
{
	console_link_set_consumer(console, &consumer);
	TURN_UNTIL(muxd.welcomed);

	fake_muxd_send(&muxd, CONSOLE_BREAK, "", 0);

	TURN_UNTIL(breaks == 1);
}

START_TEST(a_change_of_state_stands_behind_the_output_before_it)
{
	write_pattern(3000);
	console_link_set_state(console, CONSOLE_REBOOTING, NULL);
	write_pattern(3000);
	TURN_UNTIL(all_acknowledged());

	ck_assert_uint_eq(muxd.change_count, 1);
	ck_assert_uint_eq(muxd.change_offset, 3000);
	ck_assert_int_eq(muxd.state, CONSOLE_REBOOTING);
}

START_TEST(a_change_of_state_is_told_once_to_a_muxd_that_remembers)
{
	TURN_UNTIL(muxd.welcomed);
	console_link_set_state(console, CONSOLE_CRASHED, "triple fault");
	TURN_UNTIL(muxd.changes == 1);
	fake_muxd_kill(&muxd);
	unlink(path);
	ck_assert(fake_muxd_start(&muxd, path));
	TURN_UNTIL(muxd.welcomed);
	write_pattern(1);
	TURN_UNTIL(all_acknowledged());

	ck_assert_uint_eq(muxd.change_count, 1);
	ck_assert_str_eq(muxd.reason, "triple fault");
}

START_TEST(changes_made_while_muxd_is_away_are_told_in_order)
{
	fake_muxd_kill(&muxd);
	unlink(path);
	console_link_set_state(console, CONSOLE_RUNNING, NULL);
	console_link_set_state(console, CONSOLE_REBOOTING, NULL);
	console_link_set_state(console, CONSOLE_RUNNING, NULL);
	ck_assert(fake_muxd_start(&muxd, path));
	TURN_UNTIL(muxd.changes == 3);

	ck_assert_uint_eq(muxd.change_count, 3);
	ck_assert_int_eq(muxd.state, CONSOLE_RUNNING);
}

START_TEST(many_changes_while_muxd_is_away_keep_the_latest)
{
	fake_muxd_kill(&muxd);
	unlink(path);
	for (unsigned i = 0; i < 100; i++)
		console_link_set_state(console, i % 2 ? CONSOLE_RUNNING : CONSOLE_PAUSED, NULL);
	ck_assert(fake_muxd_start(&muxd, path));
	TURN_UNTIL(muxd.changes == 100);

	ck_assert_int_eq(muxd.state, CONSOLE_RUNNING);
	ck_assert_uint_lt(muxd.change_count, 20);
}

static char refusal[64];

static void was_refused(void *owner, const char *reason)
{
	(void)owner;
	snprintf(refusal, sizeof(refusal), "%s", reason);
}

START_TEST(a_refusal_is_told_to_the_owner_and_tried_again)
{
	console_link_on_refused(console, was_refused, NULL);
	muxd.refuse = "there is a guest\tof this name";
	TURN_UNTIL(muxd.connections == 2);

	ck_assert_str_eq(refusal, "there is a guest?of this name");
	muxd.refuse = NULL;
	TURN_UNTIL(muxd.welcomed);
}

START_TEST(the_newest_output_can_be_read_back)
{
	char text[5];

	console_link_write(console, "first second", 12);

	ck_assert_uint_eq(console_link_tail(console, text, sizeof(text)), 5);
	ck_assert_mem_eq(text, "econd", 5);
}

static void *serve(void *owner)
{
	while (!muxd.complaint && muxd.change_count == 0)
		fake_muxd_turn(owner, 65536);
	for (unsigned i = 0; i < 1000; i++)
		fake_muxd_turn(owner, 65536);
	return NULL;
}

START_TEST(draining_waits_for_the_acknowledgement_of_everything)
{
	struct console_link_status status;
	pthread_t thread;

	muxd.check = is_as_written;
	write_pattern(8000);
	console_link_set_state(console, CONSOLE_POWERED_OFF, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, &muxd), 0);
	console_link_drain(console, 60000);
	pthread_join(thread, NULL);

	console_link_status(console, &status);
	ck_assert(status.connected);
	ck_assert_ptr_null(muxd.complaint);
	ck_assert_uint_eq(muxd.have, 8000);
	ck_assert_int_eq(muxd.state, CONSOLE_POWERED_OFF);
}

START_TEST(draining_does_not_wait_for_a_muxd_that_never_was_there)
{
	fake_muxd_kill(&muxd);
	unlink(path);
	write_pattern(100);

	console_link_drain(console, UINT32_MAX / 4);
}

struct hostile {
	uint16_t type;
	size_t length;
	uint8_t body[64];
};

static const struct hostile hostile[] = {
	{ 99, 0, { 0 } },
	{ CONSOLE_HELLO, 40, { 0 } },
	{ CONSOLE_WELCOME, 3, { 0 } },
	{ CONSOLE_WELCOME, sizeof(struct console_welcome), { 1 } }, /* the second one */
	{ CONSOLE_ACK, sizeof(struct console_ack), { 0xff, 0xff } },
	{ CONSOLE_ACK, sizeof(struct console_ack), { [8] = 1 } },
	{ CONSOLE_SIZE, 1, { 0 } },
	{ CONSOLE_BREAK, 1, { 0 } },
	{ CONSOLE_INPUT, 0, { 0 } },
};

START_TEST(nonsense_ends_the_connection_and_a_new_one_is_made)
{
	const struct hostile *message = &hostile[_i];

	TURN_UNTIL(muxd.welcomed);
	fake_muxd_send(&muxd, message->type, message->body, message->length);
	TURN_UNTIL(muxd.connections == 2 && muxd.welcomed);
}

int main(void)
{
	Suite *suite = suite_create("console_link");
	TCase *tcase = tcase_create("link");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, says_who_it_is);
	tcase_add_test(tcase, output_written_before_muxd_is_there_arrives);
	tcase_add_test(tcase, what_the_ring_cannot_hold_is_counted_by_both_ends);
	tcase_add_test(tcase, a_write_larger_than_the_ring_leaves_its_end);
	tcase_add_test(tcase, unacknowledged_output_comes_again_on_a_new_connection);
	tcase_add_loop_test(tcase, every_byte_comes_once_or_is_counted_as_lost_whenever_muxd_dies,
		0, 5);
	tcase_add_loop_test(tcase, nothing_is_lost_while_the_gap_fits_in_the_ring, 0, 2);
	tcase_add_test(tcase, a_large_paste_arrives_whole_within_the_credit);
	tcase_add_test(tcase, input_waits_for_a_device);
	tcase_add_test(tcase, no_more_credit_than_room_while_nobody_reads);
	tcase_add_test(tcase, input_beyond_the_credit_ends_the_connection);
	tcase_add_test(tcase, a_size_is_kept_for_the_next_device);
	tcase_add_test(tcase, a_break_reaches_the_device);
	tcase_add_test(tcase, a_change_of_state_stands_behind_the_output_before_it);
	tcase_add_test(tcase, a_change_of_state_is_told_once_to_a_muxd_that_remembers);
	tcase_add_test(tcase, changes_made_while_muxd_is_away_are_told_in_order);
	tcase_add_test(tcase, many_changes_while_muxd_is_away_keep_the_latest);
	tcase_add_test(tcase, a_refusal_is_told_to_the_owner_and_tried_again);
	tcase_add_test(tcase, the_newest_output_can_be_read_back);
	tcase_add_test(tcase, draining_waits_for_the_acknowledgement_of_everything);
	tcase_add_test(tcase, draining_does_not_wait_for_a_muxd_that_never_was_there);
	tcase_add_loop_test(tcase, nonsense_ends_the_connection_and_a_new_one_is_made, 0,
		ARRAY_SIZE(hostile));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
