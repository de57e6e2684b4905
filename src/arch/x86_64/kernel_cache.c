/* Unpacked kernels kept in files, so that only a kernel's first start unpacks it. */
#include "kernel_cache.h"

#include "cache_directory.h"
#include "checksum.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PREFIX "kernel-"
#define KEPT_FILES 8
#define IDENTITY_WORDS 8
#define HEADER_ROOM 8192U /* contents begin there */
#define SETTLED_SECONDS 2 /* a file changed just now may change again without a trace */

/* Fields are all 64 bits wide: no padding, so that it can be summed and compared as bytes. */
struct cache_header {
	char magic[8];
	uint64_t identity[IDENTITY_WORDS];
	struct kernel_plan plan;
	uint64_t size; /* of the whole file */
	uint64_t contents; /* checksum of what is loaded, in the order of the plan */
	uint64_t header; /* checksum of all of the above */
};

_Static_assert(sizeof(struct cache_header) <= HEADER_ROOM, "the header fits its room");

static void identify(const struct stat *image, const uint8_t *head, size_t head_size,
	uint64_t *identity)
{
	identity[0] = image->st_dev;
	identity[1] = image->st_ino;
	identity[2] = (uint64_t)image->st_size;
	identity[3] = (uint64_t)image->st_mtim.tv_sec;
	identity[4] = (uint64_t)image->st_mtim.tv_nsec;
	identity[5] = (uint64_t)image->st_ctim.tv_sec;
	identity[6] = (uint64_t)image->st_ctim.tv_nsec;
	identity[7] = checksum(0, head, head_size);
}

static void file_name(const uint64_t *identity, char *name, size_t size)
{
	snprintf(name, size, PREFIX "%016llx",
		(unsigned long long)checksum(0, identity, IDENTITY_WORDS * sizeof(*identity)));
}

static uint64_t header_sum(const struct cache_header *header)
{
	return checksum(0, header, offsetof(struct cache_header, header));
}

static bool is_ours(int fd, const struct cache_header *header)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
		!(status.st_mode & (S_IWGRP | S_IWOTH)) && (uint64_t)status.st_size == header->size;
}

static bool is_right(int fd, const struct cache_header *header, const uint64_t *identity)
{
	return memcmp(header->magic, "vmmkrnl1", 8) == 0 && header_sum(header) == header->header &&
		memcmp(header->identity, identity, sizeof(header->identity)) == 0 &&
		is_ours(fd, header);
}

bool kernel_cache_find(const struct stat *image, const uint8_t *head, size_t head_size,
	struct cached_kernel *cached)
{
	AUTO_CLOSE int directory = cache_directory_open();
	AUTO_CLOSE int fd = -1;
	uint64_t identity[IDENTITY_WORDS];
	struct cache_header header;
	char name[sizeof(PREFIX) + 16];

	if (directory < 0)
		return false;
	identify(image, head, head_size, identity);
	file_name(identity, name, sizeof(name));
	fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
		!is_right(fd, &header, identity))
		return false;
	futimens(fd, NULL);
	*cached = (struct cached_kernel){ take_fd(&fd), header.plan, header.contents };
	return true;
}

void kernel_cache_close(struct cached_kernel *cached)
{
	close_fd(&cached->fd);
	cached->fd = -1;
}

/* What was just read is summed while it is still in the processor's caches. */
static int read_summed(const struct cached_kernel *cached, uint64_t offset, uint8_t *to,
	uint64_t size, uint64_t *sum)
{
	struct kernel_source source = { .fd = cached->fd, .size = INT64_MAX };

	for (uint64_t part = 0x40000; size; to += part, offset += part, size -= part) {
		int result;

		part = part < size ? part : size;
		result = kernel_source_read(&source, offset, to, part);
		if (result < 0)
			return -EIO;
		*sum = checksum(*sum, to, part);
	}
	return 0;
}

