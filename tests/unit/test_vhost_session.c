/* vhost-user sessions that go well: what is negotiated, states of rings, memory, carrier. */
#include "compiler.h"
#include "vhost_fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#define BIT(number) (1ULL << (number))
#define PLAIN BIT(VHOST_USER_F_PROTOCOL_FEATURES)
#define RUNS (PORT_FLAG_CONNECTED | PORT_FLAG_SENDS | PORT_FLAG_RECEIVES)
#define TURNS_MOST 10000000

static const struct fake_frontend_options usual;

START_TEST(two_front_ends_exchange_frames)
{
	start_both(&usual);
	ck_assert_uint_eq(worker.plug[0].flags, RUNS);

	for (unsigned i = 0; i < 1000; i++) {
		send_frame(i & 1, (uint8_t)i);
		ck_assert(fake_card_interrupted(&card[~i & 1], FAKE_CARD_RECEIVE));
		expect_frame(~i & 1, (uint8_t)i);
		expect_nothing(~i & 1);
	}
}

static const uint64_t declined[] = {
	0,
	PLAIN,
	BIT(VIRTIO_RING_F_EVENT_IDX),
	BIT(VIRTIO_RING_F_INDIRECT_DESC),
	BIT(VIRTIO_NET_F_MRG_RXBUF),
	BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_F_VERSION_1),
	BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | PLAIN,
	UINT64_MAX,
};

START_TEST(serves_whatever_was_negotiated)
{
	const struct fake_frontend_options less = { .declined = declined[_i] };

	card[0].options.header_apart = _i & 1;
	card[1].options.piece = 40;
	start_one(0, &less);
	start_one(1, &usual);
	ck_assert_uint_eq(frontend[0].features, frontend[0].offered & ~declined[_i]);

	for (unsigned i = 0; i < 600; i++)
		expect_traffic(i & 1, (uint8_t)i);
}

START_TEST(a_cable_waits_for_buffers)
{
	unsigned sent = 0, received = 0;
	uint8_t frame[VHOST_FIXTURE_FRAME];

	start_both(&usual);
	make_frame(frame, 1);
	for (unsigned i = 0; i < 2000; i++) {
		sent += fake_card_send(&card[0], NULL, frame, sizeof(frame));
		fake_card_kick(&card[0], FAKE_CARD_TRANSMIT);
		if (i % 7 == 0)
			fake_worker_turn(&worker);
	}
	ck_assert_uint_eq(sent, 512);
	while (received < sent) {
		expect_frame(1, 1);
		received++;
		fake_worker_turn(&worker);
	}
	expect_nothing(1);
}

START_TEST(a_ring_that_is_not_enabled_receives_nothing_and_sends_into_the_void)
{
	start_one(1, &usual);
	start_one(0, &(struct fake_frontend_options){ .starts_disabled = true });
	ck_assert_uint_eq(worker.plug[0].flags, PORT_FLAG_CONNECTED | PORT_FLAG_SENDS);

	send_frame(0, 1);
	send_frame(1, 1);
	expect_nothing(0);
	expect_nothing(1);
	ck_assert_uint_eq(fake_card_reap(&card[0]), 1);

	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(fake_frontend_enable(&frontend[0], i, true), 0);
	fake_worker_turn(&worker);
	expect_traffic(0, 2);
	expect_traffic(1, 3);
}

START_TEST(a_disabled_ring_keeps_its_place)
{
	start_both(&usual);
	expect_traffic(0, 1);
	ck_assert_int_eq(fake_frontend_enable(&frontend[1], FAKE_CARD_RECEIVE, false), 0);
	fake_worker_turn(&worker);

	send_frame(0, 2);
	expect_nothing(1);

	ck_assert_int_eq(fake_frontend_enable(&frontend[1], FAKE_CARD_RECEIVE, true), 0);
	fake_worker_turn(&worker);
	expect_nothing(1);
	expect_traffic(0, 3);
}

START_TEST(without_protocol_features_rings_are_enabled_when_they_start)
{
	start_both(&(struct fake_frontend_options){ .declined = PLAIN });

	expect_traffic(0, 1);
	expect_traffic(1, 2);
}

