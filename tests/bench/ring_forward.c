/*
 * A wire's forwarding alone, without a worker and without front-ends' processes: guests whose
 * drivers do as little as possible on one processor, the wire on another, both polling.
 *
 *	ring_forward [--wire cable|switch] [--ports N] [--active N] [--frame BYTES] [--ring SIZE]
 *		[--buffer BYTES] [--both-ways | --spread] [--stopped] [--touch] [--one-thread]
 *		[--under-way N] [--turns N]
 *
 * A guest that is stopped, the last one, sends and takes nothing. Prints frames and bits a second,
 * medians and bests of many short turns, and what memcpy() alone makes of frames as long, from as
 * many places to as many.
 */
#include "compiler.h"
#include "monotonic.h"
#include "vhost_port.h"
#include "wire.h"

#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <linux/virtio_config.h>

#define HEADER 12U /* struct virtio_net_hdr_v1 */
#define TURN_NS 50000000
#define RING_SPACE 0x100000

static struct {
	const char *wire;
	unsigned ports, active, frame, ring, buffer;
	unsigned both_ways, spread, stopped, touch, one_thread, turns, under_way;
} options = { "cable", 2, 2, 64, 256, 2048, 0, 0, 0, 0, 0, 21, 0 };

struct driver_queue {
	struct vring ring;
	uint8_t *buffers;
	uint16_t last_used;
};

/* What a driver knows, and far from it what the wire knows. */
struct guest {
	alignas(4096) struct vhost_port vhost;
	alignas(4096) uint8_t *ram;
	struct driver_queue receive, transmit;
};

static struct guest *guests;
static struct wire *wire;
static atomic_bool done;

/* Received, in all: written often, so in a cache line of its own. */
static struct {
	alignas(4096) atomic_ullong count;
	alignas(4096) char behind;
} frames;

static void die(const char *reason)
{
	fprintf(stderr, "ring_forward: %s\n", reason);
	exit(1);
}

static void interrupt(struct virtqueue *queue)
{
	(void)queue;
}

static unsigned buffer_size(bool receives)
{
	unsigned size = receives ? options.buffer : options.frame + HEADER;

	return (size + 63) / 64 * 64;
}

/* Every buffer has its descriptor, and every entry of the ring always the same of them. */
static void lay_out(struct guest *guest, struct driver_queue *queue, struct virtqueue *device,
	bool receives)
{
	uint64_t ring = (uint64_t)((uint8_t *)queue->ring.desc - guest->ram);

	for (unsigned i = 0; i < options.ring; i++) {
		queue->ring.desc[i] = (struct vring_desc){
			.addr = (uint64_t)(queue->buffers - guest->ram) +
				(uint64_t)i * buffer_size(receives),
			.len = receives ? options.buffer : options.frame + HEADER,
			.flags = receives ? VRING_DESC_F_WRITE : 0,
		};
		queue->ring.avail->ring[i] = (uint16_t)i;
	}
	*device = (struct virtqueue){
		.memory = &guest->vhost.memory,
		.interrupt = interrupt,
		.desc_address = ring,
		.avail_address = (uint64_t)((uint8_t *)queue->ring.avail - guest->ram),
		.used_address = (uint64_t)((uint8_t *)queue->ring.used - guest->ram),
		.size = (uint16_t)options.ring,
		.event_index = true,
	};
	if (virtqueue_enable(device) < 0)
		die(device->broken);
}

static void create_guest(struct guest *guest, unsigned number)
{
	size_t sent = (size_t)options.ring * buffer_size(false);
	size_t size = 2 * RING_SPACE + sent + (size_t)options.ring * buffer_size(true);
	struct port *port = &guest->vhost.port;

	guest->ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (guest->ram == MAP_FAILED || vhost_port_init(&guest->vhost) < 0)
		die("out of memory");
	guest->vhost.memory = (struct guest_memory){ { { 0, size, guest->ram } }, 1 };
	vring_init(&guest->receive.ring, options.ring, guest->ram, 64);
	vring_init(&guest->transmit.ring, options.ring, guest->ram + RING_SPACE, 64);
	guest->transmit.buffers = guest->ram + 2 * RING_SPACE;
	guest->receive.buffers = guest->transmit.buffers + sent;
	lay_out(guest, &guest->receive, &guest->vhost.receive, true);
	lay_out(guest, &guest->transmit, &guest->vhost.transmit, false);
	guest->vhost.receive_enabled = true;
	guest->vhost.transmit_enabled = true;
	port->number = (uint16_t)number;
	port->settings.link = 1;
	memset(port->settings.allowed, 0xff, sizeof(port->settings.allowed));
	port->counters = aligned_alloc(alignof(struct port_counters), sizeof(*port->counters));
	if (!port->counters)
		die("out of memory");
	memset(port->counters, 0, sizeof(*port->counters));
	vhost_port_update(&guest->vhost,
		1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_NET_F_MRG_RXBUF |
			1ULL << VIRTIO_RING_F_EVENT_IDX);
	wire_plug(wire, port);
}

