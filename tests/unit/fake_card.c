/* A guest's network card as its driver sees it. */
#include "fake_card.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#define PAGE 4096U
#define RING_SIZE 256
#define BUFFER_SIZE 2048

static size_t page_aligned(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static bool has(const struct fake_card *card, unsigned feature)
{
	return card->features >> feature & 1;
}

static size_t ring_space(const struct fake_card *card)
{
	return page_aligned(vring_size(card->options.ring_size, 64));
}

static size_t table_space(const struct fake_card *card)
{
	return page_aligned(
		(size_t)card->options.ring_size * FAKE_CARD_TABLE * sizeof(struct vring_desc));
}

static size_t buffer_space(const struct fake_card *card, unsigned index)
{
	return page_aligned((size_t)card->options.ring_size * card->queue[index].buffer_size);
}

/* Rings, tables and transmit buffers first, then the receive buffers. */
static size_t first_part(const struct fake_card *card)
{
	return 2 * (ring_space(card) + table_space(card)) + buffer_space(card, FAKE_CARD_TRANSMIT);
}

static void map_memory(struct fake_card *card)
{
	size_t first = first_part(card);
	size_t second = buffer_space(card, FAKE_CARD_RECEIVE);

	card->ram_size = first + second;
	card->memory_fd = memfd_create("guest",
		MFD_CLOEXEC | (card->options.unsealable ? 0 : MFD_ALLOW_SEALING));
	if (card->memory_fd < 0 || ftruncate(card->memory_fd, (off_t)card->ram_size))
		abort();
	if (!card->options.unsealed && !card->options.unsealable &&
		fcntl(card->memory_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		abort();
	card->ram =
		mmap(NULL, card->ram_size, PROT_READ | PROT_WRITE, MAP_SHARED, card->memory_fd, 0);
	if (card->ram == MAP_FAILED)
		abort();
	card->memory.count = 1;
	card->memory.region[0] =
		(struct guest_memory_region){ FAKE_CARD_BASE, card->ram_size, card->ram };
	if (card->options.two_regions) {
		card->memory.count = 2;
		card->memory.region[0].size = first;
		card->memory.region[1] = (struct guest_memory_region){
			.base = FAKE_CARD_BASE + first + PAGE,
			.size = second,
			.host = card->ram + first,
		};
	}
}

void fake_card_create(struct fake_card *card, const struct fake_card_options *options)
{
	struct fake_card_queue *receive = &card->queue[FAKE_CARD_RECEIVE];
	struct fake_card_queue *transmit = &card->queue[FAKE_CARD_TRANSMIT];

	*card = (struct fake_card){ .options = *options };
	if (!card->options.ring_size)
		card->options.ring_size = RING_SIZE;
	receive->buffer_size = options->receive_size ? options->receive_size : BUFFER_SIZE;
	receive->flags = VRING_DESC_F_WRITE;
	transmit->buffer_size = options->transmit_size ? options->transmit_size : BUFFER_SIZE;
	map_memory(card);

	uint8_t *place = card->ram;

	for (unsigned i = 0; i < 2; i++) {
		struct fake_card_queue *queue = &card->queue[i];

		vring_init(&queue->ring, card->options.ring_size, place, 64);
		queue->tables = (void *)(place + ring_space(card));
		place += ring_space(card) + table_space(card);
		queue->kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		queue->call_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (queue->kick_fd < 0 || queue->call_fd < 0)
			abort();
	}
	transmit->buffers = place;
	receive->buffers = place + buffer_space(card, FAKE_CARD_TRANSMIT);
}

void fake_card_destroy(struct fake_card *card)
{
	for (unsigned i = 0; i < 2; i++) {
		close(card->queue[i].kick_fd);
		close(card->queue[i].call_fd);
	}
	munmap(card->ram, card->ram_size);
	close(card->memory_fd);
}

uint32_t fake_card_header_size(const struct fake_card *card)
{
	return has(card, VIRTIO_F_VERSION_1) || has(card, VIRTIO_NET_F_MRG_RXBUF) ? 12 : 10;
}

uint64_t fake_card_address(const struct fake_card *card, const void *host)
{
	uint64_t offset = (uint64_t)((const uint8_t *)host - card->ram);
	const struct guest_memory_region *last = &card->memory.region[card->memory.count - 1];

	if (card->memory.count > 1 && (const uint8_t *)host >= last->host)
		return last->base + (uint64_t)((const uint8_t *)host - last->host);
	return FAKE_CARD_BASE + offset;
}

void fake_card_post_head(struct fake_card_queue *queue, uint16_t head)
{
	struct vring_avail *avail = queue->ring.avail;
	uint16_t index = __atomic_load_n(&avail->idx, __ATOMIC_RELAXED);

	__atomic_store_n(&avail->ring[index % queue->ring.num], head, __ATOMIC_RELAXED);
	__atomic_store_n(&avail->idx, (uint16_t)(index + 1), __ATOMIC_SEQ_CST);
}

/* Describe a buffer, piece by piece; the descriptors are linked already. How many it took. */
static unsigned describe(const struct fake_card *card, const struct fake_card_queue *queue,
	struct vring_desc *description, uint64_t address, uint32_t length)
{
	uint32_t header = fake_card_header_size(card);
	uint32_t most = card->options.piece ? card->options.piece : UINT32_MAX;
	unsigned count = 0;

	while (length) {
		struct vring_desc *desc = &description[count];
		uint32_t size = length < most ? length : most;

		if (!count && card->options.header_apart && size > header)
			size = header;
		length -= size;
		desc->addr = address;
		desc->len = size;
		desc->flags = (uint16_t)(queue->flags | (length ? VRING_DESC_F_NEXT : 0));
		desc->next = (uint16_t)(count + 1);
		address += size;
		if (++count == FAKE_CARD_TABLE && length)
			abort();
	}
	return count;
}

/* Copy a description into the queue's own table, along its list of free descriptors. */
static void link_directly(struct fake_card_queue *queue, const struct vring_desc *from,
	unsigned count)
{
	uint16_t index = queue->free_head;

	for (unsigned i = 0; i < count; i++) {
		struct vring_desc *desc = &queue->ring.desc[index];

		index = desc->next;
		*desc = from[i];
		desc->next = index;
	}
	queue->free_head = index;
	queue->free_count = (uint16_t)(queue->free_count - count);
}

/* False: not enough descriptors. */
static bool post(struct fake_card *card, struct fake_card_queue *queue, uint32_t length)
{
	struct vring_desc description[FAKE_CARD_TABLE];
	uint16_t head = queue->free_head;
	bool indirect = has(card, VIRTIO_RING_F_INDIRECT_DESC) && !card->options.sends_direct;
	uint64_t address =
		fake_card_address(card, queue->buffers + (size_t)head * queue->buffer_size);
	unsigned count = describe(card, queue, description, address, length);

	if (indirect && count > 1) {
		struct vring_desc *table = queue->tables + (size_t)head * FAKE_CARD_TABLE;

		memcpy(table, description, count * sizeof(*table));
		description[0] = (struct vring_desc){
			.addr = fake_card_address(card, table),
			.len = (uint32_t)(count * sizeof(*table)),
			.flags = VRING_DESC_F_INDIRECT,
		};
		count = 1;
	}
	if (count > queue->free_count)
		return false;
	link_directly(queue, description, count);
	fake_card_post_head(queue, head);
	return true;
}

static void post_receive_buffers(struct fake_card *card)
{
	struct fake_card_queue *queue = &card->queue[FAKE_CARD_RECEIVE];

	while (queue->free_count && post(card, queue, queue->buffer_size))
		;
}

void fake_card_reset(struct fake_card *card, uint64_t features)
{
	card->features = features;
	for (unsigned i = 0; i < 2; i++) {
		struct fake_card_queue *queue = &card->queue[i];
		struct vring *ring = &queue->ring;

		memset(ring->desc, 0, vring_size(ring->num, 64));
		for (unsigned j = 0; j < ring->num; j++)
			ring->desc[j].next = (uint16_t)(j + 1);
		queue->free_head = 0;
		queue->free_count = (uint16_t)ring->num;
		queue->last_used = 0;
		queue->kicked = 0;
		if (card->options.polls)
			ring->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	}
	post_receive_buffers(card);
}

static void give_back(struct fake_card_queue *queue, uint16_t head)
{
	uint16_t index = head;
	unsigned count = 1;

	while (queue->ring.desc[index].flags & VRING_DESC_F_NEXT) {
		index = queue->ring.desc[index].next;
		count++;
	}
	queue->ring.desc[index].next = queue->free_head;
	queue->free_head = head;
	queue->free_count = (uint16_t)(queue->free_count + count);
}

static uint16_t finished(struct fake_card_queue *queue)
{
	return (uint16_t)(__atomic_load_n(&queue->ring.used->idx, __ATOMIC_SEQ_CST) -
		queue->last_used);
}

/* How many requests are back; when none is, ask for an interrupt at the next and look again. */
static uint16_t waiting(struct fake_card *card, struct fake_card_queue *queue)
{
	uint16_t count = finished(queue);

	if (count || card->options.polls || !has(card, VIRTIO_RING_F_EVENT_IDX))
		return count;
	__atomic_store_n(&vring_used_event(&queue->ring), queue->last_used, __ATOMIC_SEQ_CST);
	return finished(queue);
}

static struct vring_used_elem used_element(const struct fake_card_queue *queue, uint16_t index)
{
	const struct vring_used_elem *elem =
		&queue->ring.used->ring[(uint16_t)(queue->last_used + index) % queue->ring.num];

	return (struct vring_used_elem){
		.id = __atomic_load_n(&elem->id, __ATOMIC_RELAXED),
		.len = __atomic_load_n(&elem->len, __ATOMIC_RELAXED),
	};
}

unsigned fake_card_reap(struct fake_card *card)
{
	struct fake_card_queue *queue = &card->queue[FAKE_CARD_TRANSMIT];
	uint16_t count = waiting(card, queue);

	for (uint16_t i = 0; i < count; i++)
		give_back(queue, (uint16_t)used_element(queue, i).id);
	queue->last_used = (uint16_t)(queue->last_used + count);
	return count;
}

uint8_t *fake_card_buffer(struct fake_card *card)
{
	struct fake_card_queue *queue = &card->queue[FAKE_CARD_TRANSMIT];

	if (queue->free_count < FAKE_CARD_TABLE)
		fake_card_reap(card);
	if (!queue->free_count)
		return NULL;
	return queue->buffers + (size_t)queue->free_head * queue->buffer_size;
}

void fake_card_post(struct fake_card *card, uint32_t length)
{
	if (!post(card, &card->queue[FAKE_CARD_TRANSMIT], length))
		abort();
}

bool fake_card_send(struct fake_card *card, const struct virtio_net_hdr_v1 *header,
	const void *frame, uint32_t length)
{
	struct fake_card_queue *queue = &card->queue[FAKE_CARD_TRANSMIT];
	uint32_t header_size = fake_card_header_size(card);
	uint8_t *buffer = fake_card_buffer(card);

	if (!buffer)
		return false;
	if (header_size + length > queue->buffer_size)
		abort();
	memset(buffer, 0, header_size);
	if (header)
		memcpy(buffer, header, header_size);
	memcpy(buffer + header_size, frame, length);
	return post(card, queue, header_size + length);
}

/* The bytes of a frame that came in several buffers, one after the other. */
struct gathering {
	uint8_t *to;
	uint32_t room;
	uint32_t length;
};

static void gather(struct gathering *gathering, const uint8_t *from, uint32_t length)
{
	uint32_t offset = gathering->length;

	gathering->length += length;
	if (!gathering->to || offset >= gathering->room)
		return;
	if (length > gathering->room - offset)
		length = gathering->room - offset;
	memcpy(gathering->to + offset, from, length);
}

int fake_card_receive(struct fake_card *card, struct virtio_net_hdr_v1 *header, void *frame,
	uint32_t room)
{
	struct fake_card_queue *queue = &card->queue[FAKE_CARD_RECEIVE];
	struct gathering gathering = { frame, room, 0 };
	struct virtio_net_hdr_v1 copy = { 0 };
	uint32_t header_size = fake_card_header_size(card);
	uint16_t there = waiting(card, queue), count = 1;

	if (!there)
		return -1;
	for (uint16_t i = 0; i < count; i++) {
		struct vring_used_elem elem = used_element(queue, i);
		const uint8_t *buffer = queue->buffers + (size_t)elem.id * queue->buffer_size;

		if (elem.id >= queue->ring.num || elem.len > queue->buffer_size ||
			(!i && elem.len < header_size))
			return -2;
		if (!i) {
			memcpy(&copy, buffer, header_size);
			if (has(card, VIRTIO_NET_F_MRG_RXBUF))
				count = copy.num_buffers;
			if (count == 0 || count > there)
				return -2;
		}
		gather(&gathering, buffer + (i ? 0 : header_size),
			elem.len - (i ? 0 : header_size));
		give_back(queue, (uint16_t)elem.id);
	}
	queue->last_used = (uint16_t)(queue->last_used + count);
	post_receive_buffers(card);
	if (header)
		*header = copy;
	return (int)gathering.length;
}

unsigned fake_card_discard(struct fake_card *card)
{
	struct fake_card_queue *queue = &card->queue[FAKE_CARD_RECEIVE];
	uint16_t count = waiting(card, queue);

	for (uint16_t i = 0; i < count; i++)
		give_back(queue, (uint16_t)used_element(queue, i).id);
	queue->last_used = (uint16_t)(queue->last_used + count);
	post_receive_buffers(card);
	return count;
}

static bool wants_kick(const struct fake_card *card, const struct fake_card_queue *queue,
	uint16_t index)
{
	const struct vring *ring = &queue->ring;

	if (has(card, VIRTIO_RING_F_EVENT_IDX))
		return vring_need_event(__atomic_load_n(&vring_avail_event(ring), __ATOMIC_SEQ_CST),
			index, queue->kicked);
	return !(__atomic_load_n(&ring->used->flags, __ATOMIC_SEQ_CST) & VRING_USED_F_NO_NOTIFY);
}

bool fake_card_kick(struct fake_card *card, unsigned index)
{
	struct fake_card_queue *queue = &card->queue[index];
	uint16_t posted = __atomic_load_n(&queue->ring.avail->idx, __ATOMIC_RELAXED);
	bool wanted = posted != queue->kicked && wants_kick(card, queue, posted);

	if (wanted && eventfd_write(queue->kick_fd, 1))
		abort();
	queue->kicked = posted;
	return wanted;
}

bool fake_card_interrupted(struct fake_card *card, unsigned index)
{
	eventfd_t count;

	return eventfd_read(card->queue[index].call_fd, &count) == 0;
}
