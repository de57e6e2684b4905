#ifndef BOOT_KERNEL_H
#define BOOT_KERNEL_H

#include "kernel_image.h"

#include <asm/bootparam.h>
#include <stdbool.h>
#include <stdint.h>

/* A kernel in guest memory, and what is left to arrange around it. */
struct boot_kernel {
	bool has_header; /* it came as a bzImage, which has: */
	struct setup_header header;
	uint64_t entry;
	bool pvh; /* entry is the 32-bit PVH one */
	uint64_t end; /* of the memory it needs to start */
	uint64_t initrd_end; /* the initrd must end there or below */
	uint32_t command_line_limit; /* without the NUL */
};

/*
 * Load the kernel at path. randomise: it may run at other virtual addresses than it was
 * linked for. Guest memory is still zero. -EINVAL with the reason in error: the operator can mend
 * it; other -errno: the host failed.
 */
int boot_kernel_load(const char *path, const struct guest_memory *memory, bool randomise_it,
	struct boot_kernel *kernel, struct boot_error *error);

#endif
