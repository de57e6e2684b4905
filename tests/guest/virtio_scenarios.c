/* Every register of the virtio-mmio windows, and what a driver does with them. */

#include "scenarios.h"
#include "virtio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#define CONSOLE 0
#define RNG 1
#define RECEIVE 0
#define TRANSMIT 1
#define ENTROPY_VECTOR 0x50
#define CONSOLE_VECTOR 0x51
#define VERSION_1 (1ULL << VIRTIO_F_VERSION_1)
#define READS 200

static const uint32_t ids[] = { [CONSOLE] = VIRTIO_ID_CONSOLE, [RNG] = VIRTIO_ID_RNG };

static struct queue queues[2];
static uint8_t buffers[2][64];

static uint32_t status_of(uint64_t device)
{
	return load32(device + VIRTIO_MMIO_STATUS);
}

static void check_identity(uint64_t device, uint32_t id)
{
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_VERSION), 2);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_DEVICE_ID), id);
	store32(device + VIRTIO_MMIO_MAGIC_VALUE, 0);
	store32(device + VIRTIO_MMIO_DEVICE_ID, 0);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_DEVICE_ID), id);
	EXPECT_EQUAL(status_of(device), 0);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG, 0);
}

static void check_features(uint64_t device)
{
	store32(device + VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	EXPECT(load32(device + VIRTIO_MMIO_DEVICE_FEATURES) & VERSION_1 >> 32);
	store32(device + VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_DEVICE_FEATURES), 0);
	store32(device + VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	EXPECT(load32(device + VIRTIO_MMIO_DEVICE_FEATURES) & 1U << VIRTIO_RING_F_EVENT_IDX);

	/* Without VERSION_1, and with what was not offered, the device does not agree. */
	EXPECT(!(device_negotiate(device, 0) & VIRTIO_CONFIG_S_FEATURES_OK));
	EXPECT(!(device_negotiate(device, VERSION_1 | 1ULL << 63) & VIRTIO_CONFIG_S_FEATURES_OK));
	EXPECT_EQUAL(device_negotiate(device, VERSION_1),
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK);
}

static void check_queues(uint64_t device, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		store32(device + VIRTIO_MMIO_QUEUE_SEL, i);
		EXPECT(load32(device + VIRTIO_MMIO_QUEUE_NUM_MAX) >= QUEUE_SIZE);
		EXPECT_EQUAL(load32(device + VIRTIO_MMIO_QUEUE_READY), 0);
		queue_set_up(&queues[i], device, (uint16_t)i);
		EXPECT_EQUAL(load32(device + VIRTIO_MMIO_QUEUE_READY), 1);
	}
	store32(device + VIRTIO_MMIO_QUEUE_SEL, count);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_QUEUE_READY), 0);
	store32(device + VIRTIO_MMIO_QUEUE_READY, 1);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_QUEUE_READY), 0);
}

static void check_reset(uint64_t device)
{
	device_ready(device);
	EXPECT(status_of(device) & VIRTIO_CONFIG_S_DRIVER_OK);
	store32(device + VIRTIO_MMIO_STATUS, 0);
	EXPECT_EQUAL(status_of(device), 0);
	store32(device + VIRTIO_MMIO_QUEUE_SEL, 0);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_QUEUE_READY), 0);
}

/* Registers are words: another width, or none of the registers, changes nothing. */
static void check_strange_accesses(uint64_t device)
{
	*(volatile uint8_t *)(device + VIRTIO_MMIO_STATUS) = VIRTIO_CONFIG_S_ACKNOWLEDGE;
	*(volatile uint16_t *)(device + VIRTIO_MMIO_QUEUE_NOTIFY) = 0;
	*(volatile uint64_t *)(device + VIRTIO_MMIO_QUEUE_SEL - 4) = ~0ULL;
	*(volatile uint8_t *)(device + VIRTIO_MMIO_INTERRUPT_ACK + 3) = 1;
	store32(device + VIRTIO_MMIO_QUEUE_NOTIFY, 0x12345678);
	store32(device + 0xffc, 1);
	EXPECT_EQUAL(status_of(device), 0);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_SHM_LEN_LOW), 0xffffffff);
	EXPECT_EQUAL(load32(device + VIRTIO_MMIO_SHM_LEN_HIGH), 0xffffffff);
}

void scenario_registers(const char *argument)
{
	(void)argument;
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint64_t device = device_address(i);

		check_identity(device, ids[i]);
		check_features(device);
		check_queues(device, i == CONSOLE ? 2 : 1);
		check_reset(device);
		check_strange_accesses(device);
	}
	EXPECT_EQUAL(load32(device_address(2)), 0xffffffff);
}

