/* The switch: who carries which VLAN, and tags put on and taken off on the way. */

#include "fake_network.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TAG(content) (0x81000000U | (content))
#define SERVICE_TAG(content) (0x88a80000U | (content))
#define PRIORITY (5U << 13)
#define TEN 10U
#define TWENTY 20U

enum {
	ACCESS_TEN,
	ACCESS_TEN_TOO,
	ACCESS_TWENTY,
	TRUNK_TEN,
	TRUNK_BOTH,
	NONE,
	NONE_TOO,
	MONITOR,
	PORTS,
};

static struct fake_network network;

static void start(void)
{
	fake_network_create(&network, &wire_switch, PORTS);
	fake_network_access(&network, ACCESS_TEN, TEN);
	fake_network_access(&network, ACCESS_TEN_TOO, TEN);
	fake_network_access(&network, ACCESS_TWENTY, TWENTY);
	fake_network_trunk(&network, TRUNK_TEN, TEN, TEN);
	fake_network_trunk(&network, TRUNK_BOTH, TEN, TWENTY);
	fake_network_monitor(&network, MONITOR);
}

static void stop(void)
{
	fake_network_destroy(&network);
}

/* A frame as a port is to receive it: nothing, or with these tags. */
struct expected {
	bool comes;
	uint32_t tag[2];
};

struct scene {
	unsigned from;
	uint32_t tag[2];
	struct expected to[PORTS];
};

#define WITH(...) \
	{ \
		true, \
		{ \
			__VA_ARGS__ \
		} \
	}
#define BARE WITH(0)
#define NOWHERE [0] = { 0 }

/* Broadcasts: each kind of port sends each kind of frame. */
static const struct scene scenes[] = {
	{ ACCESS_TEN, { 0 },
		{
			[ACCESS_TEN_TOO] = BARE,
			[TRUNK_TEN] = WITH(TAG(TEN)),
			[TRUNK_BOTH] = WITH(TAG(TEN)),
			[MONITOR] = WITH(TAG(TEN)),
		} },
	{ ACCESS_TEN, { TAG(PRIORITY) },
		{
			[ACCESS_TEN_TOO] = BARE,
			[TRUNK_TEN] = WITH(TAG(PRIORITY | TEN)),
			[TRUNK_BOTH] = WITH(TAG(PRIORITY | TEN)),
			[MONITOR] = WITH(TAG(PRIORITY | TEN)),
		} },
	{ ACCESS_TEN, { TAG(TEN) }, { NOWHERE } },
	{ ACCESS_TEN, { TAG(TWENTY) }, { NOWHERE } },
	{ ACCESS_TEN, { TAG(TEN), TAG(TWENTY) }, { NOWHERE } },
	{ ACCESS_TEN, { TAG(0), TAG(TWENTY) }, { NOWHERE } },
	{ ACCESS_TEN, { SERVICE_TAG(TEN) }, { NOWHERE } },
	{ ACCESS_TWENTY, { 0 },
		{
			[TRUNK_BOTH] = WITH(TAG(TWENTY)),
			[MONITOR] = WITH(TAG(TWENTY)),
		} },
	{ TRUNK_TEN, { 0 }, { NOWHERE } },
	{ TRUNK_TEN, { TAG(0) }, { NOWHERE } },
	{ TRUNK_TEN, { TAG(PRIORITY) }, { NOWHERE } },
	{ TRUNK_TEN, { TAG(TWENTY) }, { NOWHERE } },
	{ TRUNK_TEN, { TAG(4095) }, { NOWHERE } },
	{ TRUNK_TEN, { SERVICE_TAG(TEN), TAG(TEN) }, { NOWHERE } },
	{ TRUNK_TEN, { TAG(PRIORITY | TEN) },
		{
			[ACCESS_TEN] = BARE,
			[ACCESS_TEN_TOO] = BARE,
			[TRUNK_BOTH] = WITH(TAG(PRIORITY | TEN)),
			[MONITOR] = WITH(TAG(PRIORITY | TEN)),
		} },
	{ TRUNK_TEN, { TAG(TEN), TAG(TWENTY) },
		{
			[TRUNK_BOTH] = WITH(TAG(TEN), TAG(TWENTY)),
			[MONITOR] = WITH(TAG(TEN), TAG(TWENTY)),
		} },
	{ TRUNK_BOTH, { TAG(TWENTY) },
		{
			[ACCESS_TWENTY] = BARE,
			[MONITOR] = WITH(TAG(TWENTY)),
		} },
	{ NONE, { 0 }, { [NONE_TOO] = BARE, [MONITOR] = BARE } },
	{ NONE, { TAG(PRIORITY) },
		{ [NONE_TOO] = WITH(TAG(PRIORITY)), [MONITOR] = WITH(TAG(PRIORITY)) } },
	{ NONE, { TAG(TEN) }, { [NONE_TOO] = WITH(TAG(TEN)), [MONITOR] = WITH(TAG(TEN)) } },
	{ NONE, { TAG(TEN), TAG(TWENTY) },
		{
			[NONE_TOO] = WITH(TAG(TEN), TAG(TWENTY)),
			[MONITOR] = WITH(TAG(TEN), TAG(TWENTY)),
		} },
};

