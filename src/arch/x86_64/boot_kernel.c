/* From a kernel's file to a kernel in guest memory, by whatever way suits the file. */
#include "boot_kernel.h"

#include "fd.h"
#include "kernel_cache.h"
#include "layout.h"
#include "relocate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#define HEAD_SIZE 4096U
#define LARGEST_FILE (1ULL << 30)
#define LONGEST_COMMAND_LINE 2047U /* of any kernel for this architecture */
#define HIGHEST_INITRD_END 0x80000000ULL

/* One way of loading at a time: a file, its first bytes, and where it goes. */
struct loading {
	struct kernel_source file;
	struct stat status;
	uint8_t head[HEAD_SIZE];
	size_t head_size;
	const struct guest_memory *memory;
	bool randomise;
	struct bzimage image;
	struct boot_kernel *kernel;
	struct boot_error *error;
};

static int open_image(const char *path, struct loading *loading)
{
	struct kernel_source *file = &loading->file;

	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, &loading->status) < 0)
		return boot_refuse(loading->error, "%s", strerror(errno));
	if (!S_ISREG(loading->status.st_mode))
		return boot_refuse(loading->error, "not a regular file");
	file->size = (uint64_t)loading->status.st_size;
	if (file->size == 0)
		return boot_refuse(loading->error, "the file is empty");
	if (file->size > LARGEST_FILE)
		return boot_refuse(loading->error, "the file is larger than a kernel can be");
	loading->head_size = file->size < HEAD_SIZE ? (size_t)file->size : HEAD_SIZE;
	return kernel_source_read(file, 0, loading->head, loading->head_size);
}

static int need_memory(const struct loading *loading)
{
	const struct bzimage *image = &loading->image;

	if (guest_memory_at(loading->memory, image->address, image->run_size))
		return 0;
	return boot_refuse(loading->error,
		"it needs memory up to %llu MiB to start and the guest has %llu MiB",
		(unsigned long long)(image->address + image->run_size + 0xfffff) >> 20,
		(unsigned long long)loading->memory->region[0].size >> 20);
}

/* The kernel unpacks itself in the guest. */
static int load_packed(struct loading *loading)
{
	const struct bzimage *image = &loading->image;
	struct kernel_plan plan = {
		.entry = image->address + 0x200,
		.count = 1,
		.segment = { {
			.address = image->address,
			.offset = image->kernel_offset,
			.file_size = image->kernel_size,
			.memory_size = image->run_size,
		} },
	};

	loading->kernel->entry = plan.entry;
	return kernel_plan_load(&plan, &loading->file, loading->memory);
}

/* Tell the kernel that its addresses were chosen, so that it chooses others by random too. */
static int randomise(struct loading *loading, const struct kernel_plan *plan, const uint8_t *list)
{
	uint64_t random, distance;

	if (!loading->randomise || !list)
		return 0;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -errno;
	distance = relocation_choose(plan, random);
	if (distance == 0 ||
		relocation_apply(plan, list, plan->relocations_size, loading->memory, distance))
		return 0;
	loading->kernel->header.loadflags |= KASLR_FLAG;
	return 0;
}

/* A kernel that was unpacked on an earlier start. False when there is none to be trusted. */
static bool load_cached(struct loading *loading)
{
	struct cached_kernel cached;
	AUTO_FREE uint8_t *relocations = NULL;
	bool loaded;

	if (!kernel_cache_find(&loading->status, loading->head, loading->head_size, &cached))
		return false;
	loaded = kernel_plan_check(&cached.plan, loading->memory, loading->error) == 0 &&
		kernel_cache_load(&cached, loading->memory, &relocations) == 0 &&
		randomise(loading, &cached.plan, relocations) == 0;
	loading->kernel->entry = cached.plan.entry;
	kernel_cache_close(&cached);
	return loaded;
}

