/* What a frame's header asks for: checked, passed on, or done in software. */
#include "fake_packet.h"
#include "offload.h"

#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define BIT(number) (1ULL << (number))
#define ALL (~0ULL)
#define GUEST_CSUM BIT(VIRTIO_NET_F_GUEST_CSUM)
#define GUEST_TSO4 BIT(VIRTIO_NET_F_GUEST_TSO4)
#define GUEST_TSO6 BIT(VIRTIO_NET_F_GUEST_TSO6)
#define GUEST_ECN BIT(VIRTIO_NET_F_GUEST_ECN)
#define GUEST_USO (BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6))
#define PIECES 40

static struct fake_packet packet;
static struct offload_segment segment;
static struct iovec pieces[PIECES];
static struct frame frame;

/* The packet as a frame in pieces of so many bytes, the last of which has the rest. */
static void lay_out(uint32_t piece)
{
	uint32_t offset = 0;

	frame = (struct frame){ .header = packet.header, .iov = pieces, .length = packet.length };
	while (offset < packet.length) {
		uint32_t share = packet.length - offset;

		if (share > piece && frame.count + 1 < PIECES)
			share = piece;
		pieces[frame.count++] = (struct iovec){ packet.bytes + offset, share };
		offset += share;
	}
}

static void build(const struct fake_packet_form *form, uint32_t piece)
{
	fake_packet_build(&packet, form);
	lay_out(piece);
}

static void flatten(const struct frame *from, uint8_t *bytes)
{
	for (unsigned i = 0; i < from->count; i++) {
		memcpy(bytes, from->iov[i].iov_base, from->iov[i].iov_len);
		bytes += from->iov[i].iov_len;
	}
}

/* Everything that becomes of the frame for a receiver that accepted these features. */
static void pass(uint64_t accepted)
{
	static uint8_t bytes[FAKE_PACKET_MAX];
	struct fake_flow flow = { .packet = &packet, .accepted = accepted };
	unsigned count = offload_segments(&frame, accepted);

	ck_assert_uint_ge(count, 1);
	for (unsigned i = 0; i < count; i++) {
		const char *wrong;

		ck_assert(offload_segment(&frame, accepted, i, &segment));
		ck_assert(offload_accepted(&segment.frame, accepted));
		flatten(&segment.frame, bytes);
		wrong = fake_flow_receive(&flow, &segment.frame.header, bytes,
			segment.frame.length);
		ck_assert_msg(!wrong, "%s, segment %u for %#llx: %s", packet.form.name, i,
			(unsigned long long)accepted, wrong);
	}
	ck_assert(fake_flow_complete(&flow));
	ck_assert(!offload_segment(&frame, accepted, count, &segment));
}

static const uint64_t receivers[] = {
	0,
	GUEST_CSUM,
	GUEST_CSUM | GUEST_TSO4,
	GUEST_CSUM | GUEST_TSO6,
	GUEST_CSUM | GUEST_TSO4 | GUEST_TSO6,
	GUEST_CSUM | GUEST_TSO4 | GUEST_ECN,
	GUEST_CSUM | GUEST_USO,
	GUEST_CSUM | BIT(VIRTIO_NET_F_GUEST_USO4),
	GUEST_TSO4, /* without the checksum that it depends on */
	ALL,
};

START_TEST(every_receiver_gets_what_it_accepted)
{
	static const uint32_t piece[] = { 1, 13, 54, 1500, 4096, FAKE_PACKET_MAX };

	for (unsigned i = 0; i < sizeof(piece) / sizeof(piece[0]); i++) {
		build(&fake_packet_forms[_i], piece[i]);
		ck_assert_msg(offload_check(&frame, ALL), "%s", fake_packet_forms[_i].name);
		ck_assert(frame.plain == !fake_packet_forms[_i].partial);
		for (unsigned k = 0; k < sizeof(receivers) / sizeof(receivers[0]); k++)
			pass(receivers[k]);
	}
}

START_TEST(only_what_was_negotiated_may_be_asked_for)
{
	uint64_t needs;

	build(&fake_packet_forms[_i], 4096);
	needs = fake_packet_needs(&packet);
	ck_assert(offload_check(&frame, needs));

	for (unsigned i = 0; i < 64; i++) {
		lay_out(4096);
		if (needs & BIT(i))
			ck_assert(!offload_check(&frame, needs & ~BIT(i)));
	}
}