static int read_contents(const struct cached_kernel *cached, const struct guest_memory *memory,
	uint8_t *relocations, uint64_t *sum)
{
	const struct kernel_plan *plan = &cached->plan;
	int result = 0;

	for (uint64_t i = 0; result == 0 && i < plan->count; i++) {
		const struct kernel_segment *segment = &plan->segment[i];
		uint8_t *place = guest_memory_at(memory, segment->address, segment->memory_size);

		if (!place || segment->file_size > segment->memory_size)
			return -EIO;
		result = read_summed(cached, segment->offset, place, segment->file_size, sum);
	}
	if (result == 0 && relocations)
		result = read_summed(cached, plan->relocations, relocations, plan->relocations_size,
			sum);
	return result;
}

int kernel_cache_load(struct cached_kernel *cached, const struct guest_memory *memory,
	uint8_t **relocations)
{
	uint64_t size = cached->plan.relocations_size, sum = 0;
	int result;

	*relocations = size ? malloc(size) : NULL;
	if (size && !*relocations)
		return -ENOMEM;
	result = read_contents(cached, memory, *relocations, &sum);
	return result == 0 && sum != cached->checksum ? -EIO : result;
}

static int write_at(int fd, uint64_t offset, const uint8_t *bytes, uint64_t size)
{
	while (size) {
		ssize_t done = pwrite(fd, bytes, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -EIO;
		bytes += done;
		offset += (uint64_t)done;
		size -= (uint64_t)done;
	}
	return 0;
}

/* Sums as read_summed() will: in the same parts. */
static int write_summed(int fd, struct cache_header *header, const uint8_t *bytes, uint64_t size)
{
	int result = write_at(fd, header->size, bytes, size);

	for (uint64_t part = 0x40000, left = size; left; bytes += part, left -= part) {
		part = part < left ? part : left;
		header->contents = checksum(header->contents, bytes, part);
	}
	header->size += size;
	return result;
}

static int write_file(int fd, struct cache_header *header, const struct kernel_plan *plan,
	const uint8_t *bytes)
{
	int result = 0;

	memcpy(header->magic, "vmmkrnl1", 8);
	header->plan = *plan;
	header->size = HEADER_ROOM;
	for (uint64_t i = 0; result == 0 && i < plan->count; i++) {
		header->plan.segment[i].offset = header->size;
		result = write_summed(fd, header, bytes + plan->segment[i].offset,
			plan->segment[i].file_size);
	}
	if (result == 0 && plan->relocations_size) {
		header->plan.relocations = header->size;
		result =
			write_summed(fd, header, bytes + plan->relocations, plan->relocations_size);
	}
	header->header = header_sum(header);
	return result ? result : write_at(fd, 0, (const uint8_t *)header, sizeof(*header));
}

static bool has_settled(const struct stat *image)
{
	return time(NULL) - image->st_ctim.tv_sec > SETTLED_SECONDS;
}

void kernel_cache_store(const struct stat *image, const uint8_t *head, size_t head_size,
	const struct kernel_plan *plan, const uint8_t *bytes)
{
	AUTO_CLOSE int directory = cache_directory_open();
	AUTO_CLOSE int fd = -1;
	struct cache_header header = { 0 };
	char name[sizeof(PREFIX) + 16], unfinished[sizeof(PREFIX) + 32];

	if (directory < 0 || !has_settled(image))
		return;
	identify(image, head, head_size, header.identity);
	file_name(header.identity, name, sizeof(name));
	snprintf(unfinished, sizeof(unfinished), "%s.%d", name, (int)getpid());
	unlinkat(directory, unfinished, 0);
	fd = openat(directory, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		0600);
	if (fd < 0)
		return;
	if (write_file(fd, &header, plan, bytes) < 0 ||
		renameat(directory, unfinished, directory, name) < 0)
		unlinkat(directory, unfinished, 0);
	cache_directory_prune(directory, PREFIX, KEPT_FILES);
}
