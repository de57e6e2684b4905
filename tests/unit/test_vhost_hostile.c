/* What vhost-user front-ends must not say: their connection is closed, and no other. */
#include "compiler.h"
#include "vhost_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#define BIT(number) (1ULL << (number))
#define PAGE 4096U
#define PAYLOAD_MOST 280

static const struct fake_frontend_options usual;
static unsigned descriptors;

/* A good front-end at port 1; what port 0 does must not disturb it. */
static void start_hostile(void)
{
	start();
	start_both(&usual);
	descriptors = count_descriptors();
}

/* Port 0 is closed for that reason; whoever comes after it is served as ever. */
static void expect_closed(const char *reason)
{
	ck_assert(fake_frontend_closed(&frontend[0]));
	ck_assert_ptr_null(worker.plug[0].session);
	ck_assert_str_eq(worker.plug[0].reason, reason);
	ck_assert_ptr_nonnull(worker.plug[1].session);
	start_one(0, &usual);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	for (uint8_t i = 0; i < 100; i++)
		expect_traffic(i & 1, i);
}

#define FD_PIPE 8 /* counts, and this: pipes instead of eventfds */

struct message_case {
	const char *reason;
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	unsigned fds;
	uint64_t payload[5];
};

#define OTHER_PROTOCOL "message of another protocol"
#define NOT_NEGOTIATED "request that was not negotiated"
#define WRONG_SIZE "request of an impossible size"
#define WRONG_FDS "descriptors that do not belong"
#define NO_RING "ring that does not exist"
#define RUNS "ring that runs is set up"
#define STATE(index, number) ((index) | (uint64_t)(number) << 32)

