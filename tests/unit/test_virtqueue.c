/* The split ring, against drivers that get it wrong and drivers that are lazy. */
#include "compiler.h"
#include "fake_guest.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

START_TEST(gives_readable_parts_before_writable_ones)
{
	const struct vring_desc part[] = {
		{ .addr = BUFFER, .len = 10 },
		{ .addr = BUFFER + 100, .len = 20 },
		{ .addr = BUFFER + 200, .len = 30, .flags = W },
	};
	uint16_t head = fake_ring_post_chain(&ring, part, ARRAY_SIZE(part));

	ck_assert(virtqueue_pop(&queue, &chain));
	ck_assert_uint_eq(chain.head, head);
	ck_assert_uint_eq(chain.readable, 2);
	ck_assert_uint_eq(chain.writable, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(part); i++) {
		ck_assert_ptr_eq(chain.iov[i].iov_base, guest.ram + (part[i].addr - FAKE_RAM_BASE));
		ck_assert_uint_eq(chain.iov[i].iov_len, part[i].len);
	}
	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_null(queue.broken);
}

START_TEST(skips_empty_descriptors_wherever_they_point)
{
	const struct vring_desc part[] = {
		{ .addr = UINT64_MAX, .len = 0 },
		{ .addr = BUFFER, .len = 1 },
		{ .addr = 0, .len = 0 },
	};

	fake_ring_post_chain(&ring, part, ARRAY_SIZE(part));
	fake_ring_post(&ring, 0, 0, W);

	ck_assert(virtqueue_pop(&queue, &chain));
	ck_assert_uint_eq(chain.readable, 1);
	ck_assert(virtqueue_pop(&queue, &chain));
	ck_assert_uint_eq(chain.readable + chain.writable, 0);
	ck_assert_ptr_null(queue.broken);
}

START_TEST(follows_a_chain_into_an_indirect_table)
{
	struct vring_desc part[] = {
		{ .addr = BUFFER, .len = 5 },
		{ .addr = TABLE, .len = 3 * sizeof(struct vring_desc), .flags = I | W },
	};

	fill_table(3, 1);
	fake_ring_post_chain(&ring, part, ARRAY_SIZE(part));

	ck_assert(virtqueue_pop(&queue, &chain));
	ck_assert_uint_eq(chain.readable, 4);
	ck_assert_ptr_eq(chain.iov[3].iov_base, guest.ram + FAKE_BUFFERS + 2);
}

START_TEST(takes_an_indirect_table_at_any_address)
{
	const uint64_t odd = TABLE + 0x1001;

	fill_table(2, 1);
	memcpy(guest.ram + (odd - FAKE_RAM_BASE), table(), 2 * sizeof(struct vring_desc));
	post_table(odd, 2);

	ck_assert(virtqueue_pop(&queue, &chain));
	ck_assert_uint_eq(chain.readable, 2);
}

START_TEST(takes_as_many_indirect_descriptors_as_a_chain_holds)
{
	fill_table(VIRTQUEUE_SEGMENTS, 1);
	post_table(TABLE, VIRTQUEUE_SEGMENTS);

	ck_assert(virtqueue_pop(&queue, &chain));
	ck_assert_uint_eq(chain.readable, VIRTQUEUE_SEGMENTS);
}

/* Tables that make no sense; the length of descriptors and of the table, and a change to it. */
static const struct {
	unsigned count;
	uint32_t length;
	struct vring_desc
		changed; /* replaces the second descriptor, when it has flags or an address */
} bad_table[] = {
	{ VIRTQUEUE_SEGMENTS + 1, 1, { 0 } },
	{ VIRTQUEUE_SEGMENTS + 1, 0, { 0 } },
	{ 4, 1, { .addr = TABLE + 48, .len = 16, .flags = I } },
	{ 4, 1, { .addr = BUFFER, .len = 1, .flags = N, .next = 4 } },
	{ 4, 1, { .addr = BUFFER, .len = 1, .flags = N, .next = 1 } },
	{ 4, 0, { .addr = BUFFER, .len = 0, .flags = N, .next = 0 } },
	{ 4, 1, { .addr = BUFFER, .len = 1, .flags = N | W, .next = 2 } },
	{ 4, 1, { .addr = BEHIND_RAM, .len = 1, .flags = 0 } },
};

