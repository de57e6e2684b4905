/* Network cards of guests as ports of a cable: frames from one guest's memory into another's. */
#include "compiler.h"
#include "fake_card.h"
#include "vhost_port.h"
#include "wire.h"

#include <check.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <linux/virtio_config.h>

#define BIT(feature) (1ULL << (feature))
#define MODERN (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX))
#define MERGEABLE (MODERN | BIT(VIRTIO_NET_F_MRG_RXBUF))
#define INDIRECT BIT(VIRTIO_RING_F_INDIRECT_DESC)
#define LEGACY 0ULL
#define LONGEST 65549

struct end {
	struct fake_card card;
	struct vhost_port vhost;
	unsigned interrupts[2];
};

static struct end end[2];
static struct wire *cable;
static uint8_t sent_bytes[LONGEST], received_bytes[LONGEST];

static void interrupt(struct virtqueue *queue)
{
	struct end *owner = queue->owner;

	owner->interrupts[queue->index]++;
}

static void attach(struct end *guest, struct virtqueue *queue, unsigned index)
{
	struct fake_card_queue *driver = &guest->card.queue[index];
	uint64_t features = guest->card.features;

	*queue = (struct virtqueue){
		.memory = &guest->vhost.memory,
		.interrupt = interrupt,
		.owner = guest,
		.desc_address = fake_card_address(&guest->card, driver->ring.desc),
		.avail_address = fake_card_address(&guest->card, driver->ring.avail),
		.used_address = fake_card_address(&guest->card, driver->ring.used),
		.size = (uint16_t)driver->ring.num,
		.index = (uint16_t)index,
		.event_index = features & BIT(VIRTIO_RING_F_EVENT_IDX),
		.indirect = features & BIT(VIRTIO_RING_F_INDIRECT_DESC),
	};
	ck_assert_int_eq(virtqueue_enable(queue), 0);
}

static void plug(unsigned number, const struct fake_card_options *options, uint64_t features)
{
	struct end *guest = &end[number];
	struct port *port = &guest->vhost.port;

	fake_card_create(&guest->card, options);
	fake_card_reset(&guest->card, features);
	ck_assert_int_eq(vhost_port_init(&guest->vhost), 0);
	guest->vhost.memory = guest->card.memory;
	attach(guest, &guest->vhost.receive, FAKE_CARD_RECEIVE);
	attach(guest, &guest->vhost.transmit, FAKE_CARD_TRANSMIT);
	guest->vhost.receive_enabled = true;
	guest->vhost.transmit_enabled = true;
	port->number = (uint16_t)number;
	port->settings.link = 1;
	port->counters = aligned_alloc(alignof(struct port_counters), sizeof(*port->counters));
	memset(port->counters, 0, sizeof(*port->counters));
	vhost_port_update(&guest->vhost, features);
	wire_plug(cable, port);
	memset(guest->interrupts, 0, sizeof(guest->interrupts));
}

static void start(void)
{
	cable = wire_create(&wire_cable, 0);
	ck_assert_ptr_nonnull(cable);
	memset(end, 0, sizeof(end));
	for (unsigned i = 0; i < LONGEST; i++)
		sent_bytes[i] = (uint8_t)(i * 7 + i / 256);
}

static void stop(void)
{
	wire_destroy(cable);
	for (unsigned i = 0; i < 2; i++) {
		if (!end[i].vhost.batch)
			continue;
		free(end[i].vhost.port.counters);
		vhost_port_release(&end[i].vhost);
		fake_card_destroy(&end[i].card);
	}
}

static unsigned turn(void)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < 2; i++)
		passed += cable->type->forward(cable, &end[i].vhost.port);
	wire_flush(cable);
	return passed;
}

static void run(void)
{
	while (turn())
		;
}

static void send_frame(unsigned number, uint32_t length)
{
	ck_assert(fake_card_send(&end[number].card, NULL, sent_bytes, length));
}

static void check_arrival(unsigned number, uint32_t length)
{
	struct virtio_net_hdr_v1 header;

	memset(received_bytes, 0, length);
	ck_assert_int_eq(fake_card_receive(&end[number].card, &header, received_bytes, LONGEST),
		(int)length);
	ck_assert_mem_eq(received_bytes, sent_bytes, length);
	ck_assert_uint_eq(header.flags, 0);
	ck_assert_uint_eq(header.gso_type, 0);
}

static const uint32_t lengths[] = { 14, 15, 42, 59, 60, 63, 64, 65, 76, 100, 127, 128, 129, 256,
	512, 1514, 1518 };

/* How drivers lay out their buffers. */
static const struct {
	uint64_t features;
	struct fake_card_options options;
} layouts[] = {
	{ LEGACY, { 0 } },
	{ LEGACY, { .header_apart = true } },
	{ MODERN, { 0 } },
	{ MODERN, { .header_apart = true } },
	{ MODERN | INDIRECT, { .header_apart = true } },
	{ MERGEABLE, { 0 } },
	{ MERGEABLE, { .two_regions = true } },
	{ MERGEABLE | INDIRECT, { .piece = 64 } },
	{ MERGEABLE, { .receive_size = 128, .ring_size = 64 } },
	{ BIT(VIRTIO_NET_F_MRG_RXBUF), { .receive_size = 100, .ring_size = 32 } },
};

START_TEST(carries_frames_of_every_layout_to_every_other)
{
	unsigned from = (unsigned)_i / ARRAY_SIZE(layouts);
	unsigned to = (unsigned)_i % ARRAY_SIZE(layouts);

	plug(0, &layouts[from].options, layouts[from].features);
	plug(1, &layouts[to].options, layouts[to].features);
	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		send_frame(0, lengths[i]);
		run();
		check_arrival(1, lengths[i]);
	}

	ck_assert_uint_eq(end[1].vhost.port.counters->frames_received, ARRAY_SIZE(lengths));
	ck_assert_uint_eq(end[0].card.queue[FAKE_CARD_TRANSMIT].ring.used->idx,
		ARRAY_SIZE(lengths));
}

int main(void)
{
	Suite *suite = suite_create("vhost port");
	TCase *tcase = tcase_create("vhost port");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, carries_frames_of_every_layout_to_every_other, 0,
		ARRAY_SIZE(layouts) * ARRAY_SIZE(layouts));

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
