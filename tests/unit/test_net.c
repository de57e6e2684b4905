/* The network device and its front-end, before back-ends that come, go, and misbehave. */
#include "compiler.h"
#include "fake_backend.h"
#include "fake_driver.h"
#include "virtio_net_bits.h"
#include "virtio_net_card.h"

#include <check.h>
#include <dirent.h>
#include <event2/thread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

#define BIT(number) (1ULL << (number))
#define RECEIVE 0
#define TRANSMIT 1
#define OTHER_MTU 9000
#define STATUS_OFFSET offsetof(struct virtio_net_config, status)

static char directory[] = "/tmp/test-net-XXXXXX";
static char path[sizeof(directory) + 16];
static struct fake_backend backend;
static struct fake_driver driver;
static struct net_options options;

static void start(void)
{
	evthread_use_pthreads();
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/back-end", directory);
	fake_backend_create(&backend, path);
	options = (struct net_options){
		.subject = "net0",
		.path = path,
		.name = "guest1",
		.mac = { 0x52, 0x54, 0, 0, 0, 1 },
		.offloads = true,
	};
}

static void stop(void)
{
	ck_assert_msg(!backend.complaint, "the front-end: %s", backend.complaint);
	fake_backend_destroy(&backend);
	rmdir(directory);
}

/* With the back-end there from the start. */
static void bring_up(uint64_t declined)
{
	fake_backend_start(&backend);
	fake_driver_create_with(&driver, "net", &options);
	fake_driver_bring_up(&driver, declined);
}

static bool carrier(void)
{
	return virtio_mmio_read(&driver.mmio, VIRTIO_MMIO_CONFIG + STATUS_OFFSET, 2) &
		VIRTIO_NET_S_LINK_UP;
}

static bool no_carrier(void)
{
	return !carrier();
}

/* The main loop turns until it is so; a test's time limit is the runner's. */
static void wait_for(bool (*condition)(void))
{
	while (!condition())
		event_base_loop(driver.base, EVLOOP_ONCE);
}

static unsigned awaited_connections;

static bool connected_again(void)
{
	bool so;

	fake_backend_lock(&backend);
	so = backend.connections >= awaited_connections;
	fake_backend_unlock(&backend);
	return so;
}

static void reset_device(void)
{
	fake_driver_write(&driver, VIRTIO_MMIO_STATUS, 0);
}

/* A frame of one byte that says which goes round; true if it comes back. */
static void send_frame(uint8_t tag)
{
	uint8_t *out = driver.guest.ram + FAKE_BUFFERS, *in = out + 64;

	out[0] = tag;
	in[0] = 0;
	fake_ring_post(&driver.ring[RECEIVE], fake_guest_address(&driver.guest, in), 64,
		VRING_DESC_F_WRITE);
	fake_ring_post(&driver.ring[TRANSMIT], fake_guest_address(&driver.guest, out), 64, 0);
	fake_driver_kick(&driver, RECEIVE);
	fake_driver_kick(&driver, TRANSMIT);
}

static void wait_for_frame(uint8_t tag)
{
	const uint8_t *in = driver.guest.ram + FAKE_BUFFERS + 64;
	int64_t length;

	for (length = -1; length < 0; length = fake_ring_reap(&driver.ring[RECEIVE]))
		event_base_loop(driver.base, EVLOOP_NONBLOCK);
	ck_assert_int_eq(length, 64);
	ck_assert_uint_eq(in[0], tag);
	while (fake_ring_reap(&driver.ring[TRANSMIT]) < 0)
		;
}