static const struct message_case messages[] = {
	{ OTHER_PROTOCOL, VHOST_USER_GET_FEATURES, 0, 0, 0, { 0 } },
	{ OTHER_PROTOCOL, VHOST_USER_GET_FEATURES, 2, 0, 0, { 0 } },
	{ OTHER_PROTOCOL, VHOST_USER_GET_FEATURES, 1 | VHOST_USER_REPLY, 0, 0, { 0 } },
	{ OTHER_PROTOCOL, VHOST_USER_GET_FEATURES, 0x11, 0, 0, { 0 } },
	{ NOT_NEGOTIATED, 0, 1, 0, 0, { 0 } },
	{ NOT_NEGOTIATED, 41, 1, 0, 0, { 0 } },
	{ NOT_NEGOTIATED, UINT32_MAX, 1, 0, 0, { 0 } },
	{ NOT_NEGOTIATED, VHOST_USER_SET_LOG_BASE, 1, 16, 1, { PAGE, 0 } },
	{ NOT_NEGOTIATED, VHOST_USER_SEND_RARP, 1, 8, 0, { 0 } },
	{ WRONG_SIZE, VHOST_USER_GET_FEATURES, 1, 1, 0, { 0 } },
	{ WRONG_SIZE, VHOST_USER_SET_FEATURES, 1, 0, 0, { 0 } },
	{ WRONG_SIZE, VHOST_USER_SET_FEATURES, 1, 7, 0, { 0 } },
	{ WRONG_SIZE, VHOST_USER_SET_FEATURES, 1, 9, 0, { 0 } },
	{ OTHER_PROTOCOL, VHOST_USER_SET_FEATURES, 1, UINT32_MAX, 0, { 0 } },
	{ WRONG_SIZE, VHOST_USER_SET_MEM_TABLE, 1, 265, 0, { 0 } },
	{ WRONG_SIZE, VHOST_USER_SET_VRING_NUM, 1, 4, 0, { 0 } },
	{ WRONG_SIZE, VHOST_USER_SET_VRING_ADDR, 1, 39, 0, { 0 } },
	{ WRONG_SIZE, VHOST_USER_GET_CONFIG, 1, 11, 0, { 0 } },
	{ WRONG_SIZE, VHOST_USER_GET_CONFIG, 1, 269, 0, { 0 } },
	{ WRONG_FDS, VHOST_USER_GET_FEATURES, 1, 0, 1, { 0 } },
	{ WRONG_FDS, VHOST_USER_SET_OWNER, 1, 0, 7, { 0 } },
	{ WRONG_FDS, VHOST_USER_SET_VRING_KICK, 1, 8, 2, { 0 } },
	{ WRONG_FDS, VHOST_USER_SET_BACKEND_REQ_FD, 1, 0, 0, { 0 } },
	{ WRONG_FDS, VHOST_USER_SET_BACKEND_REQ_FD, 1, 0, 2, { 0 } },
	{ WRONG_FDS, VHOST_USER_ADD_MEM_REG, 1, 40, 0, { 0, 0, PAGE, 0, 0 } },
	{ "features that were not offered", VHOST_USER_SET_FEATURES, 1, 8, 0, { BIT(34) } },
	{ "features that were not offered", VHOST_USER_SET_FEATURES, 1, 8, 0, { UINT64_MAX } },
	{ "protocol features that were not offered", VHOST_USER_SET_PROTOCOL_FEATURES, 1, 8, 0,
		{ UINT64_MAX } },
	{ NO_RING, VHOST_USER_SET_VRING_NUM, 1, 8, 0, { STATE(2, 256) } },
	{ NO_RING, VHOST_USER_SET_VRING_NUM, 1, 8, 0, { STATE(UINT32_MAX, 256) } },
	{ NO_RING, VHOST_USER_GET_VRING_BASE, 1, 8, 0, { STATE(2, 0) } },
	{ NO_RING, VHOST_USER_SET_VRING_ENABLE, 1, 8, 0, { STATE(2, 1) } },
	{ NO_RING, VHOST_USER_SET_VRING_ADDR, 1, 40, 0, { 2 } },
	{ NO_RING, VHOST_USER_SET_VRING_KICK, 1, 8, 1, { 2 } },
	{ NO_RING, VHOST_USER_SET_VRING_CALL, 1, 8, 1, { 0xff } },
	{ NO_RING, VHOST_USER_SET_VRING_CALL, 1, 8, 1, { BIT(63) } },
	{ RUNS, VHOST_USER_SET_VRING_NUM, 1, 8, 0, { STATE(0, 256) } },
	{ RUNS, VHOST_USER_SET_VRING_BASE, 1, 8, 0, { STATE(1, 0) } },
	{ "ring neither enabled nor disabled", VHOST_USER_SET_VRING_ENABLE, 1, 8, 0,
		{ STATE(0, 2) } },
	{ "log of a ring, which is not offered", VHOST_USER_SET_VRING_ADDR, 1, 40, 0,
		{ STATE(0, 1) } },
	{ "ring outside the memory it shares", VHOST_USER_SET_VRING_ADDR, 1, 40, 0,
		{ 0, 16, 16, 16, 0 } },
	{ "descriptor of a ring that is missing, or too many", VHOST_USER_SET_VRING_KICK, 1, 8, 0,
		{ 0 } },
	{ "descriptor of a ring that is missing, or too many", VHOST_USER_SET_VRING_ERR, 1, 8, 1,
		{ VHOST_USER_NO_FD } },
	{ "kick that is no eventfd", VHOST_USER_SET_VRING_KICK, 1, 8, FD_PIPE | 1, { 0 } },
	{ "call that is no eventfd", VHOST_USER_SET_VRING_CALL, 1, 8, FD_PIPE | 1, { 0 } },
	{ "error descriptor that is no eventfd", VHOST_USER_SET_VRING_ERR, 1, 8, FD_PIPE | 1,
		{ 0 } },
	{ "channel that is no local socket", VHOST_USER_SET_BACKEND_REQ_FD, 1, 0, FD_PIPE | 1,
		{ 0 } },
	{ "memory table of an impossible size", VHOST_USER_SET_MEM_TABLE, 1, 8, 0, { 9 } },
	{ "memory table of an impossible size", VHOST_USER_SET_MEM_TABLE, 1, 8, 1, { 1 } },
	{ "memory table of an impossible size", VHOST_USER_SET_MEM_TABLE, 1, 40, 0, { 1 } },
	{ "memory table of an impossible size", VHOST_USER_SET_MEM_TABLE, 1, 40, 1, { 0 } },
	{ "memory region that is not there", VHOST_USER_REM_MEM_REG, 1, 40, 0,
		{ 0, 0, PAGE, 0, 0 } },
	{ "configuration of an impossible size", VHOST_USER_GET_CONFIG, 1, 12, 0,
		{ STATE(0, 8), 0 } },
	{ "configuration of an impossible size", VHOST_USER_GET_CONFIG, 1, 20, 0,
		{ STATE(249, 8), 0 } },
	{ "configuration of an impossible size", VHOST_USER_SET_CONFIG, 1, 20, 0,
		{ STATE(UINT32_MAX, 8), 0 } },
	{ "status of an impossible size", VHOST_USER_SET_STATUS, 1, 8, 0, { 256 } },
};

