/* The register window's interrupts and changes of configuration, also with two threads at it. */
#include "fake_driver.h"
#include "virtio_console.h"

#include <check.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_mmio.h>

#define BUFFER (FAKE_RAM_BASE + FAKE_BUFFERS)
#define QUEUE_COUNT 2
#define TURNS 2000

static struct fake_driver driver;
static unsigned replays;

static void start(void)
{
	evthread_use_pthreads();
	fake_driver_create(&driver, "console");
	console_link_set_consumer(&driver.link, virtio_console_consumer(driver.device));
	replays = 0;
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

START_TEST(shows_the_queue_interrupt_from_start_to_reset)
{
	fake_driver_bring_up(&driver, 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	out(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	out(VIRTIO_MMIO_STATUS, 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

START_TEST(shows_a_change_of_configuration_until_it_is_acknowledged)
{
	uint32_t generation;

	fake_driver_bring_up(&driver, 0);
	generation = in_page(VIRTIO_MMIO_CONFIG_GENERATION);
	fake_link_resize(&driver.link, 80, 25);
	ck_assert(fake_driver_interrupted(&driver));
	ck_assert_uint_ne(in_page(VIRTIO_MMIO_CONFIG_GENERATION), generation);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_CONFIG), 25 << 16 | 80);

	out(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS),
		VIRTIO_MMIO_INT_CONFIG | VIRTIO_MMIO_INT_VRING);
	out(VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
}

START_TEST(changes_configuration_in_silence_before_the_driver_is_ready)
{
	fake_link_resize(&driver.link, 80, 25);
	ck_assert(!fake_driver_interrupted(&driver));
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_CONFIG), 25 << 16 | 80);
}

/* An acknowledgement of the first change, written by the driver but not delivered yet. */
static void replay(void *owner)
{
	replays++;
	virtio_mmio_write(owner, VIRTIO_MMIO_INTERRUPT_ACK, 4, VIRTIO_MMIO_INT_CONFIG);
}

START_TEST(is_not_misled_by_an_older_acknowledgement)
{
	fake_driver_bring_up(&driver, 0);
	driver.mmio.replay = replay;
	driver.mmio.owner = &driver.mmio;
	fake_link_resize(&driver.link, 80, 25);
	fake_link_resize(&driver.link, 81, 25);

	ck_assert_uint_eq(replays, 2);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS),
		VIRTIO_MMIO_INT_CONFIG | VIRTIO_MMIO_INT_VRING);
}

START_TEST(lets_go_of_an_acknowledged_change_before_it_interrupts_for_a_queue)
{
	fake_driver_bring_up(&driver, 0);
	fake_link_resize(&driver.link, 80, 25);
	driver.mmio.replay = replay;
	driver.mmio.owner = &driver.mmio;
	fake_ring_post(&driver.ring[1], BUFFER, 1, 0);
	fake_driver_kick(&driver, 1);
	event_base_loop(driver.base, EVLOOP_ONCE);

	ck_assert_uint_eq(replays, 1);
	ck_assert_uint_eq(in_page(VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
}

static void *disturb(void *owner)
{
	(void)owner;
	for (unsigned i = 0; i < TURNS; i++) {
		virtio_mmio_notified(&driver.mmio, (uint16_t)(i % (QUEUE_COUNT + 1)));
		fake_link_resize(&driver.link, (uint16_t)i, 1);
		fake_link_type(&driver.link, "x", 1);
	}
	return NULL;
}

START_TEST(is_written_and_notified_by_two_threads)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, disturb, NULL), 0);
	for (unsigned i = 0; i < TURNS; i++) {
		if (i % 16 == 0) {
			out(VIRTIO_MMIO_STATUS, 0);
			fake_driver_bring_up(&driver, 0);
		}
		fake_ring_post(&driver.ring[1], BUFFER, 1, 0);
		out(VIRTIO_MMIO_QUEUE_NOTIFY, 1);
		out(VIRTIO_MMIO_INTERRUPT_ACK, in(VIRTIO_MMIO_INTERRUPT_STATUS));
	}
	pthread_join(thread, NULL);

	ck_assert_uint_eq(driver.link.written, TURNS);
	ck_assert(!fake_driver_needs_reset(&driver));
}

int main(void)
{
	Suite *suite = suite_create("virtio_interrupts");
	TCase *tcase = tcase_create("virtio_interrupts");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, shows_the_queue_interrupt_from_start_to_reset);
	tcase_add_test(tcase, shows_a_change_of_configuration_until_it_is_acknowledged);
	tcase_add_test(tcase, changes_configuration_in_silence_before_the_driver_is_ready);
	tcase_add_test(tcase, is_not_misled_by_an_older_acknowledgement);
	tcase_add_test(tcase, lets_go_of_an_acknowledged_change_before_it_interrupts_for_a_queue);
	tcase_add_test(tcase, is_written_and_notified_by_two_threads);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