/* From a guest to its neighbour of the same pair, or to all others in turn. */
static unsigned destination(unsigned number, unsigned frame)
{
	if (!options.spread)
		return number ^ 1U;
	return (number + 1 + frame % (options.active - 1)) % options.active;
}

static void address_frames(struct guest *guest, unsigned number)
{
	for (unsigned i = 0; i < options.ring; i++) {
		uint8_t *frame = guest->transmit.buffers + (size_t)i * buffer_size(false) + HEADER;

		memset(frame, 0, 14);
		frame[0] = 2;
		frame[5] = (uint8_t)destination(number, i);
		frame[6] = 2;
		frame[11] = (uint8_t)number;
		frame[12] = 8;
	}
}

static void write_payload(struct driver_queue *queue, uint16_t entry)
{
	uint8_t *buffer = queue->buffers + (size_t)entry * buffer_size(false);

	memset(buffer, 0, HEADER);
	memset(buffer + HEADER + 14, entry, options.frame - 14);
}

static uint64_t read_payload(const struct driver_queue *queue, uint16_t entry)
{
	const uint8_t *buffer = queue->buffers + (size_t)entry * buffer_size(true);
	uint64_t sum = 0, word;
	unsigned length = options.frame < options.buffer ? options.frame : options.buffer;

	for (size_t i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy(&word, buffer + i, sizeof(word));
		sum += word;
	}
	return sum;
}

/* Whatever came back goes out again; how many. */
static unsigned drive(struct driver_queue *queue, bool receives)
{
	uint16_t used = __atomic_load_n(&queue->ring.used->idx, __ATOMIC_ACQUIRE);
	uint16_t count = (uint16_t)(used - queue->last_used);
	volatile uint64_t sum;

	if (!count)
		return 0;
	for (uint16_t i = queue->last_used; i != used; i++) {
		uint16_t place = (uint16_t)(i & (options.ring - 1));
		uint16_t entry = (uint16_t)queue->ring.used->ring[place].id;

		if (options.touch && receives)
			sum = read_payload(queue, entry);
		else if (options.touch)
			write_payload(queue, entry);
		queue->ring.avail->ring[place] = entry;
	}
	(void)sum;
	queue->last_used = used;
	__atomic_store_n(&queue->ring.avail->idx,
		(uint16_t)(used + (receives ? options.ring : options.under_way)), __ATOMIC_RELEASE);
	return count;
}

