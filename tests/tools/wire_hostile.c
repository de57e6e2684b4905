/*
 * A guest that does what no driver may, on a wire of a real muxd where two others exchange frames.
 * After each of its deeds frames still pass between those two, and nothing of theirs is written to.
 * usage: wire_hostile SOCKET ROUNDS
 */
#include "compiler.h"
#include "fake_frontend.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#define FRAME 200
#define FRAMES 8 /* each way after each deed */
#define TIMEOUT_MS 60000

static struct fake_card card[3];
static struct fake_frontend frontend[3];
static struct fake_card *const bad = &card[2];

static struct vring *ring(unsigned queue)
{
	return &bad->queue[queue].ring;
}

static struct vring_desc *table(void)
{
	return bad->queue[FAKE_CARD_TRANSMIT].tables;
}

static uint64_t buffer(unsigned queue)
{
	return fake_card_address(bad, bad->queue[queue].buffers);
}

static void set(struct vring_desc *desc, uint64_t address, uint32_t length, uint16_t flags)
{
	*desc = (struct vring_desc){ .addr = address, .len = length, .flags = flags, .next = 1 };
}

/* One frame of one descriptor. */
static void post(uint64_t address, uint32_t length, uint16_t flags)
{
	set(&ring(FAKE_CARD_TRANSMIT)->desc[0], address, length, flags);
	fake_card_post_head(&bad->queue[FAKE_CARD_TRANSMIT], 0);
}

static void post_table(uint32_t length, uint16_t flags)
{
	post(fake_card_address(bad, table()), length, VRING_DESC_F_INDIRECT | flags);
}

static void with_header(struct virtio_net_hdr_v1 header)
{
	uint8_t *frame = bad->queue[FAKE_CARD_TRANSMIT].buffers;

	memcpy(frame, &header, sizeof(header));
	memset(frame + sizeof(header), 0xff, 12);
	frame[sizeof(header) + 12] = 8;
	frame[sizeof(header) + 13] = 0;
	post(buffer(FAKE_CARD_TRANSMIT), sizeof(header) + 100, 0);
}

static void loop(void)
{
	struct vring_desc *desc = ring(FAKE_CARD_TRANSMIT)->desc;

	set(&desc[0], buffer(1), 64, VRING_DESC_F_NEXT);
	set(&desc[1], buffer(1), 64, VRING_DESC_F_NEXT);
	fake_card_post_head(&bad->queue[FAKE_CARD_TRANSMIT], 0);
}

static void loop_of_nothing(void)
{
	set(&ring(FAKE_CARD_TRANSMIT)->desc[1], 0, 0, VRING_DESC_F_NEXT);
	post(0, 0, VRING_DESC_F_NEXT);
}

static void next_out_of_range(void)
{
	post(buffer(1), 64, VRING_DESC_F_NEXT);
	ring(FAKE_CARD_TRANSMIT)->desc[0].next = UINT16_MAX;
}

static void across_the_end(void)
{
	const struct guest_memory_region *last = &bad->memory.region[1];

	post(last->base + last->size - 64, 128, 0);
}

static void across_the_hole(void)
{
	post(FAKE_CARD_BASE + bad->memory.region[0].size - 64, 8192, 0);
}

