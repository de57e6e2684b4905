/* What a wire's worker takes from the main process, and what it does not. */

#include "compiler.h"
#include "worker_control.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int sockets[2]; /* the main process's, the worker's */

static void start(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
}

static void stop(void)
{
	close(sockets[0]);
	close(sockets[1]);
}

static unsigned open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned count = 0;

	ck_assert_ptr_nonnull(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* With so many descriptors, all the same one. */
static void tell(const void *bytes, size_t size, unsigned fd_count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = { .bytes = { 0 } };
	union {
		const void *sent;
		void *iov;
	} data = { .sent = bytes };
	struct iovec iov = { data.iov, size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		for (unsigned i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &sockets[0],
				sizeof(int));
	}
	ck_assert_int_eq(sendmsg(sockets[0], &message, 0), (ssize_t)size);
}

static const struct wire_port plug = {
	.type = WIRE_PLUG,
	.port = 3,
	.plug = 7,
	.name = "guest1",
	.settings.link = 1,
};

START_TEST(takes_a_message_with_its_descriptor)
{
	struct worker_message message;

	tell(&plug, sizeof(plug), 1);

	ck_assert_int_eq(worker_control_receive(sockets[1], &message), 0);
	ck_assert_uint_eq(message.type, WIRE_PLUG);
	ck_assert_uint_eq(message.port.port, 3);
	ck_assert_str_eq(message.port.name, "guest1");
	ck_assert_int_ge(message.fd, 0);
	ck_assert_int_eq(fcntl(message.fd, F_GETFD), FD_CLOEXEC);
	close(message.fd);
	ck_assert_int_eq(worker_control_receive(sockets[1], &message), -EAGAIN);
}

START_TEST(knows_when_the_main_process_is_gone)
{
	struct worker_message message;

	shutdown(sockets[0], SHUT_RDWR);

	ck_assert_int_eq(worker_control_receive(sockets[1], &message), -EPIPE);
	ck_assert_int_eq(message.fd, -1);
}

START_TEST(tells_without_waiting)
{
	struct wire_event event = { .type = WIRE_NOTE, .text = "a line" };
	struct wire_event heard;
	unsigned sent = 0;

	while (worker_control_send(sockets[1], &event) == 0)
		sent++;

	ck_assert_uint_gt(sent, 0);
	ck_assert_int_eq(worker_control_send(sockets[1], &event), -EAGAIN);
	ck_assert_int_eq(recv(sockets[0], &heard, sizeof(heard), 0), sizeof(heard));
	ck_assert_str_eq(heard.text, "a line");
}

struct wrong_message {
	const char *why;
	void (*spoil)(struct worker_message *message);
	size_t size;
	unsigned fd_count;
};

static void as_it_is(struct worker_message *message)
{
	(void)message;
}

static void port_beyond_all(struct worker_message *message)
{
	message->port.port = WIRE_PORTS_MAX;
}

static void endless_name(struct worker_message *message)
{
	memset(message->port.name, 'x', sizeof(message->port.name));
}

static void vlan_beyond_all(struct worker_message *message)
{
	message->port.settings.vlan = 4096;
}

static void unknown_vlan_mode(struct worker_message *message)
{
	message->port.settings.vlan_mode = PORT_VLAN_TRUNK + 1;
}

static void more_lost_than_sent(struct worker_message *message)
{
	message->port.settings.loss_per_10000 = 10001;
}

static void unknown_type(struct worker_message *message)
{
	message->type = WIRE_CAPTURE + 1;
}

static void own_type(struct worker_message *message)
{
	message->type = WIRE_READY;
}

static void of_type_set(struct worker_message *message)
{
	message->type = WIRE_SET;
}

static void unknown_kind(struct worker_message *message)
{
	memset(message, 0, sizeof(*message));
	message->setup = (struct wire_setup){ .type = WIRE_SETUP, .kind = WIRE_SWITCH + 1 };
}

static void capture_of_no_port(struct worker_message *message)
{
	memset(message, 0, sizeof(*message));
	message->capture = (struct wire_capture){ .type = WIRE_CAPTURE, .port = WIRE_PORTS_MAX };
}

static const struct wrong_message wrong[] = {
	{ "no bytes of a type", as_it_is, 3, 0 },
	{ "too short", as_it_is, sizeof(struct wire_port) - 1, 1 },
	{ "too long", as_it_is, sizeof(struct wire_port) + 1, 1 },
	{ "longer than any", as_it_is, sizeof(struct worker_message) + 100, 1 },
	{ "no descriptor", as_it_is, sizeof(struct wire_port), 0 },
	{ "two descriptors", as_it_is, sizeof(struct wire_port), 2 },
	{ "eight descriptors", as_it_is, sizeof(struct wire_port), 8 },
	{ "a descriptor that does not belong", of_type_set, sizeof(struct wire_port), 1 },
	{ "port", port_beyond_all, sizeof(struct wire_port), 1 },
	{ "name", endless_name, sizeof(struct wire_port), 1 },
	{ "VLAN", vlan_beyond_all, sizeof(struct wire_port), 1 },
	{ "VLAN mode", unknown_vlan_mode, sizeof(struct wire_port), 1 },
	{ "loss", more_lost_than_sent, sizeof(struct wire_port), 1 },
	{ "unknown type", unknown_type, sizeof(struct wire_port), 1 },
	{ "a worker's own type", own_type, sizeof(struct wire_event), 0 },
	{ "kind of wire", unknown_kind, sizeof(struct wire_setup), 1 },
	{ "capture's port", capture_of_no_port, sizeof(struct wire_capture), 1 },
};

START_TEST(refuses_what_makes_no_sense_and_keeps_no_descriptor)
{
	const struct wrong_message *row = &wrong[_i];
	char bytes[2 * sizeof(struct worker_message)] = { 0 };
	struct worker_message spoilt = { .port = plug };
	struct worker_message message;
	unsigned before = open_descriptors();

	row->spoil(&spoilt);
	memcpy(bytes, &spoilt, sizeof(spoilt));
	tell(bytes, row->size, row->fd_count);

	ck_assert_msg(worker_control_receive(sockets[1], &message) == -EPROTO, "%s", row->why);
	ck_assert_int_eq(message.fd, -1);
	ck_assert_uint_eq(open_descriptors(), before);
}

int main(void)
{
	Suite *suite = suite_create("worker_control");
	TCase *tcase = tcase_create("worker_control");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, takes_a_message_with_its_descriptor);
	tcase_add_test(tcase, knows_when_the_main_process_is_gone);
	tcase_add_test(tcase, tells_without_waiting);
	tcase_add_loop_test(tcase, refuses_what_makes_no_sense_and_keeps_no_descriptor, 0,
		ARRAY_SIZE(wrong));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
