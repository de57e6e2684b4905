#include "boot_data.h"
#include "compiler.h"
#include "layout.h"

#include <asm/bootparam.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LOW_SIZE 0x200000ULL
#define HIGH_SIZE 0x40000000ULL

static struct guest_memory memory;
static struct boot_data data;
static uint8_t seed[BOOT_SEED_SIZE];

static void start(void)
{
	void *ram =
		mmap(NULL, LOW_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(ram, MAP_FAILED);
	/* The second is never touched. */
	memory = (struct guest_memory){
		.region = { { 0, LOW_SIZE, ram }, { HIGH_RAM_BASE, HIGH_SIZE, NULL } },
		.count = 2,
	};
	memset(seed, 0x77, sizeof(seed));
	data = (struct boot_data){
		.command_line = "console=hvc0 quiet",
		.initrd_address = 0x180000,
		.initrd_size = 0x1234,
		.rsdp = FIRMWARE_BASE,
		.seed = seed,
	};
}

static void stop(void)
{
	munmap(memory.region[0].host, LOW_SIZE);
}

static uint8_t *at(uint64_t address)
{
	return memory.region[0].host + address;
}

static const struct boot_params *params(void)
{
	return (const void *)at(BOOT_PARAMS);
}

static void assert_range(unsigned index, uint64_t base, uint64_t end, uint32_t type)
{
	const struct boot_e820_entry *entry = &params()->e820_table[index];

	ck_assert_uint_eq(entry->addr, base);
	ck_assert_uint_eq(entry->size, end - base);
	ck_assert_uint_eq(entry->type, type);
}

START_TEST(the_zero_page_tells_of_memory)
{
	ck_assert_int_eq(boot_params_write(&memory, &data), 0);

	ck_assert_uint_eq(params()->e820_entries, 4);
	assert_range(0, 0, LOW_MEMORY_END, 1);
	assert_range(1, LOW_MEMORY_END, KERNEL_LOWEST, 2);
	assert_range(2, KERNEL_LOWEST, LOW_SIZE, 1);
	assert_range(3, HIGH_RAM_BASE, HIGH_RAM_BASE + HIGH_SIZE, 1);
}

START_TEST(the_zero_page_tells_of_everything_loaded)
{
	static const struct setup_header header = { .version = 0x020f,
		.kernel_alignment = 0x200000 };

	data.header = &header;
	ck_assert_int_eq(boot_params_write(&memory, &data), 0);

	ck_assert_uint_eq(params()->hdr.version, 0x020f);
	ck_assert_uint_eq(params()->hdr.kernel_alignment, 0x200000);
	ck_assert_uint_ne(params()->hdr.type_of_loader, 0);
	ck_assert_uint_eq(params()->hdr.ramdisk_image, 0x180000);
	ck_assert_uint_eq(params()->hdr.ramdisk_size, 0x1234);
	ck_assert_uint_eq(params()->acpi_rsdp_addr, FIRMWARE_BASE);
	ck_assert_str_eq((char *)at(params()->hdr.cmd_line_ptr), "console=hvc0 quiet");
	ck_assert_uint_eq(params()->hdr.cmdline_size, strlen("console=hvc0 quiet"));
}

START_TEST(the_zero_page_carries_a_seed)
{
	struct setup_data node;

	ck_assert_int_eq(boot_params_write(&memory, &data), 0);

	ck_assert_uint_eq(params()->hdr.setup_data, BOOT_SEED);
	memcpy(&node, at(BOOT_SEED), sizeof(node));
	ck_assert_uint_eq(node.next, 0);
	ck_assert_uint_eq(node.type, SETUP_RNG_SEED);
	ck_assert_uint_eq(node.len, BOOT_SEED_SIZE);
	ck_assert_mem_eq(at(BOOT_SEED) + sizeof(node), seed, sizeof(seed));
}

START_TEST(without_a_seed_there_is_no_node)
{
	data.seed = NULL;
	ck_assert_int_eq(boot_params_write(&memory, &data), 0);

	ck_assert_uint_eq(params()->hdr.setup_data, 0);
}

static uint32_t get_32(uint64_t address)
{
	uint32_t value;

	memcpy(&value, at(address), sizeof(value));
	return value;
}

static uint64_t get_64(uint64_t address)
{
	uint64_t value;

	memcpy(&value, at(address), sizeof(value));
	return value;
}

START_TEST(pvh_kernels_are_told_the_same)
{
	uint64_t map;

	ck_assert_int_eq(boot_start_info_write(&memory, &data), 0);

	ck_assert_uint_eq(get_32(PVH_START_INFO), 0x336ec578);
	ck_assert_uint_eq(get_32(PVH_START_INFO + 4), 1);
	ck_assert_uint_eq(get_32(PVH_START_INFO + 12), 1);
	ck_assert_uint_eq(get_64(get_64(PVH_START_INFO + 16)), 0x180000);
	ck_assert_uint_eq(get_64(get_64(PVH_START_INFO + 16) + 8), 0x1234);
	ck_assert_str_eq((char *)at(get_64(PVH_START_INFO + 24)), "console=hvc0 quiet");
	ck_assert_uint_eq(get_64(PVH_START_INFO + 32), FIRMWARE_BASE);
	map = get_64(PVH_START_INFO + 40);
	ck_assert_uint_eq(get_32(PVH_START_INFO + 48), 4);
	ck_assert_uint_eq(get_64(map + 2 * 24), KERNEL_LOWEST);
	ck_assert_uint_eq(get_64(map + 2 * 24 + 8), LOW_SIZE - KERNEL_LOWEST);
	ck_assert_uint_eq(get_64(map + 3 * 24), HIGH_RAM_BASE);
	ck_assert_uint_eq(get_64(map + 3 * 24 + 8), HIGH_SIZE);
}

START_TEST(without_an_initrd_there_is_no_module)
{
	data.initrd_size = 0;
	ck_assert_int_eq(boot_start_info_write(&memory, &data), 0);

	ck_assert_uint_eq(get_32(PVH_START_INFO + 12), 0);
}

/* As the processor walks them: 4 levels, the third with pages of 2 MiB. */
static uint64_t translate(uint64_t address)
{
	uint64_t table = get_64(BOOT_PAGE_TABLES + (address >> 39 & 511) * 8);
	uint64_t entry;

	ck_assert_uint_eq(table & 3, 3);
	entry = get_64((table & ~0xfffULL) + (address >> 30 & 511) * 8);
	ck_assert_uint_eq(entry & 3, 3);
	entry = get_64((entry & ~0xfffULL) + (address >> 21 & 511) * 8);
	ck_assert_uint_eq(entry & 0x83, 0x83);
	return (entry & ~0x1fffffULL) | (address & 0x1fffff);
}

START_TEST(the_lowest_four_gib_are_mapped_one_to_one)
{
	static const uint64_t addresses[] = { 0, 0x7000, 0x1000000, 0x3fffffff, 0x40000000,
		0xbfffffff, 0xfee00000, 0xffffffff };

	ck_assert_int_eq(boot_page_tables_write(&memory), 0);
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		ck_assert_uint_eq(translate(addresses[i]), addresses[i]);
}

START_TEST(a_guest_without_a_first_mib_is_refused)
{
	memory.region[0].size = 0x4000;

	ck_assert_int_lt(boot_params_write(&memory, &data), 0);
	ck_assert_int_lt(boot_start_info_write(&memory, &data), 0);
	ck_assert_int_lt(boot_page_tables_write(&memory), 0);
}

START_TEST(nothing_in_the_first_mib_overlaps)
{
	ck_assert_uint_le(BOOT_GDT + 32, PVH_START_INFO);
	ck_assert_uint_le(PVH_START_INFO + 56, PVH_MODULES);
	ck_assert_uint_le(PVH_MODULES + 32, PVH_MEMORY_MAP);
	ck_assert_uint_le(PVH_MEMORY_MAP + 24 * (GUEST_MEMORY_REGIONS + 2), BOOT_PARAMS);
	ck_assert_uint_lt(BOOT_PARAMS + sizeof(struct boot_params), BOOT_STACK);
	ck_assert_uint_le(BOOT_STACK, BOOT_PAGE_TABLES);
	ck_assert_uint_le(BOOT_PAGE_TABLES + 6 * PAGE_SIZE, BOOT_SEED);
	ck_assert_uint_le(BOOT_SEED + PAGE_SIZE, BOOT_COMMAND_LINE);
	ck_assert_uint_le(BOOT_COMMAND_LINE + BOOT_COMMAND_LINE_SIZE, LOW_MEMORY_END);
	ck_assert_uint_le(LOW_MEMORY_END, FIRMWARE_BASE);
	ck_assert_uint_le(FIRMWARE_BASE + FIRMWARE_SIZE, KERNEL_LOWEST);
}

int main(void)
{
	Suite *suite = suite_create("boot data");
	TCase *tcase = tcase_create("boot data");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, the_zero_page_tells_of_memory);
	tcase_add_test(tcase, the_zero_page_tells_of_everything_loaded);
	tcase_add_test(tcase, the_zero_page_carries_a_seed);
	tcase_add_test(tcase, without_a_seed_there_is_no_node);
	tcase_add_test(tcase, pvh_kernels_are_told_the_same);
	tcase_add_test(tcase, without_an_initrd_there_is_no_module);
	tcase_add_test(tcase, the_lowest_four_gib_are_mapped_one_to_one);
	tcase_add_test(tcase, a_guest_without_a_first_mib_is_refused);
	tcase_add_test(tcase, nothing_in_the_first_mib_overlaps);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
