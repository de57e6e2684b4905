/* The register window: what it shows, in which order it accepts what, and what it ignores. */
#include "compiler.h"
#include "fake_driver.h"
#include "virtio_console.h"

#include <check.h>
#include <event2/thread.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#define ACKNOWLEDGE VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER VIRTIO_CONFIG_S_DRIVER
#define FEATURES_OK VIRTIO_CONFIG_S_FEATURES_OK
#define DRIVER_OK VIRTIO_CONFIG_S_DRIVER_OK
#define FAILED VIRTIO_CONFIG_S_FAILED
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET
#define PREPARED (ACKNOWLEDGE | DRIVER | FEATURES_OK)
#define BUFFER (FAKE_RAM_BASE + FAKE_BUFFERS)
#define QUEUE_COUNT 2

static struct fake_driver driver;

static void start(void)
{
	evthread_use_pthreads();
	fake_driver_create(&driver, "console");
	console_link_set_consumer(&driver.link, virtio_console_consumer(driver.device));
}

static void stop(void)
{
	fake_driver_stop(&driver);
}

static uint32_t in(uint64_t offset)
{
	return fake_driver_read(&driver, offset);
}

static void out(uint64_t offset, uint32_t value)
{
	fake_driver_write(&driver, offset, value);
}

/* What a guest sees that has the page mapped. */
static uint32_t in_page(uint64_t offset)
{
	uint32_t value;

	memcpy(&value, driver.page + offset, sizeof(value));
	return value;
}

static void prepare(void)
{
	out(VIRTIO_MMIO_STATUS, ACKNOWLEDGE);
	out(VIRTIO_MMIO_STATUS, ACKNOWLEDGE | DRIVER);
	fake_driver_negotiate(&driver, 0);
	out(VIRTIO_MMIO_STATUS, PREPARED);
}

START_TEST(shows_what_it_is_in_its_page)
{
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_VERSION), 2);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_CONSOLE);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_STATUS), 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_QUEUE_NUM_MAX), VIRTIO_MMIO_QUEUE_SIZE_MAX);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_SHM_LEN_HIGH), UINT32_MAX);
}

START_TEST(shows_the_features_selected)
{
	static const struct {
		uint32_t sel;
		uint32_t features;
	} half[] = {
		{ 0,
			1U << VIRTIO_RING_F_INDIRECT_DESC | 1U << VIRTIO_RING_F_EVENT_IDX |
				1U << VIRTIO_CONSOLE_F_SIZE | 1U << VIRTIO_CONSOLE_F_EMERG_WRITE },
		{ 1, 1U << (VIRTIO_F_VERSION_1 - 32) },
		{ 2, 0 },
		{ 0x08000000, 0 }, /* times 32 it is 0 in 32 bits */
		{ UINT32_MAX, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(half); i++) {
		out(VIRTIO_MMIO_DEVICE_FEATURES_SEL, half[i].sel);
		ck_assert_uint_eq(in_page(VIRTIO_MMIO_DEVICE_FEATURES), half[i].features);
	}
}

START_TEST(shows_the_queue_selected)
{
	prepare();
	fake_driver_enable(&driver, 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_QUEUE_READY), 1);
	out(VIRTIO_MMIO_QUEUE_SEL, 1);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_QUEUE_READY), 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_QUEUE_NUM_MAX), VIRTIO_MMIO_QUEUE_SIZE_MAX);
	out(VIRTIO_MMIO_QUEUE_SEL, QUEUE_COUNT);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	out(VIRTIO_MMIO_QUEUE_SEL, 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_QUEUE_READY), 1);
}

START_TEST(reads_alike_at_every_width)
{
	fake_link_resize(&driver.link, 0x1234, 0x5678);
	for (uint64_t offset = 0; offset < VIRTIO_MMIO_SIZE; offset++)
		for (unsigned length = 1; length <= 8 && offset + length <= VIRTIO_MMIO_SIZE;
			length *= 2) {
			uint64_t expected = 0;

			memcpy(&expected, driver.page + offset, length);
			ck_assert_uint_eq(virtio_mmio_read(&driver.mmio, offset, length), expected);
		}

	ck_assert_uint_eq(virtio_mmio_read(&driver.mmio, VIRTIO_MMIO_CONFIG, 4), 0x56781234);
	ck_assert_uint_eq(virtio_mmio_read(&driver.mmio, VIRTIO_MMIO_SIZE - 4, 8), 0);
	ck_assert_uint_eq(virtio_mmio_read(&driver.mmio, UINT64_MAX, 4), 0);
}

