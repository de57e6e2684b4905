/* What all virtio devices have in common: the list of them, their life and their lock. */
#include "virtio_device.h"

#include "compiler.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

static const struct virtio_device_type *const device_types[] = {
#define VIRTIO_DEVICE(name) &virtio_##name,
#include "device_types.h"
#undef VIRTIO_DEVICE
};

const struct virtio_device_type *virtio_device_type_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(device_types); i++)
		if (strcmp(device_types[i]->name, name) == 0)
			return device_types[i];
	return NULL;
}

static void reset_queues(struct virtio_device *device)
{
	for (uint16_t i = 0; i < device->type->queue_count; i++) {
		struct virtqueue *queue = &device->queue[i];

		virtqueue_disable(queue);
		*queue = (struct virtqueue){
			.memory = device->memory,
			.interrupt = queue->interrupt,
			.owner = queue->owner,
			.index = i,
		};
	}
}

static void visit(evutil_socket_t fd, short events, void *owner)
{
	struct virtio_device *device = owner;
	uint64_t unfinished;

	(void)fd;
	(void)events;
	virtio_device_lock(device);
	unfinished = device->unfinished;
	device->unfinished = 0;
	for (uint16_t i = 0; device->running && i < device->type->queue_count; i++)
		if (unfinished & 1ULL << i)
			device->type->notify(device, &device->queue[i]);
	virtio_device_unlock(device);
}

/* By a timer: an activated event would run again before the loop looks at its descriptors. */
void virtio_device_visit_again(struct virtio_device *device, const struct virtqueue *queue)
{
	device->unfinished |= 1ULL << queue->index;
	event_add(device->again, &(struct timeval){ 0 });
}

void virtio_device_config_changed(struct virtio_device *device)
{
	if (device->config_changed)
		device->config_changed(device);
}

struct virtio_device *virtio_device_create(const struct virtio_device_type *type,
	const struct device_context *context)
{
	struct virtio_device *device = calloc(1, type->instance_size);

	if (!device)
		return NULL;
	device->type = type;
	device->memory = context->memory;
	device->offered = type->features | 1ULL << VIRTIO_F_VERSION_1 |
		1ULL << VIRTIO_RING_F_INDIRECT_DESC | 1ULL << VIRTIO_RING_F_EVENT_IDX;
	pthread_mutex_init(&device->lock, NULL);
	device->queue = calloc(type->queue_count, sizeof(*device->queue));
	device->again = event_new(context->base, -1, 0, visit, device);
	if (!device->queue || !device->again || type->create(device, context) < 0) {
		virtio_device_destroy(device);
		return NULL;
	}
	reset_queues(device);
	return device;
}

void virtio_device_reset(struct virtio_device *device)
{
	if (device->type->reset)
		device->type->reset(device);
	reset_queues(device);
	device->negotiated = 0;
	device->running = false;
	device->needs_reset = false;
	device->unfinished = 0;
}

void virtio_device_destroy(struct virtio_device *device)
{
	if (device->type->destroy)
		device->type->destroy(device);
	if (device->again)
		event_free(device->again);
	pthread_mutex_destroy(&device->lock);
	free(device->queue);
	free(device);
}

void virtio_device_lock(struct virtio_device *device)
{
	pthread_mutex_lock(&device->lock);
}

void virtio_device_unlock(struct virtio_device *device)
{
	const char *broken = NULL;

	for (uint16_t i = 0; i < device->type->queue_count; i++)
		if (device->queue[i].broken)
			broken = device->queue[i].broken;
	if (broken && !device->needs_reset) {
		device->needs_reset = true;
		log_limited(&device->complaints, "%s: %s; the device waits for a reset",
			device->type->name, broken);
		if (device->failed)
			device->failed(device);
		device->running = false;
	}
	pthread_mutex_unlock(&device->lock);
}
