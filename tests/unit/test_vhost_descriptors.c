/* Descriptors that front-ends send: what is asked of them, what it costs, and what it cannot be. */
#include "compiler.h"
#include "vhost_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sockios.h>

#define PAGE 4096U

static const struct fake_frontend_options usual;

static void refuse_call(int call, uint32_t action, int fd, unsigned place)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	const struct scmp_arg_cmp only = SCMP_CMP64(place, SCMP_CMP_EQ, (scmp_datum_t)fd, 0);

	ck_assert_int_eq(seccomp_rule_add(filter, action, call, fd < 0 ? 0 : 1, only), 0);
	ck_assert_int_eq(seccomp_load(filter), 0);
	seccomp_release(filter);
}

/* The next descriptor is of a file whose file system does not answer: asking it is the end. */
static void next_does_not_answer(int known)
{
	int fd = fcntl(known, F_DUPFD_CLOEXEC, 0);

	close(fd);
	refuse_call(SCMP_SYS(fstat), SCMP_ACT_KILL_PROCESS, fd, 0);
	refuse_call(SCMP_SYS(newfstatat), SCMP_ACT_KILL_PROCESS, fd, 0);
	refuse_call(SCMP_SYS(fstatfs), SCMP_ACT_KILL_PROCESS, fd, 0);
	refuse_call(SCMP_SYS(lseek), SCMP_ACT_KILL_PROCESS, fd, 0);
	refuse_call(SCMP_SYS(epoll_ctl), SCMP_ACT_KILL_PROCESS, fd, 2);
}

static const struct {
	const char *reason;
	uint32_t request;
	uint32_t size;
	struct vhost_user_memory_slot payload;
} questions[] = {
	{ "memory that is no file in memory", VHOST_USER_ADD_MEM_REG,
		sizeof(struct vhost_user_memory_slot), { 0, { 0x10000, PAGE, 0x10000, 0 } } },
	{ "kick that is no eventfd", VHOST_USER_SET_VRING_KICK, 8, { .padding = 0 } },
	{ "call that is no eventfd", VHOST_USER_SET_VRING_CALL, 8, { .padding = 0 } },
	{ "error descriptor that is no eventfd", VHOST_USER_SET_VRING_ERR, 8, { .padding = 0 } },
	{ "channel that is no local socket", VHOST_USER_SET_BACKEND_REQ_FD, 0, { .padding = 0 } },
};

START_TEST(a_file_system_that_does_not_answer_is_not_asked)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	start_one(0, &usual);
	next_does_not_answer(fd);
	ck_assert_int_eq(fake_frontend_say(&frontend[0], questions[_i].request,
				 &questions[_i].payload, questions[_i].size, fd),
		0);
	fake_worker_turn(&worker);

	ck_assert_ptr_null(worker.plug[0].session);
	ck_assert_str_eq(worker.plug[0].reason, questions[_i].reason);
	close(fd);
}

START_TEST(who_could_not_be_signalled_without_waiting_is_refused)
{
	refuse_call(SCMP_SYS(io_setup), SCMP_ACT_ERRNO(EAGAIN), -1, 0);
	plug_in(0, &usual);
	fake_frontend_start(&frontend[0]);
	ck_assert(fake_frontend_closed(&frontend[0]));

	ck_assert_ptr_null(worker.plug[0].session);
	ck_assert_str_eq(worker.plug[0].reason, "the host's fs.aio-max-nr is used up");
}

static int unread(int fd)
{
	int count = 0;

	ck_assert_int_eq(ioctl(fd, SIOCOUTQ, &count), 0);
	return count;
}

START_TEST(who_maps_again_and_again_has_to_rest)
{
	struct vhost_user_memory table = { .count = VHOST_USER_REGIONS_MAX };
	int fds[VHOST_USER_REGIONS_MAX];
	const struct vhost_user_header header = {
		.request = VHOST_USER_SET_MEM_TABLE,
		.flags = VHOST_USER_VERSION,
		.size = sizeof(table),
	};
	uint8_t message[sizeof(header) + sizeof(table)];
	uint64_t features;

	plug_in(0, &usual);
	ck_assert_int_eq(fake_frontend_negotiate(&frontend[0]), 0);
	for (unsigned i = 0; i < VHOST_USER_REGIONS_MAX; i++) {
		uint64_t address = 0x10000 + i * PAGE;

		table.region[i] = (struct vhost_user_region){ address, PAGE, address, 0 };
		fds[i] = card[0].memory_fd;
	}
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), &table, sizeof(table));
	fake_worker_turn(&worker);
	for (unsigned i = 0; i < 12; i++)
		ck_assert_int_eq(fake_frontend_say_raw(&frontend[0],
					 &(struct iovec){ message, sizeof(message) }, fds,
					 ARRAY_SIZE(fds)),
			0);
	event_base_loop(worker.base, EVLOOP_NONBLOCK);

	ck_assert_int_gt(unread(frontend[0].fd), 0);
	ck_assert_int_eq(fake_frontend_ask(&frontend[0], VHOST_USER_GET_FEATURES, &features), 0);
	ck_assert_int_eq(unread(frontend[0].fd), 0);
}

int main(void)
{
	Suite *suite = suite_create("vhost_descriptors");
	TCase *tcase = tcase_create("vhost_descriptors");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, a_file_system_that_does_not_answer_is_not_asked, 0,
		ARRAY_SIZE(questions));
	tcase_add_test(tcase, who_could_not_be_signalled_without_waiting_is_refused);
	tcase_add_test(tcase, who_maps_again_and_again_has_to_rest);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
