/* A guest whose other processor rewrites what it has sent, while it is being looked at. */
#include "vhost_port_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define ENOUGH 300

static atomic_bool done;

/* Descriptors of every kind, some behind the end of memory. */
static void rewrite_descriptor(struct fake_card *card, unsigned i)
{
	struct vring_desc *desc = &card->queue[FAKE_CARD_TRANSMIT].ring.desc[i % 8];
	uint64_t end_of_ram = FAKE_CARD_BASE + card->ram_size;
	const uint64_t addresses[] = { FAKE_CARD_BASE + 0x8000, end_of_ram - 64, end_of_ram - 1 };
	const uint32_t lengths[] = { 72, 12, 13, 64, 26, 4096, UINT32_MAX };
	const uint16_t flags[] = { 0, 0, VRING_DESC_F_NEXT, VRING_DESC_F_INDIRECT };

	__atomic_store_n(&desc->addr, addresses[i / 3 % 3], __ATOMIC_RELAXED);
	__atomic_store_n(&desc->len, lengths[i / 5 % 7], __ATOMIC_RELAXED);
	__atomic_store_n(&desc->flags, flags[i / 7 % 4], __ATOMIC_RELAXED);
	__atomic_store_n(&desc->next, (uint16_t)(i / 11 % 9), __ATOMIC_RELAXED);
}

/* Headers that ask for a checksum, within the frame and beyond. */
static void rewrite_header(struct fake_card *card, unsigned i)
{
	struct virtio_net_hdr *header = (void *)(card->ram + 0x8000);

	if (SANITIZED) /* the race is meant */
		return;
	__atomic_store_n(&header->flags, i & 1, __ATOMIC_RELAXED);
	__atomic_store_n(&header->csum_start, (uint16_t)(i * 40503), __ATOMIC_RELAXED);
	__atomic_store_n(&header->csum_offset, (uint16_t)(i & 31), __ATOMIC_RELAXED);
}

static void *rewrite(void *owner)
{
	for (unsigned i = 0; !atomic_load(&done); i++) {
		rewrite_descriptor(owner, i);
		rewrite_header(owner, i);
	}
	return NULL;
}

static void post(struct virtqueue *queue)
{
	for (unsigned i = 0; i < 4; i++)
		queue->avail->ring[(queue->next_avail + i) % queue->size] = (uint16_t)(2 * i);
	queue->avail->idx = (uint16_t)(queue->next_avail + 4);
}

/* As a driver resets its card. */
static void start_over(struct end *guest)
{
	virtqueue_disable(&guest->vhost.transmit);
	ck_assert_int_eq(virtqueue_enable(&guest->vhost.transmit), 0);
	vhost_port_update(&guest->vhost, guest->card.features);
}

/* What another guest is given makes sense, whatever became of it at its sender. */
static unsigned check_received(void)
{
	struct virtio_net_hdr_v1 header;
	unsigned count = 0;
	int length;

	while ((length = fake_card_receive(&end[1].card, &header, received_bytes, LONGEST)) != -1) {
		ck_assert_int_ge(length, FRAME_LENGTH_LEAST);
		if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
			ck_assert_int_le(header.csum_start + header.csum_offset + 2, length);
		ck_assert_uint_eq(header.gso_type, VIRTIO_NET_HDR_GSO_NONE);
		count++;
	}
	return count;
}

START_TEST(gives_others_only_what_makes_sense)
{
	const uint64_t features = MERGEABLE | INDIRECT | OFFLOADS;
	unsigned received = 0, refused = 0;
	pthread_t thread;

	plug(0, &(struct fake_card_options){ 0 }, features);
	plug(1, &(struct fake_card_options){ 0 }, features);
	ck_assert_int_eq(pthread_create(&thread, NULL, rewrite, &end[0].card), 0);
	while (received < ENOUGH || refused < ENOUGH) {
		if (end[0].vhost.transmit.seen_avail == end[0].vhost.transmit.next_avail)
			post(&end[0].vhost.transmit);
		turn();
		received += check_received();
		if (vhost_port_broken(&end[0].vhost)) {
			refused++;
			start_over(&end[0]);
			sched_yield(); /* or nothing changes for as long as this thread runs */
		}
		ck_assert_ptr_null(vhost_port_broken(&end[1].vhost));
	}
	atomic_store(&done, true);
	pthread_join(thread, NULL);
}

int main(void)
{
	Suite *suite = suite_create("vhost port race");
	TCase *tcase = tcase_create("race");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, gives_others_only_what_makes_sense);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
