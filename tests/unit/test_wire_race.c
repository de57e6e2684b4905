/* A wire, against a guest on another processor that rewrites everything while it is looked at. */
#include "vhost_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH 200 /* frames that came through, and connections that were closed */
#define TURNS_MOST 2000000
#define FRAME 60

static atomic_bool done;

static struct virtio_net_hdr_v1 *header_of(unsigned head)
{
	const struct fake_card_queue *queue = &card[0].queue[FAKE_CARD_TRANSMIT];

	return (void *)(queue->buffers + (size_t)head * queue->buffer_size);
}

static void rewrite_header(unsigned turn)
{
	static const uint16_t places[] = { 0, 14, 34, 60, 100, UINT16_MAX };
	static const uint8_t kinds[] = { 0, 1, 3, 4, 5, 0x80, 0x81, 0xff };
	struct virtio_net_hdr_v1 *header = header_of(0);

	__atomic_store_n(&header->flags, (uint8_t)(turn >> 3), __ATOMIC_RELAXED);
	__atomic_store_n(&header->gso_type, kinds[turn % 8], __ATOMIC_RELAXED);
	__atomic_store_n(&header->csum_start, places[turn % 6], __ATOMIC_RELAXED);
	__atomic_store_n(&header->csum_offset, places[turn % 5], __ATOMIC_RELAXED);
	__atomic_store_n(&header->gso_size, places[turn % 4], __ATOMIC_RELAXED);
	__atomic_store_n(&header->hdr_len, places[turn % 6], __ATOMIC_RELAXED);
}

static void rewrite_descriptor(struct vring_desc *desc, unsigned turn)
{
	const uint64_t buffer = fake_card_address(&card[0], header_of(0));
	const uint64_t table =
		fake_card_address(&card[0], card[0].queue[FAKE_CARD_TRANSMIT].tables);
	const struct vring_desc versions[] = {
		{ buffer, 12 + FRAME, 0, 0 },
		{ buffer, 12 + FRAME, 0, 0 },
		{ buffer, 12, VRING_DESC_F_NEXT, 1 },
		{ buffer, UINT32_MAX, 0, 0 },
		{ FAKE_CARD_BASE + card[0].ram_size - 8, 64, 0, 0 },
		{ UINT64_MAX - 8, 64, VRING_DESC_F_NEXT, 0xffff },
		{ table, 32, VRING_DESC_F_INDIRECT, 0 },
		{ buffer, 12 + FRAME, VRING_DESC_F_WRITE, 0 },
	};
	const struct vring_desc *from = &versions[turn % 8];

	__atomic_store_n(&desc->addr, from->addr, __ATOMIC_RELAXED);
	__atomic_store_n(&desc->len, from->len, __ATOMIC_RELAXED);
	__atomic_store_n(&desc->flags, from->flags, __ATOMIC_RELAXED);
	__atomic_store_n(&desc->next, from->next, __ATOMIC_RELAXED);
}

static void *rewrite(void *unused)
{
	struct fake_card_queue *queue = &card[0].queue[FAKE_CARD_TRANSMIT];

	for (unsigned i = 0; !atomic_load(&done); i++) {
		rewrite_header(i);
		rewrite_descriptor(&queue->ring.desc[i & 1], i >> 4);
		rewrite_descriptor(&queue->tables[i & 1], i >> 5);
		rewrite_descriptor(&card[0].queue[FAKE_CARD_RECEIVE].ring.desc[i & 3], i >> 2);
	}
	return unused;
}

/* Wherever the frame lies by now, its ring is full of it. */
static void post_frames(void)
{
	struct fake_card_queue *queue = &card[0].queue[FAKE_CARD_TRANSMIT];
	uint16_t used = __atomic_load_n(&queue->ring.used->idx, __ATOMIC_ACQUIRE);
	uint16_t posted = __atomic_load_n(&queue->ring.avail->idx, __ATOMIC_RELAXED);

	while ((uint16_t)(posted - used) < 16) {
		fake_card_post_head(queue, posted & 1);
		posted++;
	}
}

/* What the good guest's card shows must make sense, whatever the other one wrote meanwhile. */
static void check_frame(const struct virtio_net_hdr_v1 *header, int length)
{
	ck_assert_int_ge(length, 14);
	ck_assert_uint_ge(header->num_buffers, 1);
	ck_assert_uint_eq(header->flags & ~(unsigned)VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		ck_assert_int_le(header->csum_start + header->csum_offset + 2, length);
	if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return;
	ck_assert_uint_ne(header->gso_size, 0);
	ck_assert_uint_ne(header->flags, 0);
}

static unsigned receive_all(void)
{
	struct virtio_net_hdr_v1 header;
	unsigned count = 0;

	for (;;) {
		int length = fake_card_receive(&card[1], &header, NULL, 0);

		ck_assert_int_ne(length, -2);
		if (length < 0)
			return count;
		check_frame(&header, length);
		fake_card_kick(&card[1], FAKE_CARD_RECEIVE);
		count++;
	}
}

/* Memory of the good guest in which no frame may land: what it sends, and its tables. */
static void fill_untouchable(void)
{
	const struct fake_card_queue *queue = &card[1].queue[FAKE_CARD_TRANSMIT];

	memset(queue->buffers, 0x5a, (size_t)queue->ring.num * queue->buffer_size);
}

static void check_untouchable(void)
{
	const struct fake_card_queue *queue = &card[1].queue[FAKE_CARD_TRANSMIT];

	for (size_t i = 0; i < (size_t)queue->ring.num * queue->buffer_size; i++)
		ck_assert_uint_eq(queue->buffers[i], 0x5a);
}

/* As it is: nothing that the other thread writes is followed here. */
static void restart_hostile(void)
{
	plug_in(0, &(struct fake_frontend_options){ 0 });
	ck_assert_int_eq(fake_frontend_resume(&frontend[0]), 0);
	fake_worker_turn(&worker);
}

START_TEST(trusts_nothing_a_guest_can_still_change)
{
	pthread_t thread;
	unsigned received = 0, closed = 0;

	start_both(&(struct fake_frontend_options){ 0 });
	fill_untouchable();
	ck_assert_int_eq(pthread_create(&thread, NULL, rewrite, NULL), 0);
	for (unsigned i = 0; i < TURNS_MOST && (received < ENOUGH || closed < ENOUGH); i++) {
		if (!worker.plug[0].session) {
			closed++;
			restart_hostile();
		}
		post_frames();
		fake_card_kick(&card[0], FAKE_CARD_TRANSMIT);
		fake_worker_turn(&worker);
		received += receive_all();
		ck_assert_ptr_nonnull(worker.plug[1].session);
	}
	atomic_store(&done, true);
	pthread_join(thread, NULL);

	ck_assert_uint_ge(received, ENOUGH);
	ck_assert_uint_ge(closed, ENOUGH);
	check_untouchable();
	start_one(0, &(struct fake_frontend_options){ 0 });
	expect_traffic(0, 1);
	expect_traffic(1, 2);
}

int main(void)
{
	Suite *suite = suite_create("wire race");
	TCase *tcase = tcase_create("race");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, trusts_nothing_a_guest_can_still_change);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
