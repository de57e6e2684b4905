/* Rings that make no sense, on every device; and a window whose size changes under the driver. */

#include "scenarios.h"
#include "virtio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_mmio.h>

#define CONSOLE 0
#define RNG 1
#define RECEIVE 0
#define TRANSMIT 1
#define CONSOLE_VECTOR 0x51
#define FEATURES \
	(1ULL << VIRTIO_F_VERSION_1 | 1U << VIRTIO_RING_F_EVENT_IDX | \
		1U << VIRTIO_RING_F_INDIRECT_DESC)
#define N VRING_DESC_F_NEXT
#define W VRING_DESC_F_WRITE
#define I VRING_DESC_F_INDIRECT

/* Memory of these guests: below, nothing and the register windows. */
#define RAM 0x200000
#define BEHIND_RAM 0x2000000
#define WINDOW 0xd0000000

static struct queue queues[2];
static uint8_t buffer[64];

/* Two descriptors, the first of which is available, or the index that is said to be. */
static const struct {
	uint16_t available;
	uint16_t head;
	struct vring_desc desc[2];
} rings[] = {
	{ 1, 0, { { .addr = BEHIND_RAM, .len = 1 } } },
	{ 1, 0, { { .addr = BEHIND_RAM - 8, .len = 16 } } },
	{ 1, 0, { { .addr = WINDOW, .len = 4 } } },
	{ 1, 0, { { .addr = ~0ULL, .len = 2 } } },
	{ 1, 0, { { .addr = ~0ULL - 15, .len = 16, .flags = W } } },
	{ 1, 0, { { .addr = RAM, .len = 0xffffffff } } },
	{ 1, 0, { { .addr = RAM, .len = 1, .flags = N, .next = 0 } } },
	{ 1, 0, { { .addr = RAM, .len = 0, .flags = N, .next = 0 } } },
	{ 1, 0, { { .addr = RAM, .len = 1, .flags = N, .next = QUEUE_SIZE } } },
	{ 1, 0, { { .addr = RAM, .len = 1, .flags = N, .next = 0xffff } } },
	{ 1, 0, { { .addr = (uint64_t)0, .len = 0x3000000 } } },
	{ 1, 0, { { .addr = RAM, .len = 0, .flags = I } } },
	{ 1, 0, { { .addr = RAM, .len = 17, .flags = I } } },
	{ 1, 0, { { .addr = BEHIND_RAM - 16, .len = 32, .flags = I } } },
	{ 1, 0, { { .addr = ~0ULL - 15, .len = 32, .flags = I } } },
	{ 1, 0, { { .addr = RAM, .len = 0xfffffff0, .flags = I } } },
	{ 1, 0, { { .addr = RAM, .len = 16, .flags = I | N, .next = 1 }, { .addr = RAM } } },
	{ 1, QUEUE_SIZE, { { .addr = RAM, .len = 1 } } },
	{ 1, 0xffff, { { .addr = RAM, .len = 1 } } },
	{ QUEUE_SIZE + 1, 0, { { .addr = RAM, .len = 1 } } },
	{ 0x8000, 0, { { .addr = RAM, .len = 1 } } },
	{ 0xffff, 0, { { .addr = RAM, .len = 1 } } },
};

/* A queue that was used before must not come back with old indices. */
static void forget(struct queue *queue)
{
	queue->posted = 0;
	queue->reaped = 0;
	queue->avail.idx = 0;
	queue->used.idx = 0;
}

static void start(uint64_t device, uint16_t queue_count)
{
	device_negotiate(device, FEATURES);
	for (uint16_t i = 0; i < queue_count; i++) {
		forget(&queues[i]);
		queue_set_up(&queues[i], device, i);
	}
	device_ready(device);
}

/* The status comes first, a moment later the interrupt. */
static void wait_for_failure(uint64_t device)
{
	while (!(load32(device + VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET))
		__asm__ volatile("pause");
	while (!(load32(device + VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG))
		__asm__ volatile("pause");
}

static void post_ring(struct queue *queue, size_t number)
{
	queue->desc[0] = rings[number].desc[0];
	queue->desc[1] = rings[number].desc[1];
	queue->avail.ring[0] = rings[number].head;
	__atomic_store_n(&queue->avail.idx, rings[number].available, __ATOMIC_SEQ_CST);
	queue_notify(queue);
}

/* Neither does an answer come, nor harm to what comes after a reset. */
void scenario_rings(const char *argument)
{
	uint64_t rng = device_address(RNG), console = device_address(CONSOLE);

	(void)argument;
	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		start(rng, 1);
		post_ring(&queues[0], i);
		wait_for_failure(rng);
		EXPECT_EQUAL(queues[0].used.idx, 0);

		start(console, 2);
		post_ring(&queues[TRANSMIT], i);
		wait_for_failure(console);
		EXPECT_EQUAL(queues[TRANSMIT].used.idx, 0);
	}
	start(rng, 1);
	queue_post(&queues[0], buffer, sizeof(buffer), W);
	queue_notify(&queues[0]);
	EXPECT_EQUAL(queue_reap(&queues[0]), sizeof(buffer));
}

/* As the specification has it: again, until nothing changed while it was read. */
static uint32_t read_size(uint64_t device)
{
	uint32_t generation, size;

	do {
		generation = load32(device + VIRTIO_MMIO_CONFIG_GENERATION);
		size = load32(device + VIRTIO_MMIO_CONFIG);
	} while (generation != load32(device + VIRTIO_MMIO_CONFIG_GENERATION));
	return size;
}

/* Each change of the window's size comes with an interrupt that says so, and is printed once. */
void scenario_sizes(const char *argument)
{
	uint64_t device = device_address(CONSOLE), count = 0;
	uint32_t status;

	(void)argument;
	interrupts_start();
	interrupts_route(device_interrupt(CONSOLE), CONSOLE_VECTOR);
	device_negotiate(device, FEATURES | 1U << VIRTIO_CONSOLE_F_SIZE);
	device_ready(device);
	print("sizes ready\n");
	for (;;) {
		interrupts_wait(count + 1);
		count = interrupt_count;
		status = load32(device + VIRTIO_MMIO_INTERRUPT_STATUS);
		store32(device + VIRTIO_MMIO_INTERRUPT_ACK, status);
		EXPECT(status & VIRTIO_MMIO_INT_CONFIG);
		print("size ");
		print_hex(read_size(device));
		print("\n");
	}
}
