/* The vmm's end of the console link: input, states, and a muxd that makes no sense. */

#include "console_link_fixture.h"

static struct console_consumer consumer = { input_ready, resized, break_received, kicked };

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

START_TEST(input_sent_by_a_muxd_that_ended_since_arrives)
{
	console_link_set_consumer(console, &consumer);
	TURN_UNTIL(muxd.credit);
	fake_muxd_type(&muxd, (const uint8_t *)"last", 4);
	fake_muxd_turn(&muxd, 65536);
	fake_muxd_kill(&muxd);

	console_link_set_state(console, CONSOLE_RUNNING, NULL); /* sending notices it first */

	ck_assert_uint_eq(taken_count, 4);
	ck_assert_mem_eq(taken, "last", 4);
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

START_TEST(a_kick_reaches_the_device)
{
	console_link_set_consumer(console, &consumer);
	TURN_UNTIL(muxd.welcomed);
	ck_assert(muxd.hello.flags & CONSOLE_KICKS);

	fake_muxd_send(&muxd, CONSOLE_KICK, "", 0);

	TURN_UNTIL(kicks == 1);
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
	{ CONSOLE_KICK, 1, { 0 } },
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
	Suite *suite = suite_create("console_link_input");
	TCase *tcase = tcase_create("link");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_large_paste_arrives_whole_within_the_credit);
	tcase_add_test(tcase, input_sent_by_a_muxd_that_ended_since_arrives);
	tcase_add_test(tcase, input_waits_for_a_device);
	tcase_add_test(tcase, no_more_credit_than_room_while_nobody_reads);
	tcase_add_test(tcase, input_beyond_the_credit_ends_the_connection);
	tcase_add_test(tcase, a_size_is_kept_for_the_next_device);
	tcase_add_test(tcase, a_break_reaches_the_device);
	tcase_add_test(tcase, a_kick_reaches_the_device);
	tcase_add_test(tcase, a_change_of_state_stands_behind_the_output_before_it);
	tcase_add_test(tcase, a_change_of_state_is_told_once_to_a_muxd_that_remembers);
	tcase_add_test(tcase, changes_made_while_muxd_is_away_are_told_in_order);
	tcase_add_test(tcase, many_changes_while_muxd_is_away_keep_the_latest);
	tcase_add_test(tcase, a_refusal_is_told_to_the_owner_and_tried_again);
	tcase_add_loop_test(tcase, nonsense_ends_the_connection_and_a_new_one_is_made, 0,
		ARRAY_SIZE(hostile));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