static unsigned open_descriptors(void)
{
	DIR *descriptors = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(descriptors))
		count++;
	closedir(descriptors);
	return count;
}

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
	ck_assert_int_eq(strncmp(backend.peer, "vmm-net/guest1/", 15), 0);
	ck_assert_uint_gt(strlen(backend.peer), 15);
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

	backend.features &= ~lacking;
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
	ck_assert_uint_eq(backend.mtu, OTHER_MTU);
	ck_assert_uint_eq(virtio_mmio_read(&driver.mmio,
				  VIRTIO_MMIO_CONFIG + offsetof(struct virtio_net_config, mtu), 2),
		OTHER_MTU);
	fake_driver_stop(&driver);
}

START_TEST(passes_on_the_mtu_of_the_back_end)
{
	const uint16_t mtu = OTHER_MTU;

	memcpy(backend.config + offsetof(struct virtio_net_config, mtu), &mtu, sizeof(mtu));
	bring_up(0);
	ck_assert(driver.device->negotiated & BIT(VIRTIO_NET_F_MTU));
	ck_assert_uint_eq(virtio_mmio_read(&driver.mmio,
				  VIRTIO_MMIO_CONFIG + offsetof(struct virtio_net_config, mtu), 2),
		OTHER_MTU);
	wait_for(carrier);
	ck_assert(!fake_backend_heard(&backend, VHOST_USER_NET_SET_MTU));
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
	backend.protocol_features = protocols[_i];
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
	backend.features &= ~BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	bring_up(0);
	wait_for(carrier);
	ck_assert(!fake_backend_heard(&backend, VHOST_USER_SET_VRING_ENABLE));
	ck_assert(!fake_backend_heard(&backend, VHOST_USER_SET_PROTOCOL_FEATURES));
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
	fake_backend_lock(&backend);
	backend.idle = true;
	fake_backend_unlock(&backend);
	send_frame(100);
	fake_backend_kill(&backend);
	fake_driver_interrupted(&driver);
	backend.idle = false;
	awaited_connections = backend.connections + 1;
	fake_backend_start(&backend);
	wait_for(connected_again);
	wait_for_frame(100);
	ck_assert(fake_driver_interrupted(&driver));
	ck_assert_uint_eq(backend.ring[TRANSMIT].base, FAKE_QUEUE_SIZE + 3);
	fake_driver_stop(&driver);
}

START_TEST(a_short_absence_is_not_shown)
{
	uint32_t generation;

	bring_up(0);
	wait_for(carrier);
	generation = fake_driver_read(&driver, VIRTIO_MMIO_CONFIG_GENERATION);
	awaited_connections = backend.connections + 1;
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
	bring_up(0);
	wait_for(carrier);
	fake_backend_kill(&backend);
	wait_for(no_carrier);
	fake_backend_start(&backend);
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
	ck_assert_uint_eq(backend.connections, 1);
	fake_driver_stop(&driver);
}

START_TEST(there_is_no_carrier_on_a_cable_pulled_from_the_start)
{
	fake_backend_set_link(&backend, false);
	bring_up(0);
	fake_backend_set_link(&backend, false);
	while (!backend.ring[TRANSMIT].enabled)
		event_base_loop(driver.base, EVLOOP_NONBLOCK);
	ck_assert(!carrier());
	fake_backend_set_link(&backend, true);
	wait_for(carrier);
	fake_driver_stop(&driver);
}

START_TEST(another_back_end_that_lacks_what_the_driver_uses_gives_no_carrier)
{
	bring_up(0);
	wait_for(carrier);
	fake_backend_kill(&backend);
	backend.features &= ~BIT(VIRTIO_NET_F_GUEST_TSO4);
	fake_backend_start(&backend);
	wait_for(no_carrier);
	ck_assert(!fake_backend_heard(&backend, VHOST_USER_SET_MEM_TABLE));

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

	ck_assert(!backend.ring[RECEIVE].started);
	ck_assert(!backend.ring[TRANSMIT].started);
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
	ck_assert_uint_eq(backend.connections, 1);
	fake_driver_stop(&driver);
}

