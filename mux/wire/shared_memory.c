/* The memory of a guest as its vhost-user front-end shares it: files, mapped. */
#include "shared_memory.h"

#include "memory_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#define PAGE 4096U

static bool overlaps(const struct vhost_user_region *one, const struct vhost_user_region *other)
{
	return one->guest_address < other->guest_address + other->size &&
		other->guest_address < one->guest_address + one->size;
}

static bool wraps(uint64_t start, uint64_t size)
{
	return start + size < start;
}

static const char *check(const struct shared_memory *memory, const struct vhost_user_region *told)
{
	uint64_t total = told->size;

	if (memory->count == GUEST_MEMORY_REGIONS)
		return "more memory regions than there are slots";
	if (told->size == 0 || wraps(told->guest_address, told->size) ||
		wraps(told->user_address, told->size) || wraps(told->mmap_offset, told->size))
		return "memory region of an impossible size";
	if ((told->guest_address | told->user_address | told->mmap_offset) % PAGE)
		return "memory region that does not begin at a page";
	for (unsigned i = 0; i < memory->count; i++) {
		const struct vhost_user_region *other = &memory->region[i].told;

		if (overlaps(told, other))
			return "memory regions that overlap";
		total += other->size;
	}
	if (told->size > SHARED_MEMORY_MOST || total > SHARED_MEMORY_MOST)
		return "more memory than a guest may share";
	return NULL;
}

/*
 * Only files that can have seals are in memory. What seals it has no file system is asked, as all
 * else is: one in user space could let us wait.
 */
static bool is_in_memory(int fd)
{
	return fcntl(fd, F_GET_SEALS) >= 0;
}

/* The size of the file's pages, by which it is mapped; 0 for a file that is not mapped at all. */
static uint64_t file_page_size(int fd)
{
	struct statfs filesystem;

	if (fstatfs(fd, &filesystem))
		return 0;
	if (filesystem.f_type != TMPFS_MAGIC && filesystem.f_type != HUGETLBFS_MAGIC)
		return 0;
	return filesystem.f_bsize >= PAGE ? (uint64_t)filesystem.f_bsize : 0;
}

static const char *map(struct shared_region *region, int fd, const char **broken)
{
	const struct vhost_user_region *told = &region->told;
	uint64_t page = is_in_memory(fd) ? file_page_size(fd) : 0;
	struct stat status;

	if (!page || fstat(fd, &status) || !S_ISREG(status.st_mode))
		return "memory that is no file in memory";
	if ((uint64_t)status.st_size < told->mmap_offset + told->size)
		return "memory region beyond the end of its file";

	uint64_t start = told->mmap_offset / page * page;
	uint64_t end = (told->mmap_offset + told->size + page - 1) / page * page;

	/* Better than to survive truncation: that there is none. Not every file can promise it. */
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	region->length = (size_t)(end - start);
	region->mapping = mmap(NULL, region->length, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_NORESERVE, fd, (off_t)start);
	if (region->mapping == MAP_FAILED)
		return "memory that cannot be mapped";
	madvise(region->mapping, region->length, MADV_DONTDUMP);
	region->host = region->mapping + (told->mmap_offset - start);
	region->guard = memory_guard_add(region->mapping, region->length, broken);
	if (region->guard)
		return NULL;
	munmap(region->mapping, region->length);
	return "memory that cannot be guarded";
}

const char *shared_memory_add(struct shared_memory *memory, const struct vhost_user_region *told,
	int fd)
{
	struct shared_region region = { .told = *told };
	const char *refusal = check(memory, told);

	if (!refusal)
		refusal = map(&region, fd, memory->broken);
	if (!refusal)
		memory->region[memory->count++] = region;
	return refusal;
}

static void unmap(struct shared_region *region)
{
	munmap(region->mapping, region->length);
	memory_guard_remove(region->guard);
}

bool shared_memory_remove(struct shared_memory *memory, const struct vhost_user_region *told)
{
	for (unsigned i = 0; i < memory->count; i++) {
		const struct vhost_user_region *region = &memory->region[i].told;

		if (region->guest_address != told->guest_address ||
			region->user_address != told->user_address || region->size != told->size)
			continue;
		unmap(&memory->region[i]);
		memory->region[i] = memory->region[--memory->count];
		return true;
	}
	return false;
}

void shared_memory_clear(struct shared_memory *memory)
{
	while (memory->count)
		unmap(&memory->region[--memory->count]);
}

void shared_memory_describe(const struct shared_memory *memory, struct guest_memory *guest)
{
	guest->count = memory->count;
	for (unsigned i = 0; i < memory->count; i++) {
		const struct shared_region *region = &memory->region[i];

		guest->region[i] = (struct guest_memory_region){
			.base = region->told.guest_address,
			.size = region->told.size,
			.host = region->host,
		};
	}
}

bool shared_memory_translate(const struct shared_memory *memory, uint64_t user_address,
	uint64_t *guest_address)
{
	for (unsigned i = 0; i < memory->count; i++) {
		const struct vhost_user_region *region = &memory->region[i].told;

		if (user_address - region->user_address >= region->size)
			continue;
		*guest_address = region->guest_address + (user_address - region->user_address);
		return true;
	}
	return false;
}
