/* Blocks of a pcapng file (draft-ietf-opsawg-pcapng, sections 3 and 4). */
#include "pcapng.h"

#include <string.h>

#define SECTION 0x0a0d0d0aU
#define SECTION_MAGIC 0x1a2b3c4dU
#define INTERFACE 1U
#define STATISTICS 5U
#define FRAME 6U
#define FRAME_BYTES 28 /* where they are in its block */
#define LINK_ETHERNET 1

enum option {
	OPTION_END = 0,
	OPTION_SECTION_APPLICATION = 4,
	OPTION_INTERFACE_NAME = 2,
	OPTION_INTERFACE_DESCRIPTION = 3,
	OPTION_INTERFACE_RESOLUTION = 9,
	OPTION_FRAME_FLAGS = 2,
	OPTION_FRAME_LEFT_OUT = 4,
	OPTION_STATISTICS_RECEIVED = 4,
	OPTION_STATISTICS_LEFT_OUT = 5,
};

/* A block on its way. */
struct block {
	uint8_t *begin;
	uint8_t *at;
};

static void put(struct block *block, const void *bytes, size_t length)
{
	if (length > 0)
		memcpy(block->at, bytes, length);
	block->at += length;
}

static void put_16(struct block *block, uint16_t value)
{
	put(block, &value, sizeof(value));
}

static void put_32(struct block *block, uint32_t value)
{
	put(block, &value, sizeof(value));
}

static void put_time(struct block *block, uint64_t time_ns)
{
	put_32(block, (uint32_t)(time_ns >> 32));
	put_32(block, (uint32_t)time_ns);
}

static void pad(struct block *block)
{
	while ((block->at - block->begin) % 4)
		*block->at++ = 0;
}

static void put_option(struct block *block, enum option option, const void *bytes, size_t length)
{
	put_16(block, (uint16_t)option);
	put_16(block, (uint16_t)length);
	put(block, bytes, length);
	pad(block);
}

static void put_text(struct block *block, enum option option, const char *text)
{
	put_option(block, option, text, strnlen(text, PCAPNG_NAME_MOST));
}

static void put_count(struct block *block, enum option option, uint64_t count)
{
	put_option(block, option, &count, sizeof(count));
}

static struct block begin(uint8_t *to, uint32_t type)
{
	struct block block;

	block.begin = to;
	block.at = to;
	put_32(&block, type);
	put_32(&block, 0); /* the length, once it is known */
	return block;
}

static size_t end(struct block *block)
{
	uint32_t length;

	put_option(block, OPTION_END, NULL, 0);
	length = (uint32_t)(block->at - block->begin) + 4U;
	put_32(block, length);
	memcpy(block->begin + 4, &length, sizeof(length));
	return length;
}

size_t pcapng_put_section(uint8_t *to)
{
	struct block block = begin(to, SECTION);

	put_32(&block, SECTION_MAGIC);
	put_16(&block, 1); /* version 1.0 */
	put_16(&block, 0);
	put_32(&block, UINT32_MAX); /* its length: not known, 64 bits */
	put_32(&block, UINT32_MAX);
	put_text(&block, OPTION_SECTION_APPLICATION, "muxd " PROJECT_VERSION);
	return end(&block);
}

size_t pcapng_put_interface(uint8_t *to, const char *name, const char *description,
	uint32_t snap_length)
{
	struct block block = begin(to, INTERFACE);
	uint8_t resolution = 9; /* powers of ten */

	put_16(&block, LINK_ETHERNET);
	put_16(&block, 0);
	put_32(&block, snap_length);
	put_text(&block, OPTION_INTERFACE_NAME, name);
	put_text(&block, OPTION_INTERFACE_DESCRIPTION, description);
	put_option(&block, OPTION_INTERFACE_RESOLUTION, &resolution, sizeof(resolution));
	return end(&block);
}

uint8_t *pcapng_frame_bytes(uint8_t *to)
{
	return to + FRAME_BYTES;
}

size_t pcapng_put_frame(uint8_t *to, const struct pcapng_frame *frame)
{
	struct block block = begin(to, FRAME);
	uint32_t flags = frame->inbound ? 1 : 2;

	put_32(&block, frame->interface);
	put_time(&block, frame->time_ns);
	put_32(&block, frame->captured);
	put_32(&block, frame->length);
	block.at += frame->captured;
	pad(&block);
	put_option(&block, OPTION_FRAME_FLAGS, &flags, sizeof(flags));
	if (frame->left_out)
		put_count(&block, OPTION_FRAME_LEFT_OUT, frame->left_out);
	return end(&block);
}

size_t pcapng_put_statistics(uint8_t *to, uint32_t interface, uint64_t time_ns, uint64_t received,
	uint64_t left_out)
{
	struct block block = begin(to, STATISTICS);

	put_32(&block, interface);
	put_time(&block, time_ns);
	put_count(&block, OPTION_STATISTICS_RECEIVED, received);
	put_count(&block, OPTION_STATISTICS_LEFT_OUT, left_out);
	return end(&block);
}
