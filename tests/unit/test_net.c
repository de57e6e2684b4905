/* The network device and its front-end, before back-ends that come and go. */
#include "net_fixture.h"

#define OTHER_MTU 9000

START_TEST(hands_over_memory_rings_and_descriptors)
{
	bring_up(0);
	wait_for(carrier);

	fake_backend_lock(&backend);
	ck_assert_uint_eq(backend.accepted,
		(driver.device->negotiated & ~BIT(VIRTIO_NET_F_MAC)) |
			BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	ck_assert_uint_eq(backend.table.count, 1);
	ck_assert_uint_eq(backend.table.region[0].guest_address, FAKE_RAM_BASE);
	ck_assert_uint_eq(backend.table.region[0].size, FAKE_RAM_SIZE);
	ck_assert_uint_eq(backend.status,
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
			VIRTIO_CONFIG_S_DRIVER_OK);
	for (unsigned i = 0; i < FAKE_BACKEND_QUEUES; i++) {
		ck_assert(backend.ring[i].started);
		ck_assert(backend.ring[i].enabled);
		ck_assert_uint_eq(backend.ring[i].size, FAKE_QUEUE_SIZE);
		ck_assert_uint_eq(backend.ring[i].base, 0);
	}
	fake_backend_unlock(&backend);
	fake_driver_stop(&driver);
}

/* As in a guest with more memory than there is room for below 4 GiB. */
START_TEST(hands_over_memory_in_two_pieces)
{
	const uint64_t half = FAKE_RAM_SIZE / 2, second = FAKE_RAM_BASE + 4 * FAKE_RAM_SIZE;
	const uint8_t *received;

	fake_backend_start(&backend);
	fake_driver_create_with(&driver, "net", &options);
	received = driver.guest.ram + FAKE_BUFFERS + 64;
	driver.guest.memory = (struct guest_memory){
		.region = {
			{ FAKE_RAM_BASE, half, driver.guest.ram },
			{ second, half, driver.guest.ram + half },
		},
		.count = 2,
	};
	fake_driver_bring_up(&driver, 0);
	wait_for(carrier);
	driver.guest.ram[half] = 7;
	fake_ring_post(&driver.ring[RECEIVE], fake_guest_address(&driver.guest, received), 64,
		VRING_DESC_F_WRITE);
	fake_ring_post(&driver.ring[TRANSMIT], second, 64, 0);
	fake_driver_kick(&driver, TRANSMIT);
	wait_for_frame(7);

	fake_driver_stop(&driver);
}

START_TEST(frames_go_round_without_the_main_loop)
{
	bring_up(0);
	wait_for(carrier);
	for (uint8_t tag = 1; tag <= 3 * FAKE_QUEUE_SIZE; tag++) {
		send_frame(tag);
		wait_for_frame(tag);
	}
	ck_assert(fake_driver_interrupted(&driver));
	fake_driver_stop(&driver);
}

START_TEST(what_was_posted_before_the_back_end_came_is_found)
{
	fake_driver_create_with(&driver, "net", &options);
	fake_driver_bring_up(&driver, 0);
	send_frame(7);
	fake_backend_start(&backend);
	wait_for_frame(7);
	fake_driver_stop(&driver);
}

START_TEST(says_who_it_is)
{
	bring_up(0);
	wait_for(carrier);
	fake_backend_lock(&backend);
	ck_assert_int_eq(strncmp(backend.peer, "vmm-net/guest1/", 15), 0);
	ck_assert_uint_gt(strlen(backend.peer), 15);
	fake_backend_unlock(&backend);
	fake_driver_stop(&driver);
}

START_TEST(shows_the_driver_its_address)
{
	bring_up(0);
	for (unsigned i = 0; i < NET_ADDRESS_SIZE; i++)
		ck_assert_uint_eq(virtio_mmio_read(&driver.mmio, VIRTIO_MMIO_CONFIG + i, 1),
			options.mac[i]);
	fake_driver_stop(&driver);
}

START_TEST(offers_what_the_back_end_can_do)
{
	const uint64_t lacking = BIT(VIRTIO_NET_F_HOST_USO) | BIT(VIRTIO_NET_F_GUEST_TSO6) |
		BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_NET_F_STATUS);

	SET_BACKEND(features, backend.features & ~lacking);
	bring_up(0);
	wait_for(carrier);
	ck_assert_uint_eq(driver.device->offered & lacking, BIT(VIRTIO_NET_F_STATUS));
	ck_assert(driver.device->offered & BIT(VIRTIO_NET_F_MRG_RXBUF));
	fake_driver_stop(&driver);
}