static uint64_t dropped(unsigned port, enum port_drop reason)
{
	return network.port[port].port.counters->dropped[reason];
}

static uint32_t head_length(const uint32_t tags[2])
{
	return 14U + (tags[0] ? 4 : 0) + (tags[1] ? 4 : 0);
}

/* The payload ends where the frame of FAKE_FRAME bytes ended: tags only move it. */
static bool is_right(const struct fake_frame *frame, const struct scene *scene, unsigned to)
{
	const uint32_t *tag = scene->to[to].tag;
	uint8_t from[FAKE_ADDRESS];
	uint8_t wanted[FAKE_FRAME], sent[FAKE_FRAME];
	uint32_t head = head_length(tag);
	uint32_t head_sent = head_length(scene->tag);

	fake_address(from, scene->from);
	fake_frame_make(wanted, fake_broadcast, from, tag);
	fake_frame_make(sent, fake_broadcast, from, scene->tag);
	return frame->length == FAKE_FRAME - head_sent + head &&
		memcmp(frame->bytes, wanted, head) == 0 &&
		memcmp(frame->bytes + head, sent + head_sent, FAKE_FRAME - head_sent) == 0;
}

START_TEST(carries_frames_as_each_port_is_set_and_no_others)
{
	const struct scene *scene = &scenes[_i / 3];
	bool anywhere = false;

	network.port[scene->from].piece = (uint32_t[]){ 0, 1, 7 }[_i % 3];

	fake_network_send_tagged(&network, scene->from, fake_broadcast, scene->tag);

	for (unsigned i = 0; i < PORTS; i++) {
		const struct fake_frame *frame = fake_port_take(&network.port[i]);

		ck_assert_int_eq(frame != NULL, scene->to[i].comes);
		ck_assert_uint_eq(fake_port_kept(&network.port[i]), 0);
		if (frame)
			ck_assert(is_right(frame, scene, i));
		anywhere |= frame != NULL;
	}
	if (!anywhere)
		ck_assert_uint_eq(dropped(scene->from, DROP_VLAN), 1);
}

START_TEST(counts_at_an_access_port_what_only_a_trunk_can_carry)
{
	fake_network_send_tagged(&network, TRUNK_TEN, fake_broadcast,
		(uint32_t[2]){ TAG(TEN), TAG(TWENTY) });

	ck_assert_uint_eq(dropped(ACCESS_TEN, DROP_VLAN), 1);
	ck_assert_uint_eq(dropped(ACCESS_TWENTY, DROP_VLAN), 0);
}