START_TEST(a_reset_does_not_wait_for_ever_for_a_back_end_that_hangs)
{
	bring_up(0);
	wait_for(carrier);
	fake_backend_lock(&backend);
	backend.asleep = true;
	fake_backend_unlock(&backend);
	reset_device();

	fake_backend_lock(&backend);
	backend.asleep = false;
	fake_backend_unlock(&backend);
	fake_driver_bring_up(&driver, 0);
	wait_for(carrier);
	ck_assert_uint_ge(backend.connections, 2);
	fake_driver_stop(&driver);
}

START_TEST(a_guest_starts_though_its_back_end_hangs)
{
	backend.asleep = true;
	bring_up(0);
	ck_assert(!carrier());
	fake_backend_lock(&backend);
	backend.asleep = false;
	fake_backend_unlock(&backend);
	wait_for(carrier);
	fake_driver_stop(&driver);
}

/* What the spoilers below spoil; 0: nothing. */
static uint32_t spoiled_request;
static bool spoiled;

static bool withhold(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	if (answer->header.request != spoiled_request)
		return true;
	spoiled = true;
	return false;
}

static bool is_spoiled(void)
{
	bool so;

	fake_backend_lock(&backend);
	so = spoiled;
	fake_backend_unlock(&backend);
	return so;
}

static const uint32_t moments[] = { VHOST_USER_SET_FEATURES, VHOST_USER_SET_MEM_TABLE,
	VHOST_USER_SET_VRING_NUM, VHOST_USER_SET_VRING_ADDR, VHOST_USER_SET_VRING_CALL };

/* The answer that the first driver's handshake waited for comes while the second one runs. */
START_TEST(a_reset_in_the_middle_of_starting_starts_all_over)
{
	struct vhost_user_message late = {
		.header = { moments[_i], VHOST_USER_VERSION | VHOST_USER_REPLY, sizeof(uint64_t) },
	};

	spoiled_request = moments[_i];
	backend.spoil = withhold;
	bring_up(0);
	while (!is_spoiled())
		event_base_loop(driver.base, EVLOOP_NONBLOCK);
	reset_device();
	fake_driver_bring_up(&driver, BIT(VIRTIO_NET_F_GUEST_TSO4));
	fake_backend_lock(&backend);
	backend.spoil = NULL;
	vhost_send(backend.fd, &late, NULL, 0);
	fake_backend_unlock(&backend);
	wait_for(carrier);

	ck_assert_uint_eq(backend.connections, 1);
	ck_assert(!(backend.accepted & BIT(VIRTIO_NET_F_GUEST_TSO4)));
	send_frame(1);
	wait_for_frame(1);
	fake_driver_stop(&driver);
}

/* Below, each takes one answer for another thing than the truth; the front-end must hang up. */
static bool other_request(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.request++;
	return true;
}

static bool no_reply_flag(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.flags &= ~VHOST_USER_REPLY;
	return true;
}

static bool other_version(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.flags ^= VHOST_USER_VERSION_MASK;
	return true;
}

static bool longer(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.size += 8;
	return true;
}

static bool shorter(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.size -= 4;
	return true;
}

static bool empty(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->header.size = 0;
	return true;
}

static bool enormous(struct fake_backend *fake, struct vhost_user_message *answer)
{
	answer->header.size = 0x7fffffff;
	send(fake->fd, &answer->header, sizeof(answer->header), MSG_NOSIGNAL);
	return false;
}

static bool with_descriptors(struct fake_backend *fake, struct vhost_user_message *answer)
{
	vhost_send(fake->fd, answer, (int[]){ 0, 1, 2 }, 3);
	return false;
}

static bool twice(struct fake_backend *fake, struct vhost_user_message *answer)
{
	vhost_send(fake->fd, answer, NULL, 0);
	return true;
}

static bool half(struct fake_backend *fake, struct vhost_user_message *answer)
{
	send(fake->fd, &answer->header, 7, MSG_NOSIGNAL);
	shutdown(fake->fd, SHUT_RDWR);
	return false;
}

