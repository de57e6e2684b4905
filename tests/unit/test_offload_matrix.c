/*
 * Every kind of packet from every kind of sender to every kind of receiver, through the rings of
 * both: each arrives as that receiver must see it.
 */
#include "fake_packet.h"
#include "fake_plug.h"
#include "offload.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#define BIT(feature) (1ULL << (feature))
#define MODERN (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX))
#define SENDS_ALL \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) | \
		BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_HOST_USO))

/* What each bit of a receiver's number stands for. */
static const uint64_t choices[] = {
	BIT(VIRTIO_NET_F_GUEST_CSUM),
	BIT(VIRTIO_NET_F_GUEST_TSO4),
	BIT(VIRTIO_NET_F_GUEST_TSO6),
	BIT(VIRTIO_NET_F_GUEST_ECN),
	BIT(VIRTIO_NET_F_GUEST_USO4) | BIT(VIRTIO_NET_F_GUEST_USO6),
	BIT(VIRTIO_NET_F_MRG_RXBUF),
	MODERN,
};

#define CHOICES (sizeof(choices) / sizeof(choices[0]))

/* How drivers send. */
static const struct sender {
	struct fake_card_options options;
	uint64_t features;
} senders[] = {
	{ { .ring_size = 64, .transmit_size = 65664 }, SENDS_ALL }, /* a header of 10 bytes */
	{ { .ring_size = 64, .transmit_size = 65664 }, SENDS_ALL | MODERN },
	{ { .ring_size = 64, .transmit_size = 65664, .header_apart = true, .piece = 1111 },
		SENDS_ALL | MODERN | BIT(VIRTIO_RING_F_INDIRECT_DESC) },
};

#define SENDERS (sizeof(senders) / sizeof(senders[0]))

static struct fake_plug from, to;
static struct wire *wire;
static struct fake_packet packet;
static uint8_t bytes[FAKE_PACKET_MAX];

static void start(void)
{
	memset(&from, 0, sizeof(from));
	memset(&to, 0, sizeof(to));
	wire = wire_create(&wire_cable, 0);
	ck_assert_ptr_nonnull(wire);
	for (unsigned i = 0; i < FAKE_PACKET_MAX; i++)
		bytes[i] = 0xee;
}

static void stop(void)
{
	wire_destroy(wire);
	fake_plug_destroy(&from);
	fake_plug_destroy(&to);
}

static bool turn(void)
{
	bool passed = wire->type->forward(wire, &from.vhost.port);

	wire_flush(wire);
	return passed;
}

/* Whatever came; true if something did. */
static bool receive(struct fake_flow *flow)
{
	struct virtio_net_hdr_v1 header;
	int length = fake_card_receive(&to.card, &header, bytes, sizeof(bytes));
	const char *wrong;

	if (length < 0) {
		ck_assert_int_eq(length, -1);
		return false;
	}
	wrong = fake_flow_receive(flow, &header, bytes, (uint32_t)length);
	ck_assert_msg(!wrong, "%s, frame %u for %#llx: %s", packet.form.name, flow->frames,
		(unsigned long long)flow->accepted, wrong);
	return true;
}

static void pass(const struct fake_packet_form *form)
{
	struct fake_flow flow = { .packet = &packet, .accepted = to.card.features };

	fake_packet_build(&packet, form);
	ck_assert(fake_card_send(&from.card, &packet.header, packet.bytes, packet.length));
	while (turn() || receive(&flow))
		;
	ck_assert_msg(fake_flow_complete(&flow), "%s for %#llx: %u of %u bytes", form->name,
		(unsigned long long)flow.accepted, flow.payload, form->payload);
	ck_assert_uint_eq(fake_card_reap(&from.card), 1);
}

START_TEST(each_packet_arrives_as_its_receiver_accepted)
{
	struct fake_card_options options = { .ring_size = 64 };
	uint64_t features = 0;

	for (unsigned i = 0; i < CHOICES; i++)
		if ((unsigned)_i >> i & 1)
			features |= choices[i];
	if (!(features & BIT(VIRTIO_NET_F_MRG_RXBUF)))
		options.receive_size = 65664;
	fake_plug_create(&to, &options, 1);
	fake_plug_in(&to, wire, features);
	for (unsigned i = 0; i < SENDERS; i++) {
		if (i) {
			wire_unplug(&from.vhost.port);
			fake_plug_destroy(&from);
		}
		fake_plug_create(&from, &senders[i].options, 0);
		fake_plug_in(&from, wire, senders[i].features);
		for (unsigned k = 0; k < FAKE_PACKET_FORMS; k++)
			pass(&fake_packet_forms[k]);
	}

	for (unsigned i = 0; i < DROP_REASONS; i++)
		ck_assert_uint_eq(to.counters.dropped[i], 0);
	ck_assert_ptr_null(vhost_port_broken(&to.vhost));
}

START_TEST(what_a_sender_did_not_negotiate_goes_nowhere)
{
	const struct fake_card_options options = { .ring_size = 64, .transmit_size = 65664 };
	uint64_t needs;

	fake_packet_build(&packet, &fake_packet_forms[_i]);
	needs = fake_packet_needs(&packet);
	fake_plug_create(&to, &options, 1);
	fake_plug_in(&to, wire, ~BIT(VIRTIO_RING_F_INDIRECT_DESC));
	fake_plug_create(&from, &options, 0);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t before = from.counters.dropped[DROP_MALFORMED];

		if (!(needs & BIT(i)))
			continue;
		fake_plug_in(&from, wire, (SENDS_ALL | MODERN) & ~BIT(i));
		ck_assert(fake_card_send(&from.card, &packet.header, packet.bytes, packet.length));
		while (turn())
			;
		ck_assert_uint_eq(fake_card_reap(&from.card), 1);
		ck_assert_int_eq(fake_card_receive(&to.card, NULL, NULL, 0), -1);
		ck_assert_uint_eq(from.counters.dropped[DROP_MALFORMED], before + 1);
		wire_unplug(&from.vhost.port);
	}
}