static int load_unpacked(struct loading *loading, const uint8_t *bytes, size_t size)
{
	struct kernel_source source = { .bytes = bytes, .fd = -1, .size = size };
	const uint8_t *list;
	struct kernel_plan plan;
	int result = elf_parse(&source, &plan, loading->error);

	plan.pvh_entry = 0;
	if (result == 0)
		result = kernel_plan_check(&plan, loading->memory, loading->error);
	if (result < 0)
		return result;
	kernel_plan_trim(&plan, bytes);
	kernel_cache_store(&loading->status, loading->head, loading->head_size, &plan, bytes);
	result = kernel_plan_load(&plan, &source, loading->memory);
	if (result < 0)
		return result;
	list = plan.relocations_size ? bytes + plan.relocations : NULL;
	loading->kernel->entry = plan.entry;
	return randomise(loading, &plan, list);
}

/* Unpack on the host. -ENOTSUP: in a way that only the kernel itself knows. */
static int unpack(struct loading *loading)
{
	const struct bzimage *image = &loading->image;
	AUTO_FREE uint8_t *payload = malloc(image->payload_size);
	AUTO_FREE uint8_t *unpacked = NULL;
	size_t size = image->run_size;
	int result;

	if (!payload)
		return -ENOMEM;
	result = kernel_source_read(&loading->file, image->payload_offset, payload,
		image->payload_size);
	if (result == 0)
		result = payload_unpack(payload, image->payload_size, &unpacked, &size,
			loading->error);
	if (result < 0)
		return result;
	if (!elf_recognise(unpacked, size))
		return -ENOTSUP;
	return load_unpacked(loading, unpacked, size);
}

static int load_bzimage(struct loading *loading)
{
	struct boot_kernel *kernel = loading->kernel;
	struct bzimage *image = &loading->image;
	const struct kernel_head head = { loading->head, loading->head_size, loading->file.size };
	int result = bzimage_parse(&head, image, &kernel->header, loading->error);

	if (result == 0)
		result = need_memory(loading);
	if (result < 0)
		return result;
	kernel->has_header = true;
	kernel->end = image->address + image->run_size;
	kernel->initrd_end = image->initrd_end;
	kernel->command_line_limit = image->command_line_limit;
	kernel->header.loadflags &= (uint8_t)~KASLR_FLAG;
	if (image->payload_size == 0)
		return load_packed(loading);
	if (load_cached(loading))
		return 0;
	result = unpack(loading);
	return result == -ENOTSUP ? load_packed(loading) : result;
}

static int load_elf(struct loading *loading)
{
	struct boot_kernel *kernel = loading->kernel;
	struct kernel_plan plan;
	int result = elf_parse(&loading->file, &plan, loading->error);

	if (result == 0)
		result = kernel_plan_check(&plan, loading->memory, loading->error);
	if (result < 0)
		return result;
	kernel->pvh = plan.pvh_entry != 0;
	kernel->entry = kernel->pvh ? plan.pvh_entry : plan.entry;
	kernel->end = kernel_plan_end(&plan);
	kernel->initrd_end = HIGHEST_INITRD_END;
	kernel->command_line_limit = LONGEST_COMMAND_LINE;
	return kernel_plan_load(&plan, &loading->file, loading->memory);
}

static int load(const char *path, struct loading *loading)
{
	int result = open_image(path, loading);

	if (result < 0)
		return result;
	if (bzimage_recognise(loading->head, loading->head_size))
		return load_bzimage(loading);
	if (elf_recognise(loading->head, loading->head_size))
		return load_elf(loading);
	return boot_refuse(loading->error, "not a kernel for x86_64 but %s",
		kernel_describe(loading->head, loading->head_size));
}

int boot_kernel_load(const char *path, const struct guest_memory *memory, bool randomise_it,
	struct boot_kernel *kernel, struct boot_error *error)
{
	struct loading loading = {
		.file = { .fd = -1 },
		.memory = memory,
		.randomise = randomise_it,
		.kernel = kernel,
		.error = error,
	};
	int result;

	*kernel = (struct boot_kernel){ 0 };
	error->text[0] = '\0';
	result = load(path, &loading);
	close_fd(&loading.file.fd);
	if (result == -EINVAL && !error->text[0])
		return boot_refuse(error, "truncated: the file ended too early");
	return result;
}
