#ifndef FAKE_PLUG_H
#define FAKE_PLUG_H

#include "fake_card.h"
#include "vhost_port.h"
#include "wire.h"

/* A guest's card plugged into a wire as its driver's features have it, without vhost-user. */
struct fake_plug {
	struct fake_card card;
	struct vhost_port vhost;
	struct port_counters counters;
	unsigned interrupts;
};

/* Aborts when the system has nothing to give. Outlives the wire, or is unplugged before. */
void fake_plug_create(struct fake_plug *plug, const struct fake_card_options *options,
	uint16_t number);
void fake_plug_destroy(struct fake_plug *plug);

/* Plug it in, with empty rings. It is not plugged in. */
void fake_plug_in(struct fake_plug *plug, struct wire *wire, uint64_t features);

#endif
