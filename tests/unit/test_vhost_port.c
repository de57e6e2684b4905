/* Network cards of guests as ports of a cable: frames from one guest's memory into another's. */
#include "vhost_port_fixture.h"

static const uint32_t lengths[] = { 14, 15, 42, 59, 60, 63, 64, 65, 76, 100, 127, 128, 129, 256,
	512, 1514, 1518 };

/* How drivers lay out their buffers. */
static const struct {
	uint64_t features;
	struct fake_card_options options;
} layouts[] = {
	{ LEGACY, { 0 } },
	{ LEGACY, { .header_apart = true } },
	{ MODERN, { 0 } },
	{ MODERN, { .header_apart = true } },
	{ MODERN | INDIRECT, { .header_apart = true } },
	{ MERGEABLE, { 0 } },
	{ MERGEABLE, { .two_regions = true } },
	{ MERGEABLE | INDIRECT, { .piece = 64 } },
	{ MERGEABLE, { .receive_size = 128, .ring_size = 64 } },
	{ BIT(VIRTIO_NET_F_MRG_RXBUF), { .receive_size = 100, .ring_size = 32 } },
};

START_TEST(carries_frames_of_every_layout_to_every_other)
{
	unsigned from = (unsigned)_i / ARRAY_SIZE(layouts);
	unsigned to = (unsigned)_i % ARRAY_SIZE(layouts);

	plug(0, &layouts[from].options, layouts[from].features);
	plug(1, &layouts[to].options, layouts[to].features);
	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		send_frame(0, lengths[i]);
		run();
		check_arrival(1, lengths[i]);
	}

	ck_assert_uint_eq(end[1].vhost.port.counters->frames_received, ARRAY_SIZE(lengths));
	ck_assert_uint_eq(end[0].card.queue[FAKE_CARD_TRANSMIT].ring.used->idx,
		ARRAY_SIZE(lengths));
}

/* The header, and a receiver's, cut at every byte. */
START_TEST(carries_frames_whose_headers_lie_in_pieces)
{
	const struct fake_card_options pieces = { .piece = (uint32_t)_i, .receive_size = 60 };
	const uint64_t features[] = { LEGACY, MODERN, MERGEABLE, MODERN | INDIRECT };

	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		plug(0, &pieces, features[i]);
		plug(1, &pieces, features[ARRAY_SIZE(features) - 1 - i]);
		send_frame(0, 20);
		send_frame(0, 44);
		run();
		check_arrival(1, 20);
		check_arrival(1, 44);
		unplug(0);
		unplug(1);
	}
}

/* Far enough that the rings' indexes begin anew; the receiver looks at times, at times it does not.
 */
START_TEST(loses_nothing_and_keeps_the_order_with_a_receiver_that_stops_and_goes)
{
	uint32_t sent = 0, received = 0;

	plug(0, &(struct fake_card_options){ .ring_size = 64 }, layouts[_i].features);
	plug(1, &(struct fake_card_options){ .ring_size = 128 }, layouts[_i].features);
	for (unsigned i = 0; received < UINT16_MAX + 500; i++) {
		while (send_number(0, sent))
			sent++;
		if (i % 7 < 5)
			turn();
		for (unsigned j = 0; j < i % 50 && receive_number(1, received); j++)
			received++;
	}

	ck_assert_uint_eq(end[1].vhost.port.counters->dropped[DROP_NO_ROOM], 0);
	ck_assert_ptr_null(vhost_port_broken(&end[0].vhost));
	ck_assert_ptr_null(vhost_port_broken(&end[1].vhost));
}

