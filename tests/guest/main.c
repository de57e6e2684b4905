/* A tiny guest: does what the first word of its command line names, and powers off. */

#include "scenarios.h"

#include <asm/bootparam.h>

struct boot boot;

static const struct {
	const char *name;
	void (*run)(const char *argument);
} scenarios[] = {
#define ROW(name) { #name, scenario_##name },
	SCENARIOS(ROW)
#undef ROW
};

/* The start of day structure of PVH (Xen's public/arch-x86/hvm/start_info.h). */
struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t command_line;
	uint64_t rsdp;
};

#define START_INFO_MAGIC 0x336ec578

static void read_start_info(const struct start_info *info)
{
	const uint64_t *module = (const uint64_t *)info->modules;

	EXPECT_EQUAL(info->magic, START_INFO_MAGIC);
	boot.command_line = (const char *)info->command_line;
	boot.rsdp = info->rsdp;
	if (info->module_count) {
		boot.initrd = module[0];
		boot.initrd_size = module[1];
	}
}

static void read_boot_params(const struct boot_params *params)
{
	EXPECT_EQUAL(params->hdr.boot_flag, 0xaa55);
	boot.command_line =
		(const char *)(params->hdr.cmd_line_ptr | (uint64_t)params->ext_cmd_line_ptr << 32);
	boot.rsdp = params->acpi_rsdp_addr;
	boot.initrd = params->hdr.ramdisk_image | (uint64_t)params->ext_ramdisk_image << 32;
	boot.initrd_size = params->hdr.ramdisk_size | (uint64_t)params->ext_ramdisk_size << 32;
}

static size_t word_length(const char *text)
{
	size_t length = 0;

	while (text[length] && text[length] != ' ')
		length++;
	return length;
}

static void run(const char *word)
{
	size_t length = word_length(word);

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (word_length(scenarios[i].name) == length &&
			same_text(scenarios[i].name, word, length)) {
			scenarios[i].run(word[length] ? word + length + 1 : word + length);
			return;
		}
	print("FAIL: no such scenario\n");
	triple_fault();
}

void guest_main(uint64_t long_mode, uint64_t argument);

void guest_main(uint64_t long_mode, uint64_t argument)
{
	boot.long_mode = long_mode;
	boot.argument = argument;
	if (long_mode)
		read_boot_params((const struct boot_params *)argument);
	else
		read_start_info((const struct start_info *)argument);
	print("started\n");
	run(boot.command_line);
	power_off();
}