START_TEST(a_stopped_ring_says_where_it_stopped_and_goes_on_from_there)
{
	start_both(&usual);
	for (uint8_t i = 0; i < 5; i++)
		expect_traffic(0, i);

	ck_assert_int_eq(fake_frontend_stop_ring(&frontend[0], FAKE_CARD_TRANSMIT), 5);
	ck_assert_int_eq(fake_frontend_stop_ring(&frontend[1], FAKE_CARD_RECEIVE), 5);
	ck_assert_uint_eq(worker.plug[0].flags, PORT_FLAG_CONNECTED | PORT_FLAG_RECEIVES);
	send_frame(0, 6);
	expect_nothing(1);
	ck_assert_int_eq(fake_frontend_stop_ring(&frontend[0], FAKE_CARD_TRANSMIT), 5);

	ck_assert_int_eq(fake_frontend_set_ring(&frontend[1], FAKE_CARD_RECEIVE, 5), 0);
	ck_assert_int_eq(fake_frontend_set_ring(&frontend[0], FAKE_CARD_TRANSMIT, 5), 0);
	fake_worker_turn(&worker);
	expect_frame(1, 6);
	expect_traffic(0, 7);
}

START_TEST(frames_that_found_no_room_are_not_lost_when_the_ring_is_stopped)
{
	fake_card_destroy(&card[1]);
	fake_card_create(&card[1], &(struct fake_card_options){ .ring_size = 4 });
	start_both(&usual);
	for (uint8_t i = 0; i < 9; i++)
		send_frame(0, i);
	ck_assert_int_eq(fake_frontend_stop_ring(&frontend[0], FAKE_CARD_TRANSMIT), 4);

	ck_assert_int_eq(fake_frontend_set_ring(&frontend[0], FAKE_CARD_TRANSMIT, 4), 0);
	for (uint8_t i = 0; i < 9; i++) {
		fake_worker_turn(&worker);
		expect_frame(1, i);
	}
	fake_worker_turn(&worker);
	expect_nothing(1);
}

START_TEST(a_kick_descriptor_set_again_disables_nothing)
{
	uint64_t index = FAKE_CARD_TRANSMIT;

	start_both(&usual);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_SET_VRING_KICK, &index,
					 sizeof(index), card[0].queue[1].kick_fd),
			0);
	fake_worker_turn(&worker);

	expect_traffic(0, 1);
	expect_traffic(1, 2);
}

START_TEST(a_front_end_that_comes_again_goes_on_where_it_was)
{
	start_both(&usual);
	for (uint8_t i = 0; i < 70; i++)
		expect_traffic(i & 1, i);

	for (uint8_t i = 0; i < 3; i++) {
		fake_worker_unplug(&worker, 0);
		send_frame(0, 100);
		plug_in(0, &usual);
		ck_assert_int_eq(fake_frontend_resume(&frontend[0]), 0);
		fake_worker_turn(&worker);
		expect_frame(1, 100);
		expect_traffic(i & 1, i);
	}
}

START_TEST(a_ring_without_kicks_is_looked_at_nevertheless)
{
	uint8_t frame[VHOST_FIXTURE_FRAME];

	start_one(0, &(struct fake_frontend_options){ .kickless = true });
	start_one(1, &usual);
	make_frame(frame, 1);
	worker.plug[0].wakes = 0;
	ck_assert(fake_card_send(&card[0], NULL, frame, sizeof(frame)));

	for (unsigned i = 0; i < TURNS_MOST && !worker.plug[0].wakes; i++)
		event_base_loop(worker.base, EVLOOP_ONCE);
	fake_worker_turn(&worker);
	expect_frame(1, 1);
}

START_TEST(the_owner_is_woken_by_kicks_and_only_by_those)
{
	start_both(&usual);
	worker.plug[0].wakes = 0;
	fake_worker_turn(&worker);
	ck_assert_uint_eq(worker.plug[0].wakes, 0);

	send_frame(0, 1);
	ck_assert_uint_eq(worker.plug[0].wakes, 1);
	fake_worker_turn(&worker);
	ck_assert_uint_eq(worker.plug[0].wakes, 1);
	ck_assert_uint_eq(worker.counters[0].wakeups, 1);
}

START_TEST(memory_may_be_shared_again_while_rings_run)
{
	start_both(&usual);
	for (uint8_t i = 0; i < 5; i++) {
		expect_traffic(0, i);
		ck_assert_int_eq(fake_frontend_share_memory(&frontend[0]), 0);
		ck_assert_int_eq(fake_frontend_share_memory(&frontend[1]), 0);
		fake_worker_turn(&worker);
	}
	expect_traffic(1, 6);
}

START_TEST(memory_comes_in_slots_too)
{
	const struct fake_frontend_options slots = { .slots = true };
	uint64_t most;

	stop();
	create_cards(&(struct fake_card_options){ .two_regions = true });
	start_both(&slots);
	expect_traffic(0, 1);

	ck_assert_int_eq(fake_frontend_ask(&frontend[0], VHOST_USER_GET_MAX_MEM_SLOTS, &most), 0);
	ck_assert_uint_eq(most, GUEST_MEMORY_REGIONS);
	expect_traffic(1, 2);
}