START_TEST(a_checksum_of_zero_is_written_as_ones_in_udp)
{
	struct fake_packet_form form = fake_packet_forms[4];

	/* Of all values of two bytes one makes the sum come out so. */
	form.payload = 2;
	build(&form, 4096);
	for (uint32_t value = 0; value < 0x10000; value++) {
		packet.bytes[packet.headers] = (uint8_t)(value >> 8);
		packet.bytes[packet.headers + 1] = (uint8_t)value;
		lay_out(4096);
		if (!offload_check(&frame, ALL) || !offload_segment(&frame, 0, 0, &segment) ||
			!(segment.bytes[packet.transport + 6] ||
				segment.bytes[packet.transport + 7]))
			ck_abort_msg("payload %#x", value);
	}
}

START_TEST(a_checksum_may_be_of_any_protocol)
{
	static const uint8_t zero[2];

	build(&fake_packet_forms[0], 100);
	packet.bytes[12] = 0x88; /* no IP at all */
	memcpy(packet.bytes + 21, zero, 2);
	lay_out(100);
	frame.header = (struct virtio_net_hdr_v1){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 20,
		.csum_offset = 1 };
	ck_assert(offload_check(&frame, ALL));
	ck_assert(offload_segment(&frame, 0, 0, &segment));

	ck_assert_uint_eq(segment.frame.length, packet.length);
	ck_assert(segment.frame.plain);
	/* The field lies at an odd place of the sum. */
	ck_assert_mem_eq(segment.bytes, packet.bytes, 21);
	ck_assert_mem_eq(segment.bytes + 23, packet.bytes + 23, packet.length - 23);
}

START_TEST(what_the_header_says_about_nothing_is_cleared)
{
	build(&fake_packet_forms[0], 4096);
	frame.header = (struct virtio_net_hdr_v1){
		.flags = 0xfe, /* not NEEDS_CSUM */
		.hdr_len = 0xffff,
		.gso_size = 0xffff,
		.csum_start = 0xffff,
		.csum_offset = 0xffff,
		.num_buffers = 0xffff,
	};

	ck_assert(offload_check(&frame, ALL));

	ck_assert(frame.plain);
	ck_assert_mem_eq(&frame.header, (&(struct virtio_net_hdr_v1){ 0 }), sizeof(frame.header));
}

START_TEST(a_frame_known_to_be_valid_is_passed_without_saying_so)
{
	build(&fake_packet_forms[0], 4096);
	ck_assert(offload_check(&frame, ALL));
	frame.header.flags = VIRTIO_NET_HDR_F_DATA_VALID; /* the kernel says so of an uplink's */
	frame.plain = false;

	ck_assert(offload_accepted(&frame, GUEST_CSUM));
	ck_assert(!offload_accepted(&frame, 0));
	ck_assert_uint_eq(offload_segments(&frame, 0), 1);
	ck_assert(offload_segment(&frame, 0, 0, &segment));
	ck_assert(segment.frame.plain);
	ck_assert_uint_eq(segment.frame.header.flags, 0);
	ck_assert_ptr_eq(segment.frame.iov, pieces);
}

START_TEST(headers_move_with_a_tag)
{
	struct virtio_net_hdr_v1 sent;

	build(&fake_packet_forms[6], 4096);
	ck_assert(offload_check(&frame, ALL));
	sent = frame.header;

	offload_shift(&frame, FRAME_TAG_LENGTH);

	ck_assert_uint_eq(frame.header.csum_start, sent.csum_start + 4U);
	ck_assert_uint_eq(frame.header.hdr_len, sent.hdr_len + 4U);
	ck_assert_uint_eq(frame.header.csum_offset, sent.csum_offset);
	offload_shift(&frame, -FRAME_TAG_LENGTH);
	ck_assert_mem_eq(&frame.header, &sent, sizeof(sent));
}

/* Of TSO over IPv4 with 12 bytes of TCP options: one byte or word at a time made wrong. */
#define TSO 6 /* its place among the forms */
#define NETWORK 14
#define TRANSPORT 34

