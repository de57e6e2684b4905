/* A network card in a tiny guest: frames that come back, and a guest that sends them back. */

#include "layout.h"
#include "scenarios.h"
#include "virtio.h"

#include <linux/serial_reg.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>

#define NET 2
#define RECEIVE 0
#define TRANSMIT 1
#define VECTOR 0x52
#define HEADER sizeof(struct virtio_net_hdr_v1)
#define FRAME_LEAST 64
#define FRAME_MOST 1514
#define ADDRESSES 12 /* both stations' */
#define TYPE_HIGH 0x88 /* 0x88b5: for experiments on one network */
#define TYPE_LOW 0xb5
#define FEATURES \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS)

static struct queue queues[2];
static uint8_t received[QUEUE_SIZE][2048], sent[2048];
static uint64_t device;
static uint8_t mac[6];

static bool carrier(void)
{
	uint64_t place = device + VIRTIO_MMIO_CONFIG + offsetof(struct virtio_net_config, status);

	return *(volatile uint16_t *)place & VIRTIO_NET_S_LINK_UP;
}

static void acknowledge(void)
{
	store32(device + VIRTIO_MMIO_INTERRUPT_ACK, load32(device + VIRTIO_MMIO_INTERRUPT_STATUS));
}

/* Halted but for interrupts, until it is so. */
static void wait_for(bool (*condition)(void))
{
	for (;;) {
		uint64_t seen = interrupt_count;

		if (condition())
			return;
		interrupts_wait(seen + 1);
		acknowledge();
	}
}

static bool frame_came(void)
{
	return __atomic_load_n(&queues[RECEIVE].used.idx, __ATOMIC_ACQUIRE) !=
		queues[RECEIVE].reaped;
}

static bool frame_went(void)
{
	return __atomic_load_n(&queues[TRANSMIT].used.idx, __ATOMIC_ACQUIRE) !=
		queues[TRANSMIT].reaped;
}

static void post(unsigned slot)
{
	queue_post(&queues[RECEIVE], received[slot], sizeof(received[slot]), VRING_DESC_F_WRITE);
}

static void bring_up(void)
{
	device = device_address(NET);
	interrupts_start();
	interrupts_route(device_interrupt(NET), VECTOR);
	EXPECT(device_negotiate(device, FEATURES) & VIRTIO_CONFIG_S_FEATURES_OK);
	for (size_t i = 0; i < sizeof(mac); i++)
		mac[i] = *(volatile uint8_t *)(device + VIRTIO_MMIO_CONFIG + i);
	queue_set_up(&queues[RECEIVE], device, RECEIVE);
	queue_set_up(&queues[TRANSMIT], device, TRANSMIT);
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		post(i);
	device_ready(device);
	queue_notify(&queues[RECEIVE]);
	wait_for(carrier);
	print("carrier\n");
}

static void send(uint32_t length)
{
	queue_post(&queues[TRANSMIT], sent, length, 0);
	queue_notify(&queues[TRANSMIT]);
	wait_for(frame_went);
	queue_reap(&queues[TRANSMIT]);
}

/* The next frame and its length, the header included; it stays valid until the next one's. */
static const uint8_t *receive(uint32_t *length)
{
	uint16_t slot;

	wait_for(frame_came);
	slot = queues[RECEIVE].reaped % QUEUE_SIZE;
	*length = queue_reap(&queues[RECEIVE]);
	return received[slot];
}

static void give_back(void)
{
	post((uint16_t)(queues[RECEIVE].reaped - 1) % QUEUE_SIZE);
	queue_notify(&queues[RECEIVE]);
}

static uint32_t length_of(unsigned number)
{
	return (uint32_t)HEADER + FRAME_LEAST + number * 97 % (FRAME_MOST - FRAME_LEAST + 1);
}

/* To everybody; its bytes are those of no other number. */
static void make_frame(unsigned number)
{
	uint8_t *frame = sent + HEADER;

	for (uint32_t i = 0; i < length_of(number); i++)
		sent[i] = i < HEADER ? 0 : (uint8_t)(number * 31 + i);
	for (size_t i = 0; i < sizeof(mac); i++) {
		frame[i] = 0xff;
		frame[i + sizeof(mac)] = mac[i];
	}
	frame[ADDRESSES] = TYPE_HIGH;
	frame[ADDRESSES + 1] = TYPE_LOW;
}

static bool is_that_frame(const uint8_t *frame, uint32_t length)
{
	const size_t skipped = HEADER + ADDRESSES;

	return same_text((const char *)frame + skipped, (const char *)sent + skipped,
		length - skipped);
}

static unsigned number_of(const char *text)
{
	unsigned number = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		number = 10 * number + (unsigned)(*text - '0');
	return number;
}

static void exchange(unsigned begin, unsigned end)
{
	for (unsigned i = begin; i < end; i++) {
		uint32_t length;
		const uint8_t *frame;

		make_frame(i);
		send(length_of(i));
		frame = receive(&length);
		EXPECT_EQUAL(length, length_of(i));
		EXPECT(is_that_frame(frame, length));
		give_back();
	}
}

/* Send that many frames, each when the one before has come back. */
void scenario_frames(const char *argument)
{
	bring_up();
	exchange(0, number_of(argument));
	print("frames done\n");
}

/* The same, but after one half wait for a character from the UART. */
void scenario_halves(const char *argument)
{
	unsigned count = number_of(argument);

	bring_up();
	exchange(0, count / 2);
	print("half of the frames\n");
	while (!(in8(PORT_SERIAL + UART_LSR) & UART_LSR_DR))
		__asm__ volatile("pause");
	exchange(count / 2, count);
	print("frames done\n");
}

/* Whatever comes goes back, for ever. */
void scenario_mirror(const char *argument)
{
	(void)argument;
	bring_up();
	for (;;) {
		uint32_t length;
		const uint8_t *frame = receive(&length);

		for (uint32_t i = 0; i < length && i < sizeof(sent); i++)
			sent[i] = i < HEADER ? 0 : frame[i];
		give_back();
		send(length);
	}
}

static bool reset_is_needed(void)
{
	return load32(device + VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static void start_anew(void)
{
	for (unsigned i = 0; i < 2; i++) {
		queues[i].posted = queues[i].reaped = 0;
		queues[i].avail.idx = queues[i].used.idx = 0;
	}
	bring_up();
}

/* A frame outside memory: the device asks for a reset, and works again after it. */
void scenario_badframe(const char *argument)
{
	bring_up();
	queue_post(&queues[TRANSMIT], (void *)0xfffffffff000, FRAME_LEAST, 0);
	queue_notify(&queues[TRANSMIT]);
	wait_for(reset_is_needed);
	print("needs a reset\n");
	start_anew();
	exchange(0, number_of(argument));
	print("frames done\n");
}

/* Say each change of the carrier, for ever. */
static bool last_carrier;

static bool carrier_changed(void)
{
	return carrier() != last_carrier;
}

void scenario_carrier(const char *argument)
{
	(void)argument;
	bring_up();
	for (last_carrier = true;; last_carrier = !last_carrier) {
		wait_for(carrier_changed);
		print(last_carrier ? "carrier lost\n" : "carrier back\n");
	}
}
