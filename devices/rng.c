/* Entropy device (Virtio 1.2, section 5.4): fills the driver's buffers with host randomness. */

#include "virtio_device.h"

#include <sys/random.h>

#include <linux/virtio_ids.h>

static uint32_t fill(const struct iovec *iov, unsigned count)
{
	uint32_t filled = 0;

	for (unsigned i = 0; i < count; i++) {
		ssize_t got = getrandom(iov[i].iov_base, iov[i].iov_len, 0);

		if (got > 0)
			filled += (uint32_t)got;
		if (got < 0 || (size_t)got < iov[i].iov_len)
			break;
	}
	return filled;
}

static void rng_notify(struct virtio_device *device, struct virtqueue *queue)
{
	struct virtqueue_chain chain;

	(void)device;
	while (virtqueue_pop(queue, &chain))
		virtqueue_push(queue, chain.head, fill(chain.iov + chain.readable, chain.writable));
	virtqueue_flush(queue);
}

static int rng_create(struct virtio_device *device, const struct device_context *context)
{
	(void)device;
	(void)context;
	return 0;
}

const struct virtio_device_type virtio_rng = {
	.name = "rng",
	.id = VIRTIO_ID_RNG,
	.queue_count = 1,
	.instance_size = sizeof(struct virtio_device),
	.create = rng_create,
	.notify = rng_notify,
};
