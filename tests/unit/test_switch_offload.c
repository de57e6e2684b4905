/* The switch: headers of frames that leave work to others, with tags put on and taken off. */

#include "fake_network.h"
#include "fake_packet.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_net.h>

#define TAG(content) (0x81000000U | (content))
#define TEN 10U

enum {
	ACCESS_TEN,
	ACCESS_TEN_TOO,
	TRUNK_TEN,
	TRUNK_TOO,
	MONITOR,
	PORTS,
};

static struct fake_network network;

static void start(void)
{
	fake_network_create(&network, &wire_switch, PORTS);
	fake_network_access(&network, ACCESS_TEN, TEN);
	fake_network_access(&network, ACCESS_TEN_TOO, TEN);
	fake_network_trunk(&network, TRUNK_TEN, TEN, TEN);
	fake_network_trunk(&network, TRUNK_TOO, TEN, TEN);
	fake_network_monitor(&network, MONITOR);
}

static void stop(void)
{
	fake_network_destroy(&network);
}

static uint64_t dropped(unsigned port, enum port_drop reason)
{
	return network.port[port].port.counters->dropped[reason];
}

/* A frame whose checksum is left to others, from one port; the header another received. */
static struct virtio_net_hdr_v1 header_at(unsigned from, unsigned to, const uint32_t tags[2],
	uint16_t csum_start)
{
	const struct virtio_net_hdr_v1 header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.hdr_len = (uint16_t)(csum_start + 18),
		.csum_start = csum_start,
		.csum_offset = 16,
	};
	uint8_t address[FAKE_ADDRESS];
	uint8_t bytes[FAKE_FRAME];
	const struct fake_frame *frame;

	fake_address(address, from);
	fake_frame_make(bytes, fake_broadcast, address, tags);
	network.port[to].port.accepted = UINT64_MAX;
	for (unsigned i = 0; i < PORTS; i++) {
		if (i != from && i != to)
			fake_network_link(&network, i, false);
	}
	fake_port_queue(&network.port[from], &header, bytes, sizeof(bytes));
	fake_network_run(&network);
	frame = fake_port_take(&network.port[to]);
	ck_assert_ptr_nonnull(frame);
	return frame->header;
}

START_TEST(offsets_follow_a_tag_put_on)
{
	struct virtio_net_hdr_v1 header = header_at(ACCESS_TEN, TRUNK_TEN, NULL, 34);

	ck_assert_uint_eq(header.csum_start, 38);
	ck_assert_uint_eq(header.csum_offset, 16);
	ck_assert_uint_eq(header.hdr_len, 56);
}

START_TEST(offsets_follow_a_tag_taken_off)
{
	struct virtio_net_hdr_v1 header =
		header_at(TRUNK_TEN, ACCESS_TEN, (uint32_t[2]){ TAG(TEN) }, 38);

	ck_assert_uint_eq(header.csum_start, 34);
	ck_assert_uint_eq(header.csum_offset, 16);
	ck_assert_uint_eq(header.hdr_len, 52);
}

START_TEST(offsets_stay_where_nothing_moves)
{
	struct virtio_net_hdr_v1 header =
		header_at(TRUNK_TEN, TRUNK_TOO, (uint32_t[2]){ TAG(TEN) }, 38);

	ck_assert_uint_eq(header.csum_start, 38);
	ck_assert_uint_eq(header.hdr_len, 56);
}

/* Untag what a trunk received: the packet as its sender, at an access port, made it. */
static void take_tag_off(struct fake_frame *frame)
{
	static const uint8_t ten[] = { 0x81, 0x00, 0x00, TEN };

	ck_assert_mem_eq(frame->bytes + 12, ten, sizeof(ten));
	memmove(frame->bytes + 12, frame->bytes + 16, frame->length - 16);
	frame->length -= 4;
	if (frame->header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		frame->header.csum_start = (uint16_t)(frame->header.csum_start - 4);
	if (frame->header.hdr_len)
		frame->header.hdr_len = (uint16_t)(frame->header.hdr_len - 4);
}

static bool arrived_whole(unsigned port, struct fake_flow *flow)
{
	for (const struct fake_frame *frame; (frame = fake_port_take(&network.port[port]));) {
		struct fake_frame copy = *frame;
		const char *wrong;

		if (port == TRUNK_TOO || port == MONITOR)
			take_tag_off(&copy);
		wrong = fake_flow_receive(flow, &copy.header, copy.bytes, copy.length);
		ck_assert_msg(!wrong, "%s at %u: %s", flow->packet->form.name, port, wrong);
	}
	return fake_flow_complete(flow);
}

START_TEST(packets_of_every_kind_arrive_whole_whatever_receivers_take)
{
	static struct fake_packet packet;
	struct fake_packet_form form = fake_packet_forms[_i / 2];
	uint64_t accepted = _i % 2 ? UINT64_MAX : 0;

	form.tags = 0;
	fake_packet_build(&packet, &form);
	fake_port_queue(&network.port[ACCESS_TEN], &packet.header, packet.bytes, packet.length);
	for (unsigned i = 0; i < PORTS; i++)
		network.port[i].port.accepted = accepted;

	fake_network_run(&network);

	for (unsigned i = 0; i < 3; i++) {
		struct fake_flow flow = { .packet = &packet, .accepted = accepted };

		ck_assert(arrived_whole((unsigned[]){ ACCESS_TEN_TOO, TRUNK_TOO, MONITOR }[i],
			&flow));
	}
}

START_TEST(a_checksum_that_begins_in_the_tag_is_malformed)
{
	const struct virtio_net_hdr_v1 header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 14,
		.csum_offset = 2,
	};
	uint8_t address[FAKE_ADDRESS];
	uint8_t bytes[FAKE_FRAME];

	fake_address(address, TRUNK_TEN);
	fake_frame_make(bytes, fake_broadcast, address, (uint32_t[2]){ TAG(TEN) });
	fake_port_queue(&network.port[TRUNK_TEN], &header, bytes, sizeof(bytes));

	fake_network_run(&network);

	ck_assert_uint_eq(dropped(TRUNK_TEN, DROP_MALFORMED), 1);
	ck_assert(fake_network_got(&network, ACCESS_TEN, 0));
}

static Suite *offload_suite(void)
{
	Suite *suite = suite_create("switch_offload");
	TCase *tcase = tcase_create("headers");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, offsets_follow_a_tag_put_on);
	tcase_add_test(tcase, offsets_follow_a_tag_taken_off);
	tcase_add_test(tcase, offsets_stay_where_nothing_moves);
	tcase_add_test(tcase, a_checksum_that_begins_in_the_tag_is_malformed);
	tcase_add_loop_test(tcase, packets_of_every_kind_arrive_whole_whatever_receivers_take, 0,
		2 * FAKE_PACKET_FORMS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(offload_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
