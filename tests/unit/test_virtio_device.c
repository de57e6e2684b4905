/* What all devices have in common, with a device made for the purpose. */
#include "fake_guest.h"
#include "virtio_device.h"

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

static struct event_base *base;
static struct fake_guest guest;
static int create_result;
static unsigned destroyed, visits, failures, changes;
static uint16_t visited_queue;

static int counter_create(struct virtio_device *device, const struct device_context *context)
{
	(void)device;
	(void)context;
	return create_result;
}

static void counter_destroy(struct virtio_device *device)
{
	(void)device;
	destroyed++;
}

static void counter_notify(struct virtio_device *device, struct virtqueue *queue)
{
	(void)device;
	visits++;
	visited_queue = queue->index;
}

static const struct virtio_device_type counter = {
	.name = "counter",
	.queue_count = 3,
	.features = 1,
	.instance_size = sizeof(struct virtio_device),
	.create = counter_create,
	.destroy = counter_destroy,
	.notify = counter_notify,
};

static struct virtio_device *create(void)
{
	return virtio_device_create(&counter,
		&(struct device_context){ .memory = &guest.memory, .base = base });
}

static void start(void)
{
	evthread_use_pthreads();
	fake_guest_create(&guest);
	base = event_base_new();
	create_result = 0;
}

static void stop(void)
{
	event_base_free(base);
	fake_guest_destroy(&guest);
}

static void count_failure(struct virtio_device *device)
{
	(void)device;
	failures++;
}

static void count_change(struct virtio_device *device)
{
	(void)device;
	changes++;
}

START_TEST(finds_types_by_name)
{
	ck_assert_ptr_eq(virtio_device_type_named("rng"), &virtio_rng);
	ck_assert_ptr_eq(virtio_device_type_named("console"), &virtio_console);
	ck_assert_ptr_null(virtio_device_type_named("rn"));
	ck_assert_ptr_null(virtio_device_type_named(""));
}

START_TEST(offers_what_the_type_and_every_device_has)
{
	struct virtio_device *device = create();

	ck_assert_uint_eq(device->offered,
		1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |
			1ULL << VIRTIO_RING_F_EVENT_IDX | 1);
	virtio_device_destroy(device);
	ck_assert_uint_eq(destroyed, 1);
}

START_TEST(is_not_made_when_its_type_cannot)
{
	create_result = -ENODEV;

	ck_assert_ptr_null(create());
	ck_assert_uint_eq(destroyed, 1);
}

START_TEST(visits_a_queue_again_when_asked)
{
	struct virtio_device *device = create();

	virtio_device_lock(device);
	device->running = true;
	virtio_device_visit_again(device, &device->queue[2]);
	virtio_device_unlock(device);
	ck_assert_uint_eq(visits, 0);
	event_base_loop(base, EVLOOP_ONCE);
	event_base_loop(base, EVLOOP_NONBLOCK);

	ck_assert_uint_eq(visits, 1);
	ck_assert_uint_eq(visited_queue, 2);
	virtio_device_destroy(device);
}

START_TEST(visits_no_queue_that_was_reset)
{
	struct virtio_device *device = create();

	virtio_device_lock(device);
	device->running = true;
	virtio_device_visit_again(device, &device->queue[0]);
	virtio_device_reset(device);
	device->running = true;
	virtio_device_unlock(device);
	event_base_loop(base, EVLOOP_ONCE);

	ck_assert_uint_eq(visits, 0);
	virtio_device_destroy(device);
}

START_TEST(can_go_with_a_visit_due)
{
	struct virtio_device *device = create();

	virtio_device_visit_again(device, &device->queue[0]);
	virtio_device_destroy(device);
	event_base_loop(base, EVLOOP_NONBLOCK);

	ck_assert_uint_eq(visits, 0);
}

/* A visitor of the loop that does not end must not keep others from it. */
static void busy_notify(struct virtio_device *device, struct virtqueue *queue)
{
	visits++;
	virtio_device_visit_again(device, queue);
}

static void other_ready(evutil_socket_t fd, short events, void *owner)
{
	(void)fd;
	(void)events;
	(void)owner;
	event_base_loopbreak(base);
}

START_TEST(lets_others_have_the_loop_between_visits)
{
	struct virtio_device_type busy = counter;
	struct event *other = event_new(base, -1, 0, other_ready, NULL);
	struct virtio_device *device;

	busy.notify = busy_notify;
	device = virtio_device_create(&busy,
		&(struct device_context){ .memory = &guest.memory, .base = base });
	device->running = true;
	virtio_device_visit_again(device, &device->queue[0]);
	event_add(other, &(struct timeval){ .tv_usec = 1 });
	event_base_dispatch(base);

	ck_assert(event_base_got_break(base));
	event_free(other);
	virtio_device_destroy(device);
}

START_TEST(fails_once_for_a_broken_queue_until_it_is_reset)
{
	struct virtio_device *device = create();

	device->failed = count_failure;
	device->running = true;
	virtio_device_visit_again(device, &device->queue[0]);
	for (unsigned i = 0; i < 3; i++) {
		virtio_device_lock(device);
		device->queue[1].broken = "descriptor of the test";
		virtio_device_unlock(device);
	}
	ck_assert_uint_eq(failures, 1);
	ck_assert(device->needs_reset);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(visits, 0);

	virtio_device_reset(device);
	ck_assert(!device->needs_reset);
	ck_assert_ptr_null(device->queue[1].broken);
	virtio_device_destroy(device);
}

START_TEST(keeps_a_change_of_configuration_to_itself_without_a_transport)
{
	struct virtio_device *device = create();

	virtio_device_config_changed(device);
	device->config_changed = count_change;
	virtio_device_config_changed(device);

	ck_assert_uint_eq(changes, 1);
	virtio_device_destroy(device);
}

START_TEST(forgets_queues_and_features_in_a_reset)
{
	struct virtio_device *device = create();
	struct fake_ring ring;

	fake_ring_create(&ring, &guest, &device->queue[1], 0);
	ck_assert_int_eq(virtqueue_enable(&device->queue[1]), 0);
	device->negotiated = 1;
	device->running = true;
	virtio_device_reset(device);

	ck_assert(!device->running);
	ck_assert_uint_eq(device->negotiated, 0);
	ck_assert_uint_eq(device->queue[1].size, 0);
	ck_assert_uint_eq(device->queue[1].desc_address, 0);
	ck_assert_ptr_null(device->queue[1].desc);
	ck_assert_uint_eq(device->queue[1].index, 1);
	ck_assert_ptr_eq(device->queue[1].memory, &guest.memory);
	virtio_device_destroy(device);
}

int main(void)
{
	Suite *suite = suite_create("virtio_device");
	TCase *tcase = tcase_create("virtio_device");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, finds_types_by_name);
	tcase_add_test(tcase, offers_what_the_type_and_every_device_has);
	tcase_add_test(tcase, is_not_made_when_its_type_cannot);
	tcase_add_test(tcase, visits_a_queue_again_when_asked);
	tcase_add_test(tcase, visits_no_queue_that_was_reset);
	tcase_add_test(tcase, can_go_with_a_visit_due);
	tcase_add_test(tcase, lets_others_have_the_loop_between_visits);
	tcase_add_test(tcase, fails_once_for_a_broken_queue_until_it_is_reset);
	tcase_add_test(tcase, keeps_a_change_of_configuration_to_itself_without_a_transport);
	tcase_add_test(tcase, forgets_queues_and_features_in_a_reset);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