static const struct {
	const char *what;
	uint32_t length; /* 0: as it is */
	struct virtio_net_hdr_v1 header; /* fields that are not 0 replace */
	uint16_t offset; /* 0: no byte changes */
	uint8_t value;
} poisoned[] = {
	{ .what = "no frame", .length = 13 },
	{ .what = "segments of nothing to speak of", .header.gso_size = 7 },
	{ .what = "fragments of UDP", .header.gso_type = VIRTIO_NET_HDR_GSO_UDP },
	{ .what = "UDP and TCP at once", .header.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4 },
	{ .what = "IPv6 that is IPv4", .header.gso_type = VIRTIO_NET_HDR_GSO_TCPV6 },
	{ .what = "an unknown type", .header.gso_type = 2 },
	{ .what = "an unknown type", .header.gso_type = 0x7f },
	{ .what = "ECN of nothing", .header.gso_type = VIRTIO_NET_HDR_GSO_ECN },
	{ .what = "no checksum", .header.flags = VIRTIO_NET_HDR_F_DATA_VALID },
	{ .what = "a checksum within Ethernet", .header.csum_start = 13 },
	{ .what = "a checksum within IP", .header.csum_start = 33 },
	{ .what = "a checksum behind TCP's", .header.csum_start = 35 },
	{ .what = "a checksum at the end", .header.csum_start = 65065 },
	{ .what = "a checksum behind the end", .header.csum_start = 0xffff },
	{ .what = "UDP's field", .header.csum_offset = 6 },
	{ .what = "a field behind the end", .header.csum_offset = 0xffff },
	{ .what = "headers and nothing else", .length = 66 },
	{ .what = "headers cut short", .length = 60 },
	{ .what = "no TCP", .length = 40 },
	{ .what = "no IP", .length = 20 },
	{ .what = "another type", .offset = 12, .value = 0x09 },
	{ .what = "the other IP", .offset = 12, .value = 0x86 },
	{ .what = "another version", .offset = NETWORK, .value = 0x65 },
	{ .what = "a short IP header", .offset = NETWORK, .value = 0x44 },
	{ .what = "a longer IP header", .offset = NETWORK, .value = 0x4f },
	{ .what = "a fragment", .offset = NETWORK + 6, .value = 0x20 },
	{ .what = "a later fragment", .offset = NETWORK + 7, .value = 1 },
	{ .what = "another protocol", .offset = NETWORK + 9, .value = IPPROTO_UDP },
	{ .what = "a short TCP header", .offset = TRANSPORT + 12, .value = 0x40 },
};

START_TEST(a_poisoned_header_is_refused)
{
	const struct virtio_net_hdr_v1 *header = &poisoned[_i].header;

	build(&fake_packet_forms[TSO], 4096);
	if (poisoned[_i].offset)
		packet.bytes[poisoned[_i].offset] = poisoned[_i].value;
	if (poisoned[_i].length)
		packet.length = poisoned[_i].length;
	lay_out(4096);
	if (header->flags)
		frame.header.flags = header->flags;
	if (header->gso_type)
		frame.header.gso_type = header->gso_type;
	if (header->gso_size)
		frame.header.gso_size = header->gso_size;
	if (header->csum_start)
		frame.header.csum_start = header->csum_start;
	if (header->csum_offset)
		frame.header.csum_offset = header->csum_offset;

	ck_assert_msg(!offload_check(&frame, ALL), "%s", poisoned[_i].what);
}

START_TEST(the_field_of_a_checksum_lies_within_the_frame)
{
	build(&fake_packet_forms[2], 100);
	frame.header.csum_start = (uint16_t)(packet.length - 18);
	ck_assert(offload_check(&frame, ALL)); /* the last two bytes */
	frame.header.csum_start++;
	ck_assert(!offload_check(&frame, ALL));
	frame.header.csum_start = (uint16_t)(packet.length - 1);
	frame.header.csum_offset = 0;
	ck_assert(!offload_check(&frame, ALL));
	frame.header.csum_start = FRAME_LENGTH_LEAST - 1;
	ck_assert(!offload_check(&frame, ALL));
	frame.header.csum_start = FRAME_LENGTH_LEAST;
	ck_assert(offload_check(&frame, ALL));
}

START_TEST(what_the_sender_changes_after_the_check_makes_no_segments)
{
	build(&fake_packet_forms[TSO], 4096);
	ck_assert(offload_check(&frame, ALL));

	packet.bytes[NETWORK] = 0x46;
	ck_assert_uint_eq(offload_segments(&frame, 0), 0);
	ck_assert(!offload_segment(&frame, 0, 0, &segment));
	packet.bytes[NETWORK] = 0x45;
	packet.bytes[TRANSPORT + 12] = 0xf0; /* longer, but whole */
	ck_assert(offload_segment(&frame, 0, 0, &segment));
	ck_assert_uint_eq(segment.frame.length, TRANSPORT + 60 + 1448);
}

