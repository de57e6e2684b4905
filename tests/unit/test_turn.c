/* Whose input is read first: who sends little before who sends much, and nobody is left out. */

#include "turn.h"

#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHATTY 20
#define QUIET CHATTY /* its number */
#define STREAMS (CHATTY + 1)
#define ENOUGH 65536

static struct event_base *base;
static struct sender {
	struct turn turn;
	struct bufferevent *stream;
	int fd; /* the far end */
	size_t taken;
	unsigned calls;
	bool goes_on; /* sends another byte each time */
} senders[STREAMS];
static size_t taken_before_quiet;

static size_t taken_of_chatty(void)
{
	size_t sum = 0;

	for (int i = 0; i < CHATTY; i++)
		sum += senders[i].taken;
	return sum;
}

static void readable(struct bufferevent *stream, void *owner)
{
	struct sender *sender = owner;
	struct evbuffer *input = bufferevent_get_input(stream);
	size_t length = evbuffer_get_length(input);

	evbuffer_drain(input, length);
	sender->taken += length;
	sender->calls++;
	if (sender == &senders[QUIET])
		taken_before_quiet = taken_of_chatty();
	if (senders[0].taken >= ENOUGH && senders[QUIET].goes_on)
		event_base_loopbreak(base);
	if (sender->goes_on)
		ck_assert_int_eq(write(sender->fd, "x", 1), 1);
	turn_took(&sender->turn, length);
}

static void setup(void)
{
	base = turn_base_create();
	ck_assert_ptr_nonnull(base);
	for (int i = 0; i < STREAMS; i++) {
		struct sender *sender = &senders[i];
		int pair[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
		*sender = (struct sender){ .fd = pair[1] };
		sender->stream = bufferevent_socket_new(base, pair[0], BEV_OPT_CLOSE_ON_FREE);
		bufferevent_setcb(sender->stream, readable, NULL, NULL, sender);
		turn_begin(&sender->turn, sender->stream, TURN_LINK_BYTES);
		bufferevent_enable(sender->stream, EV_READ);
	}
}

static void teardown(void)
{
	for (int i = 0; i < STREAMS; i++) {
		bufferevent_free(senders[i].stream);
		close(senders[i].fd);
	}
	event_base_free(base);
}

/* As much as the socket takes. */
static void fill(struct sender *sender)
{
	static const char bytes[65536];

	while (write(sender->fd, bytes, sizeof(bytes)) > 0)
		;
}

static void fill_chatty(void)
{
	for (int i = 0; i < CHATTY; i++)
		fill(&senders[i]);
}

static void say_a_byte(void)
{
	size_t had = senders[QUIET].taken;

	ck_assert_int_eq(write(senders[QUIET].fd, "k", 1), 1);
	while (senders[QUIET].taken == had)
		event_base_loop(base, EVLOOP_ONCE);
}

START_TEST(a_byte_does_not_wait_for_all_that_others_send)
{
	fill_chatty();
	say_a_byte();
	ck_assert_uint_le(taken_before_quiet, STREAMS * TURN_SOON_READ * 2);
}
END_TEST

START_TEST(who_has_sent_much_is_late)
{
	size_t before;

	fill_chatty();
	event_base_loop(base, EVLOOP_NONBLOCK);
	for (int i = 0; i < CHATTY; i++)
		ck_assert(senders[i].turn.late);
	fill_chatty();
	before = taken_of_chatty();
	say_a_byte();
	ck_assert(!senders[QUIET].turn.late);
	ck_assert_uint_le(taken_before_quiet - before, 2 * TURN_LATE_READ);
}
END_TEST

START_TEST(who_sends_little_again_is_soon_again)
{
	struct sender *sender = &senders[0];

	fill(sender);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert(sender->turn.late);
	sender->turn.since_ms -= 2 * TURN_WINDOW_MS;
	turn_took(&sender->turn, 1);
	ck_assert(!sender->turn.late);
}
END_TEST

START_TEST(who_goes_on_sending_much_stays_late_in_the_next_window)
{
	struct turn *turn = &senders[0].turn;

	turn_took(turn, TURN_SOON_BYTES + 1);
	turn->since_ms -= TURN_WINDOW_MS;
	turn_took(turn, 1);
	ck_assert(turn->late);
	turn->since_ms -= TURN_WINDOW_MS; /* in that one it sent little */
	turn_took(turn, 1);
	ck_assert(!turn->late);
}
END_TEST

START_TEST(answers_to_what_is_typed_do_not_make_a_guest_late)
{
	struct turn *turn = &senders[0].turn;

	for (int i = 0; i < 1000; i++) {
		turn_asked(turn);
		turn_took(turn, 1);
		turn_took(turn, 2);
	}
	ck_assert(!turn->late);
}
END_TEST

START_TEST(a_flood_is_late_though_somebody_types)
{
	struct turn *turn = &senders[0].turn;

	for (int i = 0; i < 10; i++) {
		turn_asked(turn);
		turn_took(turn, TURN_SOON_READ);
	}
	ck_assert(turn->late);
}
END_TEST

START_TEST(small_turns_of_a_viewer_count_less_than_those_of_a_guest)
{
	struct turn *viewer = &senders[0].turn, *guest = &senders[1].turn;

	turn_begin(viewer, senders[0].stream, TURN_VIEWER_BYTES);
	for (size_t i = 0; i <= TURN_SOON_BYTES / TURN_LINK_BYTES; i++) {
		turn_took(viewer, 1);
		turn_took(guest, 1);
	}
	ck_assert(!viewer->late);
	ck_assert(guest->late);
	for (size_t i = 0; i < TURN_SOON_BYTES / TURN_VIEWER_BYTES; i++)
		turn_took(viewer, 1);
	ck_assert(viewer->late);
}
END_TEST

START_TEST(single_bytes_without_end_leave_turns_to_others)
{
	for (int i = 1; i < STREAMS; i++) {
		senders[i].goes_on = true;
		ck_assert_int_eq(write(senders[i].fd, "x", 1), 1);
	}
	fill(&senders[0]);
	event_base_loop(base, 0); /* until readable() ends it */
	ck_assert_uint_ge(senders[0].taken, ENOUGH);
	ck_assert_uint_le(senders[QUIET].calls, 200);
}
END_TEST

START_TEST(a_loop_without_turns_serves_all_the_same)
{
	struct event_base *plain = event_base_new();
	struct bufferevent *stream = bufferevent_socket_new(plain, -1, 0);
	struct turn turn;

	turn_begin(&turn, stream, TURN_LINK_BYTES);
	turn_took(&turn, 100000);
	turn_took(&turn, 1);
	bufferevent_free(stream);
	event_base_free(plain);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("turn");
	TCase *tests = tcase_create("turn");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_byte_does_not_wait_for_all_that_others_send);
	tcase_add_test(tests, who_has_sent_much_is_late);
	tcase_add_test(tests, who_sends_little_again_is_soon_again);
	tcase_add_test(tests, who_goes_on_sending_much_stays_late_in_the_next_window);
	tcase_add_test(tests, answers_to_what_is_typed_do_not_make_a_guest_late);
	tcase_add_test(tests, a_flood_is_late_though_somebody_types);
	tcase_add_test(tests, small_turns_of_a_viewer_count_less_than_those_of_a_guest);
	tcase_add_test(tests, single_bytes_without_end_leave_turns_to_others);
	tcase_add_test(tests, a_loop_without_turns_serves_all_the_same);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
