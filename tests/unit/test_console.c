/* The console, driven through its registers, with an operator on the other side of the link. */
#include "fake_driver.h"
#include "virtio_console.h"

#include <check.h>
#include <event2/thread.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_mmio.h>

#define RECEIVE 0
#define TRANSMIT 1
#define BUFFER_OFFSET FAKE_BUFFERS
#define BUFFER (FAKE_RAM_BASE + BUFFER_OFFSET)
#define TABLE_OFFSET 0x8000
#define CTRL_O 0x0f

static struct fake_driver driver;

static void create(void)
{
	evthread_use_pthreads();
	fake_driver_create(&driver, "console");
	console_link_set_consumer(&driver.link, virtio_console_consumer(driver.device));
}

static void start(void)
{
	create();
	fake_driver_bring_up(&driver, 0);
}

static void stop(void)
{
	fake_driver_stop(&driver);
}

static uint8_t *buffer(size_t offset)
{
	return driver.guest.ram + BUFFER_OFFSET + offset;
}

static void transmit(const char *text)
{
	memcpy(buffer(0), text, strlen(text));
	fake_ring_post(&driver.ring[TRANSMIT], BUFFER, (uint32_t)strlen(text), 0);
	fake_driver_kick(&driver, TRANSMIT);
}

static void post_room(uint32_t length)
{
	fake_ring_post(&driver.ring[RECEIVE], BUFFER, length, VRING_DESC_F_WRITE);
	fake_driver_kick(&driver, RECEIVE);
}

static int64_t received(void)
{
	return fake_ring_reap(&driver.ring[RECEIVE]);
}

static uint16_t config16(size_t offset)
{
	return (uint16_t)virtio_mmio_read(&driver.mmio, VIRTIO_MMIO_CONFIG + offset, 2);
}

static bool config_interrupt_shown(void)
{
	return fake_driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG;
}

/* A request whose descriptors, count of them, all name the same length bytes. */
static void post_long(unsigned count, uint32_t length)
{
	struct vring_desc *table = (void *)(driver.guest.ram + TABLE_OFFSET);

	for (unsigned i = 0; i < count; i++)
		table[i] = (struct vring_desc){
			.addr = BUFFER,
			.len = length,
			.flags = i + 1 < count ? VRING_DESC_F_NEXT : 0,
			.next = (uint16_t)(i + 1),
		};
	fake_ring_post(&driver.ring[TRANSMIT], FAKE_RAM_BASE + TABLE_OFFSET,
		count * (uint32_t)sizeof(*table), VRING_DESC_F_INDIRECT);
	fake_driver_kick(&driver, TRANSMIT);
}

START_TEST(transmits_at_once)
{
	transmit("hello");

	ck_assert_int_eq(fake_ring_reap(&driver.ring[TRANSMIT]), 0);
	ck_assert_uint_eq(driver.link.written, 5);
	ck_assert_mem_eq(driver.link.output, "hello", 5);
}

START_TEST(asks_to_be_kicked_for_every_transmission)
{
	for (unsigned i = 0; i < 3 * FAKE_QUEUE_SIZE; i++) {
		transmit("x");
		ck_assert_int_eq(fake_ring_reap(&driver.ring[TRANSMIT]), 0);
	}

	ck_assert_uint_eq(driver.link.written, 3 * FAKE_QUEUE_SIZE);
}

START_TEST(transmits_every_part_of_a_request_in_order)
{
	const struct vring_desc part[] = {
		{ .addr = BUFFER, .len = 2 },
		{ .addr = BUFFER, .len = 0 },
		{ .addr = UINT64_MAX, .len = 0 },
		{ .addr = BUFFER + 2, .len = 3 },
		{ .addr = BUFFER + 100, .len = 4, .flags = VRING_DESC_F_WRITE },
	};

	memcpy(buffer(0), "abcde", 5);
	fake_ring_post_chain(&driver.ring[TRANSMIT], part, ARRAY_SIZE(part));
	fake_driver_kick(&driver, TRANSMIT);

	ck_assert_int_eq(fake_ring_reap(&driver.ring[TRANSMIT]), 0);
	ck_assert_uint_eq(driver.link.written, 5);
	ck_assert_mem_eq(driver.link.output, "abcde", 5);
}

