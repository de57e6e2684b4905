#ifndef VIRTIO_DEVICE_H
#define VIRTIO_DEVICE_H

#include "log.h"
#include "virtqueue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console_link;
struct event;
struct event_base;
struct virtio_device;

/* What devices may reach besides their guest's memory. Owned by the machine, outlives them. */
struct device_context {
	const struct guest_memory *memory;
	struct event_base *base; /* the main thread's loop */
	struct console_link *link;
	const void *options; /* parsed configuration of this device, or NULL */

	/* For a device whose queues another process serves. */
	int memory_fd; /* a file of all of memory, its regions one after the other */
	int interrupt_fd; /* eventfd that interrupts the driver */
	/*
	 * From now on kicks of the queue signal a new eventfd, which holds one kick already. The
	 * descriptor stays the machine's, valid until the next for this queue; or -errno. Any
	 * thread, under the device's lock.
	 */
	int (*new_kick)(void *owner, uint16_t queue);
	void *owner;
};

/* A kind of device: one constant at the end of its file, listed in device_types.h. */
struct virtio_device_type {
	const char *name; /* names its configuration table and its log lines */
	uint32_t id; /* Virtio 1.2, section 5 */
	uint16_t queue_count;
	uint64_t features; /* offered besides those every device has */
	size_t instance_size; /* of the struct that begins with struct virtio_device */
	bool served_elsewhere; /* another process serves its queues; no kick comes here */

	int (*create)(struct virtio_device *device, const struct device_context *context);
	void (*destroy)(struct virtio_device *device); /* optional; also of a half-built one */
	void (*start)(struct virtio_device *device); /* optional: the driver is ready */
	void (*reset)(struct virtio_device *device); /* optional: the driver went away */
	void (*notify)(struct virtio_device *device, struct virtqueue *queue);
	/* Optional: the driver wrote 1, 2 or 4 bytes of the configuration space. */
	void (*config_written)(struct virtio_device *device, size_t offset, uint32_t value);
};

/*
 * What every device has. Owned by the machine; each device embeds it first. The lock is taken
 * by the framework around every callback; a device takes it only where it is
 * entered from elsewhere (an event of its own), by virtio_device_lock() and _unlock().
 */
struct virtio_device {
	const struct virtio_device_type *type;
	const struct guest_memory *memory;
	struct virtqueue *queue; /* type->queue_count of them */
	uint64_t offered;
	uint64_t negotiated;
	void *config; /* device configuration space, read by the driver */
	size_t config_size;
	bool running; /* from DRIVER_OK, set by the transport, to a failure or reset */
	bool needs_reset; /* a queue broke, and no reset came yet */
	uint64_t unfinished; /* a bit for each queue to be visited again */
	struct event *again; /* owned; visits them */
	struct log_limit complaints;
	pthread_mutex_t lock;
	/* Set by the transport: shows the driver the configuration space anew. */
	void (*config_changed)(struct virtio_device *device);
	/* Set by the transport: asks the driver for a reset. */
	void (*failed)(struct virtio_device *device);
	void *transport;
};

/* NULL if the device cannot be had. */
struct virtio_device *virtio_device_create(const struct virtio_device_type *type,
	const struct device_context *context);
void virtio_device_destroy(struct virtio_device *device);

/* By the transport, under the lock: back to the state before any driver came. */
void virtio_device_reset(struct virtio_device *device);

/*
 * Leaving asks the driver for a reset if a queue turned out broken meanwhile. Between the two the
 * device may pop, push, flush, and change its configuration space.
 */
void virtio_device_lock(struct virtio_device *device);
void virtio_device_unlock(struct virtio_device *device);

/* Under the lock: the device has changed its configuration space. */
void virtio_device_config_changed(struct virtio_device *device);

/*
 * Under the lock: the device has spent its budget on a queue with requests left. notify() comes
 * again once the main loop has looked after everybody else; a reset forgets it. A vCPU thread may
 * be the caller, so the loop's program has called evthread_use_pthreads().
 */
void virtio_device_visit_again(struct virtio_device *device, const struct virtqueue *queue);

const struct virtio_device_type *virtio_device_type_named(const char *name);

#define VIRTIO_DEVICE(name) extern const struct virtio_device_type virtio_##name;
#include "device_types.h"
#undef VIRTIO_DEVICE

#endif