static void readable_behind_writable(void)
{
	set(&ring(FAKE_CARD_TRANSMIT)->desc[1], buffer(1), 64, 0);
	post(buffer(1), 64, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
}

static void nested(void)
{
	set(&table()[0], fake_card_address(bad, table()), 32, VRING_DESC_F_INDIRECT);
	post_table(16, 0);
}

static void indirect_with_next(void)
{
	set(&table()[0], buffer(1), 100, 0);
	post_table(16, VRING_DESC_F_NEXT);
}

static void indirect_of_odd_length(void)
{
	post_table(17, 0);
}

static void indirect_of_no_length(void)
{
	post_table(0, 0);
}

static void indirect_huge(void)
{
	post_table(0xfffffff0U, 0);
}

static void indirect_loop(void)
{
	set(&table()[0], buffer(1), 1, VRING_DESC_F_NEXT);
	set(&table()[1], buffer(1), 1, VRING_DESC_F_NEXT);
	post_table(32, 0);
}

static void indirect_out_of_range(void)
{
	set(&table()[0], buffer(1), 1, VRING_DESC_F_NEXT);
	post_table(16, 0);
}

static void same_head_twice(void)
{
	with_header((struct virtio_net_hdr_v1){ 0 });
	fake_card_post_head(&bad->queue[FAKE_CARD_TRANSMIT], 0);
}

static void head_out_of_range(void)
{
	fake_card_post_head(&bad->queue[FAKE_CARD_TRANSMIT], 256);
}

static void jump(void)
{
	ring(FAKE_CARD_TRANSMIT)->avail->idx = 257;
}

static void back(void)
{
	ring(FAKE_CARD_TRANSMIT)->avail->idx = UINT16_MAX;
}

static void jump_of_receive(void)
{
	ring(FAKE_CARD_RECEIVE)->avail->idx = 0x8000;
}

static void poison(void)
{
	memset(ring(FAKE_CARD_TRANSMIT)->used, 0xff, 4 + 256 * 8);
	vring_used_event(ring(FAKE_CARD_TRANSMIT)) = 0x7777;
	vring_used_event(ring(FAKE_CARD_RECEIVE)) = 0x7777;
	with_header((struct virtio_net_hdr_v1){ 0 });
}

static void readable_receive_buffers(void)
{
	for (unsigned i = 0; i < 256; i++)
		ring(FAKE_CARD_RECEIVE)->desc[i].flags = 0;
}

static void short_receive_buffers(void)
{
	for (unsigned i = 0; i < 256; i++)
		ring(FAKE_CARD_RECEIVE)->desc[i].len = i % 13;
}

static void receive_buffers_outside(void)
{
	for (unsigned i = 0; i < 256; i++)
		ring(FAKE_CARD_RECEIVE)->desc[i].addr = 0x1000 * i;
}

static void too_long(void)
{
	for (unsigned i = 0; i < 64; i++)
		set(&table()[i], buffer(1), 2048, VRING_DESC_F_NEXT);
	for (uint16_t i = 0; i < 64; i++)
		table()[i].next = (uint16_t)(i + 1);
	table()[63].flags = 0;
	post_table(64 * 16, 0);
}

static void bad_type(void)
{
	with_header((struct virtio_net_hdr_v1){ .flags = 1, .gso_type = 0x77, .gso_size = 100 });
}

static void no_segment_size(void)
{
	with_header((struct virtio_net_hdr_v1){ .flags = 1,
		.gso_type = 1,
		.csum_start = 34,
		.csum_offset = 16 });
}

static void segments_without_checksum(void)
{
	with_header((struct virtio_net_hdr_v1){ .gso_type = 1, .gso_size = 1, .hdr_len = 54 });
}

static void checksum_behind_the_end(void)
{
	with_header((struct virtio_net_hdr_v1){ .flags = 1,
		.csum_start = 99,
		.csum_offset = UINT16_MAX });
}

static void header_of_ones(void)
{
	struct virtio_net_hdr_v1 header;

	memset(&header, 0xff, sizeof(header));
	with_header(header);
}

static void storm(void)
{
	for (unsigned i = 0; i < 10000; i++) {
		if (eventfd_write(bad->queue[i & 1].kick_fd, 1))
			abort();
	}
}

static void full_calls(void)
{
	for (unsigned i = 0; i < 2; i++) {
		eventfd_t count;

		eventfd_read(bad->queue[i].call_fd, &count);
		eventfd_write(bad->queue[i].call_fd, UINT64_MAX - 1);
		fcntl(bad->queue[i].call_fd, F_SETFL, 0);
		with_header((struct virtio_net_hdr_v1){ 0 });
	}
}

static void stopped_and_started(void)
{
	for (unsigned i = 0; i < 20; i++) {
		if (fake_frontend_stop_ring(&frontend[2], i & 1) < 0)
			return;
		fake_frontend_set_ring(&frontend[2], i & 1, (uint16_t)(i * 1000));
	}
}

static void memory_again_and_again(void)
{
	for (unsigned i = 0; i < 50; i++)
		fake_frontend_share_memory(&frontend[2]);
}

/* What is truncated cannot be looked at here either: nobody touches this card again. */
static void truncated(void)
{
	if (ftruncate(bad->memory_fd, 0))
		abort();
}

static void nothing_at_all(void)
{
}

/* Frames of one descriptor that is wrong in one way. */
static const struct {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
} frames[] = {
	{ 0, 64, 0 },
	{ 1ULL << 60, 64, 0 },
	{ UINT64_MAX - 63, 128, 0 },
	{ FAKE_CARD_BASE, 4096, 0 }, /* its own ring */
	{ FAKE_CARD_BASE, 0, 0 },
	{ FAKE_CARD_BASE, 4, 0 },
	{ FAKE_CARD_BASE, 12, 0 }, /* a header alone */
	{ FAKE_CARD_BASE, UINT32_MAX, 0 },
	{ FAKE_CARD_BASE, 128, VRING_DESC_F_WRITE },
};

static void (*const deeds[])(void) = {
	loop,
	loop_of_nothing,
	next_out_of_range,
	across_the_end,
	across_the_hole,
	readable_behind_writable,
	nested,
	indirect_with_next,
	indirect_of_odd_length,
	indirect_of_no_length,
	indirect_huge,
	indirect_loop,
	indirect_out_of_range,
	same_head_twice,
	head_out_of_range,
	jump,
	back,
	jump_of_receive,
	poison,
	readable_receive_buffers,
	short_receive_buffers,
	receive_buffers_outside,
	too_long,
	bad_type,
	no_segment_size,
	segments_without_checksum,
	checksum_behind_the_end,
	header_of_ones,
	storm,
	full_calls,
	stopped_and_started,
	memory_again_and_again,
	truncated,
	nothing_at_all,
};

#define DEEDS (ARRAY_SIZE(frames) + ARRAY_SIZE(deeds))

static void misbehave(size_t deed)
{
	if (deed < ARRAY_SIZE(frames))
		post(frames[deed].address, frames[deed].length, frames[deed].flags);
	else
		deeds[deed - ARRAY_SIZE(frames)]();
}

static bool fail(const char *what, unsigned deed)
{
	fprintf(stderr, "deed %u: %s\n", deed, what);
	return false;
}

static bool plug(unsigned i, const char *path)
{
	static const char *const names[] = { "good0", "good1", "bad" };
	static const struct fake_frontend_options options;
	int fd = fake_frontend_connect(path, names[i]);

	if (fd < 0)
		return false;
	fake_frontend_init(&frontend[i], &card[i], fd, &options);
	return fake_frontend_start(&frontend[i]) == 0;
}

static void make_frame(uint8_t *frame, unsigned from, unsigned number)
{
	memset(frame, (int)number, FRAME);
	memset(frame, 0, 12);
	frame[0] = frame[6] = 2;
	frame[5] = (uint8_t)(1 - from);
	frame[11] = (uint8_t)from;
	frame[12] = 0x88;
	frame[13] = 0xb5;
}

/* The frame of that number; others are the bad one's. */
static bool expect(unsigned at, unsigned number)
{
	uint8_t wanted[FRAME], frame[FRAME];
	struct pollfd wait = { card[at].queue[FAKE_CARD_RECEIVE].call_fd, POLLIN, 0 };

	make_frame(wanted, 1 - at, number);
	for (;;) {
		int length = fake_card_receive(&card[at], NULL, frame, sizeof(frame));

		fake_card_kick(&card[at], FAKE_CARD_RECEIVE);
		if (length == -2)
			return false;
		if (length == FRAME && !memcmp(frame, wanted, FRAME))
			return true;
		if (length >= 0)
			continue;
		if (poll(&wait, 1, TIMEOUT_MS) <= 0)
			return false;
		fake_card_interrupted(&card[at], FAKE_CARD_RECEIVE);
	}
}

static bool exchange(unsigned deed)
{
	uint8_t frame[FRAME];

	for (unsigned i = 0; i < 2 * FRAMES; i++) {
		make_frame(frame, i & 1, i);
		if (!fake_card_send(&card[i & 1], NULL, frame, sizeof(frame)))
			return fail("a good guest's frames do not leave it", deed);
		fake_card_kick(&card[i & 1], FAKE_CARD_TRANSMIT);
		if (!expect(~i & 1, i))
			return fail("a good guest's frame did not arrive", deed);
	}
	return true;
}

/* Memory of the good guests that no frame is in. */
static uint8_t *untouchable(unsigned i, size_t *size)
{
	*size = sizeof(struct vring_desc) * FAKE_CARD_TABLE * 256;
	return (uint8_t *)card[i & 1].queue[i >> 1].tables;
}

static bool untouched(unsigned deed)
{
	for (unsigned i = 0; i < 4; i++) {
		size_t size;
		const uint8_t *place = untouchable(i, &size);

		for (size_t j = 0; j < size; j++) {
			if (place[j] != 0x5a)
				return fail("a good guest's memory was written to", deed);
		}
	}
	return true;
}

static bool play(const char *path, unsigned deed)
{
	static const struct fake_card_options options = {
		.two_regions = true,
		.unsealable = true,
	};
	uint64_t features;
	bool good;

	fake_card_create(bad, &options);
	if (!plug(2, path) || fake_frontend_ask(&frontend[2], VHOST_USER_GET_FEATURES, &features))
		return fail("whoever did the one before cannot come again", deed);
	misbehave(deed);
	for (unsigned i = 0; i < 2; i++)
		eventfd_write(bad->queue[i].kick_fd, 1);
	fake_frontend_ask(&frontend[2], VHOST_USER_GET_FEATURES, &features); /* or is closed */
	good = exchange(deed) && untouched(deed);
	fake_frontend_release(&frontend[2]);
	fake_card_destroy(bad);
	return good;
}

int main(int argc, char **argv)
{
	static const struct fake_card_options options;
	unsigned rounds = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	uint64_t answer;

	for (unsigned i = 0; i < 2 && rounds; i++) {
		fake_card_create(&card[i], &options);
		if (!plug(i, argv[1]))
			return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < 4 && rounds; i++) {
		size_t size;
		uint8_t *place = untouchable(i, &size);

		memset(place, 0x5a, size);
	}
	for (unsigned i = 0; i < rounds * DEEDS; i++) {
		if (!play(argv[1], i % DEEDS))
			return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < 2 && rounds; i++) {
		if (fake_frontend_ask(&frontend[i], VHOST_USER_GET_FEATURES, &answer))
			return EXIT_FAILURE;
	}
	printf("%u deeds survived\n", rounds * (unsigned)DEEDS);
	return rounds ? EXIT_SUCCESS : EXIT_FAILURE;
}
