#ifndef CAPTURE_FIXTURE_H
#define CAPTURE_FIXTURE_H

/* A wire that is captured, and what its reader gets, block by block. */
#include "capture.h"
#include "fake_packet.h"
#include "wire.h"

#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAM_MOST (16U << 20)
#define SECTION 0x0a0d0d0aU
#define INTERFACE 1U
#define STATISTICS 5U
#define FRAME 6U

static struct event_base *base;
static struct wire wire;
static struct port port[2];
static int reader[2]; /* sockets: the reader's, and the one that the capture takes */
static uint8_t *stream;
static size_t length; /* of what was read */
static struct fake_packet packet;
static struct iovec iov;

struct option {
	uint16_t code;
	uint16_t length;
	const uint8_t *value;
};

static const uint8_t no_block[64]; /* behind the last block */

/* What a stream has, in order. */
struct block {
	uint32_t type;
	const uint8_t *body;
	uint32_t length; /* of the body */
};

static inline void start(void)
{
	base = event_base_new();
	wire = (struct wire){ .port = { &port[0], &port[1] } };
	memset(port, 0, sizeof(port));
	strcpy(port[0].name, "guest1");
	port[1].number = 1;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, reader), 0);
	fcntl(reader[0], F_SETFL, O_NONBLOCK);
	stream = malloc(STREAM_MOST);
	ck_assert_ptr_nonnull(stream);
	length = 0;
}

static inline void stop(void)
{
	capture_destroy(wire.capture);
	event_base_free(base);
	close(reader[0]);
	free(stream);
}

static inline uint32_t word(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline uint64_t count(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Everything there is to read now, with the capture's loop running. */
static inline void drain(int fd)
{
	for (ssize_t got = 1; got > 0;) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		got = read(fd, stream + length, STREAM_MOST - length);
		if (got > 0)
			length += (size_t)got;
		ck_assert_uint_lt(length, STREAM_MOST);
	}
}

/* The block at an offset of a well-formed stream, which becomes the next one's; type 0 at the end.
 */
static inline struct block block_next(size_t *offset)
{
	uint8_t *at = stream + *offset;
	uint32_t total;

	if (*offset == length)
		return (struct block){ .body = no_block };
	total = *offset + 12 <= length ? word(at + 4) : 0;
	if (total < 12 || total % 4 || total > length - *offset || word(at + total - 4) != total)
		ck_abort_msg("no block at %zu", *offset);
	*offset += total;
	return (struct block){ word(at), at + 8, total - 12 };
}

/* Block number index. */
static inline struct block block_at(unsigned index)
{
	struct block block = { .type = SECTION, .body = no_block };
	size_t offset = 0;

	for (unsigned i = 0; i <= index && block.type; i++)
		block = block_next(&offset);
	return block;
}

static inline bool find_option(const struct block *block, uint32_t offset, uint16_t code,
	struct option *option)
{
	while (offset + 4 <= block->length) {
		memcpy(&option->code, block->body + offset, 2);
		memcpy(&option->length, block->body + offset + 2, 2);
		option->value = block->body + offset + 4;
		if (!option->code || option->code == code)
			return option->code;
		offset += 4U + (option->length + 3U) / 4 * 4;
	}
	ck_abort_msg("options without end");
	return false;
}

static inline bool frame_option(const struct block *block, uint16_t code, struct option *option)
{
	return find_option(block, 20U + (word(block->body + 12) + 3U) / 4 * 4, code, option);
}

static inline struct frame make(const struct fake_packet_form *form)
{
	fake_packet_build(&packet, form);
	iov = (struct iovec){ packet.bytes, packet.length };
	return (struct frame){
		.header = packet.header,
		.iov = &iov,
		.count = 1,
		.length = packet.length,
		.plain = !form->partial,
	};
}

/* Its checksum is complete. */
static const struct fake_packet_form plain = { .version = 4,
	.protocol = IPPROTO_TCP,
	.payload = 101 };

#endif