START_TEST(gives_the_sender_its_buffers_only_when_the_receiver_has_the_frames)
{
	plug(0, &(struct fake_card_options){ 0 }, MODERN);
	plug(1, &(struct fake_card_options){ .ring_size = 16 }, MODERN);
	for (uint32_t i = 0; i < 100; i++)
		ck_assert(send_number(0, i));

	run();
	ck_assert_uint_eq(end[0].card.queue[FAKE_CARD_TRANSMIT].ring.used->idx, 16);
	ck_assert(end[0].vhost.port.blocked);
	ck_assert(end[1].vhost.port.starved);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert(receive_number(1, i));
		run();
	}

	ck_assert_uint_eq(fake_card_reap(&end[0].card), 100);
	ck_assert(!end[0].vhost.port.blocked);
}

START_TEST(spreads_a_long_frame_over_as_many_buffers_as_it_takes)
{
	struct virtio_net_hdr_v1 header;

	plug(0, &(struct fake_card_options){ 0 }, MERGEABLE);
	plug(1, &(struct fake_card_options){ .receive_size = 100, .ring_size = 64 }, MERGEABLE);
	for (uint32_t length = 14; length < 700; length++) {
		send_frame(0, length);
		run();
		ck_assert_int_eq(fake_card_receive(&end[1].card, &header, received_bytes, LONGEST),
			(int)length);
		ck_assert_mem_eq(received_bytes, sent_bytes, length);
		ck_assert_uint_eq(header.num_buffers, (length + 12 + 99) / 100);
	}
}

START_TEST(drops_what_does_not_fit_into_a_buffer_that_stands_alone)
{
	plug(0, &(struct fake_card_options){ 0 }, MODERN);
	plug(1, &(struct fake_card_options){ .receive_size = 112 }, MODERN);
	send_frame(0, 100);
	send_frame(0, 101);
	send_frame(0, 99);
	run();

	check_arrival(1, 100);
	check_arrival(1, 99);
	ck_assert_uint_eq(end[1].vhost.port.counters->dropped[DROP_TOO_LONG], 1);
	ck_assert_uint_eq(fake_card_reap(&end[0].card), 3);
}

START_TEST(drops_what_is_longer_than_all_buffers_there_can_be)
{
	plug(0, &(struct fake_card_options){ 0 }, MERGEABLE);
	plug(1, &(struct fake_card_options){ .receive_size = 100, .ring_size = 8 }, MERGEABLE);
	send_frame(0, 789);
	send_frame(0, 788);
	run();

	check_arrival(1, 788);
	ck_assert_uint_eq(end[1].vhost.port.counters->dropped[DROP_TOO_LONG], 1);
}

START_TEST(waits_for_the_last_of_many_buffers)
{
	plug(0, &(struct fake_card_options){ 0 }, MERGEABLE);
	plug(1, &(struct fake_card_options){ .receive_size = 100, .ring_size = 8 }, MERGEABLE);
	send_frame(0, 50);
	send_frame(0, 788);
	run();
	ck_assert(end[0].vhost.port.blocked);
	ck_assert_uint_eq(end[1].card.queue[FAKE_CARD_RECEIVE].ring.used->idx, 1);
	check_arrival(1, 50);
	run();

	check_arrival(1, 788);
	ck_assert_uint_eq(end[1].vhost.port.counters->dropped[DROP_TOO_LONG], 0);
}

static const struct virtio_net_hdr_v1 segmented = {
	.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	.hdr_len = 54,
	.gso_size = 1000,
	.csum_start = 34,
	.csum_offset = 16,
};

/* TCP over IPv4, of so much payload. */
static uint32_t fill_segment(uint32_t payload)
{
	static const uint8_t headers[] = { [12] = 8,
		[14] = 0x45,
		[22] = 64,
		6,
		[26] = 10,
		0,
		0,
		1,
		10,
		0,
		0,
		2,
		[46] = 0x50,
		0x10,
		[53] = 0 };
	uint32_t length = payload + 40;

	memcpy(sent_bytes, headers, sizeof(headers));
	sent_bytes[16] = (uint8_t)(length >> 8);
	sent_bytes[17] = (uint8_t)length;
	return length + 14;
}