#define VLAN 10 /* that of the forms' inner tag */

/* An end of a switch, with a tag or without. */
static void join(struct fake_plug *plug, bool tagged, uint64_t features)
{
	struct port_settings *settings = &plug->vhost.port.settings;

	settings->vlan_mode = tagged ? PORT_VLAN_TRUNK : PORT_VLAN_ACCESS;
	settings->vlan = VLAN;
	settings->trunk[VLAN / 8] = 1 << VLAN % 8;
	fake_plug_in(plug, wire, features);
}

/* Number: of the form, and above it which end has tags, and what the receiver accepts. */
START_TEST(a_switch_moves_what_the_header_says_with_a_tag)
{
	const struct fake_card_options options = { .ring_size = 256,
		.transmit_size = 65664,
		.receive_size = 65664 };
	static struct fake_packet expected;
	struct fake_packet_form form = fake_packet_forms[_i % FAKE_PACKET_FORMS];
	bool tag_comes = _i / FAKE_PACKET_FORMS % 2;
	struct fake_flow flow = {
		.packet = &expected,
		.accepted = _i / FAKE_PACKET_FORMS / 2
			? MODERN
			: MODERN | choices[0] | choices[1] | choices[2] | choices[3] | choices[4],
	};

	wire_destroy(wire);
	wire = wire_create(&wire_switch, 300);
	ck_assert_ptr_nonnull(wire);
	fake_plug_create(&from, &options, 0);
	fake_plug_create(&to, &options, 1);
	join(&from, !tag_comes, SENDS_ALL | MODERN);
	join(&to, tag_comes, flow.accepted);
	form.tags = !tag_comes;
	if (form.payload > 65000)
		form.payload = 65000; /* a frame with a tag is no longer than one without */
	fake_packet_build(&packet, &form);
	form.tags = tag_comes;
	fake_packet_build(&expected, &form);

	ck_assert(fake_card_send(&from.card, &packet.header, packet.bytes, packet.length));
	while (turn() || receive(&flow))
		;
	ck_assert_msg(fake_flow_complete(&flow), "%s", form.name);
}

/* What is in the header's place of every buffer changes all the time, in another process. */
static pid_t rewrite_headers(void)
{
	const struct fake_card_queue *queue = &from.card.queue[FAKE_CARD_TRANSMIT];
	pid_t child = fork();
	uint32_t state = 1;

	ck_assert_int_ge(child, 0);
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		state = state * 1664525 + 1013904223;
		queue->buffers[(state >> 8) % 8 * queue->buffer_size + (state >> 16) % 78] ^=
			(uint8_t)(1U << (state >> 28) % 8);
	}
}

/* A frame with a header that a receiver may see, whatever it was when it was checked. */
static void check_header(const struct virtio_net_hdr_v1 *header, uint32_t length)
{
	struct iovec iov = { bytes, length };
	struct frame frame = { .header = *header, .iov = &iov, .count = 1, .length = length };

	if (!offload_check(&frame, ~0ULL))
		ck_abort_msg("flags %#x, type %#x, size %u, start %u", header->flags,
			header->gso_type, header->gso_size, header->csum_start);
}

START_TEST(who_rewrites_a_frame_under_way_poisons_nobody)
{
	const struct fake_card_options options = { .ring_size = 256,
		.transmit_size = 65664,
		.receive_size = 65664 };
	struct virtio_net_hdr_v1 header;
	unsigned whole = 0, segments = 0;
	pid_t child;

	fake_plug_create(&from, &options, 0);
	fake_plug_create(&to, &options, 1);
	fake_plug_in(&from, wire, SENDS_ALL | MODERN);
	fake_plug_in(&to, wire, MODERN | (_i ? choices[0] | choices[1] : 0));
	child = rewrite_headers();
	for (unsigned i = 0; i < 20000; i++) {
		int length;

		fake_packet_build(&packet, &fake_packet_forms[7]); /* short TSO */
		fake_card_send(&from.card, &packet.header, packet.bytes, packet.length);
		turn();
		fake_card_reap(&from.card);
		while ((length = fake_card_receive(&to.card, &header, bytes, sizeof(bytes))) >= 0) {
			check_header(&header, (uint32_t)length);
			whole += header.gso_type != 0;
			segments += !header.gso_type;
			if (!_i)
				ck_assert(!header.flags && !header.gso_type);
		}
		ck_assert_int_eq(length, -1);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);

	ck_assert_uint_gt(_i ? whole : segments, 0);
	ck_assert_ptr_null(vhost_port_broken(&from.vhost));
}

int main(void)
{
	Suite *suite = suite_create("offload_matrix");
	TCase *tcase = tcase_create("offload_matrix");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, each_packet_arrives_as_its_receiver_accepted, 0, 1 << CHOICES);
	tcase_add_loop_test(tcase, what_a_sender_did_not_negotiate_goes_nowhere, 0,
		FAKE_PACKET_FORMS);
	tcase_add_loop_test(tcase, a_switch_moves_what_the_header_says_with_a_tag, 0,
		4 * FAKE_PACKET_FORMS);
	tcase_add_loop_test(tcase, who_rewrites_a_frame_under_way_poisons_nobody, 0, 2);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