START_TEST(headers_that_a_receiver_segments_by_are_what_was_checked)
{
	static uint8_t bytes[FAKE_PACKET_MAX];

	build(&fake_packet_forms[TSO], 50);
	ck_assert(offload_check(&frame, ALL));

	ck_assert(offload_segment(&frame, ALL, 0, &segment));
	memset(packet.bytes, 0xff, packet.headers);
	flatten(&segment.frame, bytes);
	ck_assert_uint_eq(bytes[NETWORK], 0x45);
	ck_assert_mem_eq(bytes + packet.headers, packet.bytes + packet.headers,
		packet.form.payload);
	ck_assert(!offload_segment(&frame, ALL, 0, &segment));
}

START_TEST(a_routing_header_is_passed_but_not_segmented)
{
	build(&fake_packet_forms[11], 4096); /* its hop-by-hop header becomes one */
	packet.bytes[packet.network + 6] = IPPROTO_ROUTING;

	ck_assert(offload_check(&frame, ALL));
	ck_assert_uint_eq(offload_segments(&frame, GUEST_CSUM | GUEST_TSO6), 1);
	ck_assert_uint_eq(offload_segments(&frame, GUEST_CSUM), 0);
	ck_assert(!offload_segment(&frame, GUEST_CSUM, 0, &segment));
}

START_TEST(extension_headers_without_end_are_refused)
{
	build(&fake_packet_forms[11], 4096);
	packet.bytes[packet.network + 40] = IPPROTO_HOPOPTS;
	for (uint32_t i = packet.network + 56; i + 8 < packet.length; i += 8) {
		packet.bytes[i] = IPPROTO_HOPOPTS;
		packet.bytes[i + 1] = 0;
	}

	ck_assert(!offload_check(&frame, ALL));
}

START_TEST(the_longest_frame_with_one_more_tag_is_made_whole)
{
	struct fake_packet_form form = fake_packet_forms[3];

	form.payload = FRAME_LENGTH_MAX - 78 + FRAME_TAG_LENGTH;
	build(&form, 4096);
	frame.length -= FRAME_TAG_LENGTH;
	frame.header.csum_start = (uint16_t)(frame.header.csum_start - FRAME_TAG_LENGTH);
	ck_assert(offload_check(&frame, ALL));
	frame.length += FRAME_TAG_LENGTH;
	offload_shift(&frame, FRAME_TAG_LENGTH);
	pass(0);
	frame.length++;
	ck_assert(!offload_segment(&frame, 0, 0, &segment));
}

static void add_tests(TCase *tcase)
{
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, every_receiver_gets_what_it_accepted, 0, FAKE_PACKET_FORMS);
	tcase_add_loop_test(tcase, only_what_was_negotiated_may_be_asked_for, 0, FAKE_PACKET_FORMS);
	tcase_add_test(tcase, a_checksum_of_zero_is_written_as_ones_in_udp);
	tcase_add_test(tcase, a_checksum_may_be_of_any_protocol);
	tcase_add_test(tcase, what_the_header_says_about_nothing_is_cleared);
	tcase_add_test(tcase, a_frame_known_to_be_valid_is_passed_without_saying_so);
	tcase_add_test(tcase, headers_move_with_a_tag);
	tcase_add_loop_test(tcase, a_poisoned_header_is_refused, 0,
		sizeof(poisoned) / sizeof(poisoned[0]));
	tcase_add_test(tcase, the_field_of_a_checksum_lies_within_the_frame);
	tcase_add_test(tcase, what_the_sender_changes_after_the_check_makes_no_segments);
	tcase_add_test(tcase, headers_that_a_receiver_segments_by_are_what_was_checked);
	tcase_add_test(tcase, a_routing_header_is_passed_but_not_segmented);
	tcase_add_test(tcase, extension_headers_without_end_are_refused);
	tcase_add_test(tcase, the_longest_frame_with_one_more_tag_is_made_whole);
}

int main(void)
{
	Suite *suite = suite_create("offload");
	TCase *tcase = tcase_create("offload");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	add_tests(tcase);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