START_TEST(refuses_a_table_that_makes_no_sense)
{
	fill_table(bad_table[_i].count, bad_table[_i].length);
	if (bad_table[_i].changed.addr)
		table()[1] = bad_table[_i].changed;
	post_table(TABLE, bad_table[_i].count);

	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_nonnull(queue.broken);
}

/* Chains of up to two descriptors that make no sense. */
static const struct vring_desc bad_chain[][2] = {
	{ { .addr = 0, .len = 1 } },
	{ { .addr = FAKE_RAM_BASE - 1, .len = 1 } },
	{ { .addr = FAKE_RAM_BASE - 1, .len = 2 } },
	{ { .addr = BEHIND_RAM, .len = 1 } },
	{ { .addr = BEHIND_RAM - 1, .len = 2 } },
	{ { .addr = BUFFER, .len = UINT32_MAX } },
	{ { .addr = UINT64_MAX, .len = 1 } },
	{ { .addr = UINT64_MAX - 1, .len = 4 } },
	{ { .addr = BUFFER, .len = 1, .flags = N, .next = FAKE_QUEUE_SIZE } },
	{ { .addr = BUFFER, .len = 1, .flags = N, .next = UINT16_MAX } },
	{ { .addr = BUFFER, .len = 1, .flags = N, .next = 0 } },
	{ { .addr = BUFFER, .len = 0, .flags = N, .next = 0 } },
	{ { .addr = BUFFER, .len = 1, .flags = N, .next = 1 },
		{ .addr = BUFFER, .len = 1, .flags = N, .next = 0 } },
	{ { .addr = BUFFER, .len = 1, .flags = N | W, .next = 1 }, { .addr = BUFFER, .len = 1 } },
	{ { .addr = TABLE, .len = 0, .flags = I } },
	{ { .addr = TABLE, .len = 15, .flags = I } },
	{ { .addr = TABLE, .len = 24, .flags = I } },
	{ { .addr = TABLE, .len = UINT32_MAX - 15, .flags = I } },
	{ { .addr = BEHIND_RAM - 16, .len = 32, .flags = I } },
	{ { .addr = UINT64_MAX - 15, .len = 32, .flags = I } },
	{ { .addr = TABLE, .len = 16, .flags = I | N, .next = 1 }, { .addr = BUFFER, .len = 1 } },
};

START_TEST(refuses_a_chain_that_makes_no_sense)
{
	memcpy(queue.desc, bad_chain[_i], sizeof(bad_chain[_i]));
	ring.ring.avail->ring[0] = 0;
	ring.ring.avail->idx = 1;

	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_nonnull(queue.broken);
	ck_assert(!virtqueue_pop(&queue, &chain));
}

START_TEST(refuses_indirect_tables_that_were_not_negotiated)
{
	queue.indirect = false;
	fill_table(2, 1);
	post_table(TABLE, 2);

	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_nonnull(queue.broken);
}

START_TEST(refuses_a_head_behind_the_table)
{
	static const uint16_t heads[] = { FAKE_QUEUE_SIZE, 255, UINT16_MAX };

	ring.ring.avail->ring[0] = heads[_i];
	ring.ring.avail->idx = 1;

	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_nonnull(queue.broken);
}

START_TEST(refuses_an_index_that_jumps)
{
	static const uint16_t indices[] = { FAKE_QUEUE_SIZE + 1, 0x8000, UINT16_MAX };

	ring.ring.avail->idx = indices[_i];

	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_nonnull(queue.broken);
}

START_TEST(refuses_an_index_that_goes_back)
{
	fake_ring_post(&ring, BUFFER, 1, 0);
	ck_assert(virtqueue_pop(&queue, &chain));
	ring.ring.avail->idx--;

	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_nonnull(queue.broken);
}

START_TEST(serves_a_head_that_comes_twice)
{
	uint16_t head = fake_ring_post(&ring, BUFFER, 1, 0);

	ring.ring.avail->ring[1] = head;
	ring.ring.avail->idx = 2;
	while (virtqueue_pop(&queue, &chain))
		virtqueue_push(&queue, chain.head, 0);
	virtqueue_flush(&queue);

	ck_assert_uint_eq(ring.ring.used->idx, 2);
	ck_assert_ptr_null(queue.broken);
}

