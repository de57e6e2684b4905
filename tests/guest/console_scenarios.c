/* Consoles for the benchmarks: what is typed comes back, and as much output as there may be. */

#include "scenarios.h"
#include "virtio.h"

#include <linux/virtio_console.h>
#include <linux/virtio_mmio.h>

#define CONSOLE 0
#define RECEIVE 0
#define TRANSMIT 1
#define VECTOR 0x54
#define VERSION_1 (1ULL << VIRTIO_F_VERSION_1)
#define NO_INTERRUPT 1
#define LINE 64
#define PAGE 4096
#define PAGES_PER_MIB 256

static struct queue queues[2];
static char page[PAGE] __attribute__((aligned(PAGE)));
static char typed[64];

static void start(uint64_t device)
{
	device_negotiate(device, VERSION_1);
	queue_set_up(&queues[RECEIVE], device, RECEIVE);
	queue_set_up(&queues[TRANSMIT], device, TRANSMIT);
	queues[TRANSMIT].avail.flags = NO_INTERRUPT;
	device_ready(device);
}

/* As a kernel's console driver does it: one buffer, and wait for its end. */
static void transmit(const char *bytes, uint32_t length)
{
	queue_post(&queues[TRANSMIT], (void *)(uint64_t)bytes, length, 0);
	queue_notify(&queues[TRANSMIT]);
	queue_reap(&queues[TRANSMIT]);
}

static uint32_t receive(uint64_t device)
{
	const struct queue *queue = &queues[RECEIVE];

	queue_post(&queues[RECEIVE], typed, sizeof(typed), VRING_DESC_F_WRITE);
	queue_notify(&queues[RECEIVE]);
	for (;;) {
		uint64_t before = interrupt_count;

		if (__atomic_load_n(&queue->used.idx, __ATOMIC_ACQUIRE) != queue->reaped)
			return queue_reap(&queues[RECEIVE]);
		interrupts_wait(before + 1);
		store32(device + VIRTIO_MMIO_INTERRUPT_ACK,
			load32(device + VIRTIO_MMIO_INTERRUPT_STATUS));
	}
}

/* Everything typed comes back, for ever; between keystrokes the processor is halted. */
void scenario_echo(const char *argument)
{
	static const char ready[] = "echo ready\n";
	uint64_t device = device_address(CONSOLE);

	(void)argument;
	interrupts_start();
	interrupts_route(device_interrupt(CONSOLE), VECTOR);
	start(device);
	transmit(ready, sizeof(ready) - 1);
	for (;;)
		transmit(typed, receive(device));
}

static unsigned number_of(const char *text)
{
	unsigned number = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		number = 10 * number + (unsigned)(*text - '0');
	return number;
}

/* When something was typed: so many MiB of lines, a page at a time, as fast as the device goes. */
void scenario_flood(const char *argument)
{
	static const char ready[] = "flood ready\n", done[] = "flood done\n";
	uint64_t device = device_address(CONSOLE);
	unsigned count = number_of(argument) * PAGES_PER_MIB;

	for (unsigned i = 0; i < PAGE; i++)
		page[i] = (char)(i % LINE == LINE - 1 ? '\n' : 'a' + i % LINE % 26);
	interrupts_start();
	interrupts_route(device_interrupt(CONSOLE), VECTOR);
	start(device);
	transmit(ready, sizeof(ready) - 1);
	receive(device);
	for (unsigned i = 0; i < count; i++)
		transmit(page, PAGE);
	transmit(done, sizeof(done) - 1);
	halt_for_ever();
}
