/*
 * Console (Virtio 1.2, section 5.3): one port, with size and emergency write.
 *
 * How it works. What the driver transmits goes into the console link at once, which takes
 * everything and never blocks; so a driver that spins until its buffer returns does not spin long.
 * It is asked a moment later whether it wants an interrupt, when one that spins has gone on and
 * says no: Linux finds nothing to do in such an interrupt, and after 100000 of them it would switch
 * the line off, and with it all input.
 * Input stays in the link until the driver has posted buffers, and is read straight into them.
 */
#include "compiler.h"
#include "console_link.h"
#include "virtio_console.h"
#include "virtio_device.h"

#include <errno.h>
#include <event2/event.h>

#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>

#define RECEIVE_QUEUE 0
#define TRANSMIT_QUEUE 1
#define REQUESTS_A_VISIT 256
#define BYTES_A_VISIT (1U << 20)
#define SETTLE_US 1000
#define SYSRQ 0x0f /* Ctrl-O: what Linux's hvc driver takes for a BREAK */

struct console {
	struct virtio_device device;
	struct console_consumer consumer;
	struct console_link *link; /* borrowed */
	struct virtio_console_config config;
	bool input_waiting; /* the link had input when last asked */
	bool break_waiting;
	/* The request being transmitted, when it is too long for one visit. */
	bool transmitting;
	unsigned segment;
	size_t offset; /* into the segment */
	struct virtqueue_chain chain;
	struct event *settled; /* owned; a moment after the last transmission */
};

/* Move on with the request at hand; true when all of it is in the link. */
static bool transmit_request(struct console *console, size_t *budget)
{
	while (console->segment < console->chain.readable) {
		const struct iovec *iov = &console->chain.iov[console->segment];
		size_t rest = iov->iov_len - console->offset;
		size_t part = rest < *budget ? rest : *budget;

		console_link_write(console->link, (uint8_t *)iov->iov_base + console->offset, part);
		*budget -= part;
		// cppcheck-suppress knownConditionTrueFalse ; part is less when the budget is
		if (part < rest) {
			console->offset += part;
			return false;
		}
		console->offset = 0;
		console->segment++;
	}
	return true;
}

static bool transmit_next(struct console *console, struct virtqueue *queue)
{
	if (!queue->desc)
		console->transmitting = false; /* the driver stopped the queue meanwhile */
	if (console->transmitting)
		return true;
	console->segment = 0;
	console->offset = 0;
	return virtqueue_pop(queue, &console->chain);
}

static void transmit(struct console *console, struct virtqueue *queue)
{
	size_t bytes = BYTES_A_VISIT;
	unsigned requests = REQUESTS_A_VISIT;

	virtqueue_flush(queue); /* of what earlier visits published */
	while (requests && transmit_next(console, queue)) {
		console->transmitting = !transmit_request(console, &bytes);
		if (console->transmitting)
			break;
		virtqueue_push(queue, console->chain.head, 0);
		requests--;
	}
	virtqueue_publish(queue);
	if (requests < REQUESTS_A_VISIT)
		event_add(console->settled, &(struct timeval){ .tv_usec = SETTLE_US });
	if (!requests || console->transmitting)
		virtio_device_visit_again(&console->device, queue);
}

/* Whoever has not taken its buffers back by now sleeps until it hears of them. */
static void settled(evutil_socket_t fd, short events, void *owner)
{
	struct console *console = owner;

	(void)fd;
	(void)events;
	virtio_device_lock(&console->device);
	virtqueue_flush(&console->device.queue[TRANSMIT_QUEUE]);
	virtio_device_unlock(&console->device);
}

/* Fill the writable part of a request with waiting input; the number of bytes. */
static uint32_t fill(struct console *console, const struct iovec *iov, unsigned count)
{
	size_t filled = 0;

	for (unsigned i = 0; i < count; i++) {
		uint8_t *base = iov[i].iov_base;
		size_t room = iov[i].iov_len, part = 0;

		if (console->break_waiting) {
			console->break_waiting = false;
			base[part++] = SYSRQ;
		}
		if (console->input_waiting)
			part += console_link_read(console->link, base + part, room - part);
		filled += part;
		if (part < room) {
			console->input_waiting = false;
			break;
		}
	}
	return (uint32_t)filled;
}

