/* What is in a capture of a wire. */
#include "capture_fixture.h"

#include <time.h>

/* The frame of a block as a receiver that completes nothing would judge it. */
static void judge(struct block block)
{
	static const struct virtio_net_hdr_v1 nothing;
	struct fake_packet_form form = packet.form;
	struct fake_flow flow = { .packet = &packet };
	const char *wrong;

	form.gso_size = 0; /* it is captured whole */
	packet.form = form;
	ck_assert_uint_eq(block.type, FRAME);
	wrong = fake_flow_receive(&flow, &nothing, block.body + 20, word(block.body + 12));
	ck_assert_msg(!wrong, "%s", wrong);
}

START_TEST(a_frame_follows_its_section_and_interface)
{
	struct frame frame = make(&plain);
	struct timespec now;
	struct option option;
	struct block block;
	uint64_t time_ns;

	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 0), 0);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	drain(reader[0]);

	block = block_at(0);
	ck_assert_uint_eq(block.type, SECTION);
	ck_assert_uint_eq(word(block.body), 0x1a2b3c4d);
	block = block_at(1);
	ck_assert_uint_eq(block.type, INTERFACE);
	ck_assert_uint_eq(word(block.body), 1); /* Ethernet */
	ck_assert(find_option(&block, 8, 2, &option));
	ck_assert_uint_eq(option.length, strlen("guest1"));
	ck_assert_mem_eq(option.value, "guest1", option.length);
	ck_assert(find_option(&block, 8, 9, &option));
	ck_assert_uint_eq(*option.value, 9); /* nanoseconds */
	block = block_at(2);
	judge(block);
	ck_assert_uint_eq(word(block.body), 0); /* the interface */
	ck_assert_uint_eq(word(block.body + 16), frame.length);
	time_ns = (uint64_t)word(block.body + 4) << 32 | word(block.body + 8);
	clock_gettime(CLOCK_REALTIME, &now);
	ck_assert_uint_ge((uint64_t)now.tv_sec, time_ns / 1000000000);
	ck_assert_uint_le((uint64_t)now.tv_sec, time_ns / 1000000000 + 3600);
	ck_assert(frame_option(&block, 2, &option));
	ck_assert_uint_eq(word(option.value), 2); /* outbound */
	ck_assert(!frame_option(&block, 4, &option));
	ck_assert_uint_eq(block_at(3).type, 0);
}

START_TEST(each_port_is_an_interface_of_its_name)
{
	struct frame frame = make(&plain);
	struct option option;
	struct block block;

	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 0), 0);
	capture_frame(wire.capture, 1, CAPTURE_RECEIVED, &frame);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	capture_frame(wire.capture, 1, CAPTURE_SENT, &frame);
	strcpy(port[0].name, "guest2"); /* another guest at its place */
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	drain(reader[0]);

	block = block_at(1);
	ck_assert(find_option(&block, 8, 2, &option));
	ck_assert_mem_eq(option.value, "port 1", option.length); /* it has no name */
	block = block_at(2);
	ck_assert_uint_eq(word(block.body), 0);
	ck_assert(frame_option(&block, 2, &option));
	ck_assert_uint_eq(word(option.value), 1); /* inbound */
	ck_assert_uint_eq(block_at(3).type, INTERFACE);
	ck_assert_uint_eq(word(block_at(4).body), 1);
	ck_assert_uint_eq(word(block_at(5).body), 0);
	block = block_at(6);
	ck_assert_uint_eq(block.type, INTERFACE);
	ck_assert(find_option(&block, 8, 2, &option));
	ck_assert_mem_eq(option.value, "guest2", option.length);
	ck_assert_uint_eq(word(block_at(7).body), 2);
}

START_TEST(a_stream_of_one_port_has_no_other)
{
	struct frame frame = make(&plain);

	ck_assert_int_eq(capture_start(&wire, base, reader[1], 1, 0), 0);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	capture_frame(wire.capture, 1, CAPTURE_RECEIVED, &frame);
	drain(reader[0]);

	ck_assert_uint_eq(block_at(1).type, INTERFACE);
	ck_assert_uint_eq(block_at(2).type, FRAME);
	ck_assert_uint_eq(block_at(3).type, 0);
}

static const struct fake_packet_form partial[] = {
	{ .version = 4, .protocol = IPPROTO_TCP, .partial = true, .payload = 1447 },
	{ .version = 6, .protocol = IPPROTO_UDP, .partial = true, .tags = 1, .payload = 3 },
	{ .version = 4,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.tcp_flags = 0x18,
		.gso_size = 1448,
		.payload = 60001 },
	{ .version = 6,
		.protocol = IPPROTO_TCP,
		.partial = true,
		.gso_size = 1000,
		.payload = 10000 },
};

START_TEST(a_checksum_left_to_others_is_complete_in_the_capture)
{
	struct frame frame = make(&partial[_i]);

	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 0), 0);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	drain(reader[0]);

	judge(block_at(2));
}

/* Not every sender of segments to be has the length of the whole in its sum. */
START_TEST(a_checksum_without_the_length_is_complete_as_well)
{
	struct frame frame = make(&partial[2]);

	packet.bytes[packet.transport + 16] ^= 0x55;
	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 0), 0);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	packet.bytes[packet.transport + 16] ^= 0x55;
	drain(reader[0]);

	judge(block_at(2));
}

START_TEST(frames_are_cut_where_the_reader_wants)
{
	struct frame frame = make(&partial[0]);
	uint8_t field[2];
	struct block block;

	ck_assert_int_eq(capture_start(&wire, base, reader[1], WIRE_ALL_PORTS, 61), 0);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	frame = make(&plain);
	capture_frame(wire.capture, 0, CAPTURE_SENT, &frame);
	drain(reader[0]);

	ck_assert_uint_eq(word(block_at(1).body + 4), 61);
	block = block_at(2);
	ck_assert_uint_eq(word(block.body + 12), 61);
	ck_assert_uint_eq(word(block.body + 16), 54 + 1447);
	/* The checksum is that of the whole frame. */
	memcpy(field, block.body + 20 + 50, sizeof(field));
	make(&(struct fake_packet_form){ .version = 4, .protocol = IPPROTO_TCP, .payload = 1447 });
	ck_assert_mem_eq(field, packet.bytes + 50, sizeof(field));
	block = block_at(3);
	ck_assert_uint_eq(word(block.body + 12), 61);
	ck_assert_uint_eq(word(block.body + 16), 54 + 101);
}

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_frame_follows_its_section_and_interface);
	tcase_add_test(tcase, each_port_is_an_interface_of_its_name);
	tcase_add_test(tcase, a_stream_of_one_port_has_no_other);
	tcase_add_loop_test(tcase, a_checksum_left_to_others_is_complete_in_the_capture, 0,
		sizeof(partial) / sizeof(partial[0]));
	tcase_add_test(tcase, a_checksum_without_the_length_is_complete_as_well);
	tcase_add_test(tcase, frames_are_cut_where_the_reader_wants);
}

int main(void)
{
	Suite *suite = suite_create("capture");
	TCase *tcase = tcase_create("capture");
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