static void send_segmented(uint32_t payload)
{
	uint32_t length = fill_segment(payload);

	ck_assert(fake_card_send(&end[0].card, &segmented, sent_bytes, length));
}

START_TEST(passes_long_segments_as_they_are_to_who_accepts_them)
{
	struct virtio_net_hdr_v1 header;

	plug(0, &(struct fake_card_options){ .transmit_size = 66000 }, MERGEABLE | OFFLOADS);
	plug(1, &(struct fake_card_options){ .receive_size = 4096 }, MERGEABLE | OFFLOADS);
	send_segmented(65000);
	run();

	ck_assert_int_eq(fake_card_receive(&end[1].card, &header, received_bytes, LONGEST), 65054);
	ck_assert_mem_eq(received_bytes, sent_bytes, 65054);
	ck_assert_uint_eq(header.num_buffers, 16);
	header.num_buffers = 0;
	ck_assert_mem_eq(&header, &segmented, sizeof(header));
}

START_TEST(lets_others_have_their_turn_before_many_long_segments_are_through)
{
	plug(0, &(struct fake_card_options){ .transmit_size = 66000 }, MERGEABLE | OFFLOADS);
	plug(1, &(struct fake_card_options){ .receive_size = 4096 }, MERGEABLE | OFFLOADS);
	for (unsigned i = 0; i < 10; i++)
		send_segmented(65000);

	ck_assert_uint_lt(turn(), 5);
	run();

	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(fake_card_receive(&end[1].card, NULL, received_bytes, LONGEST),
			65054);
}

START_TEST(shows_nobody_header_fields_that_mean_nothing)
{
	const struct virtio_net_hdr_v1 meaningless = {
		.flags = (uint8_t)~VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.hdr_len = 1000,
		.gso_size = 2000,
		.csum_start = 3000,
		.csum_offset = 4000,
		.num_buffers = 5000,
	};
	const struct virtio_net_hdr_v1 plain = { .num_buffers = 1 };
	struct virtio_net_hdr_v1 header;

	plug(0, &(struct fake_card_options){ 0 }, MODERN);
	plug(1, &(struct fake_card_options){ 0 }, MERGEABLE | OFFLOADS);
	ck_assert(fake_card_send(&end[0].card, &meaningless, sent_bytes, 60));
	run();

	ck_assert_int_eq(fake_card_receive(&end[1].card, &header, received_bytes, LONGEST), 60);
	ck_assert_mem_eq(&header, &plain, sizeof(header));
}

/* With fewer buffers at a time than there are segments: what is delivered is not sent again. */
START_TEST(goes_on_in_the_midst_of_a_segmented_frame_when_there_is_room)
{
	uint32_t payload = 0;

	plug(0, &(struct fake_card_options){ .transmit_size = 66000 }, MERGEABLE | OFFLOADS);
	plug(1, &(struct fake_card_options){ .ring_size = 4 }, MODERN);
	send_segmented(20500);
	for (unsigned i = 0; i < 21; i++) {
		run();

		int length = fake_card_receive(&end[1].card, NULL, received_bytes, LONGEST);

		ck_assert_int_gt(length, 54);
		ck_assert_mem_eq(received_bytes + 54, sent_bytes + 54 + payload,
			(size_t)length - 54);
		payload += (uint32_t)length - 54;
	}
	run();

	ck_assert_uint_eq(payload, 20500);
	ck_assert_int_eq(fake_card_receive(&end[1].card, NULL, received_bytes, LONGEST), -1);
	ck_assert_uint_eq(fake_card_reap(&end[0].card), 1);
	ck_assert_uint_eq(end[1].vhost.port.counters->frames_segmented, 1);
}

