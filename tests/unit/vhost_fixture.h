#ifndef VHOST_FIXTURE_H
#define VHOST_FIXTURE_H

#include "fake_frontend.h"
#include "fake_worker.h"

#include <check.h>
#include <dirent.h>

#define VHOST_FIXTURE_FRAME 100

/* Two front-ends and the wire between them, for the tests of what front-ends may do. */
static struct fake_worker worker;
static struct fake_card card[2];
static struct fake_frontend frontend[2];

static inline void create_cards(const struct fake_card_options *options)
{
	fake_worker_create(&worker, &wire_cable);
	for (unsigned i = 0; i < 2; i++) {
		fake_card_create(&card[i], options);
		frontend[i] = (struct fake_frontend){ .fd = -1, .backend_fd = -1 };
	}
}

static inline void start(void)
{
	create_cards(&(struct fake_card_options){ 0 });
}

static inline void stop(void)
{
	for (unsigned i = 0; i < 2; i++) {
		fake_frontend_release(&frontend[i]);
		fake_card_destroy(&card[i]);
	}
	fake_worker_destroy(&worker);
}

static inline void plug_in(unsigned i, const struct fake_frontend_options *options)
{
	struct fake_frontend_options copy = *options;

	fake_worker_unplug(&worker, i);
	fake_frontend_release(&frontend[i]);
	copy.turn = fake_worker_turn;
	copy.context = &worker;
	fake_frontend_init(&frontend[i], &card[i], fake_worker_connect(&worker, i), &copy);
}

static inline void start_one(unsigned i, const struct fake_frontend_options *options)
{
	plug_in(i, options);
	ck_assert_int_eq(fake_frontend_start(&frontend[i]), 0);
	fake_worker_turn(&worker);
}

static inline void start_both(const struct fake_frontend_options *options)
{
	for (unsigned i = 0; i < 2; i++)
		start_one(i, options);
}

static inline void make_frame(uint8_t frame[VHOST_FIXTURE_FRAME], uint8_t seed)
{
	for (unsigned i = 0; i < VHOST_FIXTURE_FRAME; i++)
		frame[i] = (uint8_t)(seed + i * 7);
}

static inline void send_frame(unsigned from, uint8_t seed)
{
	uint8_t frame[VHOST_FIXTURE_FRAME];

	make_frame(frame, seed);
	ck_assert(fake_card_send(&card[from], NULL, frame, sizeof(frame)));
	fake_card_kick(&card[from], FAKE_CARD_TRANSMIT);
	fake_worker_turn(&worker);
}

static inline void expect_frame(unsigned at, uint8_t seed)
{
	uint8_t wanted[VHOST_FIXTURE_FRAME], frame[VHOST_FIXTURE_FRAME] = { 0 };

	make_frame(wanted, seed);
	ck_assert_int_eq(fake_card_receive(&card[at], NULL, frame, sizeof(frame)),
		VHOST_FIXTURE_FRAME);
	ck_assert_mem_eq(frame, wanted, VHOST_FIXTURE_FRAME);
	fake_card_kick(&card[at], FAKE_CARD_RECEIVE);
}

static inline void expect_nothing(unsigned at)
{
	ck_assert_int_eq(fake_card_receive(&card[at], NULL, NULL, 0), -1);
}

static inline void expect_traffic(unsigned from, uint8_t seed)
{
	send_frame(from, seed);
	expect_frame(1 - from, seed);
}

/* Open descriptors of this process, but for the one that counts. */
static inline unsigned count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

#endif
