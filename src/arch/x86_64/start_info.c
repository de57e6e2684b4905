/* hvm_start_info, version 1: what a kernel entered by PVH reads (Xen's PVH start structures). */
#include "boot_data.h"
#include "layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define START_MAGIC 0x336ec578U
#define MAP_RAM 1U
#define MAP_RESERVED 2U
#define MAP_ENTRIES (GUEST_MEMORY_REGIONS + 2)

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t command_line;
	uint64_t rsdp;
	uint64_t memory_map;
	uint32_t memory_map_count;
	uint32_t reserved;
};

struct module {
	uint64_t address;
	uint64_t size;
	uint64_t command_line;
	uint64_t reserved;
};

struct memory_map_entry {
	uint64_t address;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

static uint32_t write_memory_map(struct memory_map_entry *map, const struct guest_memory *memory)
{
	uint32_t count = 0;

	map[count++] = (struct memory_map_entry){ 0, LOW_MEMORY_END, MAP_RAM, 0 };
	map[count++] = (struct memory_map_entry){ LOW_MEMORY_END, KERNEL_LOWEST - LOW_MEMORY_END,
		MAP_RESERVED, 0 };
	for (unsigned i = 0; i < memory->count; i++) {
		const struct guest_memory_region *region = &memory->region[i];
		uint64_t skipped = region->base < KERNEL_LOWEST ? KERNEL_LOWEST - region->base : 0;

		map[count++] = (struct memory_map_entry){ region->base + skipped,
			region->size - skipped, MAP_RAM, 0 };
	}
	return count;
}

int boot_start_info_write(const struct guest_memory *memory, const struct boot_data *data)
{
	struct start_info *info = guest_memory_at(memory, PVH_START_INFO, sizeof(*info));
	struct module *module = guest_memory_at(memory, PVH_MODULES, sizeof(*module));
	struct memory_map_entry *map =
		guest_memory_at(memory, PVH_MEMORY_MAP, MAP_ENTRIES * sizeof(*map));
	char *line = guest_memory_at(memory, BOOT_COMMAND_LINE, BOOT_COMMAND_LINE_SIZE);
	size_t length = strlen(data->command_line);

	if (!info || !module || !map || !line || length >= BOOT_COMMAND_LINE_SIZE)
		return -EINVAL;
	memcpy(line, data->command_line, length + 1);
	*module = (struct module){ data->initrd_address, data->initrd_size, 0, 0 };
	*info = (struct start_info){
		.magic = START_MAGIC,
		.version = 1,
		.module_count = data->initrd_size ? 1 : 0,
		.modules = PVH_MODULES,
		.command_line = BOOT_COMMAND_LINE,
		.rsdp = data->rsdp,
		.memory_map = PVH_MEMORY_MAP,
		.memory_map_count = write_memory_map(map, memory),
	};
	return 0;
}
