#ifndef VHOST_FRONT_H
#define VHOST_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device_context;
struct vhost_front;
struct virtio_device;

/* What a device wants of the process that serves its queues. Strings are copied. */
struct vhost_front_settings {
	const char *subject; /* of log lines: "net0" */
	const char *path; /* of the socket where the back-end listens */
	const char *name; /* who we are, as in vhost_user.h, or NULL */
	uint64_t own_features; /* bits that need no help of the back-end; it is told those it has */
	uint64_t mtu_feature; /* where this bit is negotiated, the back-end is told mtu; 0: never */
	uint16_t mtu;
	size_t config_size; /* of the configuration space, asked for where it is to be had; or 0 */
	unsigned patience_ms; /* for an answer; 0: what is usual */
	/* Under the device's lock, any thread: readiness, or what the back-end says, has changed.
	 */
	void (*changed)(struct virtio_device *device);
};

/*
 * The front-end of vhost-user: queues of a virtio device served by another process, for ever sought
 * at a socket.
 *
 * How it works. A connection goes through scripts (vhost_front_script.c), each a table of
 * messages: introduction; starting, which hands over memory, rings and descriptors as soon as the
 * driver is ready; stopping; and asking for the configuration anew. One message at a time is under
 * way, and which script is due follows from the state alone. The main loop moves on when the
 * back-end answers; only to stop the rings, the thread of the driver's reset waits, for a bounded
 * time, since the driver may use the memory for something else at once. Whatever goes wrong closes
 * the connection, and the next one is tried after a time that grows up to a second. Rings go on
 * where memory says that the latest back-end got to.
 *
 * Owned by its device, and entered under the device's lock, except create, introduce and destroy.
 */
struct vhost_front *vhost_front_create(struct virtio_device *device,
	const struct device_context *context, const struct vhost_front_settings *settings);
void vhost_front_destroy(struct vhost_front *front); /* takes NULL */

/*
 * Main thread, before there is a driver: wait up to a time for the back-end, and tell what it
 * offers. False when it does not say so in time; it is sought further on.
 */
bool vhost_front_introduce(struct vhost_front *front, unsigned timeout_ms, uint64_t *features);

/* The driver is ready, or went away. After stop, the back-end touches memory no more. */
void vhost_front_start(struct vhost_front *front);
void vhost_front_stop(struct vhost_front *front);

bool vhost_front_connected(const struct vhost_front *front);
bool vhost_front_ready(const struct vhost_front *front); /* the back-end has the rings */

/* The back-end's configuration space, config_size bytes as last heard; NULL where it tells none. */
const uint8_t *vhost_front_config(const struct vhost_front *front);

#endif