START_TEST(a_malformed_message_closes_its_connection)
{
	const struct message_case *message = &messages[_i];
	const uint32_t header[] = { message->request, message->flags, message->size };
	char bytes[sizeof(header) + PAYLOAD_MOST] = { 0 };
	int fd[8], pair[2];

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = message->fds & FD_PIPE ? pair[1] : card[0].queue[0].kick_fd;
	memcpy(bytes, header, sizeof(header));
	memcpy(bytes + sizeof(header), message->payload, sizeof(message->payload));

	struct iovec iov = { bytes, sizeof(header) };

	if (message->size <= PAYLOAD_MOST)
		iov.iov_len += message->size;
	ck_assert_int_eq(fake_frontend_say_raw(&frontend[0], &iov, fd,
				 message->fds & ~(unsigned)FD_PIPE),
		0);
	close(pair[0]);
	close(pair[1]);

	expect_closed(message->reason);
}

START_TEST(more_descriptors_than_any_message_has_are_closed)
{
	const struct vhost_user_header header = { VHOST_USER_SET_MEM_TABLE, 1, 8 };
	int fd[16];

	for (unsigned i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = card[0].memory_fd;
	ck_assert_int_eq(fake_frontend_say_raw(&frontend[0],
				 &(struct iovec){ (void *)(uintptr_t)&header, sizeof(header) }, fd,
				 ARRAY_SIZE(fd)),
		0);
	expect_closed(OTHER_PROTOCOL);
}

START_TEST(descriptors_in_the_middle_of_a_message_are_counted_too)
{
	struct vhost_user_header header = { VHOST_USER_GET_FEATURES, 1, 0 };
	struct iovec first = { &header, 4 }, second = { &header.flags, 8 };

	ck_assert_int_eq(fake_frontend_say_raw(&frontend[0], &first, NULL, 0), 0);
	fake_worker_turn(&worker);
	fake_frontend_say_raw(&frontend[0], &second, &card[0].queue[0].kick_fd, 1);
	expect_closed(WRONG_FDS);
}

START_TEST(a_connection_cut_in_a_message_leaves_nothing_behind)
{
	const struct vhost_user_header header = { VHOST_USER_SET_VRING_CALL, 1, 8 };

	ck_assert_int_eq(fake_frontend_say_raw(&frontend[0],
				 &(struct iovec){ (void *)(uintptr_t)&header, sizeof(header) },
				 &card[0].queue[0].kick_fd, 1),
		0);
	fake_worker_turn(&worker);
	shutdown(frontend[0].fd, SHUT_WR);
	expect_closed("it closed the connection");
}

START_TEST(a_front_end_that_never_reads_is_closed)
{
	const struct vhost_user_header header = { VHOST_USER_GET_FEATURES, 1, 0 };
	struct iovec iov;

	for (unsigned i = 0; i < 1000000 && worker.plug[0].session; i++) {
		iov = (struct iovec){ (void *)(uintptr_t)&header, sizeof(header) };
		if (send(frontend[0].fd, iov.iov_base, iov.iov_len, MSG_DONTWAIT | MSG_NOSIGNAL) <
			0)
			fake_worker_turn(&worker);
	}
	expect_closed("it does not read its answers");
}

static int other_file(unsigned kind)
{
	switch (kind) {
	case 0:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case 1:
		return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	case 2:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	default:
		return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	}
}

START_TEST(memory_has_to_be_in_memory)
{
	const struct vhost_user_memory_slot slot = { 0, { 0x10000, PAGE, 0x10000, 0 } };
	int fd = other_file((unsigned)_i);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_ADD_MEM_REG, &slot,
				 sizeof(slot), fd),
		0);
	close(fd);
	expect_closed("memory that is no file in memory");
}