static bool closed(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)answer;
	shutdown(fake->fd, SHUT_RDWR);
	return false;
}

static bool other_number(struct fake_backend *fake, struct vhost_user_message *answer)
{
	(void)fake;
	answer->payload.state.index ^= 1;
	return true;
}

static const struct {
	bool (*spoil)(struct fake_backend *backend, struct vhost_user_message *answer);
	uint32_t request;
} spoilers[] = {
	{ other_request, VHOST_USER_GET_FEATURES },
	{ no_reply_flag, VHOST_USER_GET_FEATURES },
	{ other_version, VHOST_USER_GET_FEATURES },
	{ longer, VHOST_USER_GET_FEATURES },
	{ shorter, VHOST_USER_GET_FEATURES },
	{ empty, VHOST_USER_GET_FEATURES },
	{ enormous, VHOST_USER_GET_FEATURES },
	{ with_descriptors, VHOST_USER_GET_FEATURES },
	{ half, VHOST_USER_GET_FEATURES },
	{ closed, VHOST_USER_GET_FEATURES },
	{ empty, VHOST_USER_GET_PROTOCOL_FEATURES },
	{ longer, VHOST_USER_GET_CONFIG },
	{ empty, VHOST_USER_GET_CONFIG },
	{ other_number, VHOST_USER_GET_CONFIG },
	{ other_request, VHOST_USER_SET_FEATURES },
	{ other_number, VHOST_USER_SET_FEATURES },
	{ twice, VHOST_USER_SET_STATUS },
	{ other_number, VHOST_USER_SET_MEM_TABLE },
	{ enormous, VHOST_USER_SET_MEM_TABLE },
	{ with_descriptors, VHOST_USER_SET_MEM_TABLE },
	{ closed, VHOST_USER_SET_MEM_TABLE },
	{ other_number, VHOST_USER_SET_VRING_NUM },
	{ other_number, VHOST_USER_SET_VRING_BASE },
	{ other_number, VHOST_USER_SET_VRING_ADDR },
	{ other_number, VHOST_USER_SET_VRING_CALL },
	{ other_number, VHOST_USER_SET_VRING_KICK },
	{ closed, VHOST_USER_SET_VRING_KICK },
	{ other_number, VHOST_USER_SET_VRING_ENABLE },
	{ other_number, VHOST_USER_SET_STATUS },
};

static int spoiler;

static bool spoil_once(struct fake_backend *fake, struct vhost_user_message *answer)
{
	if (spoiled || answer->header.request != spoilers[spoiler].request)
		return true;
	spoiled = true;
	return spoilers[spoiler].spoil(fake, answer);
}

START_TEST(an_answer_that_makes_no_sense_ends_the_connection_and_the_next_is_good)
{
	spoiler = _i;
	backend.spoil = spoil_once;
	bring_up(0);
	awaited_connections = 2;
	wait_for(connected_again);
	wait_for(carrier);

	ck_assert(spoiled);
	send_frame(1);
	wait_for_frame(1);
	fake_driver_stop(&driver);
}

static const struct {
	bool (*spoil)(struct fake_backend *backend, struct vhost_user_message *answer);
} stop_spoilers[] = { { other_request }, { other_number }, { longer }, { enormous }, { half },
	{ closed }, { with_descriptors } };

static bool spoil_stop(struct fake_backend *fake, struct vhost_user_message *answer)
{
	if (spoiled || answer->header.request != VHOST_USER_GET_VRING_BASE)
		return true;
	spoiled = true;
	return stop_spoilers[spoiler].spoil(fake, answer);
}

START_TEST(a_reset_survives_answers_that_make_no_sense)
{
	spoiler = _i;
	backend.spoil = spoil_stop;
	bring_up(0);
	wait_for(carrier);
	reset_device();
	ck_assert(spoiled);

	fake_driver_bring_up(&driver, 0);
	wait_for(carrier);
	ck_assert_uint_ge(backend.connections, 2);
	fake_driver_stop(&driver);
}

