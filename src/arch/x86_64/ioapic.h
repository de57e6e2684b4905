#ifndef IOAPIC_H
#define IOAPIC_H

#include "compiler.h"
#include "layout.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The registers of an IOAPIC (Intel 82093AA, with more pins). Every line is edge-triggered whatever
 * the guest writes: no end of interrupt ever has to be seen here, and KVM delivers each line itself
 * as the message that the redirection entry describes.
 */
struct ioapic_message {
	uint32_t address_low;
	uint32_t address_high;
	uint32_t data;
};

struct ioapic {
	pthread_mutex_t lock; /* of all below */
	uint32_t select;
	uint32_t id;
	uint64_t entry[IOAPIC_PINS];
	bool wide_destinations; /* 15 bits: the machine has more than 255 processors */
	/* A line's message, or whether there is one, has changed; with the lock. */
	void (*changed)(void *owner);
	void *owner;
};

void ioapic_init(struct ioapic *ioapic, bool wide_destinations, void (*changed)(void *owner),
	void *owner);
void ioapic_destroy(struct ioapic *ioapic);

/* False: the line is masked, or set up for something that no device here may cause. */
bool ioapic_message(const struct ioapic *ioapic, unsigned pin, struct ioapic_message *message);

/* Bus window; owner is the ioapic. Any vCPU thread. */
FROM_GUEST uint64_t ioapic_read(void *owner, uint64_t offset, unsigned length);
FROM_GUEST void ioapic_write(void *owner, uint64_t offset, unsigned length, uint64_t value);

#endif
