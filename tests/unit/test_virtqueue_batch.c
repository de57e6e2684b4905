/* The split ring, many requests at a time. */
#include "compiler.h"
#include "fake_guest.h"

#include <check.h>
#include <stdlib.h>

#define BUFFER (FAKE_RAM_BASE + FAKE_BUFFERS)
#define BEHIND_RAM (FAKE_RAM_BASE + FAKE_RAM_SIZE)
#define TABLE_OFFSET 0x8000
#define TABLE (FAKE_RAM_BASE + TABLE_OFFSET)
#define W VRING_DESC_F_WRITE
#define N VRING_DESC_F_NEXT
#define I VRING_DESC_F_INDIRECT

static struct fake_guest guest;
static struct fake_ring ring;
static struct virtqueue queue;
static struct virtqueue_chain chain;
static struct virtqueue_view view;
static unsigned interrupts;

static void count_interrupt(struct virtqueue *interrupting)
{
	(void)interrupting;
	interrupts++;
}

static void start(void)
{
	fake_guest_create(&guest);
	queue = (struct virtqueue){
		.interrupt = count_interrupt,
		.event_index = true,
		.indirect = true,
	};
	fake_ring_create(&ring, &guest, &queue, 0);
	ck_assert_int_eq(virtqueue_enable(&queue), 0);
	interrupts = 0;
}

static void stop(void)
{
	virtqueue_disable(&queue);
	fake_guest_destroy(&guest);
}

static struct vring_desc *table(void)
{
	return (void *)(guest.ram + TABLE_OFFSET);
}

/* A chain of count empty or one-byte descriptors in a table of the driver's. */
static void fill_table(unsigned count, uint32_t length)
{
	for (unsigned i = 0; i < count; i++)
		table()[i] = (struct vring_desc){
			.addr = BUFFER + i,
			.len = length,
			.flags = i + 1 < count ? N : 0,
			.next = (uint16_t)(i + 1),
		};
}

static void post_table(uint64_t address, uint32_t count)
{
	fake_ring_post(&ring, address, count * (uint32_t)sizeof(struct vring_desc), I);
}

/* Requests looked at together are those that would be taken one after the other. */
START_TEST(looks_at_many_requests_without_taking_them)
{
	const struct vring_desc part[] = {
		{ .addr = BUFFER, .len = 10 },
		{ .addr = BUFFER + 100, .len = 20 },
		{ .addr = BUFFER + 200, .len = 30, .flags = W },
	};

	fake_ring_post(&ring, BUFFER + 1, 7, 0);
	fake_ring_post_chain(&ring, part, ARRAY_SIZE(part));
	fake_ring_post(&ring, BUFFER + 2, 8, W);

	ck_assert_uint_eq(virtqueue_look(&queue, &view, 2), 2);
	ck_assert_uint_eq(virtqueue_look(&queue, &view, 1000), 3);
	ck_assert_uint_eq(view.request[0].readable_length, 7);
	ck_assert_uint_eq(view.request[1].readable, 2);
	ck_assert_uint_eq(view.request[1].readable_length, 30);
	ck_assert_uint_eq(view.request[1].writable, 1);
	ck_assert_uint_eq(view.request[1].writable_length, 30);
	ck_assert_ptr_eq(view.request[1].iov[2].iov_base, guest.ram + FAKE_BUFFERS + 200);
	ck_assert_uint_eq(view.request[2].writable_length, 8);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(virtqueue_pop(&queue, &chain));
		ck_assert_uint_eq(chain.head, view.request[i].head);
	}
}

START_TEST(hands_back_many_requests_together)
{
	for (unsigned i = 0; i < UINT16_MAX + 30; i++) {
		unsigned posted = 1 + i % FAKE_QUEUE_SIZE;

		for (unsigned j = 0; j < posted; j++)
			fake_ring_post(&ring, BUFFER + j, 1 + j, W);
		ck_assert_uint_eq(virtqueue_look(&queue, &view, 1000), posted);
		for (unsigned j = 0; j < posted; j++)
			view.request[j].written = i % 5 + j;
		virtqueue_return(&queue, view.request, posted / 2);
		virtqueue_return(&queue, &view.request[posted / 2], posted - posted / 2);
		virtqueue_flush(&queue);
		for (unsigned j = 0; j < posted; j++)
			ck_assert_int_eq(fake_ring_reap(&ring), i % 5 + j);
	}
	ck_assert_ptr_null(queue.broken);
}

