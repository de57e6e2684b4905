#ifndef VHOST_PORT_FIXTURE_H
#define VHOST_PORT_FIXTURE_H

/* What tests of vhost ports share: two guests' cards at the ends of a cable. */
#include "compiler.h"
#include "fake_card.h"
#include "vhost_port.h"
#include "wire.h"

#include <check.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

#define BIT(feature) (1ULL << (feature))
#define MODERN (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX))
#define MERGEABLE (MODERN | BIT(VIRTIO_NET_F_MRG_RXBUF))
#define INDIRECT BIT(VIRTIO_RING_F_INDIRECT_DESC)
#define LEGACY 0ULL
#define LONGEST 65549
#define OFFLOADS \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) | \
		BIT(VIRTIO_NET_F_GUEST_TSO4))

struct end {
	struct fake_card card;
	struct vhost_port vhost;
	unsigned interrupts[2];
};

static struct end end[2];
static struct wire *cable;
static uint8_t sent_bytes[LONGEST], received_bytes[LONGEST];

static inline void interrupt(struct virtqueue *queue)
{
	struct end *owner = queue->owner;

	owner->interrupts[queue->index]++;
}

static inline void attach(struct end *guest, struct virtqueue *queue, unsigned index)
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

static inline void plug(unsigned number, const struct fake_card_options *options, uint64_t features)
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
	cable->now_ns += 1000000000; /* the other end is not waited for */
	memset(guest->interrupts, 0, sizeof(guest->interrupts));
}

static inline void start(void)
{
	cable = wire_create(&wire_cable, 0);
	ck_assert_ptr_nonnull(cable);
	memset(end, 0, sizeof(end));
	for (unsigned i = 0; i < LONGEST; i++)
		sent_bytes[i] = (uint8_t)(i * 7 + i / 256);
}

static inline void unplug(unsigned number)
{
	struct end *guest = &end[number];

	wire_unplug(&guest->vhost.port);
	free(guest->vhost.port.counters);
	vhost_port_release(&guest->vhost);
	fake_card_destroy(&guest->card);
}

static inline void stop(void)
{
	for (unsigned i = 0; i < 2; i++)
		if (end[i].vhost.batch)
			unplug(i);
	wire_destroy(cable);
}

static inline unsigned turn(void)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < 2; i++)
		passed += cable->type->forward(cable, &end[i].vhost.port);
	wire_flush(cable);
	return passed;
}

static inline void run(void)
{
	while (turn())
		;
}

static inline void send_frame(unsigned number, uint32_t length)
{
	ck_assert(fake_card_send(&end[number].card, NULL, sent_bytes, length));
}

static inline void check_arrival(unsigned number, uint32_t length)
{
	struct virtio_net_hdr_v1 header;

	memset(received_bytes, 0, length);
	ck_assert_int_eq(fake_card_receive(&end[number].card, &header, received_bytes, LONGEST),
		(int)length);
	ck_assert_mem_eq(received_bytes, sent_bytes, length);
	ck_assert_uint_eq(header.flags, 0);
	ck_assert_uint_eq(header.gso_type, 0);
}

static inline void number_frame(uint8_t *frame, uint32_t number)
{
	memcpy(frame + 14, &number, sizeof(number));
}

static inline bool send_number(unsigned from, uint32_t number)
{
	uint8_t frame[60] = { 0 };

	number_frame(frame, number);
	return fake_card_send(&end[from].card, NULL, frame, sizeof(frame));
}

static inline bool receive_number(unsigned to, uint32_t expected)
{
	uint8_t frame[60], wanted[60] = { 0 };

	if (fake_card_receive(&end[to].card, NULL, frame, sizeof(frame)) != sizeof(frame))
		return false;
	number_frame(wanted, expected);
	ck_assert_mem_eq(frame, wanted, sizeof(frame));
	return true;
}

#endif