START_TEST(offers_everything_while_there_is_no_back_end)
{
	const uint64_t all = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
		BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6) |
		BIT(VIRTIO_NET_F_HOST_USO) | BIT(VIRTIO_NET_F_MRG_RXBUF) |
		BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_MAC);

	fake_driver_create_with(&driver, "net", &options);
	ck_assert_uint_eq(driver.device->offered & all, all);
	fake_driver_stop(&driver);
}

START_TEST(offers_no_offloads_where_they_are_not_wanted)
{
	options.offloads = false;
	bring_up(0);
	ck_assert(!(driver.device->offered &
		(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
			BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_USO))));
	ck_assert(driver.device->offered & BIT(VIRTIO_NET_F_MRG_RXBUF));
	wait_for(carrier);
	fake_driver_stop(&driver);
}

START_TEST(tells_both_sides_the_mtu_it_was_given)
{
	options.mtu = OTHER_MTU;
	bring_up(0);
	wait_for(carrier);
	ck_assert_uint_eq(BACKEND(mtu), OTHER_MTU);
	ck_assert_uint_eq(virtio_mmio_read(&driver.mmio,
				  VIRTIO_MMIO_CONFIG + offsetof(struct virtio_net_config, mtu), 2),
		OTHER_MTU);
	fake_driver_stop(&driver);
}

START_TEST(passes_on_the_mtu_of_the_back_end)
{
	const uint16_t mtu = OTHER_MTU;

	fake_backend_lock(&backend);
	memcpy(backend.config + offsetof(struct virtio_net_config, mtu), &mtu, sizeof(mtu));
	fake_backend_unlock(&backend);
	bring_up(0);
	ck_assert(driver.device->negotiated & BIT(VIRTIO_NET_F_MTU));
	ck_assert_uint_eq(virtio_mmio_read(&driver.mmio,
				  VIRTIO_MMIO_CONFIG + offsetof(struct virtio_net_config, mtu), 2),
		OTHER_MTU);
	wait_for(carrier);
	ck_assert(!heard(VHOST_USER_NET_SET_MTU));
	fake_driver_stop(&driver);
}

static const uint64_t protocols[] = {
	0,
	BIT(VHOST_USER_PROTOCOL_REPLY_ACK),
	BIT(VHOST_USER_PROTOCOL_STATUS) | BIT(VHOST_USER_PROTOCOL_NET_MTU),
	BIT(VHOST_USER_PROTOCOL_CONFIG),
	BIT(VHOST_USER_PROTOCOL_BACKEND_REQ),
	BIT(VHOST_USER_PROTOCOL_CONFIG) | BIT(VHOST_USER_PROTOCOL_BACKEND_REQ),
};

START_TEST(works_with_a_back_end_of_few_protocol_features)
{
	SET_BACKEND(protocol_features, protocols[_i]);
	bring_up(0);
	wait_for(carrier);
	send_frame(1);
	wait_for_frame(1);
	reset_device();
	fake_driver_bring_up(&driver, 0);
	wait_for(carrier);
	send_frame(2);
	wait_for_frame(2);
	fake_driver_stop(&driver);
}