/* Only these writes do something, and only as words. */
START_TEST(ignores_writes_elsewhere_and_of_other_widths)
{
	uint8_t before[VIRTIO_MMIO_SIZE];

	memcpy(before, driver.page, sizeof(before));
	for (uint64_t offset = 0; offset < VIRTIO_MMIO_SIZE; offset++)
		for (unsigned length = 1; length <= 8; length *= 2)
			if (length != 4 || offset % 4)
				virtio_mmio_write(&driver.mmio, offset, length, UINT64_MAX);

	ck_assert_mem_eq(driver.page, before, sizeof(before));
	ck_assert_uint_eq(driver.device->negotiated, 0);
	ck_assert(!fake_driver_interrupted(&driver));
}

/* Status after each of the values is written, with all features offered accepted. */
static const struct {
	uint32_t value[4];
	uint32_t status;
} sequence[] = {
	{ { ACKNOWLEDGE, ACKNOWLEDGE | DRIVER }, ACKNOWLEDGE | DRIVER },
	{ { PREPARED }, PREPARED },
	{ { FEATURES_OK }, 0 },
	{ { DRIVER | FEATURES_OK }, DRIVER },
	{ { DRIVER_OK }, 0 },
	{ { ACKNOWLEDGE | DRIVER | DRIVER_OK }, ACKNOWLEDGE | DRIVER },
	{ { PREPARED, PREPARED | DRIVER_OK }, PREPARED | DRIVER_OK },
	{ { PREPARED, DRIVER_OK }, PREPARED | DRIVER_OK },
	{ { PREPARED | DRIVER_OK, PREPARED | DRIVER_OK }, PREPARED | DRIVER_OK },
	{ { PREPARED, ACKNOWLEDGE }, PREPARED },
	{ { PREPARED, FAILED }, PREPARED | FAILED },
	{ { PREPARED, NEEDS_RESET }, PREPARED },
	{ { 0xffffff00 | ACKNOWLEDGE | 0x30 }, ACKNOWLEDGE },
	{ { 0xffffff00 }, 0 },
};

START_TEST(accepts_status_bits_in_their_turn)
{
	fake_driver_negotiate(&driver, 0);
	for (size_t i = 0; i < ARRAY_SIZE(sequence[_i].value); i++)
		if (sequence[_i].value[i])
			out(VIRTIO_MMIO_STATUS, sequence[_i].value[i]);

	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), sequence[_i].status);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_STATUS), sequence[_i].status);
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_STATUS), 0);
}

START_TEST(refuses_features_it_did_not_offer)
{
	out(VIRTIO_MMIO_STATUS, ACKNOWLEDGE | DRIVER);
	fake_driver_negotiate(&driver, 0);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	out(VIRTIO_MMIO_DRIVER_FEATURES, 1U << VIRTIO_CONSOLE_F_MULTIPORT);
	out(VIRTIO_MMIO_STATUS, PREPARED);

	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ACKNOWLEDGE | DRIVER);
}

START_TEST(refuses_a_driver_of_the_old_version)
{
	out(VIRTIO_MMIO_STATUS, ACKNOWLEDGE | DRIVER);
	fake_driver_negotiate(&driver, 1ULL << VIRTIO_F_VERSION_1);
	out(VIRTIO_MMIO_STATUS, PREPARED);

	ck_assert_uint_eq(in(VIRTIO_MMIO_STATUS), ACKNOWLEDGE | DRIVER);
}

START_TEST(ignores_features_beyond_those_there_are)
{
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	out(VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0x08000000);
	out(VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);

	ck_assert_uint_eq(driver.device->negotiated, 0);
}

