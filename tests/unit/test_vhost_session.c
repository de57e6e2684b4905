/* vhost-user sessions: two front-ends on one wire, and what they may say. */
#include "compiler.h"
#include "fake_frontend.h"
#include "fake_worker.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#define FRAME 100

static struct fake_worker worker;
static struct fake_card card[2];
static struct fake_frontend frontend[2];

static void start(void)
{
	static const struct fake_card_options options;

	fake_worker_create(&worker, &wire_cable);
	for (unsigned i = 0; i < 2; i++)
		fake_card_create(&card[i], &options);
}

static void connect_with(unsigned i, const struct fake_frontend_options *options)
{
	struct fake_frontend_options copy = *options;

	copy.turn = fake_worker_turn;
	copy.context = &worker;
	fake_frontend_init(&frontend[i], &card[i], fake_worker_connect(&worker, i), &copy);
}

static void start_both(const struct fake_frontend_options *options)
{
	for (unsigned i = 0; i < 2; i++) {
		connect_with(i, options);
		ck_assert_int_eq(fake_frontend_start(&frontend[i]), 0);
	}
	fake_worker_turn(&worker);
}

static void stop(void)
{
	for (unsigned i = 0; i < 2; i++) {
		fake_frontend_release(&frontend[i]);
		fake_card_destroy(&card[i]);
	}
	fake_worker_destroy(&worker);
}

static void fill(uint8_t *frame, uint32_t length, uint8_t seed)
{
	for (uint32_t i = 0; i < length; i++)
		frame[i] = (uint8_t)(seed + i * 7);
}

static void send_frame(unsigned from, uint8_t seed)
{
	uint8_t frame[FRAME];

	fill(frame, sizeof(frame), seed);
	ck_assert(fake_card_send(&card[from], NULL, frame, sizeof(frame)));
	fake_card_kick(&card[from], FAKE_CARD_TRANSMIT);
	fake_worker_turn(&worker);
}

static void expect_frame(unsigned at, uint8_t seed)
{
	uint8_t wanted[FRAME], frame[FRAME] = { 0 };

	fill(wanted, sizeof(wanted), seed);
	ck_assert_int_eq(fake_card_receive(&card[at], NULL, frame, sizeof(frame)), FRAME);
	ck_assert_mem_eq(frame, wanted, FRAME);
}

START_TEST(two_front_ends_exchange_frames)
{
	start_both(&(struct fake_frontend_options){ 0 });
	ck_assert_uint_eq(worker.plug[0].flags,
		PORT_FLAG_CONNECTED | PORT_FLAG_SENDS | PORT_FLAG_RECEIVES);

	for (unsigned i = 0; i < 1000; i++) {
		send_frame(i & 1, (uint8_t)i);
		ck_assert(fake_card_interrupted(&card[~i & 1], FAKE_CARD_RECEIVE));
		expect_frame(~i & 1, (uint8_t)i);
		ck_assert_int_eq(fake_card_receive(&card[~i & 1], NULL, NULL, 0), -1);
		fake_card_kick(&card[~i & 1], FAKE_CARD_RECEIVE);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vhost session");
	TCase *tcase = tcase_create("session");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, two_front_ends_exchange_frames);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
