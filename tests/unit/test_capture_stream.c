/* Captures and their readers: slow ones, several, those that go away. */
#include "capture_fixture.h"

#include <errno.h>
#include <sys/mman.h>

/* One that takes much room. */
static const struct fake_packet_form large = {
	.version = 4,
	.protocol = IPPROTO_TCP,
	.partial = true,
	.gso_size = 1448,
	.payload = 60001,
};

START_TEST(a_slow_reader_is_told_what_was_left_out)
{
	struct frame frame = make(&large);
	unsigned sent = 0, kept = 0;
	uint64_t left_out = 0;
	struct option option;
	struct block block;

	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 0), 0);
	for (; sent < 100; sent++)
		capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	drain(reader[0]);
	for (unsigned i = 0; (block = block_at(i)).type; i++) {
		kept += block.type == FRAME;
		if (block.type != STATISTICS)
			continue;
		ck_assert(find_option(&block, 12, 4, &option));
		ck_assert_uint_eq(count(option.value), sent);
		ck_assert(find_option(&block, 12, 5, &option));
		left_out = count(option.value);
	}
	ck_assert_uint_gt(kept, 0);
	ck_assert_uint_lt(kept, sent);
	ck_assert_uint_eq(left_out, sent - kept);

	length = 0;
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	drain(reader[0]);
	block = block_at(0);
	ck_assert(frame_option(&block, 4, &option));
	ck_assert_uint_eq(count(option.value), left_out);
	block = block_at(1);
	ck_assert(!frame_option(&block, 4, &option));
	ck_assert_uint_eq(block_at(2).type, 0);
}

/* Any amount, read in any rhythm, comes out as whole blocks in order. */
START_TEST(a_long_stream_stays_in_order)
{
	static uint8_t bytes[5000];
	struct iovec piece = { bytes, 0 };
	struct frame frame = { .iov = &piece, .count = 1, .plain = true };
	uint64_t seen = 0, missing = 0, sequence = 0;
	struct option option;

	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 0), 0);
	drain(reader[0]);
	for (unsigned round = 0; round < 40; round++) {
		struct block block;
		size_t offset = 0;

		for (unsigned i = 0; i < 100 + 57 * round; i++, sequence++) {
			memcpy(bytes, &sequence, sizeof(sequence));
			frame.length = 14 + (uint32_t)(sequence * 7919 % (sizeof(bytes) - 14));
			piece.iov_len = frame.length;
			capture_frame(wire.capture, 1, CAPTURE_SENT, &frame);
		}
		length = 0;
		drain(reader[0]);
		while ((block = block_next(&offset)).type) {
			if (block.type != FRAME)
				continue;
			if (frame_option(&block, 4, &option))
				missing += count(option.value);
			if (count(block.body + 20) != seen + missing)
				ck_abort_msg("another frame than number %llu",
					(unsigned long long)(seen + missing));
			seen++;
		}
	}
	ck_assert_uint_gt(missing, 0);
	ck_assert_uint_gt(seen, 4000);
}

START_TEST(ends_when_the_reader_closes_even_if_nothing_passes)
{
	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 0), 0);
	drain(reader[0]);
	ck_assert_ptr_nonnull(wire.capture);

	close(reader[0]);
	event_base_loop(base, EVLOOP_ONCE);

	ck_assert_ptr_null(wire.capture);
	reader[0] = -1;
}

START_TEST(does_not_mind_what_its_reader_says)
{
	struct frame frame = make(&plain);

	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 0), 0);
	ck_assert_int_eq(write(reader[0], "hello", 5), 5);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	drain(reader[0]);

	ck_assert_uint_eq(block_at(2).type, FRAME);
	ck_assert_ptr_nonnull(wire.capture);
}

START_TEST(several_streams_are_apart)
{
	struct frame frame = make(&plain);
	int other[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, other), 0);
	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 0), 0);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	ck_assert_int_eq(capture_start(&wire, base, other[1], 0, 20), 0);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);

	drain(reader[0]);
	ck_assert_uint_eq(block_at(3).type, FRAME);
	length = 0;
	drain(other[0]);
	ck_assert_uint_eq(word(block_at(2).body + 12), 20);
	ck_assert_uint_eq(block_at(3).type, 0);
	close(other[0]);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	length = 0;
	drain(reader[0]);
	ck_assert_uint_eq(block_at(0).type, FRAME);
	ck_assert_ptr_nonnull(wire.capture);
}

START_TEST(there_is_a_limit_of_streams)
{
	for (unsigned i = 0; i < CAPTURE_STREAMS; i++)
		ck_assert_int_eq(capture_start(&wire, base, dup(reader[1]), WIRE_ALL_PORTS, 0), 0);
	ck_assert_int_eq(capture_start(&wire, base, dup(reader[1]), WIRE_ALL_PORTS, 0), -EBUSY);
	close(reader[1]);
}

/* The reader of a pipe could make writing to it wait. */
START_TEST(what_is_no_socket_is_refused)
{
	int pair[2];

	close(reader[1]);
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	ck_assert_int_eq(capture_start(&wire, base, pair[1], WIRE_ALL_PORTS, 0), -EINVAL);
	ck_assert_int_eq(capture_start(&wire, base, open("/dev/null", O_WRONLY), WIRE_ALL_PORTS, 0),
		-EINVAL);
	ck_assert_ptr_null(wire.capture);
	close(pair[0]);
}

static void add_tests(TCase *tcase)
{
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_slow_reader_is_told_what_was_left_out);
	tcase_add_test(tcase, a_long_stream_stays_in_order);
	tcase_add_test(tcase, ends_when_the_reader_closes_even_if_nothing_passes);
	tcase_add_test(tcase, does_not_mind_what_its_reader_says);
	tcase_add_test(tcase, several_streams_are_apart);
	tcase_add_test(tcase, there_is_a_limit_of_streams);
	tcase_add_test(tcase, what_is_no_socket_is_refused);
}

int main(void)
{
	Suite *suite = suite_create("capture_stream");
	TCase *tcase = tcase_create("capture_stream");
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