START_TEST(a_slot_that_no_ring_needs_comes_and_goes)
{
	const struct vhost_user_memory_slot slot = {
		.region = { 0x10000, 4096, 0x10000, 0 },
	};

	start_both(&(struct fake_frontend_options){ .slots = true });
	for (uint8_t i = 0; i < 100; i++) {
		ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_ADD_MEM_REG, &slot,
					 sizeof(slot), card[0].memory_fd),
			0);
		expect_traffic(0, i);
		ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_REM_MEM_REG, &slot,
					 sizeof(slot), -1),
			0);
		expect_traffic(1, i);
	}
}

START_TEST(the_carrier_is_shown)
{
	struct {
		uint32_t offset, size, flags;
		struct virtio_net_config config;
	} __attribute__((packed)) question = { .size = sizeof(question.config) };
	struct vhost_user_message message;
	struct vhost_user_header header;

	start_both(&usual);
	for (unsigned i = 0; i < 6; i++) {
		const struct virtio_net_config *config = (const void *)message.payload.config.bytes;

		vhost_session_set_link(worker.plug[0].session, ~i & 1);
		vhost_session_set_link(worker.plug[0].session, ~i & 1);
		ck_assert_int_eq(read(frontend[0].backend_fd, &header, sizeof(header)),
			sizeof(header));
		ck_assert_uint_eq(header.request, VHOST_USER_BACKEND_CONFIG_CHANGED);
		ck_assert_uint_eq(header.size, 0);
		ck_assert_int_lt(read(frontend[0].backend_fd, &header, 1), 0);

		ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_GET_CONFIG, &question,
					 sizeof(question), -1),
			0);
		ck_assert_int_eq(fake_frontend_hear(&frontend[0], VHOST_USER_GET_CONFIG, &message),
			0);
		ck_assert_uint_eq(message.header.size, sizeof(question));
		ck_assert_uint_eq(config->status, i & 1 ? 0 : VIRTIO_NET_S_LINK_UP);
		ck_assert_uint_eq(config->mtu, 1500);
	}
}

START_TEST(a_carrier_that_nobody_looks_at_costs_nothing)
{
	start_both(&usual);
	for (unsigned i = 0; i < 100000; i++)
		vhost_session_set_link(worker.plug[0].session, ~i & 1);

	expect_traffic(0, 1);
	expect_traffic(1, 2);
}

static int acknowledged(uint32_t request, const void *payload, uint32_t size)
{
	char bytes[64];
	const struct vhost_user_header header = {
		.request = request,
		.flags = VHOST_USER_VERSION | VHOST_USER_NEED_REPLY,
		.size = size,
	};
	struct vhost_user_message message;

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), payload, size);
	ck_assert_int_eq(fake_frontend_say_raw(&frontend[0],
				 &(struct iovec){ bytes, sizeof(header) + size }, NULL, 0),
		0);
	ck_assert_int_eq(fake_frontend_hear(&frontend[0], request, &message), 0);
	ck_assert_uint_eq(message.header.size, sizeof(uint64_t));
	return (int)message.payload.number;
}

START_TEST(says_whether_it_has_done_what_was_asked)
{
	uint64_t mtu = 9000;

	start_both(&usual);
	ck_assert_int_eq(acknowledged(VHOST_USER_SET_OWNER, "", 0), 0);
	ck_assert_int_eq(acknowledged(VHOST_USER_NET_SET_MTU, &mtu, sizeof(mtu)), 0);
	mtu = 67;
	ck_assert_int_eq(acknowledged(VHOST_USER_NET_SET_MTU, &mtu, sizeof(mtu)), 1);
	mtu = 65536;
	ck_assert_int_eq(acknowledged(VHOST_USER_NET_SET_MTU, &mtu, sizeof(mtu)), 1);
	expect_traffic(0, 1);
}

