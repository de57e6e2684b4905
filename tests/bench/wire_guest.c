/* A guest's network card for benchmarks: its driver does as little as a driver can. */

#include "wire_guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#define PAGE 4096U
#define BUFFER \
	1600 /* an odd number of cache lines, or all begin in the same few places of a cache */
#define SEGMENT 1448
#define HEADERS (sizeof(struct ether_header) + sizeof(struct iphdr) + sizeof(struct tcphdr))

void wire_guest_address(unsigned number, uint8_t address[6])
{
	const uint8_t bytes[6] = { 0x52, 0x54, 0, 0x77, (uint8_t)(number >> 8), (uint8_t)number };

	memcpy(address, bytes, 6);
}

static uint64_t wanted_features(const struct wire_traffic *traffic)
{
	uint64_t features = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX |
		1ULL << VIRTIO_RING_F_INDIRECT_DESC | 1ULL << VHOST_USER_F_PROTOCOL_FEATURES;

	if (traffic->mergeable)
		features |= 1ULL << VIRTIO_NET_F_MRG_RXBUF;
	if (traffic->large)
		features |= 1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_GUEST_CSUM |
			1ULL << VIRTIO_NET_F_HOST_TSO4 | 1ULL << VIRTIO_NET_F_GUEST_TSO4;
	return features;
}

/* A TCP segment over IPv4 whose checksum the receiver's side completes. */
static void fill_frame(const struct wire_guest *guest, unsigned peer, uint8_t *buffer)
{
	const struct wire_traffic *traffic = &guest->traffic;
	struct virtio_net_hdr_v1 header = { 0 };
	struct ether_header ethernet = { .ether_type = htons(ETHERTYPE_IP) };
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.tot_len = htons((uint16_t)(traffic->length - sizeof(ethernet))),
		.saddr = htonl(0xc0a80100 + guest->number),
		.daddr = htonl(0xc0a80100 + peer),
	};
	struct tcphdr tcp = { .source = htons(1000), .dest = htons(2000), .doff = 5, .ack = 1 };

	if (traffic->large)
		header = (struct virtio_net_hdr_v1){
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
			.hdr_len = HEADERS,
			.gso_size = SEGMENT,
			.csum_start = sizeof(ethernet) + sizeof(ip),
			.csum_offset = offsetof(struct tcphdr, check),
		};
	wire_guest_address(guest->number, ethernet.ether_shost);
	wire_guest_address(peer, ethernet.ether_dhost);
	memcpy(buffer, &header, guest->header_size);
	buffer += guest->header_size;
	memcpy(buffer, &ethernet, sizeof(ethernet));
	memcpy(buffer + sizeof(ethernet), &ip, sizeof(ip));
	memcpy(buffer + sizeof(ethernet) + sizeof(ip), &tcp, sizeof(tcp));
}

static void take_queue(struct wire_queue *queue, const struct wire_guest *guest, unsigned index)
{
	const struct fake_card_queue *from = &guest->card.queue[index];

	*queue = (struct wire_queue){
		.ring = from->ring,
		.buffers = from->buffers,
		.buffer_size = from->buffer_size,
		.mask = (uint16_t)(from->ring.num - 1),
		.avail = from->ring.avail->idx,
		.event_index = guest->card.features >> VIRTIO_RING_F_EVENT_IDX & 1,
		.kick_fd = from->kick_fd,
		.call_fd = from->call_fd,
	};
	if (queue->event_index) /* far behind what the device will use for long */
		vring_used_event(&queue->ring) = (uint16_t)-1;
}

