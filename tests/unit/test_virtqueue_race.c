/* The split ring, against a driver on another processor. */
#include "compiler.h"
#include "fake_guest.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BUFFER (FAKE_RAM_BASE + FAKE_BUFFERS)
#define BEHIND_RAM (FAKE_RAM_BASE + FAKE_RAM_SIZE)
#define TABLE_OFFSET 0x8000
#define TABLE (FAKE_RAM_BASE + TABLE_OFFSET)
#define LAST_TURN 10000000
#define ENOUGH 100

static struct fake_guest guest;
static struct fake_ring ring;
static struct virtqueue queue;
static struct virtqueue_chain chain;
static atomic_bool done;

static void start(void)
{
	fake_guest_create(&guest);
	queue = (struct virtqueue){
		.indirect = true,
	};
	fake_ring_create(&ring, &guest, &queue, 0);
	ck_assert_int_eq(virtqueue_enable(&queue), 0);
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

/*
 * A driver on another processor changes descriptors while they are read. Whatever the device
 * makes of it, each segment is of guest memory and of the length that was checked.
 */
static void *rewrite(void *owner)
{
	static const struct vring_desc version[] = {
		{ .addr = BUFFER, .len = 16 },
		{ .addr = BEHIND_RAM - 16, .len = 16, .flags = VRING_DESC_F_WRITE },
		{ .addr = BEHIND_RAM - 1, .len = UINT32_MAX },
		{ .addr = TABLE, .len = 32, .flags = VRING_DESC_F_INDIRECT },
		{ .addr = BUFFER, .len = 1, .flags = VRING_DESC_F_NEXT, .next = 0 },
	};
	struct vring_desc *shared[2] = { owner, table() };

	for (unsigned i = 0; !atomic_load(&done); i++) {
		const struct vring_desc *from = &version[i % ARRAY_SIZE(version)];
		struct vring_desc *to = shared[i & 1];

		__atomic_store_n(&to->addr, from->addr, __ATOMIC_RELAXED);
		__atomic_store_n(&to->len, from->len, __ATOMIC_RELAXED);
		__atomic_store_n(&to->flags, from->flags, __ATOMIC_RELAXED);
		__atomic_store_n(&to->next, from->next, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void check_segments(void)
{
	for (unsigned i = 0; i < chain.readable + chain.writable; i++) {
		uint64_t offset = (uint64_t)((uint8_t *)chain.iov[i].iov_base - guest.ram);

		ck_assert_uint_lt(offset, FAKE_RAM_SIZE);
		ck_assert_uint_le(chain.iov[i].iov_len, FAKE_RAM_SIZE - offset);
	}
}

START_TEST(trusts_nothing_a_driver_can_still_change)
{
	pthread_t thread;
	unsigned popped = 0, refused = 0;

	table()[1] = (struct vring_desc){ .addr = BUFFER, .len = 8 };
	ck_assert_int_eq(pthread_create(&thread, NULL, rewrite, queue.desc), 0);
	for (unsigned i = 0; i < LAST_TURN && (popped < ENOUGH || refused < ENOUGH); i++) {
		ring.ring.avail->ring[queue.next_avail % FAKE_QUEUE_SIZE] = 0;
		ring.ring.avail->idx = (uint16_t)(queue.next_avail + 1);
		if (virtqueue_pop(&queue, &chain)) {
			popped++;
			check_segments();
		} else {
			refused++;
			queue.broken = NULL;
		}
	}
	atomic_store(&done, true);
	pthread_join(thread, NULL);

	ck_assert_uint_ge(popped, ENOUGH);
	ck_assert_uint_ge(refused, ENOUGH);
}

int main(void)
{
	Suite *suite = suite_create("virtqueue race");
	TCase *tcase = tcase_create("race");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, trusts_nothing_a_driver_can_still_change);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