START_TEST(works_with_a_back_end_that_knows_no_protocol_features)
{
	SET_BACKEND(features, backend.features & ~BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	bring_up(0);
	wait_for(carrier);
	ck_assert(!heard(VHOST_USER_SET_VRING_ENABLE));
	ck_assert(!heard(VHOST_USER_SET_PROTOCOL_FEATURES));
	send_frame(1);
	wait_for_frame(1);
	fake_driver_stop(&driver);
}

START_TEST(the_back_end_may_come_late)
{
	fake_driver_create_with(&driver, "net", &options);
	fake_driver_bring_up(&driver, 0);
	ck_assert(!carrier());
	fake_backend_start(&backend);
	wait_for(carrier);
	send_frame(1);
	wait_for_frame(1);
	fake_driver_stop(&driver);
}

START_TEST(a_back_end_that_returns_goes_on_where_the_other_stopped)
{
	bring_up(0);
	wait_for(carrier);
	for (uint8_t tag = 1; tag <= FAKE_QUEUE_SIZE + 3; tag++) {
		send_frame(tag);
		wait_for_frame(tag);
	}
	SET_BACKEND(idle, true);
	send_frame(100);
	fake_backend_kill(&backend);
	fake_driver_interrupted(&driver);
	SET_BACKEND(idle, false);
	awaited_connections = BACKEND(connections) + 1;
	fake_backend_start(&backend);
	wait_for(connected_again);
	wait_for_frame(100);
	ck_assert(fake_driver_interrupted(&driver));
	ck_assert_uint_eq(BACKEND(ring[TRANSMIT].base), FAKE_QUEUE_SIZE + 3);
	fake_driver_stop(&driver);
}

START_TEST(a_short_absence_is_not_shown)
{
	uint32_t generation;

	bring_up(0);
	wait_for(carrier);
	generation = fake_driver_read(&driver, VIRTIO_MMIO_CONFIG_GENERATION);
	awaited_connections = BACKEND(connections) + 1;
	fake_backend_hang_up(&backend);
	wait_for(connected_again);
	send_frame(1);
	wait_for_frame(1);

	ck_assert(carrier());
	ck_assert_uint_eq(fake_driver_read(&driver, VIRTIO_MMIO_CONFIG_GENERATION), generation);
	fake_driver_stop(&driver);
}

START_TEST(a_long_absence_takes_the_carrier_away)
{
	options.grace_ms = 1;
	bring_up(0);
	wait_for(carrier);
	fake_backend_kill(&backend);
	wait_for(no_carrier);
	fake_backend_start(&backend);
	wait_for(carrier);
	fake_driver_stop(&driver);
}

START_TEST(a_link_that_comes_up_soon_after_its_back_end_was_up_all_the_time)
{
	uint32_t generation;

	bring_up(0);
	wait_for(carrier);
	generation = fake_driver_read(&driver, VIRTIO_MMIO_CONFIG_GENERATION);
	fake_backend_kill(&backend);
	fake_backend_set_link(&backend, false);
	awaited_connections = BACKEND(connections) + 1;
	fake_backend_start(&backend);
	wait_for(connected_again);
	while (!BACKEND(ring[TRANSMIT].enabled))
		event_base_loop(driver.base, EVLOOP_NONBLOCK);
	ck_assert(carrier());
	fake_backend_set_link(&backend, true);
	send_frame(1);
	wait_for_frame(1);
	ck_assert_uint_eq(fake_driver_read(&driver, VIRTIO_MMIO_CONFIG_GENERATION), generation);
	fake_driver_stop(&driver);
}

START_TEST(a_link_that_stays_down_behind_a_new_back_end_is_down)
{
	options.grace_ms = NET_GRACE_MS;
	bring_up(0);
	wait_for(carrier);
	fake_backend_kill(&backend);
	fake_backend_set_link(&backend, false);
	fake_backend_start(&backend);
	wait_for(no_carrier);
	fake_backend_set_link(&backend, true);
	wait_for(carrier);
	fake_driver_stop(&driver);
}

START_TEST(a_pulled_cable_is_shown_and_announced)
{
	bring_up(0);
	wait_for(carrier);
	fake_driver_write(&driver, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	fake_driver_interrupted(&driver);

	fake_backend_set_link(&backend, false);
	wait_for(no_carrier);
	ck_assert(fake_driver_interrupted(&driver));
	ck_assert(fake_driver_read(&driver, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	fake_backend_set_link(&backend, true);
	wait_for(carrier);
	ck_assert_uint_eq(BACKEND(connections), 1);
	fake_driver_stop(&driver);
}

START_TEST(there_is_no_carrier_on_a_cable_pulled_from_the_start)
{
	fake_backend_set_link(&backend, false);
	bring_up(0);
	fake_backend_set_link(&backend, false);
	while (!BACKEND(ring[TRANSMIT].enabled))
		event_base_loop(driver.base, EVLOOP_NONBLOCK);
	ck_assert(!carrier());
	fake_backend_set_link(&backend, true);
	wait_for(carrier);
	fake_driver_stop(&driver);
}

START_TEST(another_back_end_that_lacks_what_the_driver_uses_gives_no_carrier)
{
	options.grace_ms = 1;
	bring_up(0);
	wait_for(carrier);
	fake_backend_kill(&backend);
	SET_BACKEND(features, backend.features & ~BIT(VIRTIO_NET_F_GUEST_TSO4));
	fake_backend_start(&backend);
	wait_for(no_carrier);
	ck_assert(!heard(VHOST_USER_SET_MEM_TABLE));

	reset_device();
	fake_driver_bring_up(&driver, BIT(VIRTIO_NET_F_GUEST_TSO4));
	wait_for(carrier);
	fake_driver_stop(&driver);
}

START_TEST(rings_are_stopped_before_a_reset_is_done)
{
	bring_up(0);
	wait_for(carrier);
	reset_device();

	ck_assert(!BACKEND(ring[RECEIVE].started));
	ck_assert(!BACKEND(ring[TRANSMIT].started));
	ck_assert(!carrier());
	fake_driver_stop(&driver);
}

START_TEST(a_driver_may_start_anew_many_times)
{
	bring_up(0);
	for (unsigned i = 0; i < 20; i++) {
		if (i % 3)
			wait_for(carrier);
		reset_device();
		fake_driver_bring_up(&driver, i % 2 ? BIT(VIRTIO_RING_F_EVENT_IDX) : 0);
	}
	wait_for(carrier);
	send_frame(1);
	wait_for_frame(1);
	ck_assert_uint_eq(BACKEND(connections), 1);
	fake_driver_stop(&driver);
}

START_TEST(a_question_that_wants_an_answer_gets_one)
{
	const struct vhost_user_message question = {
		.header = { VHOST_USER_BACKEND_CONFIG_CHANGED,
			VHOST_USER_VERSION | VHOST_USER_NEED_REPLY, 0 },
	};
	struct vhost_reader reader = { .have = 0 };

	bring_up(0);
	wait_for(carrier);
	fake_backend_lock(&backend);
	vhost_send(backend.channel_fd, &question, NULL, 0);
	fake_backend_unlock(&backend);
	while (vhost_read(&reader, BACKEND(channel_fd)) == 0)
		event_base_loop(driver.base, EVLOOP_NONBLOCK);

	ck_assert_uint_eq(reader.message.header.request, VHOST_USER_BACKEND_CONFIG_CHANGED);
	ck_assert_uint_eq(reader.message.header.size, sizeof(uint64_t));
	ck_assert_uint_eq(reader.message.payload.number, 0);
	ck_assert_uint_eq(BACKEND(connections), 1);
	fake_driver_stop(&driver);
}

START_TEST(no_descriptor_is_left_behind)
{
	unsigned before;

	bring_up(0);
	wait_for(carrier);
	before = open_descriptors();
	for (awaited_connections = 2; awaited_connections < 8; awaited_connections++) {
		fake_backend_hang_up(&backend);
		wait_for(connected_again);
		reset_device();
		fake_driver_bring_up(&driver, 0);
		wait_for(carrier);
	}
	ck_assert_uint_eq(open_descriptors(), before);
	fake_driver_stop(&driver);
}

START_TEST(its_status_tells_connection_and_carrier)
{
	struct net_status status;

	fake_driver_create_with(&driver, "net", &options);
	virtio_net_status(driver.device, &status);
	ck_assert(!status.connected);
	ck_assert(!status.carrier);
	ck_assert_mem_eq(status.mac, options.mac, sizeof(options.mac));
	fake_driver_bring_up(&driver, 0);
	fake_backend_start(&backend);
	wait_for(carrier);
	virtio_net_status(driver.device, &status);
	ck_assert(status.connected);
	ck_assert(status.carrier);
	fake_driver_stop(&driver);
}

static void add_life(Suite *suite)
{
	TCase *tcase = tcase_create("life");

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_back_end_may_come_late);
	tcase_add_test(tcase, a_back_end_that_returns_goes_on_where_the_other_stopped);
	tcase_add_test(tcase, a_short_absence_is_not_shown);
	tcase_add_test(tcase, a_long_absence_takes_the_carrier_away);
	tcase_add_test(tcase, a_link_that_comes_up_soon_after_its_back_end_was_up_all_the_time);
	tcase_add_test(tcase, a_link_that_stays_down_behind_a_new_back_end_is_down);
	tcase_add_test(tcase, a_pulled_cable_is_shown_and_announced);
	tcase_add_test(tcase, there_is_no_carrier_on_a_cable_pulled_from_the_start);
	tcase_add_test(tcase, another_back_end_that_lacks_what_the_driver_uses_gives_no_carrier);
	tcase_add_test(tcase, rings_are_stopped_before_a_reset_is_done);
	tcase_add_test(tcase, a_driver_may_start_anew_many_times);
	tcase_add_test(tcase, a_question_that_wants_an_answer_gets_one);
	tcase_add_test(tcase, no_descriptor_is_left_behind);
	tcase_add_test(tcase, its_status_tells_connection_and_carrier);
}

int main(void)
{
	Suite *suite = suite_create("net");
	TCase *tcase = tcase_create("handshake");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, hands_over_memory_rings_and_descriptors);
	tcase_add_test(tcase, hands_over_memory_in_two_pieces);
	tcase_add_test(tcase, frames_go_round_without_the_main_loop);
	tcase_add_test(tcase, what_was_posted_before_the_back_end_came_is_found);
	tcase_add_test(tcase, says_who_it_is);
	tcase_add_test(tcase, shows_the_driver_its_address);
	tcase_add_test(tcase, offers_what_the_back_end_can_do);
	tcase_add_test(tcase, offers_everything_while_there_is_no_back_end);
	tcase_add_test(tcase, offers_no_offloads_where_they_are_not_wanted);
	tcase_add_test(tcase, tells_both_sides_the_mtu_it_was_given);
	tcase_add_test(tcase, passes_on_the_mtu_of_the_back_end);
	tcase_add_loop_test(tcase, works_with_a_back_end_of_few_protocol_features, 0,
		ARRAY_SIZE(protocols));
	tcase_add_test(tcase, works_with_a_back_end_that_knows_no_protocol_features);
	add_life(suite);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