/* Each descriptor of the transmit ring is one whole frame, for ever. */
static void describe_frames(struct wire_guest *guest, unsigned peer)
{
	struct fake_card_queue *from = &guest->card.queue[FAKE_CARD_TRANSMIT];
	uint32_t whole = guest->header_size + guest->traffic.length;

	for (unsigned i = 0; i <= guest->transmit.mask; i++) {
		struct vring_desc *table = from->tables + (size_t)i * FAKE_CARD_TABLE;
		uint8_t *buffer = from->buffers + (size_t)i * from->buffer_size;
		uint64_t address = fake_card_address(&guest->card, buffer);
		uint16_t count = 0;

		fill_frame(guest, peer, buffer);
		guest->transmit.ring.desc[i] = (struct vring_desc){ .addr = address, .len = whole };
		if (!guest->traffic.large)
			continue;
		for (uint32_t done = 0; done < whole; done += table[count - 1].len) {
			uint32_t rest = whole - done;

			table[count].addr = address + done;
			table[count].len = rest < PAGE ? rest : PAGE;
			table[count].flags = rest > PAGE ? VRING_DESC_F_NEXT : 0;
			table[count].next = (uint16_t)(count + 1);
			count++;
		}
		guest->transmit.ring.desc[i] = (struct vring_desc){
			.addr = fake_card_address(&guest->card, table),
			.len = (uint32_t)(count * sizeof(*table)),
			.flags = VRING_DESC_F_INDIRECT,
		};
	}
}

int wire_guest_create(struct wire_guest *guest, const char *path, unsigned number, unsigned peer,
	const struct wire_traffic *traffic)
{
	const struct fake_card_options card = {
		.ring_size = traffic->ring_size,
		.receive_size = traffic->large ? PAGE : BUFFER,
		.transmit_size = traffic->large ? 17 * PAGE : BUFFER,
		.polls = !traffic->sleeps,
	};
	const struct fake_frontend_options options = {
		.declined = ~wanted_features(traffic),
		.protocol_declined = 1ULL << VHOST_USER_PROTOCOL_STATUS,
	};
	char name[32];
	int fd;
	int error;

	snprintf(name, sizeof(name), "guest%u", number + 1);
	fd = fake_frontend_connect(path, name);
	if (fd < 0)
		return fd;
	guest->traffic = *traffic;
	guest->number = number;
	fake_card_create(&guest->card, &card);
	fake_frontend_init(&guest->frontend, &guest->card, fd, &options);
	error = fake_frontend_start(&guest->frontend);
	if (error) {
		wire_guest_destroy(guest);
		return error;
	}
	guest->header_size = fake_card_header_size(&guest->card);
	take_queue(&guest->receive, guest, FAKE_CARD_RECEIVE);
	take_queue(&guest->transmit, guest, FAKE_CARD_TRANSMIT);
	describe_frames(guest, peer);
	return 0;
}

void wire_guest_destroy(struct wire_guest *guest)
{
	fake_frontend_release(&guest->frontend);
	fake_card_destroy(&guest->card);
}

/* Show the device what is available, and kick it if it wants that. */
static void publish(struct wire_queue *queue)
{
	uint64_t one = 1;
	bool wanted;

	__atomic_store_n(&queue->ring.avail->idx, queue->avail, __ATOMIC_SEQ_CST);
	if (queue->event_index)
		wanted = vring_need_event(__atomic_load_n(&vring_avail_event(&queue->ring),
						  __ATOMIC_SEQ_CST),
			queue->avail, queue->told);
	else
		wanted = !(__atomic_load_n(&queue->ring.used->flags, __ATOMIC_SEQ_CST) &
			VRING_USED_F_NO_NOTIFY);
	queue->told = queue->avail;
	if (wanted && write(queue->kick_fd, &one, sizeof(one)) < 0)
		queue->told = queue->avail; /* full: it knows already */
}

static uint16_t waiting(const struct wire_queue *queue)
{
	return (uint16_t)(__atomic_load_n(&queue->ring.used->idx, __ATOMIC_ACQUIRE) - queue->used);
}

bool wire_queue_waits(const struct wire_queue *queue)
{
	return waiting(queue);
}

