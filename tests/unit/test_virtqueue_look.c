/* Looking at many requests of a ring together: what a view holds, and what it does not. */
#include "fake_guest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER (FAKE_RAM_BASE + FAKE_BUFFERS)
#define TABLE_OFFSET 0x8000
#define LONG 64 /* bytes of a buffer */

static struct fake_guest guest;
static struct fake_ring ring;
static struct virtqueue queue;

/* What is behind the view must stay as it is. */
static struct {
	struct virtqueue_view view;
	struct iovec behind[VIRTQUEUE_VIEW_REQUESTS];
} looked;

static void ignore_interrupt(struct virtqueue *interrupting)
{
	(void)interrupting;
}

static void start(void)
{
	fake_guest_create(&guest);
	queue = (struct virtqueue){
		.interrupt = ignore_interrupt,
		.event_index = true,
		.indirect = true,
	};
	fake_ring_create(&ring, &guest, &queue, 0);
	ck_assert_int_eq(virtqueue_enable(&queue), 0);
	memset(&looked, 0, sizeof(looked));
}

static void stop(void)
{
	static const struct iovec nothing;

	for (unsigned i = 0; i < VIRTQUEUE_VIEW_REQUESTS; i++)
		ck_assert_mem_eq(&looked.behind[i], &nothing, sizeof(nothing));
	virtqueue_disable(&queue);
	fake_guest_destroy(&guest);
}

static void post_single(void)
{
	fake_ring_post(&ring, BUFFER, LONG, 0);
}

/* A request of as many segments as one may have. */
static void post_longest(void)
{
	struct vring_desc *table = (void *)(guest.ram + TABLE_OFFSET);

	for (unsigned i = 0; i < VIRTQUEUE_SEGMENTS; i++)
		table[i] = (struct vring_desc){
			.addr = BUFFER + i,
			.len = 1,
			.flags = i + 1 < VIRTQUEUE_SEGMENTS ? VRING_DESC_F_NEXT : 0,
			.next = (uint16_t)(i + 1),
		};
	fake_ring_post(&ring, FAKE_RAM_BASE + TABLE_OFFSET,
		VIRTQUEUE_SEGMENTS * (uint32_t)sizeof(*table), VRING_DESC_F_INDIRECT);
}

static unsigned look(void)
{
	return virtqueue_look(&queue, &looked.view, VIRTQUEUE_VIEW_REQUESTS);
}

/* As many as were looked at go back, as a device does with them. */
static void hand_back(void)
{
	virtqueue_return(&queue, looked.view.request, looked.view.count);
	virtqueue_flush(&queue);
}

START_TEST(takes_nothing)
{
	post_single();
	post_longest();

	ck_assert_uint_eq(look(), 2);
	ck_assert_uint_eq(look(), 2);
	ck_assert_uint_eq(looked.view.request[0].readable_length, LONG);
	ck_assert_uint_eq(looked.view.request[1].readable, VIRTQUEUE_SEGMENTS);
	hand_back();
	ck_assert_uint_eq(look(), 0);
}

/* Longest requests before the i-th, the rest single buffers: in whatever order, all are served. */
START_TEST(holds_no_more_segments_than_there_is_room_for)
{
	unsigned served = 0;

	for (int i = 0; i < FAKE_QUEUE_SIZE; i++) {
		if (i < _i)
			post_longest();
		else
			post_single();
	}
	while (look()) {
		const struct virtqueue_request *last = &looked.view.request[looked.view.count - 1];

		ck_assert_uint_le((size_t)(last->iov + last->readable - looked.view.segment),
			VIRTQUEUE_VIEW_SEGMENTS);
		served += looked.view.count;
		hand_back();
	}

	ck_assert_uint_eq(served, FAKE_QUEUE_SIZE);
	ck_assert_ptr_null(queue.broken);
}

int main(void)
{
	Suite *suite = suite_create("virtqueue_look");
	TCase *tcase = tcase_create("virtqueue_look");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, takes_nothing);
	tcase_add_loop_test(tcase, holds_no_more_segments_than_there_is_room_for, 0,
		FAKE_QUEUE_SIZE + 1);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