START_TEST(learns_an_address_in_each_vlan_by_itself)
{
	uint8_t same[FAKE_ADDRESS];
	uint8_t bytes[FAKE_FRAME];

	/* One station's address, in two VLANs at two ports. */
	fake_address(same, 77);
	fake_frame_make(bytes, fake_broadcast, same, NULL);
	fake_port_queue(&network.port[ACCESS_TEN], NULL, bytes, FAKE_FRAME);
	fake_port_queue(&network.port[ACCESS_TWENTY], NULL, bytes, FAKE_FRAME);
	fake_network_run(&network);
	for (unsigned i = 0; i < PORTS; i++)
		fake_port_clear(&network.port[i]);

	fake_network_send_tagged(&network, TRUNK_BOTH, same, (uint32_t[2]){ TAG(TEN) });
	ck_assert(fake_network_got(&network, ACCESS_TEN, 1));
	ck_assert(fake_network_got(&network, ACCESS_TEN_TOO, 0));
	ck_assert(fake_network_got(&network, ACCESS_TWENTY, 0));
	fake_network_send_tagged(&network, TRUNK_BOTH, same, (uint32_t[2]){ TAG(TWENTY) });
	ck_assert(fake_network_got(&network, ACCESS_TEN, 0));
	ck_assert(fake_network_got(&network, ACCESS_TWENTY, 1));
}

START_TEST(tells_frames_of_one_batch_apart_that_differ_in_their_vlan_alone)
{
	uint8_t to[FAKE_ADDRESS];
	uint8_t from[FAKE_ADDRESS];
	uint8_t bytes[FAKE_FRAME];

	fake_address(to, 77);
	fake_address(from, TRUNK_BOTH);
	for (unsigned i = 0; i < 10; i++) {
		uint32_t tags[2] = { TAG(i % 2 ? TEN : TWENTY) };

		fake_port_queue(&network.port[TRUNK_BOTH], NULL, bytes,
			fake_frame_make(bytes, to, from, tags));
	}
	fake_frame_make(bytes, fake_broadcast, to, NULL);
	fake_port_queue(&network.port[ACCESS_TEN], NULL, bytes, sizeof(bytes));
	network.wire->type->forward(network.wire, &network.port[ACCESS_TEN].port);
	fake_network_got(&network, ACCESS_TEN_TOO, 1);

	fake_network_run(&network);

	ck_assert(fake_network_got(&network, ACCESS_TEN, 5));
	ck_assert(fake_network_got(&network, ACCESS_TEN_TOO, 0));
	ck_assert(fake_network_got(&network, ACCESS_TWENTY, 5));
}

START_TEST(a_port_that_leaves_a_vlan_gets_nothing_of_it)
{
	fake_network_send_to_all(&network, ACCESS_TEN);
	fake_network_access(&network, ACCESS_TEN, TWENTY);
	for (unsigned i = 0; i < PORTS; i++)
		fake_port_clear(&network.port[i]);

	fake_network_send(&network, ACCESS_TEN_TOO, ACCESS_TEN);
	ck_assert(fake_network_got(&network, ACCESS_TEN, 0));
	ck_assert(fake_network_got(&network, TRUNK_TEN, 1)); /* the station may be anywhere */
	fake_network_send_to_all(&network, ACCESS_TWENTY);
	ck_assert(fake_network_got(&network, ACCESS_TEN, 1));
}

START_TEST(vlans_that_do_not_exist_are_carried_by_nobody)
{
	static const uint16_t impossible[] = { 0, 4095, 4096, 0xffff };

	fake_network_access(&network, ACCESS_TEN, impossible[_i]);
	fake_network_access(&network, ACCESS_TEN_TOO, impossible[_i]);

	fake_network_send_to_all(&network, ACCESS_TEN);

	for (unsigned i = 0; i < PORTS; i++)
		ck_assert(fake_network_got(&network, i, 0));
	ck_assert_uint_eq(dropped(ACCESS_TEN, DROP_VLAN), 1);
}

START_TEST(a_trunk_carries_all_vlans_if_so_set)
{
	uint16_t vlan = (uint16_t[]){ 1, 7, 8, 2048, 4094 }[_i];

	fake_network_trunk(&network, TRUNK_TEN, 1, 4094);
	fake_network_access(&network, ACCESS_TEN, vlan);

	fake_network_send_to_all(&network, ACCESS_TEN);

	ck_assert(fake_network_got(&network, TRUNK_TEN, 1));
}