static const struct vring_desc bad[] = {
	{ .addr = BEHIND_RAM, .len = 1 },
	{ .addr = BEHIND_RAM - 1, .len = 2 },
	{ .addr = UINT64_MAX, .len = 2 },
	{ .addr = BUFFER, .len = UINT32_MAX },
	{ .addr = BUFFER, .len = 1, .flags = N, .next = 1 },
	{ .addr = BUFFER, .len = 1, .flags = N, .next = FAKE_QUEUE_SIZE },
	{ .addr = TABLE, .len = 17, .flags = I },
};

START_TEST(shows_nothing_of_a_ring_with_a_request_that_makes_no_sense)
{
	fake_ring_post(&ring, BUFFER, 1, 0);
	fake_ring_post(&ring, BUFFER, 1, 0);
	queue.desc[1] = bad[_i];

	ck_assert_uint_eq(virtqueue_look(&queue, &view, 8), 0);
	ck_assert_ptr_nonnull(queue.broken);
	queue.desc[1] = queue.desc[0];
	ck_assert_uint_eq(virtqueue_look(&queue, &view, 8), 0);
}

START_TEST(shows_as_much_as_a_view_holds)
{
	fill_table(VIRTQUEUE_SEGMENTS, 1);
	for (unsigned i = 0; i < 6; i++)
		post_table(TABLE, VIRTQUEUE_SEGMENTS);

	ck_assert_uint_eq(virtqueue_look(&queue, &view, 6), 4);
	virtqueue_return(&queue, view.request, 4);
	ck_assert_uint_eq(virtqueue_look(&queue, &view, 6), 2);
}

START_TEST(arms_for_the_next_request_behind_those_seen)
{
	queue.event_index = _i;
	ck_assert(!virtqueue_arm(&queue));
	ck_assert_uint_eq(ring.ring.used->flags, 0);
	fake_ring_post(&ring, BUFFER, 1, 0);
	ck_assert(virtqueue_arm(&queue));
	ck_assert_uint_eq(virtqueue_look(&queue, &view, 8), 1);
	ck_assert_uint_eq(ring.ring.used->flags, _i ? 0 : VRING_USED_F_NO_NOTIFY);
	ck_assert(!virtqueue_arm(&queue));
	ck_assert_uint_eq(ring.ring.used->flags, 0);
	if (_i)
		ck_assert_uint_eq(vring_avail_event(&ring.ring), 1);
}

START_TEST(serves_the_largest_ring_there_may_be)
{
	const uint64_t size = 32768, used = FAKE_RAM_BASE + 16 * size + 0x20000;
	struct fake_guest large = { .ram = calloc(1, 0x200000) };

	large.memory = (struct guest_memory){ { { FAKE_RAM_BASE, 0x200000, large.ram } }, 1 };
	queue = (struct virtqueue){
		.memory = &large.memory,
		.interrupt = count_interrupt,
		.desc_address = FAKE_RAM_BASE,
		.avail_address = FAKE_RAM_BASE + 16 * size,
		.used_address = used,
		.size = (uint16_t)size,
	};
	ck_assert_int_eq(virtqueue_enable(&queue), 0);
	for (unsigned i = 0; i < 3 * size; i++) {
		queue.desc[i % size] = (struct vring_desc){ .addr = FAKE_RAM_BASE, .len = 1 };
		queue.avail->ring[i % size] = (uint16_t)(i % size);
		queue.avail->idx++;
		ck_assert(virtqueue_pop(&queue, &chain));
		ck_assert_uint_eq(chain.head, i % size);
		virtqueue_push(&queue, chain.head, 0);
	}
	virtqueue_flush(&queue);
	ck_assert_uint_eq(queue.used->idx, (3 * size) & 0xffff);
	free(large.ram);
}

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, looks_at_many_requests_without_taking_them);
	tcase_add_test(tcase, hands_back_many_requests_together);
	tcase_add_loop_test(tcase, shows_nothing_of_a_ring_with_a_request_that_makes_no_sense, 0,
		ARRAY_SIZE(bad));
	tcase_add_test(tcase, shows_as_much_as_a_view_holds);
	tcase_add_loop_test(tcase, arms_for_the_next_request_behind_those_seen, 0, 2);
	tcase_add_test(tcase, serves_the_largest_ring_there_may_be);
}

int main(void)
{
	Suite *suite = suite_create("virtqueue: many requests");
	TCase *tcase = tcase_create("virtqueue");
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
