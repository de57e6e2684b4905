/* The vmm's end of the console link: output, kept until muxd has it. */

#include "console_link_fixture.h"

START_TEST(says_who_it_is)
{
	TURN_UNTIL(muxd.welcomed);

	ck_assert_str_eq(muxd.name, "guest1");
	ck_assert_uint_eq(muxd.hello.version, CONSOLE_PROTOCOL_VERSION);
	ck_assert_int_eq(muxd.hello.key, '1');
	ck_assert_int_eq(muxd.hello.color, 'g');
	ck_assert_uint_eq(muxd.hello.flags, CONSOLE_KEEP | CONSOLE_KICKS);
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
		0, 3);
	tcase_add_loop_test(tcase, nothing_is_lost_while_the_gap_fits_in_the_ring, 0, 2);
	tcase_add_test(tcase, the_newest_output_can_be_read_back);
	tcase_add_test(tcase, draining_waits_for_the_acknowledgement_of_everything);
	tcase_add_test(tcase, draining_does_not_wait_for_a_muxd_that_never_was_there);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