/* The whole window of each device, again and again; then stay for somebody to count the exits. */
void scenario_reads(const char *argument)
{
	uint32_t sum = 0;

	(void)argument;
	for (unsigned i = 0; i < READS; i++)
		for (unsigned device = 0; device < 2; device++)
			for (uint64_t offset = 0; offset < 0x120; offset += 4)
				sum += load32(device_address(device) + offset);
	EXPECT(sum != 0);
	print("reads done\n");
	halt_for_ever();
}

static unsigned number_of(const char *text)
{
	unsigned number = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		number = 10 * number + (unsigned)(*text - '0');
	return number;
}

static void acknowledge(uint64_t device)
{
	uint32_t status = load32(device + VIRTIO_MMIO_INTERRUPT_STATUS);

	EXPECT(status & VIRTIO_MMIO_INT_VRING);
	store32(device + VIRTIO_MMIO_INTERRUPT_ACK, status);
}

/* So many requests, each announced, and waited for by an interrupt. Then stay, as above. */
void scenario_entropy(const char *argument)
{
	static const uint8_t zero[sizeof(buffers[0])];
	uint64_t device = device_address(RNG);
	unsigned rounds = number_of(argument);

	interrupts_start();
	interrupts_route(device_interrupt(RNG), ENTROPY_VECTOR);
	device_negotiate(device, VERSION_1);
	queue_set_up(&queues[0], device, 0);
	device_ready(device);
	for (unsigned i = 0; i < rounds; i++) {
		for (size_t j = 0; j < sizeof(zero); j++)
			buffers[0][j] = 0;
		queue_post(&queues[0], buffers[0], sizeof(buffers[0]), VRING_DESC_F_WRITE);
		queue_notify(&queues[0]);
		interrupts_wait(i + 1);
		acknowledge(device);
		EXPECT_EQUAL(queue_reap(&queues[0]), sizeof(buffers[0]));
		EXPECT(!same_text((const char *)buffers[0], (const char *)zero, sizeof(zero)));
	}
	print("rounds done\n");
	halt_for_ever();
}

/* A descriptor outside memory: the device asks for a reset, says so, and works again after it. */
void scenario_hostile(const char *argument)
{
	uint64_t device = device_address(RNG);
	static struct queue again;

	(void)argument;
	device_negotiate(device, VERSION_1);
	queue_set_up(&queues[0], device, 0);
	device_ready(device);
	queue_post(&queues[0], (void *)0xfffffffff000, 64, VRING_DESC_F_WRITE);
	queue_notify(&queues[0]);
	while (!(status_of(device) & VIRTIO_CONFIG_S_NEEDS_RESET))
		__asm__ volatile("pause");
	print("needs a reset\n");

	device_negotiate(device, VERSION_1);
	queue_set_up(&again, device, 0);
	device_ready(device);
	queue_post(&again, buffers[0], sizeof(buffers[0]), VRING_DESC_F_WRITE);
	queue_notify(&again);
	EXPECT_EQUAL(queue_reap(&again), sizeof(buffers[0]));
}

static void transmit(const void *bytes, uint32_t length)
{
	queue_post(&queues[TRANSMIT], (void *)(uint64_t)bytes, length, 0);
	queue_notify(&queues[TRANSMIT]);
	queue_reap(&queues[TRANSMIT]);
}

static void open_console(uint64_t device)
{
	device_negotiate(device, VERSION_1 | 1U << VIRTIO_CONSOLE_F_SIZE);
	queue_set_up(&queues[RECEIVE], device, RECEIVE);
	queue_set_up(&queues[TRANSMIT], device, TRANSMIT);
	device_ready(device);
}

/* That many numbered lines, as fast as they go. */
void scenario_numbers(const char *argument)
{
	char line[] = "line 0000000\n";
	const size_t last = sizeof(line) - 3;

	open_console(device_address(CONSOLE));
	for (unsigned count = number_of(argument); count; count--) {
		size_t digit = last;

		transmit(line, sizeof(line) - 1);
		while (line[digit] == '9')
			line[digit--] = '0';
		line[digit]++;
	}
}

/* Everything typed comes back, until a q; the window's size is read first. */
void scenario_console(const char *argument)
{
	uint64_t device = device_address(CONSOLE);
	static const char ready[] = "console ready\n";
	uint32_t length;

	(void)argument;
	open_console(device);
	transmit(ready, sizeof(ready) - 1);
	do {
		queue_post(&queues[RECEIVE], buffers[RECEIVE], sizeof(buffers[RECEIVE]),
			VRING_DESC_F_WRITE);
		queue_notify(&queues[RECEIVE]);
		length = queue_reap(&queues[RECEIVE]);
		transmit(buffers[RECEIVE], length);
	} while (buffers[RECEIVE][length - 1] != 'q');
	print("\nwindow: ");
	print_hex(load32(device + VIRTIO_MMIO_CONFIG));
	print("\n");
}
