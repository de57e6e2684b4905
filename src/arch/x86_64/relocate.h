#ifndef RELOCATE_H
#define RELOCATE_H

#include "guest_memory.h"
#include "kernel_image.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Moves a loaded kernel's virtual addresses, as its own decompressor does for KASLR. The list is
 * what follows the ELF file in a bzImage's payload: from its end backwards, 32-bit words, zero
 * ending each group: 32-bit places to move, per-CPU ones to move the other way, 64-bit places to
 * move.
 */

/* A multiple of 2 MiB for a kernel of that size, chosen by random; 0 when there is no choice. */
uint64_t relocation_choose(const struct kernel_plan *plan, uint64_t random);

/* -EINVAL when the list is malformed: checked whole before anything is written. */
int relocation_apply(const struct kernel_plan *plan, const uint8_t *list, size_t size,
	const struct guest_memory *memory, uint64_t distance);

#endif
