/* Entropy device (Virtio 1.2, section 5.4): fills the driver's buffers with host randomness. */
#include "virtio_device.h"

#include <sys/random.h>

#include <linux/virtio_ids.h>

#define REQUEST_MAX 65536 /* what one request gets at most; its buffers may be of any size */
#define REQUESTS_A_VISIT 4 /* getrandom makes some 300 MB a second: a visit takes about 1 ms */

/* The host's pool was ready long ago; GRND_NONBLOCK is for the case that it was not. */
static uint32_t fill(const struct iovec *iov, unsigned count)
{
	size_t filled = 0;

	for (unsigned i = 0; i < count && filled < REQUEST_MAX; i++) {
		size_t room = REQUEST_MAX - filled;
		size_t wanted = iov[i].iov_len < room ? iov[i].iov_len : room;
		ssize_t got = getrandom(iov[i].iov_base, wanted, GRND_NONBLOCK);

		if (got > 0)
			filled += (size_t)got;
		if (got < 0 || (size_t)got < wanted)
			break;
	}
	return (uint32_t)filled;
}

static void rng_notify(struct virtio_device *device, struct virtqueue *queue)
{
	struct virtqueue_chain chain;
	unsigned budget = REQUESTS_A_VISIT;

	while (budget && virtqueue_pop(queue, &chain)) {
		virtqueue_push(queue, chain.head, fill(chain.iov + chain.readable, chain.writable));
		budget--;
	}
	virtqueue_flush(queue);
	if (!budget)
		virtio_device_visit_again(device, queue);
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