static void receive(struct console *console, struct virtqueue *queue)
{
	struct virtqueue_chain chain;
	unsigned budget = REQUESTS_A_VISIT;

	while (budget && (console->input_waiting || console->break_waiting) &&
		virtqueue_pop(queue, &chain)) {
		uint32_t filled = fill(console, chain.iov + chain.readable, chain.writable);

		if (filled || !chain.writable)
			virtqueue_push(queue, chain.head, filled);
		else
			virtqueue_unpop(queue);
		budget--;
	}
	virtqueue_flush(queue);
	if (!budget)
		virtio_device_visit_again(&console->device, queue);
}

static void console_notify(struct virtio_device *device, struct virtqueue *queue)
{
	struct console *console = (struct console *)device;

	if (queue->index == RECEIVE_QUEUE)
		receive(console, queue);
	else
		transmit(console, queue);
}

static void receive_if_running(struct console *console)
{
	if (console->device.running)
		receive(console, &console->device.queue[RECEIVE_QUEUE]);
}

static void input_ready(struct console_consumer *consumer)
{
	struct console *console = CONTAINER_OF(consumer, struct console, consumer);

	virtio_device_lock(&console->device);
	console->input_waiting = true;
	receive_if_running(console);
	virtio_device_unlock(&console->device);
}

static void break_received(struct console_consumer *consumer)
{
	struct console *console = CONTAINER_OF(consumer, struct console, consumer);

	virtio_device_lock(&console->device);
	console->break_waiting = true;
	receive_if_running(console);
	virtio_device_unlock(&console->device);
}

static void kicked(struct console_consumer *consumer)
{
	struct console *console = CONTAINER_OF(consumer, struct console, consumer);
	struct virtqueue *queues = console->device.queue;

	virtio_device_lock(&console->device);
	receive_if_running(console);
	for (unsigned i = 0; console->device.running && i <= TRANSMIT_QUEUE; i++)
		queues[i].interrupt(&queues[i]);
	virtio_device_unlock(&console->device);
}

static void resized(struct console_consumer *consumer, struct console_size size)
{
	struct console *console = CONTAINER_OF(consumer, struct console, consumer);
	struct virtio_console_config *config = &console->config;

	virtio_device_lock(&console->device);
	if (config->cols != size.columns || config->rows != size.rows) {
		config->cols = size.columns;
		config->rows = size.rows;
		virtio_device_config_changed(&console->device);
	}
	virtio_device_unlock(&console->device);
}

/* Linux looks at the size only when told that it changed. */
static void console_start(struct virtio_device *device)
{
	const struct console *console = (const struct console *)device;

	if (console->config.cols || console->config.rows)
		virtio_device_config_changed(device);
}

static void console_reset(struct virtio_device *device)
{
	((struct console *)device)->transmitting = false;
}

static void console_config_written(struct virtio_device *device, size_t offset, uint32_t value)
{
	const struct console *console = (const struct console *)device;
	uint8_t byte = (uint8_t)value;

	if (offset == offsetof(struct virtio_console_config, emerg_wr))
		console_link_write(console->link, &byte, sizeof(byte));
}

static int console_create(struct virtio_device *device, const struct device_context *context)
{
	struct console *console = (struct console *)device;

	console->link = context->link;
	console->consumer = (struct console_consumer){
		.input_ready = input_ready,
		.resized = resized,
		.break_received = break_received,
		.kicked = kicked,
	};
	device->config = &console->config;
	device->config_size = sizeof(console->config);
	console->settled = event_new(context->base, -1, 0, settled, console);
	return console->settled ? 0 : -ENOMEM;
}

static void console_destroy(struct virtio_device *device)
{
	struct console *console = (struct console *)device;

	if (console->settled)
		event_free(console->settled);
}

struct console_consumer *virtio_console_consumer(struct virtio_device *device)
{
	return &((struct console *)device)->consumer;
}

const struct virtio_device_type virtio_console = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.queue_count = TRANSMIT_QUEUE + 1,
	.features = 1ULL << VIRTIO_CONSOLE_F_SIZE | 1ULL << VIRTIO_CONSOLE_F_EMERG_WRITE,
	.instance_size = sizeof(struct console),
	.create = console_create,
	.destroy = console_destroy,
	.start = console_start,
	.reset = console_reset,
	.notify = console_notify,
	.config_written = console_config_written,
};