START_TEST(keeps_features_once_they_are_agreed)
{
	uint64_t agreed;

	prepare();
	agreed = driver.device->negotiated;
	out(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	out(VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);

	ck_assert_uint_eq(driver.device->negotiated, agreed);
}

/* Each is written to a queue that must not take it; returns with the queue selected. */
static void try_to_change_the_queue(void)
{
	static const uint64_t registers[] = {
		VIRTIO_MMIO_QUEUE_NUM,
		VIRTIO_MMIO_QUEUE_DESC_LOW,
		VIRTIO_MMIO_QUEUE_DESC_HIGH,
		VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
		VIRTIO_MMIO_QUEUE_USED_LOW,
		VIRTIO_MMIO_QUEUE_USED_HIGH,
	};
	struct virtqueue before = driver.device->queue[0];

	out(VIRTIO_MMIO_QUEUE_SEL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		out(registers[i], 4);
	ck_assert_uint_eq(driver.device->queue[0].size, before.size);
	ck_assert_uint_eq(driver.device->queue[0].desc_address, before.desc_address);
	ck_assert_uint_eq(driver.device->queue[0].avail_address, before.avail_address);
	ck_assert_uint_eq(driver.device->queue[0].used_address, before.used_address);
	ck_assert_ptr_eq(driver.device->queue[0].desc, before.desc);
}

START_TEST(sets_queues_up_only_between_features_and_start)
{
	try_to_change_the_queue();
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);

	prepare();
	fake_driver_enable(&driver, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 1);
	try_to_change_the_queue();

	out(VIRTIO_MMIO_STATUS, PREPARED | DRIVER_OK);
	try_to_change_the_queue();
	fake_driver_enable(&driver, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
}

START_TEST(stops_a_queue_for_good)
{
	fake_driver_bring_up(&driver, 0);
	out(VIRTIO_MMIO_QUEUE_SEL, 0);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
	try_to_change_the_queue();
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);

	out(VIRTIO_MMIO_STATUS, 0);
	fake_driver_bring_up(&driver, 0);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 1);
}

START_TEST(takes_only_zero_and_one_for_ready)
{
	prepare();
	fake_driver_enable(&driver, 0);
	out(VIRTIO_MMIO_QUEUE_READY, 2);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 1);
	out(VIRTIO_MMIO_QUEUE_READY, 1);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 1);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	out(VIRTIO_MMIO_QUEUE_READY, UINT32_MAX);
	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
}

/* A register of a queue and a value of which no queue can be made. */
static const struct {
	uint64_t offset;
	uint32_t value;
} impossible[] = {
	{ VIRTIO_MMIO_QUEUE_NUM, 0 },
	{ VIRTIO_MMIO_QUEUE_NUM, 3 },
	{ VIRTIO_MMIO_QUEUE_NUM, 2 * VIRTIO_MMIO_QUEUE_SIZE_MAX },
	{ VIRTIO_MMIO_QUEUE_NUM, 0x10008 },
	{ VIRTIO_MMIO_QUEUE_DESC_LOW, 1 },
	{ VIRTIO_MMIO_QUEUE_AVAIL_HIGH, UINT32_MAX },
	{ VIRTIO_MMIO_QUEUE_USED_LOW, 0 },
};

START_TEST(asks_for_a_reset_when_a_queue_is_impossible)
{
	prepare();
	fake_driver_enable(&driver, 0);
	out(VIRTIO_MMIO_QUEUE_READY, 0);
	out(impossible[_i].offset, impossible[_i].value);
	out(VIRTIO_MMIO_QUEUE_READY, 1);

	ck_assert_uint_eq(in(VIRTIO_MMIO_QUEUE_READY), 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_STATUS), PREPARED | NEEDS_RESET);
	ck_assert(!fake_driver_interrupted(&driver));
	out(VIRTIO_MMIO_STATUS, PREPARED | DRIVER_OK);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_STATUS), PREPARED | NEEDS_RESET);

	out(VIRTIO_MMIO_STATUS, 0);
	fake_driver_bring_up(&driver, 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_STATUS), PREPARED | DRIVER_OK);
}

static void post_nonsense(void)
{
	fake_ring_post(&driver.ring[1], 0, 1, 0);
	fake_driver_kick(&driver, 1);
}