static const struct vhost_user_header nonsense[] = {
	{ 0, VHOST_USER_VERSION, 0 },
	{ VHOST_USER_BACKEND_CONFIG_CHANGED, VHOST_USER_VERSION, 8 },
	{ VHOST_USER_BACKEND_CONFIG_CHANGED, VHOST_USER_VERSION | VHOST_USER_REPLY, 0 },
	{ VHOST_USER_BACKEND_CONFIG_CHANGED, 0, 0 },
	{ 77, VHOST_USER_VERSION | VHOST_USER_NEED_REPLY, 8 },
	{ 1, VHOST_USER_VERSION, UINT32_MAX },
};

START_TEST(a_back_end_that_asks_for_nonsense_loses_its_connection)
{
	struct vhost_user_message message = { .header = nonsense[_i] };

	bring_up(0);
	wait_for(carrier);
	awaited_connections = 2;
	fake_backend_lock(&backend);
	if (message.header.size > sizeof(message.payload))
		send(backend.channel_fd, &message.header, sizeof(message.header), 0);
	else
		vhost_send(backend.channel_fd, &message, NULL, 0);
	fake_backend_unlock(&backend);
	wait_for(connected_again);
	fake_driver_stop(&driver);
}

START_TEST(a_back_end_that_talks_unasked_loses_its_connection)
{
	bring_up(0);
	wait_for(carrier);
	awaited_connections = 2;
	fake_backend_lock(&backend);
	send(backend.fd, "x", 1, 0);
	fake_backend_unlock(&backend);
	wait_for(connected_again);
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
	while (vhost_read(&reader, backend.channel_fd) == 0)
		event_base_loop(driver.base, EVLOOP_NONBLOCK);

	ck_assert_uint_eq(reader.message.header.request, VHOST_USER_BACKEND_CONFIG_CHANGED);
	ck_assert_uint_eq(reader.message.header.size, sizeof(uint64_t));
	ck_assert_uint_eq(reader.message.payload.number, 0);
	ck_assert_uint_eq(backend.connections, 1);
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

static void add_misbehaviour(Suite *suite)
{
	TCase *tcase = tcase_create("misbehaviour");

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
		an_answer_that_makes_no_sense_ends_the_connection_and_the_next_is_good, 0,
		ARRAY_SIZE(spoilers));
	tcase_add_loop_test(tcase, a_reset_survives_answers_that_make_no_sense, 0,
		ARRAY_SIZE(stop_spoilers));
	tcase_add_loop_test(tcase, a_back_end_that_asks_for_nonsense_loses_its_connection, 0,
		ARRAY_SIZE(nonsense));
	tcase_add_test(tcase, a_back_end_that_talks_unasked_loses_its_connection);
	tcase_add_test(tcase, a_reset_does_not_wait_for_ever_for_a_back_end_that_hangs);
	tcase_add_test(tcase, a_guest_starts_though_its_back_end_hangs);
	tcase_add_loop_test(tcase, a_reset_in_the_middle_of_starting_starts_all_over, 0,
		ARRAY_SIZE(moments));
	tcase_add_test(tcase, no_descriptor_is_left_behind);
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
	tcase_add_test(tcase, a_pulled_cable_is_shown_and_announced);
	tcase_add_test(tcase, there_is_no_carrier_on_a_cable_pulled_from_the_start);
	tcase_add_test(tcase, another_back_end_that_lacks_what_the_driver_uses_gives_no_carrier);
	tcase_add_test(tcase, rings_are_stopped_before_a_reset_is_done);
	tcase_add_test(tcase, a_driver_may_start_anew_many_times);
	tcase_add_test(tcase, a_question_that_wants_an_answer_gets_one);
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
	add_misbehaviour(suite);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
