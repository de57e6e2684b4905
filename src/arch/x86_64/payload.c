/*
 * Unpacking a compressed kernel on the host, which costs a fraction of what the guest would need. A
 * bzImage puts the unpacked size in four bytes behind the stream: hostile or not, the size is only
 * believed up to the caller's limit, and bytes after the stream are ignored.
 */
#include "fd.h"
#include "kernel_image.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define LZMA_MEMORY_LIMIT (256ULL << 20)
#define TRAILER 4U

enum payload_format payload_recognise(const uint8_t *bytes, size_t size)
{
	static const struct {
		const char *magic;
		size_t length;
		enum payload_format format;
	} magics[] = {
		{ "\x1f\x8b\x08", 3, PAYLOAD_GZIP },
		{ "\xfd"
		  "7zXZ",
			6, PAYLOAD_XZ },
		{ "\x5d\x00\x00", 3, PAYLOAD_LZMA },
		{ "\x28\xb5\x2f\xfd", 4, PAYLOAD_ZSTD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (size >= magics[i].length &&
			memcmp(bytes, magics[i].magic, magics[i].length) == 0)
			return magics[i].format;
	return PAYLOAD_UNKNOWN;
}

/* The unpacked size that the kernel's build wrote behind the stream, as far as it is possible. */
static size_t room_for(const uint8_t *bytes, size_t size, size_t limit)
{
	const uint8_t *trailer = bytes + size - TRAILER;
	size_t promised = (size_t)trailer[0] | (size_t)trailer[1] << 8 | (size_t)trailer[2] << 16 |
		(size_t)trailer[3] << 24;

	/* One byte more: a decoder sees the end of a stream only when it could go on. */
	return promised > 0 && promised < limit ? promised + 1 : limit;
}

static int from_lzma_error(lzma_ret code)
{
	return code == LZMA_MEM_ERROR ? -ENOMEM : -EINVAL;
}

/* Both containers, with whatever filters: liblzma finds out. */
static int unpack_lzma(const uint8_t *bytes, size_t size, uint8_t *to, size_t *length, bool alone)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret code = alone ? lzma_alone_decoder(&stream, LZMA_MEMORY_LIMIT)
			      : lzma_stream_decoder(&stream, LZMA_MEMORY_LIMIT, 0);

	if (code != LZMA_OK)
		return from_lzma_error(code);
	stream.next_in = bytes;
	stream.avail_in = size;
	stream.next_out = to;
	stream.avail_out = *length;
	code = lzma_code(&stream, LZMA_RUN);
	*length = (size_t)(stream.next_out - to);
	lzma_end(&stream);
	return code == LZMA_STREAM_END ? 0 : from_lzma_error(code);
}

static int unpack_xz(const uint8_t *bytes, size_t size, uint8_t *to, size_t *length)
{
	return unpack_lzma(bytes, size, to, length, false);
}

static int unpack_lzma_alone(const uint8_t *bytes, size_t size, uint8_t *to, size_t *length)
{
	return unpack_lzma(bytes, size, to, length, true);
}

static int unpack_gzip(const uint8_t *bytes, size_t size, uint8_t *to, size_t *length)
{
	z_stream stream = { .next_in = (uint8_t *)(uintptr_t)bytes, .avail_in = (uInt)size };
	int code;

	if (inflateInit2(&stream, 15 + 16) != Z_OK)
		return -ENOMEM;
	stream.next_out = to;
	stream.avail_out = (uInt)*length;
	code = inflate(&stream, Z_FINISH);
	*length = (size_t)(stream.next_out - to);
	inflateEnd(&stream);
	return code == Z_STREAM_END ? 0 : -EINVAL;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the library writes there
static int unpack_zstd(const uint8_t *bytes, size_t size, uint8_t *to, size_t *length)
{
	ZSTD_inBuffer input = { bytes, size, 0 };
	ZSTD_outBuffer output = { to, *length, 0 };
	ZSTD_DStream *stream = ZSTD_createDStream();
	size_t left = 1;

	if (!stream)
		return -ENOMEM;
	while (left && !ZSTD_isError(left) && output.pos < output.size && input.pos < input.size)
		left = ZSTD_decompressStream(stream, &output, &input);
	ZSTD_freeDStream(stream);
	*length = output.pos;
	return left == 0 ? 0 : -EINVAL;
}

int payload_unpack(const uint8_t *bytes, size_t size, uint8_t **unpacked, size_t *unpacked_size,
	struct boot_error *error)
{
	static int (*const unpack[])(const uint8_t *, size_t, uint8_t *, size_t *) = {
		[PAYLOAD_GZIP] = unpack_gzip,
		[PAYLOAD_XZ] = unpack_xz,
		[PAYLOAD_LZMA] = unpack_lzma_alone,
		[PAYLOAD_ZSTD] = unpack_zstd,
	};
	enum payload_format format = payload_recognise(bytes, size);
	size_t length;
	AUTO_FREE uint8_t *to = NULL;
	int result;

	if (format == PAYLOAD_UNKNOWN)
		return -ENOTSUP;
	if (size <= TRAILER || size > UINT32_MAX || *unpacked_size > UINT32_MAX)
		return boot_refuse(error, "its compressed payload has an impossible size");
	length = room_for(bytes, size, *unpacked_size);
	to = malloc(length);
	if (!to)
		return -ENOMEM;
	result = unpack[format](bytes, size, to, &length);
	if (result == -EINVAL)
		return boot_refuse(error, "its compressed payload is damaged");
	if (result)
		return result;
	*unpacked = to;
	*unpacked_size = length;
	to = NULL;
	return 0;
}