START_TEST(refuses_a_request_of_more_than_four_gigabytes)
{
	static struct vring_desc huge[2] = {
		{ .addr = 0x100000000, .len = 0x80000000, .flags = N, .next = 1 },
		{ .addr = 0x100000000, .len = 0x80000000 },
	};

	guest.memory.region[1] = (struct guest_memory_region){
		.base = 0x100000000,
		.size = 0x80000000,
		.host = guest.ram, /* never touched there */
	};
	guest.memory.count = 2;
	memcpy(queue.desc, huge, sizeof(huge));
	ring.ring.avail->idx = 1;

	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_nonnull(queue.broken);
}

START_TEST(refuses_buffers_across_a_hole_in_memory)
{
	guest.memory.region[0].size = FAKE_RAM_SIZE / 2;
	guest.memory.region[1] = (struct guest_memory_region){
		.base = FAKE_RAM_BASE + FAKE_RAM_SIZE / 2 + 0x1000,
		.size = 0x1000,
		.host = guest.ram + FAKE_RAM_SIZE / 2 + 0x1000,
	};
	guest.memory.count = 2;
	fake_ring_post(&ring, FAKE_RAM_BASE + FAKE_RAM_SIZE / 2 - 16, 0x1020, 0);

	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_nonnull(queue.broken);
}

/* Queues that cannot be; the fields that are 0 are those of a good one. */
static const struct {
	unsigned size;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
} bad_queue[] = {
	{ .size = UINT16_MAX + 1 }, /* 0 once it is in 16 bits */
	{ .size = 3 },
	{ .size = VIRTQUEUE_SIZE_MAX + 1 },
	{ .size = VIRTQUEUE_SIZE_MAX }, /* more than this guest's memory holds */
	{ .desc = FAKE_RAM_BASE + 8 },
	{ .avail = FAKE_RAM_BASE + 1 },
	{ .used = FAKE_RAM_BASE + 2 },
	{ .desc = BEHIND_RAM },
	{ .desc = BEHIND_RAM - 16 },
	{ .desc = UINT64_MAX - 15 },
	{ .avail = BEHIND_RAM - 2 },
	{ .avail = FAKE_RAM_BASE - 2 },
	{ .used = BEHIND_RAM - 4 },
	{ .used = UINT64_MAX - 3 },
};

START_TEST(refuses_a_queue_that_cannot_be)
{
	virtqueue_disable(&queue);
	if (bad_queue[_i].size)
		queue.size = (uint16_t)bad_queue[_i].size;
	if (bad_queue[_i].desc)
		queue.desc_address = bad_queue[_i].desc;
	if (bad_queue[_i].avail)
		queue.avail_address = bad_queue[_i].avail;
	if (bad_queue[_i].used)
		queue.used_address = bad_queue[_i].used;

	ck_assert_int_eq(virtqueue_enable(&queue), -EINVAL);
	ck_assert_ptr_nonnull(queue.broken);
	ck_assert(!virtqueue_pop(&queue, &chain));
	virtqueue_push(&queue, 0, 0);
	virtqueue_flush(&queue);
}

START_TEST(gives_back_what_was_popped_in_vain)
{
	uint16_t head = fake_ring_post(&ring, BUFFER, 1, 0);

	ck_assert(virtqueue_pop(&queue, &chain));
	virtqueue_unpop(&queue);

	ck_assert(virtqueue_pop(&queue, &chain));
	ck_assert_uint_eq(chain.head, head);
}

START_TEST(shows_pushed_requests_only_when_flushed)
{
	fake_ring_post(&ring, BUFFER, 64, W);
	ck_assert(virtqueue_pop(&queue, &chain));
	virtqueue_push(&queue, chain.head, 33);
	ck_assert_int_eq(fake_ring_reap(&ring), -1);
	virtqueue_flush(&queue);

	ck_assert_int_eq(fake_ring_reap(&ring), 33);
	ck_assert_uint_eq(interrupts, 1);
	virtqueue_flush(&queue);
	ck_assert_uint_eq(interrupts, 1);
}

static void serve(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		fake_ring_post(&ring, BUFFER, 1, 0);
		ck_assert(virtqueue_pop(&queue, &chain));
		virtqueue_push(&queue, chain.head, 0);
		virtqueue_flush(&queue);
	}
}