START_TEST(transmits_without_the_optional_features)
{
	fake_driver_write(&driver, VIRTIO_MMIO_STATUS, 0);
	fake_driver_bring_up(&driver,
		1ULL << VIRTIO_RING_F_EVENT_IDX | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |
			1ULL << VIRTIO_CONSOLE_F_SIZE);
	transmit("plain");

	event_base_loop(driver.base, EVLOOP_ONCE);

	ck_assert_int_eq(fake_ring_reap(&driver.ring[TRANSMIT]), 0);
	ck_assert(fake_driver_interrupted(&driver));
	ck_assert_mem_eq(driver.link.output, "plain", 5);
}

START_TEST(interrupts_a_driver_that_sleeps_until_its_buffer_returns)
{
	for (unsigned i = 0; i < 3; i++) {
		transmit("x");
		event_base_loop(driver.base, EVLOOP_ONCE);
		ck_assert(fake_driver_interrupted(&driver));
		ck_assert_int_eq(fake_ring_reap(&driver.ring[TRANSMIT]), 0);
	}
}

START_TEST(does_not_interrupt_a_driver_that_has_taken_its_buffer_back)
{
	for (unsigned i = 0; i < 3; i++) {
		transmit("x");
		ck_assert_int_eq(fake_ring_reap(&driver.ring[TRANSMIT]), 0);
		event_base_loop(driver.base, EVLOOP_ONCE);
		ck_assert(!fake_driver_interrupted(&driver));
	}
}

START_TEST(interrupts_for_old_buffers_while_new_ones_come)
{
	transmit("x");
	transmit("y");

	ck_assert(fake_driver_interrupted(&driver));
}

START_TEST(transmits_a_huge_request_in_several_visits)
{
	const uint32_t length = 0x20000;
	unsigned visits = 0;
	int64_t done;

	post_long(200, length);
	ck_assert_uint_lt(driver.link.written, 200ULL * length);
	while ((done = fake_ring_reap(&driver.ring[TRANSMIT])) < 0 && visits++ < 1000)
		event_base_loop(driver.base, EVLOOP_ONCE);

	ck_assert_int_eq(done, 0);
	ck_assert_uint_gt(visits, 10);
	ck_assert_uint_eq(driver.link.written, 200ULL * length);
}

START_TEST(forgets_a_huge_request_in_a_reset)
{
	uint64_t before;

	post_long(200, 0x20000);
	before = driver.link.written;
	fake_driver_write(&driver, VIRTIO_MMIO_STATUS, 0);
	event_base_loop(driver.base, EVLOOP_ONCE);
	ck_assert_uint_eq(driver.link.written, before);

	fake_driver_bring_up(&driver, 0);
	transmit("again");
	ck_assert_int_eq(fake_ring_reap(&driver.ring[TRANSMIT]), 0);
	ck_assert_uint_eq(driver.link.written, before + 5);
}

START_TEST(forgets_a_huge_request_of_a_queue_that_was_stopped)
{
	uint64_t before;

	post_long(200, 0x20000);
	before = driver.link.written;
	fake_driver_write(&driver, VIRTIO_MMIO_QUEUE_SEL, TRANSMIT);
	fake_driver_write(&driver, VIRTIO_MMIO_QUEUE_READY, 0);
	event_base_loop(driver.base, EVLOOP_ONCE);

	ck_assert_uint_eq(driver.link.written, before);
	ck_assert(!fake_driver_needs_reset(&driver));
}

START_TEST(gives_input_to_a_waiting_buffer)
{
	post_room(64);
	ck_assert_int_eq(received(), -1);
	fake_link_type(&driver.link, "ls\n", 3);

	ck_assert_int_eq(received(), 3);
	ck_assert_mem_eq(buffer(0), "ls\n", 3);
	ck_assert(fake_driver_interrupted(&driver));
}