static void pin(unsigned processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static bool sends(unsigned number)
{
	return options.both_ways || number % 2 == 0;
}

static void begin(void)
{
	for (unsigned i = 0; i < options.active; i++) {
		guests[i].receive.ring.avail->idx = (uint16_t)options.ring;
		/* Who sends nothing else makes its address known. */
		guests[i].transmit.ring.avail->idx = (uint16_t)(sends(i) ? options.under_way : 1);
	}
}

static void drive_all(void)
{
	unsigned buffers_a_frame = (options.frame + HEADER + options.buffer - 1) / options.buffer;
	unsigned received = 0;

	for (unsigned i = 0; i < options.active; i++) {
		if (!options.stopped || i < options.active - 1)
			received += drive(&guests[i].receive, true);
		if (sends(i))
			drive(&guests[i].transmit, false);
	}
	if (received)
		atomic_store_explicit(&frames.count, frames.count + received / buffers_a_frame,
			memory_order_relaxed);
}

static void *drivers(void *unused)
{
	pin(1);
	while (!atomic_load_explicit(&done, memory_order_relaxed))
		drive_all();
	return unused;
}

static void *forward(void *unused)
{
	pin(options.one_thread ? 1 : 0);
	while (!atomic_load_explicit(&done, memory_order_relaxed)) {
		for (unsigned i = 0; i < options.active; i++) /* like the worker */
			wire->type->forward(wire, &guests[i].vhost.port);
		wire_flush(wire);
		if (options.one_thread)
			drive_all();
	}
	return unused;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *what, double *rate)
{
	qsort(rate, options.turns, sizeof(*rate), by_size);

	double median = rate[options.turns / 2], best = rate[options.turns - 1];

	printf("%-8s %7.2f Mframes/s  %7.1f Gbit/s  (best %7.2f  %7.1f)\n", what, median / 1e6,
		median * options.frame * 8 / 1e9, best / 1e6, best * options.frame * 8 / 1e9);
}

static uint64_t processor_time(pthread_t thread)
{
	struct timespec spent;
	clockid_t clock;

	if (pthread_getcpuclockid(thread, &clock) || clock_gettime(clock, &spent))
		die("no clock of a thread");
	return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

/* By the time the forwarding thread had its processor: others may want it, too. */
static void measure(pthread_t thread, double *rate)
{
	for (unsigned i = 0; i < options.turns; i++) {
		uint64_t start = processor_time(thread), before = atomic_load(&frames.count), now;

		do {
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
			now = processor_time(thread);
		} while (now - start < TURN_NS);
		rate[i] =
			(double)(atomic_load(&frames.count) - before) * 1e9 / (double)(now - start);
	}
}

static void copy_alone(double *rate)
{
	const uint8_t *from = guests[0].transmit.buffers;
	uint8_t *to = guests[1].receive.buffers;
	size_t room = buffer_size(true) * (size_t)options.ring;
	unsigned places = (unsigned)(room / buffer_size(false));

	for (unsigned i = 0; i < options.turns; i++) {
		uint64_t start = monotonic_ns(), now;
		uint64_t copied = 0;

		do {
			for (unsigned j = 0; j < options.ring; j++)
				memcpy(to + (size_t)(j % places) * buffer_size(false),
					from + (size_t)j * buffer_size(false), options.frame);
			copied += options.ring;
			now = monotonic_ns();
		} while (now - start < TURN_NS / 5);
		rate[i] = (double)copied * 1e9 / (double)(now - start);
	}
}

static void set_option(int option, unsigned number)
{
	switch (option) {
	case 'w':
		options.wire = optarg;
		break;
	case 'p':
		options.ports = number;
		break;
	case 'a':
		options.active = number;
		break;
	case 'f':
		options.frame = number;
		break;
	case 'r':
		options.ring = number;
		break;
	case 'b':
		options.buffer = number;
		break;
	case '2':
		options.both_ways = 1;
		break;
	case 's':
		options.spread = 1;
		options.both_ways = 1;
		break;
	case 'x':
		options.stopped = 1;
		break;
	case 't':
		options.touch = 1;
		break;
	case '1':
		options.one_thread = 1;
		break;
	case 'u':
		options.under_way = number;
		break;
	case 'n':
		options.turns = number;
		break;
	default:
		exit(2);
	}
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "wire", required_argument, NULL, 'w' },
		{ "ports", required_argument, NULL, 'p' },
		{ "active", required_argument, NULL, 'a' },
		{ "frame", required_argument, NULL, 'f' },
		{ "ring", required_argument, NULL, 'r' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "both-ways", no_argument, NULL, '2' },
		{ "spread", no_argument, NULL, 's' },
		{ "stopped", no_argument, NULL, 'x' },
		{ "touch", no_argument, NULL, 't' },
		{ "one-thread", no_argument, NULL, '1' },
		{ "under-way", required_argument, NULL, 'u' },
		{ "turns", required_argument, NULL, 'n' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		unsigned number = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 1;

		set_option(option, number);
	}
}

/* Where all run before anybody else ("chrt -f 1"), who measures must come before those who spin. */
static void come_first(void)
{
	struct sched_param own;

	if (sched_getscheduler(0) != SCHED_FIFO || sched_getparam(0, &own) < 0)
		return;
	own.sched_priority++;
	sched_setscheduler(0, SCHED_FIFO, &own);
}

int main(int argc, char **argv)
{
	pthread_t thread[2];
	double *rate;

	read_options(argc, argv);
	if (strcmp(options.wire, "cable") != 0 && strcmp(options.wire, "switch") != 0)
		die("unknown wire");
	if (!options.under_way || options.under_way > options.ring)
		options.under_way = options.ring;
	wire = wire_create(strcmp(options.wire, "cable") == 0 ? &wire_cable : &wire_switch, 300);
	guests = aligned_alloc(4096, options.ports * sizeof(*guests));
	rate = calloc(options.turns, sizeof(*rate));
	if (!wire || !guests || !rate)
		die("out of memory");
	memset(guests, 0, options.ports * sizeof(*guests));
	for (unsigned i = 0; i < options.ports; i++) {
		create_guest(&guests[i], i);
		address_frames(&guests[i], i);
	}
	begin();
	pthread_create(&thread[0], NULL, forward, NULL);
	if (!options.one_thread)
		pthread_create(&thread[1], NULL, drivers, NULL);
	come_first();
	measure(thread[0], rate);
	atomic_store(&done, true);
	for (unsigned i = 0; i < 2 - options.one_thread; i++)
		pthread_join(thread[i], NULL);
	print(options.wire, rate);
	copy_alone(rate);
	print("memcpy", rate);
	return 0;
}