static void write_payload(const struct wire_guest *guest, uint16_t head)
{
	uint8_t *payload = guest->transmit.buffers + head * guest->transmit.buffer_size +
		guest->header_size + HEADERS;

	memset(payload, (uint8_t)guest->transmit.avail, guest->traffic.length - HEADERS);
}

/* Each byte is looked at, a cache line at a time. */
static uint64_t read_payload(const uint8_t *bytes, uint32_t length)
{
	uint64_t sum = 0;

	for (; length >= 8 * sizeof(sum); length -= 64, bytes += 64) {
		uint64_t word[8];

		memcpy(word, bytes, sizeof(word));
		sum += (word[0] ^ word[1]) + (word[2] ^ word[3]) + (word[4] ^ word[5]) +
			(word[6] ^ word[7]);
	}
	for (; length; length--)
		sum += *bytes++;
	return sum;
}

void wire_guest_send_first(struct wire_guest *guest, unsigned count)
{
	struct wire_queue *queue = &guest->transmit;

	for (; count; count--, queue->avail++)
		queue->ring.avail->ring[queue->avail & queue->mask] = queue->avail & queue->mask;
	publish(queue);
}

/*
 * What the device has used is available to it anew, in the same order. The payloads are seen to
 * before. Members of the queue are copied, or each entry written would have them read again.
 */
static void recycle(struct wire_queue *queue, uint16_t count)
{
	const vring_used_elem_t *used = queue->ring.used->ring;
	__virtio16 *avail = queue->ring.avail->ring;
	uint16_t mask = queue->mask, from = queue->used, to = queue->avail;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < count + 7U; i += 8) /* a cache line of them */
		__builtin_prefetch(&used[(from + i) & mask]);
	for (uint16_t i = 0; i < count; i++) {
		const vring_used_elem_t *element = &used[(uint16_t)(from + i) & mask];

		bytes += element->len;
		avail[(uint16_t)(to + i) & mask] = (uint16_t)element->id;
	}
	queue->bytes += bytes;
	queue->used = (uint16_t)(from + count);
	queue->avail = (uint16_t)(to + count);
	publish(queue);
}

unsigned wire_guest_send_again(struct wire_guest *guest)
{
	struct wire_queue *queue = &guest->transmit;
	uint16_t count = waiting(queue);

	if (!count)
		return 0;
	for (uint16_t i = 0; guest->traffic.touches && i < count; i++)
		write_payload(guest,
			(uint16_t)queue->ring.used->ring[(uint16_t)(queue->used + i) & queue->mask]
				.id);
	recycle(queue, count);
	return count;
}

void wire_guest_reap(struct wire_guest *guest)
{
	guest->transmit.used = (uint16_t)(guest->transmit.used + waiting(&guest->transmit));
}

unsigned wire_guest_receive(struct wire_guest *guest)
{
	struct wire_queue *queue = &guest->receive;
	uint16_t count = waiting(queue);

	if (!count)
		return 0;
	for (uint16_t i = 0; guest->traffic.touches && i < count; i++) {
		const vring_used_elem_t *used =
			&queue->ring.used->ring[(uint16_t)(queue->used + i) & queue->mask];

		queue->sum +=
			read_payload(queue->buffers + used->id * queue->buffer_size, used->len);
	}
	recycle(queue, count);
	return count;
}

bool wire_queue_arm(struct wire_queue *queue, uint16_t after)
{
	if (queue->event_index)
		__atomic_store_n(&vring_used_event(&queue->ring), (uint16_t)(queue->used + after),
			__ATOMIC_SEQ_CST);
	else
		__atomic_store_n(&queue->ring.avail->flags, 0, __ATOMIC_SEQ_CST);
	return (uint16_t)(__atomic_load_n(&queue->ring.used->idx, __ATOMIC_SEQ_CST) -
		       queue->used) <= after;
}

void wire_queue_interrupted(struct wire_queue *queue)
{
	uint64_t count;

	if (read(queue->call_fd, &count, sizeof(count)) < 0)
		return; /* it was not this one */
}
