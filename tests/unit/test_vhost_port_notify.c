/* Who is told what, and when: no wake-up is lost, none is for nothing. */
#include "vhost_port_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#define FLAGS BIT(VIRTIO_F_VERSION_1) /* no event index: notifications go by flags */
#define RECEIVE FAKE_CARD_RECEIVE
#define TRANSMIT FAKE_CARD_TRANSMIT
#define FRAMES 30000
#define PATIENCE_MS 60000

static const uint64_t ways[] = { MODERN, FLAGS };

static bool arm(unsigned number)
{
	struct port *port = &end[number].vhost.port;

	return port->ops->arm(port, port->sends && !port->blocked, port->starved);
}

/* With one frame carried, and everybody awake. */
static void plug_both(uint64_t features)
{
	plug(0, &(struct fake_card_options){ .ring_size = 64 }, features);
	plug(1, &(struct fake_card_options){ .ring_size = 16 }, features);
	for (unsigned i = 0; i < 2; i++) {
		fake_card_kick(&end[i].card, RECEIVE);
		fake_card_kick(&end[i].card, TRANSMIT);
	}
	ck_assert(send_number(0, 0));
	run();
	fake_card_kick(&end[0].card, TRANSMIT);
	ck_assert(receive_number(1, 0));
	fake_card_kick(&end[1].card, RECEIVE);
}

START_TEST(is_kicked_by_the_first_frame_after_going_to_sleep)
{
	plug_both(ways[_i]);
	ck_assert(!arm(0));

	ck_assert(send_number(0, 1));
	ck_assert(fake_card_kick(&end[0].card, TRANSMIT));
}

START_TEST(does_not_go_to_sleep_when_a_frame_came_before)
{
	plug_both(ways[_i]);
	ck_assert(send_number(0, 1));

	ck_assert(arm(0));
}

START_TEST(is_not_kicked_while_it_looks_for_itself)
{
	plug_both(ways[_i]);
	ck_assert(!arm(0));
	ck_assert(send_number(0, 1));
	fake_card_kick(&end[0].card, TRANSMIT);
	run();

	for (uint32_t i = 2; i < 10; i++) {
		ck_assert(send_number(0, i));
		ck_assert(!fake_card_kick(&end[0].card, TRANSMIT));
	}
}

static void fill_receiver(void)
{
	for (uint32_t i = 1; i <= 20; i++)
		ck_assert(send_number(0, i));
	run();
	ck_assert(end[0].vhost.port.blocked);
	ck_assert(end[1].vhost.port.starved);
	fake_card_kick(&end[0].card, TRANSMIT);
}

START_TEST(is_kicked_when_there_is_room_for_a_frame_that_waits)
{
	plug_both(ways[_i]);
	fill_receiver();
	ck_assert(!arm(0));
	ck_assert(!arm(1));

	ck_assert(receive_number(1, 1));
	ck_assert(fake_card_kick(&end[1].card, RECEIVE));
	run();
	ck_assert_uint_eq(end[1].vhost.port.counters->frames_received, 18);
}

START_TEST(does_not_go_to_sleep_when_there_was_room_before)
{
	plug_both(ways[_i]);
	fill_receiver();
	ck_assert(!arm(0));
	ck_assert(receive_number(1, 1));

	ck_assert(arm(1));
}

START_TEST(is_not_kicked_by_frames_behind_one_that_waits)
{
	plug_both(ways[_i]);
	fill_receiver();
	ck_assert(!arm(0));
	ck_assert(!arm(1));

	ck_assert(send_number(0, 21));
	ck_assert(!fake_card_kick(&end[0].card, TRANSMIT));
}

START_TEST(is_not_kicked_by_room_that_nobody_waits_for)
{
	plug_both(ways[_i]);
	for (uint32_t i = 1; i < 5; i++)
		ck_assert(send_number(0, i));
	run();
	ck_assert(!arm(0));
	ck_assert(!arm(1));

	ck_assert(receive_number(1, 1));
	ck_assert(!fake_card_kick(&end[1].card, RECEIVE));
}

static void forget_interrupts(void)
{
	for (unsigned i = 0; i < 2; i++)
		memset(end[i].interrupts, 0, sizeof(end[i].interrupts));
}

static void send_some(uint32_t first)
{
	for (uint32_t i = first; i < first + 10; i++)
		ck_assert(send_number(0, i));
}

START_TEST(interrupts_a_sleeping_receiver_once_for_a_batch)
{
	plug_both(ways[_i]);
	ck_assert(!receive_number(1, 1));
	fake_card_reap(&end[0].card);
	ck_assert_uint_eq(fake_card_reap(&end[0].card), 0);
	forget_interrupts();
	send_some(1);

	run();

	ck_assert_uint_eq(end[1].interrupts[RECEIVE], 1);
	ck_assert_uint_eq(end[1].interrupts[TRANSMIT], 0);
	ck_assert_uint_eq(end[0].interrupts[TRANSMIT], 1);
	ck_assert_uint_eq(end[0].interrupts[RECEIVE], 0);
}

START_TEST(interrupts_nobody_who_does_not_want_it)
{
	const struct fake_card_options polling = { .polls = true };

	plug(0, &polling, ways[_i]);
	plug(1, &polling, ways[_i]);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < 2; j++)
			vring_used_event(&end[i].card.queue[j].ring) = 0x8000;
	for (uint32_t i = 0; i < 100; i++) {
		send_some(10 * i);
		run();
		while (fake_card_discard(&end[1].card))
			;
	}

	for (unsigned i = 0; i < 2; i++)
		ck_assert_uint_eq(end[i].interrupts[0] + end[i].interrupts[1], 0);
}

