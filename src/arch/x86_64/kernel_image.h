#ifndef KERNEL_IMAGE_H
#define KERNEL_IMAGE_H

#include "compiler.h"
#include "guest_memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct setup_header;

/*
 * Kernel images, parsed and loaded. Everything here judges foreign bytes: a result is 0, or
 * -EINVAL with the reason in words. Nothing here touches files but kernel_source_read().
 */
struct boot_error {
	char text[192];
};

/* Notes why an image cannot be booted; always -EINVAL. */
int boot_refuse(struct boot_error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* Where the bytes of an image come from: memory, or a file when bytes is NULL. Borrowed. */
struct kernel_source {
	const uint8_t *bytes;
	int fd;
	uint64_t offset; /* of the image in the file */
	uint64_t size;
};

/* -EINVAL outside the source or when the file has shrunk, -errno of the host otherwise. */
int kernel_source_read(const struct kernel_source *source, uint64_t offset, void *buffer,
	uint64_t length);

/* What to put where, and where to begin. */
#define KERNEL_SEGMENTS 64

struct kernel_segment {
	uint64_t address; /* guest physical */
	uint64_t offset; /* in the source */
	uint64_t file_size;
	uint64_t memory_size; /* the rest is zero */
};

struct kernel_plan {
	uint64_t entry; /* 64-bit entry, startup_64 */
	uint64_t pvh_entry; /* 32-bit entry of the Xen PVH protocol, or 0 */
	uint64_t relocations; /* offset in the source of what follows the ELF file */
	uint64_t relocations_size;
	uint64_t count;
	struct kernel_segment segment[KERNEL_SEGMENTS];
};

/* How a compressed payload is packed, by its first bytes. */
enum payload_format {
	PAYLOAD_UNKNOWN, /* only the kernel's own decompressor can tell */
	PAYLOAD_GZIP,
	PAYLOAD_XZ,
	PAYLOAD_LZMA,
	PAYLOAD_ZSTD,
};

/* The facts of a bzImage that matter for loading, checked against each other. */
struct bzimage {
	uint64_t kernel_offset; /* of the protected-mode code in the file */
	uint64_t kernel_size;
	uint64_t payload_offset; /* in the file; 0 when the header does not say */
	uint64_t payload_size;
	uint64_t address; /* where it likes to run */
	uint64_t run_size; /* memory it needs there before it reads the memory map */
	uint64_t initrd_end; /* highest address after the initrd */
	uint32_t command_line_limit; /* without the NUL */
};

/* The first bytes of a file. */
struct kernel_head {
	const uint8_t *bytes;
	size_t size;
	uint64_t file_size;
};

/* What the bytes at the start of a file are, for people: "an arm64 kernel Image". */
const char *kernel_describe(const uint8_t *bytes, size_t size);

bool bzimage_recognise(const uint8_t *bytes, size_t size);
/* The header is copied out. */
int bzimage_parse(const struct kernel_head *head, struct bzimage *image,
	struct setup_header *header, struct boot_error *error);

bool elf_recognise(const uint8_t *bytes, size_t size);
int elf_parse(const struct kernel_source *source, struct kernel_plan *plan,
	struct boot_error *error);

enum payload_format payload_recognise(const uint8_t *bytes, size_t size);
/* *unpacked is malloc'ed; *unpacked_size is its limit, then its size. -ENOTSUP for PAYLOAD_UNKNOWN.
 */
int payload_unpack(const uint8_t *bytes, size_t size, uint8_t **unpacked, size_t *unpacked_size,
	struct boot_error *error);

/* Every segment lies in one piece of RAM from KERNEL_LOWEST and inside [0, end). */
int kernel_plan_check(const struct kernel_plan *plan, const struct guest_memory *memory,
	struct boot_error *error);
/* The highest address any segment covers. */
uint64_t kernel_plan_end(const struct kernel_plan *plan);
/* Leave out long runs of zeros of an image in memory: guest memory is zero already. */
void kernel_plan_trim(struct kernel_plan *plan, const uint8_t *bytes);
/* Guest memory is still zero; the plan has been checked. Host errors as -errno. */
int kernel_plan_load(const struct kernel_plan *plan, const struct kernel_source *source,
	const struct guest_memory *memory);

#endif
