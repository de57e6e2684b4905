#ifndef BOOT_DATA_H
#define BOOT_DATA_H

#include "guest_memory.h"

#include <stdint.h>

struct setup_header;

/* What the kernel is told about the world it starts in. */
struct boot_data {
	const struct setup_header *header; /* of a bzImage, or NULL */
	const char *command_line; /* fits BOOT_COMMAND_LINE_SIZE */
	uint64_t initrd_address;
	uint64_t initrd_size; /* 0: none */
	uint64_t rsdp;
	const uint8_t *seed; /* BOOT_SEED_SIZE random bytes, or NULL */
};

#define BOOT_SEED_SIZE 32U

/* How the boot processor enters; struct boot_entry.mode. */
enum boot_mode {
	BOOT_LONG_MODE, /* 64-bit, identity map below 4 GiB; RSI: boot_params */
	BOOT_PVH, /* 32-bit, no paging; EBX: hvm_start_info */
};

/*
 * All write the first MiB, which is RAM in every layout; 0 or -EINVAL when RAM is smaller than
 * that. boot_params is for the 64-bit entry, start_info for PVH.
 */
int boot_params_write(const struct guest_memory *memory, const struct boot_data *data);
int boot_start_info_write(const struct guest_memory *memory, const struct boot_data *data);
int boot_page_tables_write(const struct guest_memory *memory);

#endif
