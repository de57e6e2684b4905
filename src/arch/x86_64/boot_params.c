/* The zero page (Linux x86 boot protocol) and the tables that 64-bit entry needs. */
#include "boot_data.h"
#include "layout.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define E820_RAM 1U
#define E820_RESERVED 2U
#define LOADER_UNDEFINED 0xffU

#define TABLE_ENTRIES 512U
#define ENTRY_PRESENT 1U
#define ENTRY_WRITABLE 2U
#define ENTRY_LARGE 0x80U
#define LARGE_PAGE 0x200000ULL
#define MAPPED_GIB 4U

#define GDT_CODE_64 0x00af9b000000ffffULL
#define GDT_DATA 0x00cf93000000ffffULL

/* Both kinds of boot data begin with these, at addresses no kernel segment may touch. */
static int write_command_line(const struct guest_memory *memory, const struct boot_data *data)
{
	size_t size = strlen(data->command_line) + 1;
	void *place = guest_memory_at(memory, BOOT_COMMAND_LINE, BOOT_COMMAND_LINE_SIZE);

	if (!place || size > BOOT_COMMAND_LINE_SIZE)
		return -EINVAL;
	memcpy(place, data->command_line, size);
	return 0;
}

static void add_range(struct boot_params *params, uint64_t base, uint64_t end, uint32_t type)
{
	if (end > base)
		params->e820_table[params->e820_entries++] =
			(struct boot_e820_entry){ base, end - base, type };
}

static void write_memory_map(struct boot_params *params, const struct guest_memory *memory)
{
	add_range(params, 0, LOW_MEMORY_END, E820_RAM);
	add_range(params, LOW_MEMORY_END, KERNEL_LOWEST, E820_RESERVED);
	for (unsigned i = 0; i < memory->count; i++) {
		const struct guest_memory_region *region = &memory->region[i];
		uint64_t base = region->base < KERNEL_LOWEST ? KERNEL_LOWEST : region->base;

		add_range(params, base, region->base + region->size, E820_RAM);
	}
}

static void write_header(struct setup_header *header, const struct boot_data *data)
{
	if (data->header)
		*header = *data->header;
	header->type_of_loader = LOADER_UNDEFINED;
	header->loadflags |= LOADED_HIGH;
	header->cmd_line_ptr = BOOT_COMMAND_LINE;
	header->cmdline_size = (uint32_t)strlen(data->command_line);
	header->ramdisk_image = (uint32_t)data->initrd_address;
	header->ramdisk_size = (uint32_t)data->initrd_size;
	header->setup_data = 0;
}

/* A setup_data node; the kernel wipes it after use. */
static void write_seed(const struct guest_memory *memory, struct setup_header *header,
	const uint8_t *seed)
{
	uint8_t *place =
		guest_memory_at(memory, BOOT_SEED, sizeof(struct setup_data) + BOOT_SEED_SIZE);
	struct setup_data node = { .type = SETUP_RNG_SEED, .len = BOOT_SEED_SIZE };

	if (!place || !seed)
		return;
	memcpy(place, &node, sizeof(node));
	memcpy(place + sizeof(node), seed, BOOT_SEED_SIZE);
	header->setup_data = BOOT_SEED;
}

int boot_params_write(const struct guest_memory *memory, const struct boot_data *data)
{
	struct boot_params *params = guest_memory_at(memory, BOOT_PARAMS, sizeof(*params));

	if (!params || write_command_line(memory, data))
		return -EINVAL;
	memset(params, 0, sizeof(*params));
	write_header(&params->hdr, data);
	write_memory_map(params, memory);
	write_seed(memory, &params->hdr, data->seed);
	params->ext_ramdisk_image = (uint32_t)(data->initrd_address >> 32);
	params->ext_ramdisk_size = (uint32_t)(data->initrd_size >> 32);
	params->acpi_rsdp_addr = data->rsdp;
	return 0;
}

static void write_gdt(uint64_t *gdt)
{
	gdt[2] = GDT_CODE_64; /* selector 0x10, as the protocol demands */
	gdt[3] = GDT_DATA;
}

int boot_page_tables_write(const struct guest_memory *memory)
{
	uint64_t *table =
		guest_memory_at(memory, BOOT_PAGE_TABLES, (uint64_t)PAGE_SIZE * (2 + MAPPED_GIB));
	uint64_t *gdt = guest_memory_at(memory, BOOT_GDT, 4 * sizeof(*gdt));
	uint64_t *pointers, *large;

	if (!table || !gdt)
		return -EINVAL;
	pointers = table + TABLE_ENTRIES;
	large = pointers + TABLE_ENTRIES;
	table[0] = (BOOT_PAGE_TABLES + PAGE_SIZE) | ENTRY_PRESENT | ENTRY_WRITABLE;
	for (uint64_t i = 0; i < MAPPED_GIB; i++)
		pointers[i] = (BOOT_PAGE_TABLES + PAGE_SIZE * (2 + i)) | ENTRY_PRESENT |
			ENTRY_WRITABLE;
	for (uint64_t i = 0; i < (uint64_t)MAPPED_GIB * TABLE_ENTRIES; i++)
		large[i] = i * LARGE_PAGE | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_LARGE;
	write_gdt(gdt);
	return 0;
}