START_TEST(keeps_input_until_there_are_buffers)
{
	uint8_t typed[1000];

	for (size_t i = 0; i < sizeof(typed); i++)
		typed[i] = (uint8_t)(i * 3);
	fake_link_type(&driver.link, typed, sizeof(typed));
	for (size_t i = 0; i < sizeof(typed);) {
		int64_t length;

		post_room(8);
		length = received();
		ck_assert_int_gt(length, 0);
		ck_assert_mem_eq(buffer(0), typed + i, (size_t)length);
		i += (size_t)length;
	}

	post_room(8);
	ck_assert_int_eq(received(), -1);
	fake_link_type(&driver.link, "x", 1);
	ck_assert_int_eq(received(), 1);
}

START_TEST(uses_no_buffer_before_the_driver_is_ready)
{
	const uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		VIRTIO_CONFIG_S_FEATURES_OK;

	fake_driver_negotiate(&driver, 0);
	fake_driver_write(&driver, VIRTIO_MMIO_STATUS, status);
	fake_driver_enable(&driver, RECEIVE);
	fake_ring_post(&driver.ring[RECEIVE], BUFFER, 64, VRING_DESC_F_WRITE);
	fake_link_type(&driver.link, "x", 1);
	ck_assert_int_eq(received(), -1);

	fake_driver_write(&driver, VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert_int_eq(received(), 1);
}

START_TEST(uses_no_buffer_while_it_waits_for_a_reset)
{
	post_room(64);
	fake_ring_post(&driver.ring[TRANSMIT], 0, 1, 0);
	fake_driver_kick(&driver, TRANSMIT);
	ck_assert(fake_driver_needs_reset(&driver));
	fake_link_type(&driver.link, "x", 1);
	fake_driver_write(&driver, VIRTIO_MMIO_QUEUE_NOTIFY, RECEIVE);

	ck_assert_int_eq(received(), -1);
}

START_TEST(keeps_what_was_typed_before_the_driver_came)
{
	fake_link_type(&driver.link, "early", 5);
	fake_driver_bring_up(&driver, 0);
	post_room(64);

	ck_assert_int_eq(received(), 5);
	ck_assert_mem_eq(buffer(0), "early", 5);
}

START_TEST(keeps_what_is_typed_while_the_driver_is_away)
{
	fake_driver_write(&driver, VIRTIO_MMIO_STATUS, 0);
	fake_link_type(&driver.link, "between", 7);
	fake_driver_bring_up(&driver, 0);
	post_room(64);

	ck_assert_int_eq(received(), 7);
	ck_assert_mem_eq(buffer(0), "between", 7);
}

START_TEST(returns_receive_buffers_it_cannot_write)
{
	fake_ring_post(&driver.ring[RECEIVE], BUFFER, 64, 0);
	fake_driver_kick(&driver, RECEIVE);
	post_room(64);
	fake_link_type(&driver.link, "x", 1);

	ck_assert_int_eq(received(), 0);
	ck_assert_int_eq(received(), 1);
}

START_TEST(leaves_the_input_alone_that_another_device_gets)
{
	uint8_t byte;

	console_link_set_consumer(&driver.link, NULL);
	fake_link_type(&driver.link, "u", 1);
	post_room(64);

	ck_assert_int_eq(received(), -1);
	ck_assert_uint_eq(console_link_read(&driver.link, &byte, 1), 1);
}

START_TEST(turns_a_break_into_what_the_driver_takes_for_one)
{
	fake_link_break(&driver.link);
	post_room(1);
	ck_assert_int_eq(received(), 1);
	ck_assert_uint_eq(*buffer(0), CTRL_O);

	fake_link_break(&driver.link);
	fake_link_type(&driver.link, "b", 1);
	post_room(64);
	ck_assert_int_eq(received(), 2);
	ck_assert_mem_eq(buffer(0),
		"\x0f"
		"b",
		2);
}

START_TEST(a_kick_interrupts_a_driver_that_runs)
{
	ck_assert(!fake_driver_interrupted(&driver));

	fake_link_kick(&driver.link);
	ck_assert(fake_driver_interrupted(&driver));

	virtio_device_reset(driver.device);
	fake_driver_interrupted(&driver);
	fake_link_kick(&driver.link);
	ck_assert(!fake_driver_interrupted(&driver));
}

START_TEST(tells_a_starting_driver_the_size)
{
	fake_link_resize(&driver.link, 132, 43);
	ck_assert(!fake_driver_interrupted(&driver));
	fake_driver_bring_up(&driver, 0);

	ck_assert_uint_eq(config16(offsetof(struct virtio_console_config, cols)), 132);
	ck_assert_uint_eq(config16(offsetof(struct virtio_console_config, rows)), 43);
	ck_assert(config_interrupt_shown());
	ck_assert(fake_driver_interrupted(&driver));
}

START_TEST(says_nothing_of_a_size_nobody_knows)
{
	fake_driver_bring_up(&driver, 0);

	ck_assert(!config_interrupt_shown());
	ck_assert(!fake_driver_interrupted(&driver));
}

START_TEST(tells_a_change_of_size_once)
{
	fake_link_resize(&driver.link, 80, 25);
	ck_assert(config_interrupt_shown());
	fake_driver_write(&driver, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	fake_driver_interrupted(&driver);
	fake_link_resize(&driver.link, 80, 25);

	ck_assert(!config_interrupt_shown());
	ck_assert(!fake_driver_interrupted(&driver));
}

START_TEST(writes_a_byte_in_an_emergency)
{
	const uint64_t place =
		VIRTIO_MMIO_CONFIG + offsetof(struct virtio_console_config, emerg_wr);

	virtio_mmio_write(&driver.mmio, place, 4, 'S');
	virtio_mmio_write(&driver.mmio, place, 1, 'O');
	virtio_mmio_write(&driver.mmio, place, 8, 'x');
	virtio_mmio_write(&driver.mmio, place + 1, 1, 'x');
	virtio_mmio_write(&driver.mmio, place + 4, 4, 'x');
	virtio_mmio_write(&driver.mmio, VIRTIO_MMIO_CONFIG, 4, 'x');

	ck_assert_uint_eq(driver.link.written, 2);
	ck_assert_mem_eq(driver.link.output, "SO", 2);
	ck_assert_uint_eq(config16(0), 0);
}

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, transmits_at_once);
	tcase_add_test(tcase, asks_to_be_kicked_for_every_transmission);
	tcase_add_test(tcase, transmits_every_part_of_a_request_in_order);
	tcase_add_test(tcase, transmits_without_the_optional_features);
	tcase_add_test(tcase, interrupts_a_driver_that_sleeps_until_its_buffer_returns);
	tcase_add_test(tcase, does_not_interrupt_a_driver_that_has_taken_its_buffer_back);
	tcase_add_test(tcase, interrupts_for_old_buffers_while_new_ones_come);
	tcase_add_test(tcase, transmits_a_huge_request_in_several_visits);
	tcase_add_test(tcase, forgets_a_huge_request_in_a_reset);
	tcase_add_test(tcase, forgets_a_huge_request_of_a_queue_that_was_stopped);
	tcase_add_test(tcase, gives_input_to_a_waiting_buffer);
	tcase_add_test(tcase, keeps_input_until_there_are_buffers);
	tcase_add_test(tcase, uses_no_buffer_while_it_waits_for_a_reset);
	tcase_add_test(tcase, keeps_what_is_typed_while_the_driver_is_away);
	tcase_add_test(tcase, returns_receive_buffers_it_cannot_write);
	tcase_add_test(tcase, leaves_the_input_alone_that_another_device_gets);
	tcase_add_test(tcase, turns_a_break_into_what_the_driver_takes_for_one);
	tcase_add_test(tcase, a_kick_interrupts_a_driver_that_runs);
	tcase_add_test(tcase, tells_a_change_of_size_once);
	tcase_add_test(tcase, writes_a_byte_in_an_emergency);
}

int main(void)
{
	Suite *suite = suite_create("console");
	TCase *running = tcase_create("running"), *early = tcase_create("early");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, running);
	tcase_add_checked_fixture(running, start, stop);
	add_tests(running);

	suite_add_tcase(suite, early);
	tcase_add_checked_fixture(early, create, stop);
	tcase_add_test(early, keeps_what_was_typed_before_the_driver_came);
	tcase_add_test(early, uses_no_buffer_before_the_driver_is_ready);
	tcase_add_test(early, tells_a_starting_driver_the_size);
	tcase_add_test(early, says_nothing_of_a_size_nobody_knows);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