static const struct {
	const char *reason;
	struct vhost_user_region region;
} regions[] = {
	{ "memory region of an impossible size", { 0x10000, 0, 0x10000, 0 } },
	{ "memory region of an impossible size", { -(uint64_t)PAGE, 2 * PAGE, 0x10000, 0 } },
	{ "memory region of an impossible size", { 0x10000, 2 * PAGE, -(uint64_t)PAGE, 0 } },
	{ "memory region of an impossible size", { 0x10000, 2 * PAGE, 0x10000, -(uint64_t)PAGE } },
	{ "memory region of an impossible size", { PAGE, UINT64_MAX, 0x10000, 0 } },
	{ "memory region that does not begin at a page", { 0x10001, PAGE, 0x10000, 0 } },
	{ "memory region that does not begin at a page", { 0x10000, PAGE, 0x10002, 0 } },
	{ "memory region that does not begin at a page", { 0x10000, PAGE, 0x10000, 8 } },
	{ "memory regions that overlap", { FAKE_CARD_BASE, PAGE, 0x10000, 0 } },
	{ "memory regions that overlap", { FAKE_CARD_BASE - PAGE, PAGE + 1, 0x10000, 0 } },
	{ "memory region beyond the end of its file", { 0x10000, PAGE, 0x10000, 1ULL << 40 } },
	{ "memory region beyond the end of its file", { 0, FAKE_CARD_BASE, 0x10000, 0 } },
	{ "more memory than a guest may share", { 1ULL << 40, 1ULL << 39, 0x10000, 0 } },
};

START_TEST(impossible_memory_is_refused)
{
	const struct vhost_user_memory_slot slot = { 0, regions[_i].region };

	ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_ADD_MEM_REG, &slot,
				 sizeof(slot), card[0].memory_fd),
		0);
	expect_closed(regions[_i].reason);
}

START_TEST(there_are_no_more_slots_than_are_told)
{
	struct vhost_user_memory_slot slot = { 0, { 0x10000, PAGE, 0x10000, 0 } };

	for (unsigned i = 0; i < GUEST_MEMORY_REGIONS; i++) {
		slot.region.guest_address += PAGE;
		ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_ADD_MEM_REG, &slot,
					 sizeof(slot), card[0].memory_fd),
			0);
	}
	expect_closed("more memory regions than there are slots");
}

START_TEST(memory_of_a_running_ring_cannot_be_taken_away)
{
	const struct vhost_user_memory_slot slot = { 0, { 0x10000, PAGE, 0x10000, 0 } };
	struct vhost_user_memory_slot rings = { 0,
		{ FAKE_CARD_BASE, card[0].ram_size, (uintptr_t)card[0].ram, 0 } };

	ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_ADD_MEM_REG, &slot,
				 sizeof(slot), card[0].memory_fd),
		0);
	ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_REM_MEM_REG, &rings,
				 sizeof(rings), -1),
		0);
	expect_closed("ring outside the memory it shares");
}

START_TEST(a_full_call_descriptor_delays_nobody)
{
	const uint64_t full = UINT64_MAX - 1;

	for (unsigned i = 0; i < 2; i++) {
		int fd = card[0].queue[i].call_fd;

		fake_card_interrupted(&card[0], i);
		ck_assert_int_eq(write(fd, &full, sizeof(full)), sizeof(full));
		ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0); /* writing to it waits */
	}
	for (unsigned i = 0; i < 1000; i++) {
		expect_traffic(i & 1, (uint8_t)i);
		while (fake_card_receive(&card[~i & 1], NULL, NULL, 0) >= 0)
			;
	}
	ck_assert_uint_gt(worker.counters[0].notifications, 100);
}