/* Whoever takes over a ring begins at its used index: frames that were on their way come again. */
START_TEST(sends_frames_in_flight_again_when_somebody_takes_over)
{
	plug(0, &(struct fake_card_options){ 0 }, MODERN);
	plug(1, &(struct fake_card_options){ .ring_size = 16 }, MODERN);
	for (uint32_t i = 0; i < 40; i++)
		ck_assert(send_number(0, i));
	run();
	for (unsigned i = 0; i < 2; i++) {
		struct virtqueue *queues[] = { &end[i].vhost.receive, &end[i].vhost.transmit };

		for (unsigned j = 0; j < 2; j++) {
			uint16_t used = queues[j]->used->idx;

			virtqueue_disable(queues[j]);
			ck_assert_int_eq(virtqueue_enable_at(queues[j], used), 0);
		}
		memset(end[i].interrupts, 0, sizeof(end[i].interrupts));
		vhost_port_update(&end[i].vhost, MODERN);
		ck_assert_uint_eq(end[i].interrupts[0], 1);
		ck_assert_uint_eq(end[i].interrupts[1], 1);
	}

	for (uint32_t i = 0; i < 40; i++) {
		run();
		ck_assert(receive_number(1, i));
	}
	run();
	ck_assert(!receive_number(1, 40));
	ck_assert_uint_eq(fake_card_reap(&end[0].card), 40);
}

/* A driver that begins anew, while buffers of its old ring are known. */
START_TEST(uses_no_buffer_of_a_ring_that_was_stopped)
{
	const struct vring *vring = &end[1].card.queue[FAKE_CARD_RECEIVE].ring;

	plug(0, &(struct fake_card_options){ 0 }, MODERN);
	plug(1, &(struct fake_card_options){ 0 }, MODERN);
	ck_assert(send_number(0, 0));
	run();
	virtqueue_disable(&end[1].vhost.receive);
	fake_card_reset(&end[1].card, MODERN);
	vring->avail->ring[0] = 5;
	vring->avail->ring[5] = 0;
	ck_assert_int_eq(virtqueue_enable(&end[1].vhost.receive), 0);
	vhost_port_update(&end[1].vhost, MODERN);
	ck_assert(send_number(0, 1));
	run();

	ck_assert_uint_eq(vring->used->idx, 1);
	ck_assert_uint_eq(vring->used->ring[0].id, 5);
	ck_assert(receive_number(1, 1));
}

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, carries_frames_whose_headers_lie_in_pieces, 1, 14);
	tcase_add_loop_test(tcase,
		loses_nothing_and_keeps_the_order_with_a_receiver_that_stops_and_goes, 0,
		ARRAY_SIZE(layouts) - 2);
	tcase_add_test(tcase, gives_the_sender_its_buffers_only_when_the_receiver_has_the_frames);
	tcase_add_test(tcase, spreads_a_long_frame_over_as_many_buffers_as_it_takes);
	tcase_add_test(tcase, drops_what_does_not_fit_into_a_buffer_that_stands_alone);
	tcase_add_test(tcase, drops_what_is_longer_than_all_buffers_there_can_be);
	tcase_add_test(tcase, waits_for_the_last_of_many_buffers);
	tcase_add_test(tcase, passes_long_segments_as_they_are_to_who_accepts_them);
	tcase_add_test(tcase, lets_others_have_their_turn_before_many_long_segments_are_through);
	tcase_add_test(tcase, shows_nobody_header_fields_that_mean_nothing);
	tcase_add_test(tcase, goes_on_in_the_midst_of_a_segmented_frame_when_there_is_room);
	tcase_add_test(tcase, uses_no_buffer_of_a_ring_that_was_stopped);
	tcase_add_test(tcase, sends_frames_in_flight_again_when_somebody_takes_over);
}

int main(void)
{
	Suite *suite = suite_create("vhost port");
	TCase *tcase = tcase_create("vhost port");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, carries_frames_of_every_layout_to_every_other, 0,
		ARRAY_SIZE(layouts) * ARRAY_SIZE(layouts));
	add_tests(tcase);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
