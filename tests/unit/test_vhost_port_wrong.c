/* Network cards of guests as ports of a cable: drivers that get it wrong, queues that are off. */
#include "vhost_port_fixture.h"

/* Whole buffers of a sender, header included, that make no sense. */
static const struct {
	uint32_t length;
	struct virtio_net_hdr_v1 header;
} malformed[] = {
	{ 1, { 0 } },
	{ 11, { 0 } },
	{ 12, { 0 } },
	{ 25, { 0 } },
	{ 12 + 65551, { 0 } },
	{ 72, { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 60 } },
	{ 72, { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 25 } },
	{ 72, { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 0xffff, .csum_offset = 1 } },
	{ 72, { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0 } },
	{ 72, { .gso_type = 0x7f, .gso_size = 100 } },
	{ 72, { .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 100 } },
};

START_TEST(leaves_out_and_counts_frames_that_make_no_sense)
{
	uint8_t *buffer;

	plug(0, &(struct fake_card_options){ .transmit_size = 66000 }, MERGEABLE | OFFLOADS);
	plug(1, &(struct fake_card_options){ 0 }, MERGEABLE | OFFLOADS);
	send_frame(0, 60);
	for (unsigned i = 0; i < 2; i++) {
		buffer = fake_card_buffer(&end[0].card);
		memset(buffer, 0, 100);
		memcpy(buffer, &malformed[_i].header, sizeof(malformed[_i].header));
		fake_card_post(&end[0].card, malformed[_i].length);
	}
	send_frame(0, 61);
	run();

	check_arrival(1, 60);
	check_arrival(1, 61);
	ck_assert_uint_eq(fake_card_reap(&end[0].card), 4);
	ck_assert_uint_eq(end[0].vhost.port.counters->dropped[DROP_MALFORMED], 2);
	ck_assert_uint_eq(end[0].vhost.port.counters->frames_sent, 2);
}

START_TEST(gives_back_what_is_nothing_but_malformed)
{
	plug(0, &(struct fake_card_options){ 0 }, MODERN);
	plug(1, &(struct fake_card_options){ 0 }, MODERN);
	for (unsigned i = 0; i < 200; i++) {
		ck_assert_ptr_nonnull(fake_card_buffer(&end[0].card));
		fake_card_post(&end[0].card, 3);
	}
	while (end[0].vhost.port.ops->arm(&end[0].vhost.port, true, false))
		turn();

	ck_assert_uint_eq(fake_card_reap(&end[0].card), 200);
	ck_assert_uint_eq(end[0].vhost.port.counters->dropped[DROP_MALFORMED], 200);
}

START_TEST(says_what_a_driver_did_wrong)
{
	plug(0, &(struct fake_card_options){ 0 }, MODERN);
	plug(1, &(struct fake_card_options){ 0 }, MODERN);
	ck_assert_ptr_null(vhost_port_broken(&end[0].vhost));
	end[0].card.queue[FAKE_CARD_TRANSMIT].ring.avail->idx = 30000;
	ck_assert(send_number(1, 7));
	run();

	ck_assert_ptr_nonnull(vhost_port_broken(&end[0].vhost));
	ck_assert_ptr_null(vhost_port_broken(&end[1].vhost));
	ck_assert(receive_number(0, 7));
}

/* Receive buffers of no use: for reading only, and too small for a header. */
static const struct vring_desc useless[] = {
	{ .addr = FAKE_CARD_BASE, .len = 2048 },
	{ .addr = FAKE_CARD_BASE, .len = 11, .flags = VRING_DESC_F_WRITE },
	{ .addr = FAKE_CARD_BASE, .len = 0, .flags = VRING_DESC_F_WRITE },
	{ .addr = FAKE_CARD_BASE - 1, .len = 2048, .flags = VRING_DESC_F_WRITE },
};

START_TEST(is_broken_by_receive_buffers_without_room)
{
	plug(0, &(struct fake_card_options){ 0 }, MERGEABLE);
	plug(1, &(struct fake_card_options){ 0 }, MERGEABLE);
	end[1].card.queue[FAKE_CARD_RECEIVE].ring.desc[0] = useless[_i];
	send_frame(0, 60);
	run();

	ck_assert_ptr_nonnull(vhost_port_broken(&end[1].vhost));
	ck_assert_ptr_null(vhost_port_broken(&end[0].vhost));
	ck_assert_uint_eq(end[1].card.queue[FAKE_CARD_RECEIVE].ring.used->idx, 0);
}

START_TEST(throws_away_what_is_sent_while_the_queue_is_not_enabled)
{
	plug(0, &(struct fake_card_options){ 0 }, MODERN);
	plug(1, &(struct fake_card_options){ 0 }, MODERN);
	end[0].vhost.transmit_enabled = false;
	vhost_port_update(&end[0].vhost, MODERN);
	ck_assert(send_number(0, 1));
	run();
	ck_assert_uint_eq(fake_card_reap(&end[0].card), 1);
	end[0].vhost.transmit_enabled = true;
	vhost_port_update(&end[0].vhost, MODERN);
	ck_assert(send_number(0, 2));
	run();

	ck_assert(receive_number(1, 2));
	ck_assert_uint_eq(end[0].vhost.port.counters->dropped[DROP_LINK_DOWN], 1);
}

START_TEST(receives_nothing_while_the_queue_is_not_enabled)
{
	plug(0, &(struct fake_card_options){ 0 }, MODERN);
	plug(1, &(struct fake_card_options){ 0 }, MODERN);
	end[1].vhost.receive_enabled = false;
	vhost_port_update(&end[1].vhost, MODERN);
	ck_assert(send_number(0, 1));
	run();

	ck_assert_uint_eq(end[1].card.queue[FAKE_CARD_RECEIVE].ring.used->idx, 0);
	ck_assert_uint_eq(end[1].vhost.port.counters->dropped[DROP_LINK_DOWN], 1);
}

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, leaves_out_and_counts_frames_that_make_no_sense, 0,
		ARRAY_SIZE(malformed));
	tcase_add_test(tcase, gives_back_what_is_nothing_but_malformed);
	tcase_add_test(tcase, says_what_a_driver_did_wrong);
	tcase_add_loop_test(tcase, is_broken_by_receive_buffers_without_room, 0,
		ARRAY_SIZE(useless));
	tcase_add_test(tcase, throws_away_what_is_sent_while_the_queue_is_not_enabled);
	tcase_add_test(tcase, receives_nothing_while_the_queue_is_not_enabled);
}

int main(void)
{
	Suite *suite = suite_create("vhost port: wrong");
	TCase *tcase = tcase_create("vhost port: wrong");
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
