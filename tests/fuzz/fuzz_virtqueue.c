/*
 * A hostile driver of one ring: the input is flags, the ring and a table, and then changes made to
 * them, by another thread while the device looks if the flags say so.
 */
#include "fake_guest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define RING_FROM_INPUT 512
#define ROUNDS 16
#define RACE 1
#define EVENT_INDEX 2
#define INDIRECT 4
#define LOOKS 8 /* at many requests together */

struct change {
	uint16_t offset;
	uint8_t value;
} __attribute__((packed));

/* The changes still to make. */
struct rewriter {
	uint8_t *ram;
	const uint8_t *input;
	size_t size;
	atomic_bool done;
};

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void silent(struct virtqueue *queue)
{
	(void)queue;
}

static void rewrite(struct rewriter *rewriter)
{
	const uint8_t *input = rewriter->input;
	size_t size = rewriter->size;

	for (struct change change; size >= sizeof(change); size -= sizeof(change)) {
		memcpy(&change, input, sizeof(change));
		input += sizeof(change);
		__atomic_store_n(&rewriter->ram[change.offset % RING_FROM_INPUT], change.value,
			__ATOMIC_RELAXED);
	}
}

static void *keep_rewriting(void *owner)
{
	struct rewriter *rewriter = owner;

	while (!atomic_load(&rewriter->done))
		rewrite(rewriter);
	return NULL;
}

static void check(const struct fake_guest *guest, const struct iovec *iov, unsigned count)
{
	if (count > VIRTQUEUE_SEGMENTS)
		__builtin_trap();
	for (unsigned i = 0; i < count; i++) {
		uint64_t offset = (uint64_t)((uint8_t *)iov[i].iov_base - guest->ram);

		if (iov[i].iov_len == 0 || offset >= FAKE_RAM_SIZE ||
			iov[i].iov_len > FAKE_RAM_SIZE - offset)
			__builtin_trap();
	}
}

static void check_request(const struct fake_guest *guest, const struct virtqueue_request *request)
{
	const struct iovec *writable = request->iov + request->readable;
	uint64_t length = 0;

	check(guest, request->iov, (unsigned)request->readable + request->writable);
	for (unsigned i = 0; i < request->writable; i++)
		length += writable[i].iov_len;
	if (length != request->writable_length)
		__builtin_trap();
}

static void look(struct virtqueue *queue, const struct fake_guest *guest)
{
	static struct virtqueue_view view;
	unsigned count = virtqueue_look(queue, &view, FAKE_QUEUE_SIZE);

	if (count > FAKE_QUEUE_SIZE || (count && queue->broken))
		__builtin_trap();
	for (unsigned i = 0; i < count; i++)
		check_request(guest, &view.request[i]);
	virtqueue_return(queue, view.request, count / 2);
	virtqueue_arm(queue);
	virtqueue_flush(queue);
}

static void serve(struct virtqueue *queue, const struct fake_guest *guest)
{
	struct virtqueue_chain chain;

	for (unsigned i = 0; i < FAKE_QUEUE_SIZE && virtqueue_pop(queue, &chain); i++) {
		check(guest, chain.iov, chain.readable + chain.writable);
		virtqueue_push(queue, chain.head, i);
	}
	virtqueue_flush(queue);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct fake_guest guest;
	struct fake_ring ring;
	struct virtqueue queue = { .interrupt = silent };
	struct rewriter rewriter = { 0 };
	pthread_t thread = 0;
	uint8_t flags;

	if (size < 1 + RING_FROM_INPUT)
		return 0;
	flags = input[0];
	queue.event_index = flags & EVENT_INDEX;
	queue.indirect = flags & INDIRECT;
	fake_guest_create(&guest);
	fake_ring_create(&ring, &guest, &queue, 0);
	memcpy(guest.ram, input + 1, RING_FROM_INPUT);
	rewriter.ram = guest.ram;
	rewriter.input = input + 1 + RING_FROM_INPUT;
	rewriter.size = size - 1 - RING_FROM_INPUT;

	if (virtqueue_enable(&queue) < 0)
		__builtin_trap();
	if (flags & RACE && pthread_create(&thread, NULL, keep_rewriting, &rewriter) != 0)
		__builtin_trap();
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (flags & LOOKS)
			look(&queue, &guest);
		else
			serve(&queue, &guest);
		queue.broken = NULL; /* go on looking */
		if (!(flags & RACE))
			rewrite(&rewriter);
	}
	atomic_store(&rewriter.done, true);
	if (flags & RACE)
		pthread_join(thread, NULL);
	fake_guest_destroy(&guest);
	return 0;
}