START_TEST(interrupts_once_a_turn_at_most_whatever_the_event_index_says)
{
	unsigned turns = 0;

	plug_both(MODERN);
	forget_interrupts();
	for (uint32_t i = 0; i < 2000; i++) {
		send_some(0);
		vring_used_event(&end[0].card.queue[TRANSMIT].ring) = (uint16_t)(i * 40503);
		vring_used_event(&end[1].card.queue[RECEIVE].ring) = (uint16_t)(i * 25717);
		turn();
		turns++;
		fake_card_discard(&end[1].card);
		fake_card_reap(&end[0].card);
	}

	ck_assert_uint_eq(end[1].vhost.port.counters->frames_received, 20001);
	ck_assert_uint_le(end[1].interrupts[RECEIVE], turns);
	ck_assert_uint_le(end[0].interrupts[TRANSMIT], turns);
}

/* From here on everybody has a thread, and sleeps when there is nothing to do. */

static atomic_bool finished, stuck;

static void interrupt_by_event(struct virtqueue *queue)
{
	struct end *guest = queue->owner;

	eventfd_write(guest->card.queue[queue->index].call_fd, 1);
}

static void wait_for(const int *fds, unsigned count)
{
	struct pollfd waited[4];
	eventfd_t value;

	for (unsigned i = 0; i < count; i++)
		waited[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	if (poll(waited, count, PATIENCE_MS) <= 0)
		atomic_store(&stuck, true);
	for (unsigned i = 0; i < count; i++)
		if (waited[i].revents)
			eventfd_read(fds[i], &value);
}

static void *serve_wire(void *unused)
{
	const int kicks[] = { end[0].card.queue[RECEIVE].kick_fd,
		end[0].card.queue[TRANSMIT].kick_fd, end[1].card.queue[RECEIVE].kick_fd,
		end[1].card.queue[TRANSMIT].kick_fd };

	while (!atomic_load(&finished) && !atomic_load(&stuck)) {
		bool work = turn();

		for (unsigned i = 0; i < 2 && !work; i++)
			work = arm(i);
		if (!work)
			wait_for(kicks, ARRAY_SIZE(kicks));
	}
	return unused;
}

static void *send_all(void *unused)
{
	struct fake_card *card = &end[0].card;

	for (uint32_t i = 0; i < FRAMES && !atomic_load(&stuck);) {
		if (send_number(0, i)) {
			i++;
			fake_card_kick(card, TRANSMIT);
		} else if (!fake_card_reap(card)) {
			wait_for(&card->queue[TRANSMIT].call_fd, 1);
		}
	}
	return unused;
}

static void receive_all(void)
{
	struct fake_card *card = &end[1].card;

	for (uint32_t i = 0; i < FRAMES && !atomic_load(&stuck);) {
		if (receive_number(1, i)) {
			i++;
			fake_card_kick(card, RECEIVE);
		} else {
			wait_for(&card->queue[RECEIVE].call_fd, 1);
		}
	}
}

START_TEST(loses_no_wake_up)
{
	pthread_t wire, sender;

	plug(0, &(struct fake_card_options){ .ring_size = 64 }, ways[_i]);
	plug(1, &(struct fake_card_options){ .ring_size = 8 }, ways[_i]);
	for (unsigned i = 0; i < 2; i++) {
		end[i].vhost.receive.interrupt = interrupt_by_event;
		end[i].vhost.transmit.interrupt = interrupt_by_event;
	}
	ck_assert_int_eq(pthread_create(&wire, NULL, serve_wire, NULL), 0);
	ck_assert_int_eq(pthread_create(&sender, NULL, send_all, NULL), 0);
	receive_all();
	atomic_store(&finished, true);
	eventfd_write(end[0].card.queue[RECEIVE].kick_fd, 1);
	pthread_join(sender, NULL);
	pthread_join(wire, NULL);

	ck_assert(!atomic_load(&stuck));
}

int main(void)
{
	Suite *suite = suite_create("vhost port: notifications");
	TCase *tcase = tcase_create("notifications");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 2.0 * PATIENCE_MS / 1000);
	tcase_add_loop_test(tcase, is_kicked_by_the_first_frame_after_going_to_sleep, 0, 2);
	tcase_add_loop_test(tcase, does_not_go_to_sleep_when_a_frame_came_before, 0, 2);
	tcase_add_loop_test(tcase, is_not_kicked_while_it_looks_for_itself, 0, 2);
	tcase_add_loop_test(tcase, is_kicked_when_there_is_room_for_a_frame_that_waits, 0, 2);
	tcase_add_loop_test(tcase, does_not_go_to_sleep_when_there_was_room_before, 0, 2);
	tcase_add_loop_test(tcase, is_not_kicked_by_frames_behind_one_that_waits, 0, 2);
	tcase_add_loop_test(tcase, is_not_kicked_by_room_that_nobody_waits_for, 0, 2);
	tcase_add_loop_test(tcase, interrupts_a_sleeping_receiver_once_for_a_batch, 0, 2);
	tcase_add_loop_test(tcase, interrupts_nobody_who_does_not_want_it, 0, 2);
	tcase_add_test(tcase, interrupts_once_a_turn_at_most_whatever_the_event_index_says);
	tcase_add_loop_test(tcase, loses_no_wake_up, 0, 2);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