START_TEST(a_descriptor_that_is_no_eventfd_is_no_call)
{
	const uint64_t index = FAKE_CARD_RECEIVE;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_SET_VRING_CALL, &index,
				 sizeof(index), fd),
		0);
	close(fd);
	expect_closed("call that is no eventfd");
}

START_TEST(a_queue_that_makes_no_sense_is_complained_of)
{
	const uint64_t index = FAKE_CARD_TRANSMIT;
	struct fake_card_queue *queue = &card[0].queue[FAKE_CARD_TRANSMIT];
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t count = 0;

	ck_assert_int_eq(fake_frontend_say(&frontend[0], VHOST_USER_SET_VRING_ERR, &index,
				 sizeof(index), fd),
		0);
	fake_worker_turn(&worker);
	ck_assert_int_ne(eventfd_read(fd, &count), 0);
	queue->ring.avail->idx = (uint16_t)(queue->ring.avail->idx + 1000);
	eventfd_write(queue->kick_fd, 1);
	ck_assert(fake_frontend_closed(&frontend[0]));

	ck_assert_int_eq(eventfd_read(fd, &count), 0);
	close(fd);
}

/* A truncated file: gone are the rings, or what frames are copied from and to. */
START_TEST(memory_that_goes_away_closes_the_connection)
{
	fake_card_destroy(&card[0]);
	fake_card_create(&card[0], &(struct fake_card_options){ .unsealable = true });
	start_one(0, &usual);
	expect_traffic(0, 1);

	ck_assert_int_eq(ftruncate(card[0].memory_fd, _i ? PAGE : 0), 0);
	send_frame(1, 1);
	fake_worker_turn(&worker);
	ck_assert_str_eq(worker.plug[0].reason, "its memory went away");

	ck_assert_int_eq(ftruncate(card[0].memory_fd, (off_t)card[0].ram_size), 0);
	start_one(0, &usual);
	expect_traffic(0, 1);
	expect_traffic(1, 2);
}

START_TEST(memory_is_sealed_where_it_can_be)
{
	fake_card_destroy(&card[0]);
	fake_card_create(&card[0], &(struct fake_card_options){ .unsealed = true });
	start_one(0, &usual);

	ck_assert_int_lt(ftruncate(card[0].memory_fd, 0), 0);
	expect_traffic(0, 1);
}

int main(void)
{
	Suite *suite = suite_create("vhost-user, hostile");
	TCase *tcase = tcase_create("hostile");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start_hostile, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_malformed_message_closes_its_connection, 0,
		ARRAY_SIZE(messages));
	tcase_add_test(tcase, more_descriptors_than_any_message_has_are_closed);
	tcase_add_test(tcase, descriptors_in_the_middle_of_a_message_are_counted_too);
	tcase_add_test(tcase, a_connection_cut_in_a_message_leaves_nothing_behind);
	tcase_add_test(tcase, a_front_end_that_never_reads_is_closed);
	tcase_add_loop_test(tcase, memory_has_to_be_in_memory, 0, 4);
	tcase_add_loop_test(tcase, impossible_memory_is_refused, 0, ARRAY_SIZE(regions));
	tcase_add_test(tcase, there_are_no_more_slots_than_are_told);
	tcase_add_test(tcase, memory_of_a_running_ring_cannot_be_taken_away);
	tcase_add_test(tcase, a_full_call_descriptor_delays_nobody);
	tcase_add_test(tcase, a_descriptor_that_is_no_eventfd_is_no_call);
	tcase_add_test(tcase, a_queue_that_makes_no_sense_is_complained_of);
	tcase_add_loop_test(tcase, memory_that_goes_away_closes_the_connection, 0, 2);
	tcase_add_test(tcase, memory_is_sealed_where_it_can_be);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
