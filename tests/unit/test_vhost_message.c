/* Messages with descriptors over a stream socket, from ends that keep the rules and others. */
#include "compiler.h"
#include "vhost_message.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct vhost_reader reader;
static int near, far;

static void start(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	near = pair[0];
	far = pair[1];
	memset(&reader, 0, sizeof(reader));
}

static void stop(void)
{
	vhost_reader_next(&reader);
	close(near);
	close(far);
}

static unsigned open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static struct vhost_user_message number_message(uint32_t request, uint64_t number)
{
	return (struct vhost_user_message){
		.header = { request, VHOST_USER_VERSION, sizeof(uint64_t) },
		.payload.number = number,
	};
}

/* As a hostile end may: these bytes, with that many descriptors. */
static void send_raw(const void *bytes, size_t length, unsigned count)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(int) * 32)];
	} control = { .header = { .cmsg_len = 0 } };
	struct iovec part = { (void *)(uintptr_t)bytes, length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * count);
		for (unsigned i = 0; i < count; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &far, sizeof(far));
	}
	ck_assert_int_eq(sendmsg(far, &message, 0), (int)length);
}

START_TEST(a_message_and_its_descriptors_arrive)
{
	struct vhost_user_message sent = number_message(VHOST_USER_SET_FEATURES, 0x123456789abcdef);
	int fd[2] = { near, far };

	ck_assert_int_eq(vhost_send(far, &sent, fd, 2), 0);
	ck_assert_int_eq(vhost_read(&reader, near), 1);

	ck_assert_uint_eq(reader.message.header.request, VHOST_USER_SET_FEATURES);
	ck_assert_uint_eq(reader.message.payload.number, 0x123456789abcdef);
	ck_assert_uint_eq(reader.fd_count, 2);
}

START_TEST(messages_that_come_together_are_read_one_by_one)
{
	struct vhost_user_message first = number_message(1, 11), second = number_message(2, 22);

	ck_assert_int_eq(vhost_send(far, &first, NULL, 0), 0);
	ck_assert_int_eq(vhost_send(far, &second, &near, 1), 0);

	ck_assert_int_eq(vhost_read(&reader, near), 1);
	ck_assert_uint_eq(reader.message.payload.number, 11);
	ck_assert_uint_eq(reader.fd_count, 0);
	vhost_reader_next(&reader);
	ck_assert_int_eq(vhost_read(&reader, near), 1);
	ck_assert_uint_eq(reader.message.payload.number, 22);
	ck_assert_uint_eq(reader.fd_count, 1);
}

START_TEST(a_message_may_come_byte_by_byte)
{
	struct vhost_user_message sent = number_message(7, 0x1122334455667788);
	uint8_t bytes[20];

	memcpy(bytes, &sent.header, 12);
	memcpy(bytes + 12, &sent.payload, 8);
	for (unsigned i = 0; i < sizeof(bytes); i++) {
		ck_assert_int_eq(vhost_read(&reader, near), 0);
		send_raw(bytes + i, 1, i == 0);
	}
	ck_assert_int_eq(vhost_read(&reader, near), 1);

	ck_assert_uint_eq(reader.message.payload.number, 0x1122334455667788);
	ck_assert_uint_eq(reader.fd_count, 1);
}

START_TEST(a_message_without_payload_is_whole_with_its_header)
{
	struct vhost_user_message sent = { .header = { 3, VHOST_USER_VERSION, 0 } };

	ck_assert_int_eq(vhost_send(far, &sent, NULL, 0), 0);
	ck_assert_int_eq(vhost_read(&reader, near), 1);
	ck_assert_uint_eq(reader.message.header.request, 3);
}

START_TEST(descriptors_nobody_took_are_closed)
{
	struct vhost_user_message sent = number_message(1, 1);
	unsigned before = open_descriptors();

	ck_assert_int_eq(vhost_send(far, &sent, (int[]){ near, far, near }, 3), 0);
	ck_assert_int_eq(vhost_read(&reader, near), 1);
	ck_assert_uint_eq(open_descriptors(), before + 3);
	vhost_reader_next(&reader);

	ck_assert_uint_eq(open_descriptors(), before);
}

static const struct vhost_user_header wrong_headers[] = {
	{ 1, 0, 8 },
	{ 1, 2, 8 },
	{ 1, VHOST_USER_VERSION, sizeof(union vhost_user_payload) + 1 },
	{ 1, VHOST_USER_VERSION, UINT32_MAX },
};

START_TEST(a_header_that_makes_no_sense_is_refused)
{
	send_raw(&wrong_headers[_i], sizeof(wrong_headers[_i]), 0);
	ck_assert_int_eq(vhost_read(&reader, near), -EPROTO);
}

static const unsigned too_many[] = { VHOST_USER_FDS_MAX + 1, 20, 32 };

START_TEST(too_many_descriptors_are_refused_and_closed)
{
	unsigned before = open_descriptors();

	send_raw("xxxxxxxxxxxx", 12, too_many[_i]);
	ck_assert_int_eq(vhost_read(&reader, near), -EPROTO);
	vhost_reader_next(&reader);

	ck_assert_uint_eq(open_descriptors(), before);
}

START_TEST(too_many_descriptors_in_pieces_are_refused_and_closed)
{
	unsigned before = open_descriptors();
	const struct vhost_user_header header = { 1, VHOST_USER_VERSION, 8 };

	send_raw(&header, 5, VHOST_USER_FDS_MAX);
	ck_assert_int_eq(vhost_read(&reader, near), 0);
	send_raw((const uint8_t *)&header + 5, 5, 1);
	ck_assert_int_eq(vhost_read(&reader, near), -EPROTO);
	vhost_reader_next(&reader);

	ck_assert_uint_eq(open_descriptors(), before);
}

START_TEST(the_other_ends_close_is_an_error)
{
	shutdown(far, SHUT_WR);
	ck_assert_int_eq(vhost_read(&reader, near), -ECONNRESET);
}

START_TEST(an_end_that_does_not_read_is_an_error)
{
	struct vhost_user_message sent = number_message(1, 1);
	int result = 0;

	for (unsigned i = 0; !result && i < 1000000; i++)
		result = vhost_send(far, &sent, NULL, 0);
	ck_assert_int_eq(result, -EAGAIN);
}

int main(void)
{
	Suite *suite = suite_create("vhost_message");
	TCase *tcase = tcase_create("vhost_message");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_message_and_its_descriptors_arrive);
	tcase_add_test(tcase, messages_that_come_together_are_read_one_by_one);
	tcase_add_test(tcase, a_message_may_come_byte_by_byte);
	tcase_add_test(tcase, a_message_without_payload_is_whole_with_its_header);
	tcase_add_test(tcase, descriptors_nobody_took_are_closed);
	tcase_add_loop_test(tcase, a_header_that_makes_no_sense_is_refused, 0,
		ARRAY_SIZE(wrong_headers));
	tcase_add_loop_test(tcase, too_many_descriptors_are_refused_and_closed, 0,
		ARRAY_SIZE(too_many));
	tcase_add_test(tcase, too_many_descriptors_in_pieces_are_refused_and_closed);
	tcase_add_test(tcase, the_other_ends_close_is_an_error);
	tcase_add_test(tcase, an_end_that_does_not_read_is_an_error);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
