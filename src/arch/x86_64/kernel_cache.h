#ifndef KERNEL_CACHE_H
#define KERNEL_CACHE_H

#include "kernel_image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Kernels unpacked on earlier starts.
 *
 * How it works. $CACHE_DIRECTORY, or vmm in $XDG_CACHE_HOME or ~/.cache (for root /var/cache),
 * holds a file for each kernel: a header, then what kernel_plan_load() puts into memory, then the
 * relocations. It is believed only if directory and file belong to this user and nobody else may
 * write them, if it was made from the very file that is being booted (device, inode, size, times
 * and first bytes), and if checksums of header and contents are right. A file is written under
 * another name and then renamed, so a reader sees all of it or none; the oldest go when there are
 * more than a few. Whatever goes wrong, the kernel is simply unpacked again.
 */
struct cached_kernel {
	int fd;
	struct kernel_plan plan; /* offsets are those in the file */
	uint64_t checksum;
};

/* image and head: the status and the first bytes of the kernel's file. */
bool kernel_cache_find(const struct stat *image, const uint8_t *head, size_t head_size,
	struct cached_kernel *cached);
void kernel_cache_close(struct cached_kernel *cached);

/*
 * Into guest memory; the plan has been checked. *relocations is malloc'ed, or NULL when there are
 * none. -EIO when the contents are damaged: memory must be written anew.
 */
int kernel_cache_load(struct cached_kernel *cached, const struct guest_memory *memory,
	uint8_t **relocations);

/* Keep an unpacked kernel, if there is a place for it. plan's offsets are those in bytes. */
void kernel_cache_store(const struct stat *image, const uint8_t *head, size_t head_size,
	const struct kernel_plan *plan, const uint8_t *bytes);

#endif