START_TEST(asks_for_a_reset_with_an_interrupt_when_running)
{
	fake_driver_bring_up(&driver, 0);
	post_nonsense();

	ck_assert_uint_eq(in_page(VIRTIO_MMIO_STATUS), PREPARED | DRIVER_OK | NEEDS_RESET);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS),
		VIRTIO_MMIO_INT_CONFIG | VIRTIO_MMIO_INT_VRING);
	ck_assert(fake_driver_interrupted(&driver));
	out(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	ck_assert(!fake_driver_interrupted(&driver));
}

START_TEST(works_again_after_a_reset)
{
	fake_driver_bring_up(&driver, 0);
	post_nonsense();
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	ck_assert_uint_eq(driver.device->negotiated, 0);
	ck_assert_uint_eq(driver.device->queue[0].size, 0);

	fake_driver_bring_up(&driver, 0);
	fake_ring_post(&driver.ring[1], BUFFER, 1, 0);
	fake_driver_kick(&driver, 1);
	ck_assert_int_eq(fake_ring_reap(&driver.ring[1]), 0);
}

START_TEST(ignores_kicks_before_the_driver_is_ready_and_of_queues_not_there)
{
	prepare();
	fake_driver_enable(&driver, 1);
	fake_ring_post(&driver.ring[1], BUFFER, 1, 0);
	out(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	virtio_mmio_notified(&driver.mmio, 1);
	ck_assert_uint_eq(driver.link.written, 0);

	out(VIRTIO_MMIO_STATUS, PREPARED | DRIVER_OK);
	out(VIRTIO_MMIO_QUEUE_NOTIFY, QUEUE_COUNT);
	out(VIRTIO_MMIO_QUEUE_NOTIFY, UINT32_MAX);
	virtio_mmio_notified(&driver.mmio, UINT16_MAX);
	ck_assert(!fake_driver_needs_reset(&driver));
}

/* Some drivers kick a moment too early and never again. */
START_TEST(serves_what_was_posted_before_the_driver_was_ready)
{
	prepare();
	fake_driver_enable(&driver, 1);
	fake_ring_post(&driver.ring[1], BUFFER, 1, 0);
	fake_driver_kick(&driver, 1);
	out(VIRTIO_MMIO_STATUS, PREPARED | DRIVER_OK);

	ck_assert_int_eq(fake_ring_reap(&driver.ring[1]), 0);
}

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, shows_what_it_is_in_its_page);
	tcase_add_test(tcase, shows_the_features_selected);
	tcase_add_test(tcase, shows_the_queue_selected);
	tcase_add_test(tcase, reads_alike_at_every_width);
	tcase_add_test(tcase, ignores_writes_elsewhere_and_of_other_widths);
	tcase_add_loop_test(tcase, accepts_status_bits_in_their_turn, 0, ARRAY_SIZE(sequence));
	tcase_add_test(tcase, refuses_features_it_did_not_offer);
	tcase_add_test(tcase, refuses_a_driver_of_the_old_version);
	tcase_add_test(tcase, ignores_features_beyond_those_there_are);
	tcase_add_test(tcase, keeps_features_once_they_are_agreed);
	tcase_add_test(tcase, sets_queues_up_only_between_features_and_start);
	tcase_add_test(tcase, stops_a_queue_for_good);
	tcase_add_test(tcase, takes_only_zero_and_one_for_ready);
	tcase_add_loop_test(tcase, asks_for_a_reset_when_a_queue_is_impossible, 0,
		ARRAY_SIZE(impossible));
	tcase_add_test(tcase, asks_for_a_reset_with_an_interrupt_when_running);
	tcase_add_test(tcase, works_again_after_a_reset);
	tcase_add_test(tcase, ignores_kicks_before_the_driver_is_ready_and_of_queues_not_there);
	tcase_add_test(tcase, serves_what_was_posted_before_the_driver_was_ready);
}

int main(void)
{
	Suite *suite = suite_create("virtio_mmio");
	TCase *tcase = tcase_create("virtio_mmio");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	add_tests(tcase);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
