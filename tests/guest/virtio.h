#ifndef VIRTIO_H
#define VIRTIO_H

#include "guest.h"

#include <linux/virtio_ring.h>

#define QUEUE_SIZE 8

/* A driver's side of one queue, and of a device's register window. */
struct queue {
	uint64_t device; /* address of the window */
	uint16_t number;
	uint16_t posted;
	uint16_t reaped;
	struct vring_desc desc[QUEUE_SIZE] __attribute__((aligned(16)));
	struct {
		uint16_t flags;
		uint16_t idx;
		uint16_t ring[QUEUE_SIZE];
	} avail __attribute__((aligned(2)));
	struct {
		uint16_t flags;
		uint16_t idx;
		struct vring_used_elem ring[QUEUE_SIZE];
	} used __attribute__((aligned(4)));
};

uint64_t device_address(unsigned number);
uint32_t device_interrupt(unsigned number);

/* Status from 0 to FEATURES_OK with these features; what the device answers. */
uint32_t device_negotiate(uint64_t device, uint64_t features);
void device_ready(uint64_t device);
void queue_set_up(struct queue *queue, uint64_t device, uint16_t number);

/* One buffer, offered and announced; then wait for the device, by looking at the ring. */
void queue_post(struct queue *queue, void *buffer, uint32_t length, uint16_t flags);
void queue_notify(const struct queue *queue);
uint32_t queue_reap(struct queue *queue); /* the bytes written */

#endif