START_TEST(a_reset_stops_all_rings_and_the_device_can_be_used_again)
{
	static const uint32_t resets[] = { VHOST_USER_RESET_DEVICE, VHOST_USER_RESET_OWNER };
	uint64_t status;

	start_both(&usual);
	for (unsigned i = 0; i < ARRAY_SIZE(resets); i++) {
		ck_assert_int_eq(fake_frontend_say_number(&frontend[0], VHOST_USER_SET_STATUS, 15),
			0);
		ck_assert_int_eq(fake_frontend_ask(&frontend[0], VHOST_USER_GET_STATUS, &status),
			0);
		ck_assert_uint_eq(status, 15);
		ck_assert_int_eq(fake_frontend_say(&frontend[0], resets[i], "", 0, -1), 0);
		ck_assert_int_eq(fake_frontend_ask(&frontend[0], VHOST_USER_GET_STATUS, &status),
			0);
		ck_assert_uint_eq(status, 0);
		ck_assert_uint_eq(worker.plug[0].flags, PORT_FLAG_CONNECTED);

		ck_assert_int_eq(fake_frontend_start(&frontend[0]), 0);
		fake_worker_turn(&worker);
		expect_traffic(0, 1);
	}
	ck_assert_int_eq(fake_frontend_say_number(&frontend[0], VHOST_USER_SET_STATUS, 0), 0);
	fake_worker_turn(&worker);
	ck_assert_uint_eq(worker.plug[0].flags, PORT_FLAG_CONNECTED);
}

START_TEST(a_message_may_come_byte_by_byte)
{
	const struct vhost_user_header header = { VHOST_USER_GET_FEATURES, VHOST_USER_VERSION, 0 };
	struct vhost_user_message message;

	plug_in(0, &usual);
	for (size_t i = 0; i < sizeof(header); i++) {
		struct iovec byte = { (char *)(uintptr_t)&header + i, 1 };

		ck_assert_int_eq(fake_frontend_say_raw(&frontend[0], &byte, NULL, 0), 0);
		fake_worker_turn(&worker);
	}
	ck_assert_int_eq(fake_frontend_hear(&frontend[0], VHOST_USER_GET_FEATURES, &message), 0);
	ck_assert_int_eq(fake_frontend_start(&frontend[0]), 0);
}

START_TEST(rings_may_be_of_any_power_of_two)
{
	static const uint16_t sizes[] = { 1, 2, 4, 64, 1024, 32768 };

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		stop();
		create_cards(&(struct fake_card_options){ .ring_size = sizes[i] });
		start_both(&usual);
		for (unsigned j = 0; j < 40; j++)
			expect_traffic(j & 1, (uint8_t)j);
	}
}

START_TEST(connections_that_come_and_go_leave_nothing_behind)
{
	unsigned before;

	start_both(&usual);
	before = count_descriptors();
	for (unsigned i = 0; i < 300; i++) {
		fake_frontend_release(&frontend[i & 1]);
		fake_worker_turn(&worker);
		ck_assert_str_eq(worker.plug[i & 1].reason, "it closed the connection");
		start_one(i & 1, &usual);
	}
	ck_assert_uint_eq(count_descriptors(), before);
	expect_traffic(0, 1);
}

int main(void)
{
	Suite *suite = suite_create("vhost session");
	TCase *tcase = tcase_create("session");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, two_front_ends_exchange_frames);
	tcase_add_loop_test(tcase, serves_whatever_was_negotiated, 0, ARRAY_SIZE(declined));
	tcase_add_test(tcase, a_cable_waits_for_buffers);
	tcase_add_test(tcase, a_ring_that_is_not_enabled_receives_nothing_and_sends_into_the_void);
	tcase_add_test(tcase, a_disabled_ring_keeps_its_place);
	tcase_add_test(tcase, without_protocol_features_rings_are_enabled_when_they_start);
	tcase_add_test(tcase, a_stopped_ring_says_where_it_stopped_and_goes_on_from_there);
	tcase_add_test(tcase, frames_that_found_no_room_are_not_lost_when_the_ring_is_stopped);
	tcase_add_test(tcase, a_kick_descriptor_set_again_disables_nothing);
	tcase_add_test(tcase, a_front_end_that_comes_again_goes_on_where_it_was);
	tcase_add_test(tcase, a_ring_without_kicks_is_looked_at_nevertheless);
	tcase_add_test(tcase, the_owner_is_woken_by_kicks_and_only_by_those);
	tcase_add_test(tcase, memory_may_be_shared_again_while_rings_run);
	tcase_add_test(tcase, memory_comes_in_slots_too);
	tcase_add_test(tcase, a_slot_that_no_ring_needs_comes_and_goes);
	tcase_add_test(tcase, the_carrier_is_shown);
	tcase_add_test(tcase, a_carrier_that_nobody_looks_at_costs_nothing);
	tcase_add_test(tcase, says_whether_it_has_done_what_was_asked);
	tcase_add_test(tcase, a_reset_stops_all_rings_and_the_device_can_be_used_again);
	tcase_add_test(tcase, a_message_may_come_byte_by_byte);
	tcase_add_test(tcase, rings_may_be_of_any_power_of_two);
	tcase_add_test(tcase, connections_that_come_and_go_leave_nothing_behind);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