START_TEST(interrupts_when_the_event_index_is_passed)
{
	vring_used_event(&ring.ring) = 2;
	serve(2);
	ck_assert_uint_eq(interrupts, 0);
	serve(1);
	ck_assert_uint_eq(interrupts, 1);
	serve(FAKE_QUEUE_SIZE);
	ck_assert_uint_eq(interrupts, 1);
}

START_TEST(interrupts_by_the_flag_without_event_index)
{
	queue.event_index = false;
	serve(1);
	ck_assert_uint_eq(interrupts, 1);
	ring.ring.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	serve(1);
	ck_assert_uint_eq(interrupts, 1);
}

START_TEST(goes_round_the_ring_and_round_its_index)
{
	for (unsigned i = 0; i < UINT16_MAX + 10; i++) {
		fake_ring_post(&ring, BUFFER, 1, W);
		ck_assert(virtqueue_pop(&queue, &chain));
		virtqueue_push(&queue, chain.head, i & 0xff);
		virtqueue_flush(&queue);
		ck_assert_int_eq(fake_ring_reap(&ring), i & 0xff);
	}

	ck_assert_uint_eq(interrupts, UINT16_MAX + 10);
}

START_TEST(goes_on_where_somebody_else_left_off)
{
	uint16_t second;

	for (unsigned i = 0; i < FAKE_QUEUE_SIZE + 1; i++) {
		fake_ring_post(&ring, BUFFER, 1, W);
		ck_assert(virtqueue_pop(&queue, &chain));
		virtqueue_push(&queue, chain.head, 0);
		virtqueue_flush(&queue);
		fake_ring_reap(&ring);
	}
	fake_ring_post(&ring, BUFFER, 1, W);
	second = fake_ring_post(&ring, BUFFER, 1, W);
	virtqueue_disable(&queue);
	interrupts = 0;

	ck_assert_int_eq(virtqueue_enable_at(&queue, FAKE_QUEUE_SIZE + 2), 0);
	ck_assert(virtqueue_pop(&queue, &chain));
	ck_assert_uint_eq(chain.head, second);
	virtqueue_push(&queue, chain.head, 5);
	virtqueue_flush(&queue);
	ck_assert_int_eq(fake_ring_reap(&ring), 5);
	ck_assert_uint_eq(interrupts, 1);
	ck_assert(!virtqueue_pop(&queue, &chain));
	ck_assert_ptr_null(queue.broken);
}

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, gives_readable_parts_before_writable_ones);
	tcase_add_test(tcase, skips_empty_descriptors_wherever_they_point);
	tcase_add_test(tcase, follows_a_chain_into_an_indirect_table);
	tcase_add_test(tcase, takes_an_indirect_table_at_any_address);
	tcase_add_test(tcase, takes_as_many_indirect_descriptors_as_a_chain_holds);
	tcase_add_loop_test(tcase, refuses_a_table_that_makes_no_sense, 0, ARRAY_SIZE(bad_table));
	tcase_add_loop_test(tcase, refuses_a_chain_that_makes_no_sense, 0, ARRAY_SIZE(bad_chain));
	tcase_add_test(tcase, refuses_indirect_tables_that_were_not_negotiated);
	tcase_add_loop_test(tcase, refuses_a_head_behind_the_table, 0, 3);
	tcase_add_loop_test(tcase, refuses_an_index_that_jumps, 0, 3);
	tcase_add_test(tcase, refuses_an_index_that_goes_back);
	tcase_add_test(tcase, serves_a_head_that_comes_twice);
	tcase_add_test(tcase, refuses_a_request_of_more_than_four_gigabytes);
	tcase_add_test(tcase, refuses_buffers_across_a_hole_in_memory);
	tcase_add_loop_test(tcase, refuses_a_queue_that_cannot_be, 0, ARRAY_SIZE(bad_queue));
	tcase_add_test(tcase, gives_back_what_was_popped_in_vain);
	tcase_add_test(tcase, shows_pushed_requests_only_when_flushed);
	tcase_add_test(tcase, interrupts_when_the_event_index_is_passed);
	tcase_add_test(tcase, interrupts_by_the_flag_without_event_index);
	tcase_add_test(tcase, goes_on_where_somebody_else_left_off);
	tcase_add_test(tcase, goes_round_the_ring_and_round_its_index);
}

int main(void)
{
	Suite *suite = suite_create("virtqueue");
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
