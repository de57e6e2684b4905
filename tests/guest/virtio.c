/* A driver for virtio-mmio devices (Virtio 1.2, sections 3.1 and 4.2). */

#include "virtio.h"

#include "layout.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>

uint64_t device_address(unsigned number)
{
	return DEVICE_WINDOW_BASE + (uint64_t)number * PAGE_SIZE;
}

uint32_t device_interrupt(unsigned number)
{
	return GSI_FIRST_DEVICE + number;
}

uint32_t device_negotiate(uint64_t device, uint64_t features)
{
	uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	store32(device + VIRTIO_MMIO_STATUS, 0);
	store32(device + VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	store32(device + VIRTIO_MMIO_STATUS, status);
	for (uint32_t i = 0; i < 2; i++) {
		store32(device + VIRTIO_MMIO_DRIVER_FEATURES_SEL, i);
		store32(device + VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32 * i));
	}
	store32(device + VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_FEATURES_OK);
	return load32(device + VIRTIO_MMIO_STATUS);
}

void device_ready(uint64_t device)
{
	store32(device + VIRTIO_MMIO_STATUS,
		load32(device + VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void set_address(uint64_t device, uint32_t low, const volatile void *at)
{
	store32(device + low, (uint32_t)(uint64_t)at);
	store32(device + low + 4, (uint32_t)((uint64_t)at >> 32));
}

void queue_set_up(struct queue *queue, uint64_t device, uint16_t number)
{
	queue->device = device;
	queue->number = number;
	store32(device + VIRTIO_MMIO_QUEUE_SEL, number);
	store32(device + VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE);
	set_address(device, VIRTIO_MMIO_QUEUE_DESC_LOW, queue->desc);
	set_address(device, VIRTIO_MMIO_QUEUE_AVAIL_LOW, &queue->avail);
	set_address(device, VIRTIO_MMIO_QUEUE_USED_LOW, &queue->used);
	store32(device + VIRTIO_MMIO_QUEUE_READY, 1);
}

void queue_post(struct queue *queue, void *buffer, uint32_t length, uint16_t flags)
{
	uint16_t slot = queue->posted % QUEUE_SIZE;

	queue->desc[slot] = (struct vring_desc){
		.addr = (uint64_t)buffer,
		.len = length,
		.flags = flags,
	};
	queue->avail.ring[slot] = slot;
	queue->posted++;
	__atomic_store_n(&queue->avail.idx, queue->posted, __ATOMIC_SEQ_CST);
}

void queue_notify(const struct queue *queue)
{
	store32(queue->device + VIRTIO_MMIO_QUEUE_NOTIFY, queue->number);
}

uint32_t queue_reap(struct queue *queue)
{
	while (__atomic_load_n(&queue->used.idx, __ATOMIC_ACQUIRE) == queue->reaped)
		__asm__ volatile("pause");
	return queue->used.ring[queue->reaped++ % QUEUE_SIZE].len;
}
