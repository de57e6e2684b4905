#ifndef VIRTIO_MMIO_H
#define VIRTIO_MMIO_H

#include "compiler.h"
#include "virtio_device.h"

#include <stdint.h>

#define VIRTIO_MMIO_SIZE 0x1000
#define VIRTIO_MMIO_QUEUE_SIZE_MAX 256

/*
 * The register window of one device (Virtio 1.2, section 4.2), version 2.
 *
 * How it works. Everything the driver can read stands in one page, kept up to date by every write.
 * Where KVM has read-only memory slots the machine maps that page at the window, so that reads
 * never leave the guest; elsewhere virtio_mmio_read() serves them from the same page. Of the
 * writes, QueueNotify goes to an ioeventfd per queue (notify_fd) and InterruptACK to KVM's
 * coalesced ring; the machine replays that ring into virtio_mmio_write() before the device looks
 * again. InterruptStatus bit 0 stays 1 while the driver is ready: looking at an empty used ring is
 * harmless, and the line is edge-triggered. Bit 1 is set by a configuration change until
 * acknowledged.
 */
struct virtio_mmio {
	struct virtio_device *device;
	uint8_t *page; /* VIRTIO_MMIO_SIZE bytes, page-aligned; owned by the machine */
	int interrupt_fd; /* eventfd wired to a guest interrupt line; borrowed */
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	/* Optional: replay coalesced writes; before bit 1 is set, lest an older ACK clears it. */
	void (*replay)(void *owner);
	void *owner;
};

/*
 * page: zeroed. Writes take the device's lock, except InterruptACK, which is one atomic access: it
 * may be replayed by whoever holds the lock.
 */
void virtio_mmio_init(struct virtio_mmio *mmio, struct virtio_device *device, uint8_t *page,
	int interrupt_fd);

/* Bus window (bus.h); owner is the virtio_mmio. Any vCPU thread. */
FROM_GUEST uint64_t virtio_mmio_read(void *owner, uint64_t offset, unsigned length);
FROM_GUEST void virtio_mmio_write(void *owner, uint64_t offset, unsigned length, uint64_t value);

/* The driver kicked a queue: its ioeventfd fired. Main thread. Ignored unless DRIVER_OK. */
void virtio_mmio_notified(struct virtio_mmio *mmio, uint16_t queue);

#endif