START_TEST(a_frame_cut_off_in_its_tag_is_dropped)
{
	uint8_t bytes[FAKE_FRAME];
	uint8_t from[FAKE_ADDRESS];

	fake_address(from, TRUNK_TEN);
	fake_frame_make(bytes, fake_broadcast, from, (uint32_t[2]){ TAG(TEN) });
	fake_port_queue(&network.port[TRUNK_TEN], NULL, bytes, (uint32_t)_i);

	fake_network_run(&network);

	ck_assert_uint_eq(dropped(TRUNK_TEN, DROP_MALFORMED), _i < 18);
	ck_assert(fake_network_got(&network, ACCESS_TEN, _i >= 18));
	ck_assert(fake_network_got(&network, TRUNK_BOTH, _i >= 18));
}

static void change_tag(void *owner)
{
	struct fake_frame *frame = owner;

	frame->bytes[12] = 0x81;
	frame->bytes[13] = 0;
	frame->bytes[14] = 0;
	frame->bytes[15] = TWENTY;
}

START_TEST(a_sender_cannot_move_its_frame_to_another_vlan_meanwhile)
{
	static const uint32_t tags[][2] = { { 0 }, { TAG(TEN) } };
	unsigned from = _i ? TRUNK_TEN : ACCESS_TEN;
	uint8_t address[FAKE_ADDRESS];
	uint8_t bytes[FAKE_FRAME];
	const struct fake_frame *frame;

	fake_address(address, from);
	fake_frame_make(bytes, fake_broadcast, address, tags[_i]);
	fake_port_queue(&network.port[from], NULL, bytes, sizeof(bytes));
	for (unsigned i = 0; i < PORTS; i++) {
		network.port[i].on_delivery = change_tag;
		network.port[i].owner = &network.port[from].queue.frame[0];
	}

	fake_network_run(&network);

	frame = fake_port_take(&network.port[ACCESS_TEN_TOO]);
	ck_assert_ptr_nonnull(frame);
	ck_assert_uint_eq(frame->bytes[12], 8);
	frame = fake_port_take(&network.port[TRUNK_BOTH]);
	ck_assert_ptr_nonnull(frame);
	ck_assert_uint_eq(frame->bytes[15], TEN);
	ck_assert(fake_network_got(&network, ACCESS_TWENTY, 0));
}

START_TEST(allow_lists_and_isolation_hold_within_a_vlan)
{
	fake_network_isolate(&network, ACCESS_TEN);
	fake_network_isolate(&network, ACCESS_TEN_TOO);

	fake_network_send_to_all(&network, ACCESS_TEN);

	ck_assert(fake_network_got(&network, ACCESS_TEN_TOO, 0));
	ck_assert(fake_network_got(&network, TRUNK_TEN, 1));
}

static Suite *vlan_suite(void)
{
	Suite *suite = suite_create("switch_vlan");
	TCase *tcase = tcase_create("vlans");

	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, carries_frames_as_each_port_is_set_and_no_others, 0,
		3 * sizeof(scenes) / sizeof(scenes[0]));
	tcase_add_test(tcase, counts_at_an_access_port_what_only_a_trunk_can_carry);
	tcase_add_test(tcase, learns_an_address_in_each_vlan_by_itself);
	tcase_add_test(tcase, tells_frames_of_one_batch_apart_that_differ_in_their_vlan_alone);
	tcase_add_test(tcase, a_port_that_leaves_a_vlan_gets_nothing_of_it);
	tcase_add_loop_test(tcase, vlans_that_do_not_exist_are_carried_by_nobody, 0, 4);
	tcase_add_loop_test(tcase, a_trunk_carries_all_vlans_if_so_set, 0, 5);
	tcase_add_loop_test(tcase, a_frame_cut_off_in_its_tag_is_dropped, 14, 20);
	tcase_add_loop_test(tcase, a_sender_cannot_move_its_frame_to_another_vlan_meanwhile, 0, 2);
	tcase_add_test(tcase, allow_lists_and_isolation_hold_within_a_vlan);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(vlan_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
