/* A guest's card plugged into a wire, without vhost-user between. */
#include "fake_plug.h"

#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

static void interrupt(struct virtqueue *queue)
{
	struct fake_plug *plug = queue->owner;

	plug->interrupts++;
}

static void attach(struct fake_plug *plug, struct virtqueue *queue, unsigned index)
{
	const struct fake_card *card = &plug->card;
	const struct fake_card_queue *driver = &card->queue[index];

	*queue = (struct virtqueue){
		.memory = &plug->vhost.memory,
		.interrupt = interrupt,
		.owner = plug,
		.desc_address = fake_card_address(card, driver->ring.desc),
		.avail_address = fake_card_address(card, driver->ring.avail),
		.used_address = fake_card_address(card, driver->ring.used),
		.size = (uint16_t)driver->ring.num,
		.index = (uint16_t)index,
		.event_index = card->features >> VIRTIO_RING_F_EVENT_IDX & 1,
		.indirect = card->features >> VIRTIO_RING_F_INDIRECT_DESC & 1,
	};
	if (virtqueue_enable(queue) < 0)
		abort();
}

void fake_plug_create(struct fake_plug *plug, const struct fake_card_options *options,
	uint16_t number)
{
	memset(plug, 0, sizeof(*plug));
	fake_card_create(&plug->card, options);
	if (vhost_port_init(&plug->vhost) < 0)
		abort();
	plug->vhost.memory = plug->card.memory;
	plug->vhost.port.number = number;
	plug->vhost.port.settings.link = 1;
	memset(plug->vhost.port.settings.allowed, 0xff, sizeof(plug->vhost.port.settings.allowed));
	plug->vhost.port.counters = &plug->counters;
}

void fake_plug_destroy(struct fake_plug *plug)
{
	vhost_port_release(&plug->vhost);
	fake_card_destroy(&plug->card);
}

void fake_plug_in(struct fake_plug *plug, struct wire *wire, uint64_t features)
{
	fake_card_reset(&plug->card, features);
	attach(plug, &plug->vhost.receive, FAKE_CARD_RECEIVE);
	attach(plug, &plug->vhost.transmit, FAKE_CARD_TRANSMIT);
	plug->vhost.receive_enabled = true;
	plug->vhost.transmit_enabled = true;
	vhost_port_update(&plug->vhost, features);
	wire_plug(wire, &plug->vhost.port);
}
