/* The bytes of ACPI Machine Language. */
#include "aml.h"

#include <string.h>

#define OP_ZERO 0x00U
#define OP_ONE 0x01U
#define OP_NAME 0x08U
#define OP_BYTE 0x0aU
#define OP_WORD 0x0bU
#define OP_DOUBLE_WORD 0x0cU
#define OP_STRING 0x0dU
#define OP_SCOPE 0x10U
#define OP_BUFFER 0x11U
#define OP_PACKAGE 0x12U
#define OP_METHOD 0x14U
#define OP_EXTENDED 0x5bU
#define OP_EXTENDED_DEVICE 0x82U
#define OP_NOTIFY 0x86U
#define PATH_ROOT '\\'
#define PATH_TWO_NAMES 0x2eU
#define SEGMENT 4U

#define PACKAGE_LENGTH 3U /* bytes: room for 20 bits, whatever is needed */
#define BUFFER_LENGTH 3U /* a word with its prefix */

#define RESOURCE_PORTS 0x47U
#define RESOURCE_END 0x79U
#define RESOURCE_MEMORY 0x86U
#define RESOURCE_INTERRUPT 0x89U
#define INTERRUPT_CONSUMER_EDGE 0x03U /* active high, exclusive */

static void put(struct aml *aml, const void *bytes, size_t size)
{
	if (aml->full || size > aml->size - aml->length) {
		aml->full = true;
		return;
	}
	memcpy(aml->bytes + aml->length, bytes, size);
	aml->length += size;
}

static void put_8(struct aml *aml, uint32_t value)
{
	put(aml, &(uint8_t){ (uint8_t)value }, 1);
}

static void put_16(struct aml *aml, uint32_t value)
{
	put_8(aml, value);
	put_8(aml, value >> 8);
}

static void put_32(struct aml *aml, uint32_t value)
{
	put_16(aml, value);
	put_16(aml, value >> 16);
}

static void put_integer(struct aml *aml, uint32_t value)
{
	if (value <= 1) {
		put_8(aml, value ? OP_ONE : OP_ZERO);
	} else if (value <= UINT8_MAX) {
		put_8(aml, OP_BYTE);
		put_8(aml, value);
	} else if (value <= UINT16_MAX) {
		put_8(aml, OP_WORD);
		put_16(aml, value);
	} else {
		put_8(aml, OP_DOUBLE_WORD);
		put_32(aml, value);
	}
}

/* Names are 4 letters, filled up with '_': "_SB" alone, or "\_SB.PWRB". */
static void put_segment(struct aml *aml, const char *name, size_t length)
{
	for (size_t i = 0; i < SEGMENT; i++)
		put_8(aml, i < length ? (uint8_t)name[i] : '_');
}

static void put_path(struct aml *aml, const char *path)
{
	const char *dot = strchr(path, '.');

	if (*path == PATH_ROOT)
		put_8(aml, (uint8_t)*path++);
	if (!dot) {
		put_segment(aml, path, strlen(path));
		return;
	}
	put_8(aml, PATH_TWO_NAMES);
	put_segment(aml, path, (size_t)(dot - path));
	put_segment(aml, dot + 1, strlen(dot + 1));
}

/* A length that is known only when what it covers has been written. */
static size_t open_package(struct aml *aml)
{
	size_t opened = aml->length;

	put(aml, &(uint8_t[PACKAGE_LENGTH]){ 0 }, PACKAGE_LENGTH);
	return opened;
}

void aml_close(struct aml *aml, size_t opened)
{
	size_t length = aml->length - opened;

	if (aml->full)
		return;
	aml->bytes[opened] = (uint8_t)((PACKAGE_LENGTH - 1) << 6 | (length & 0xf));
	aml->bytes[opened + 1] = (uint8_t)(length >> 4);
	aml->bytes[opened + 2] = (uint8_t)(length >> 12);
}

size_t aml_open_scope(struct aml *aml, const char *path)
{
	size_t opened;

	put_8(aml, OP_SCOPE);
	opened = open_package(aml);
	put_path(aml, path);
	return opened;
}

size_t aml_open_device(struct aml *aml, const char *name)
{
	size_t opened;

	put_8(aml, OP_EXTENDED);
	put_8(aml, OP_EXTENDED_DEVICE);
	opened = open_package(aml);
	put_path(aml, name);
	return opened;
}

size_t aml_open_method(struct aml *aml, const char *name, unsigned arguments)
{
	size_t opened;

	put_8(aml, OP_METHOD);
	opened = open_package(aml);
	put_path(aml, name);
	put_8(aml, arguments & 7);
	return opened;
}

static void put_name(struct aml *aml, const char *name)
{
	put_8(aml, OP_NAME);
	put_path(aml, name);
}

void aml_name_integer(struct aml *aml, const char *name, uint32_t value)
{
	put_name(aml, name);
	put_integer(aml, value);
}

void aml_name_string(struct aml *aml, const char *name, const char *value)
{
	put_name(aml, name);
	put_8(aml, OP_STRING);
	put(aml, value, strlen(value) + 1);
}

void aml_name_bytes_package(struct aml *aml, const char *name, const uint8_t *values, uint8_t count)
{
	size_t opened;

	put_name(aml, name);
	put_8(aml, OP_PACKAGE);
	opened = open_package(aml);
	put_8(aml, count);
	for (uint8_t i = 0; i < count; i++)
		put_integer(aml, values[i]);
	aml_close(aml, opened);
}

void aml_notify(struct aml *aml, const char *path, uint8_t value)
{
	put_8(aml, OP_NOTIFY);
	put_path(aml, path);
	put_integer(aml, value);
}

size_t aml_open_resources(struct aml *aml)
{
	size_t opened;

	put_name(aml, "_CRS");
	put_8(aml, OP_BUFFER);
	opened = open_package(aml);
	put(aml, &(uint8_t[BUFFER_LENGTH]){ OP_WORD }, BUFFER_LENGTH);
	return opened;
}

void aml_close_resources(struct aml *aml, size_t opened)
{
	size_t first = opened + PACKAGE_LENGTH + BUFFER_LENGTH, length;

	put_8(aml, RESOURCE_END);
	put_8(aml, 0); /* no checksum */
	if (aml->full)
		return;
	length = aml->length - first;
	aml->bytes[first - 2] = (uint8_t)length;
	aml->bytes[first - 1] = (uint8_t)(length >> 8);
	aml_close(aml, opened);
}

void aml_resource_memory(struct aml *aml, uint32_t base, uint32_t length)
{
	put_8(aml, RESOURCE_MEMORY);
	put_16(aml, 9);
	put_8(aml, 1); /* writable */
	put_32(aml, base);
	put_32(aml, length);
}

void aml_resource_ports(struct aml *aml, uint16_t base, uint8_t length)
{
	put_8(aml, RESOURCE_PORTS);
	put_8(aml, 1); /* all 16 address bits are decoded */
	put_16(aml, base);
	put_16(aml, base);
	put_8(aml, 1);
	put_8(aml, length);
}

void aml_resource_edge_interrupt(struct aml *aml, uint32_t gsi)
{
	put_8(aml, RESOURCE_INTERRUPT);
	put_16(aml, 6);
	put_8(aml, INTERRUPT_CONSUMER_EDGE);
	put_8(aml, 1);
	put_32(aml, gsi);
}
