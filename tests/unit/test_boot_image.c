#include "arch.h"
#include "boot_data.h"
#include "compiler.h"
#include "fake_kernel.h"
#include "layout.h"
#include "machine.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SIZE 0x2000000ULL
#define KERNEL_END (FAKE_KERNEL_ADDRESS + FAKE_KERNEL_RUN_SIZE)

static struct vmm_config config;
static struct machine *machine;
static struct fake_kernel kernel;
static char kernel_path[32], initrd_path[32];

static void start(void)
{
	void *ram =
		mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(ram, MAP_FAILED);
	setenv("CACHE_DIRECTORY", "/dev/null/none", 1);
	machine = calloc(1, sizeof(*machine));
	ck_assert_ptr_nonnull(machine);
	machine->config = &config;
	machine->memory = (struct guest_memory){ .region = { { 0, RAM_SIZE, ram } }, .count = 1 };
	config = (struct vmm_config){ .kernel.image = kernel_path };
}

static void stop(void)
{
	munmap(machine->memory.region[0].host, RAM_SIZE);
	fake_kernel_destroy(&kernel);
	free(machine);
}

/* A file of those first bytes and that size. */
static void make_file(char *path, size_t path_size, const void *bytes, size_t length, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	snprintf(path, path_size, "/proc/self/fd/%d", fd);
}

static int load(const char *command_line)
{
	static char words[8192];

	snprintf(words, sizeof(words), "%s", command_line);
	config.kernel.cmdline = words;
	make_file(kernel_path, sizeof(kernel_path), kernel.bytes, kernel.size, kernel.size);
	return arch_load_boot_image(machine);
}

static void have_initrd(size_t size)
{
	make_file(initrd_path, sizeof(initrd_path), "070701", size < 6 ? size : 6, size);
	config.kernel.initrd = initrd_path;
}

static const struct boot_params *params(void)
{
	return (const void *)(machine->memory.region[0].host + BOOT_PARAMS);
}

START_TEST(a_bzimage_is_entered_in_long_mode)
{
	fake_kernel_create_bzimage(&kernel, FAKE_XZ);

	ck_assert_int_eq(load("quiet"), 0);
	ck_assert_uint_eq(machine->entry.mode, BOOT_LONG_MODE);
	ck_assert_uint_eq(machine->entry.address, FAKE_KERNEL_ADDRESS);
	ck_assert_uint_eq(machine->entry.argument, BOOT_PARAMS);
	ck_assert_uint_eq(params()->hdr.boot_flag, 0xaa55);
	ck_assert_uint_ne(params()->hdr.setup_data, 0);
	ck_assert_uint_eq(params()->hdr.ramdisk_size, 0);
}

START_TEST(an_elf_kernel_is_entered_by_pvh)
{
	fake_kernel_create_elf(&kernel);

	ck_assert_int_eq(load("quiet"), 0);
	ck_assert_uint_eq(machine->entry.mode, BOOT_PVH);
	ck_assert_uint_eq(machine->entry.address, FAKE_KERNEL_PVH_ENTRY);
	ck_assert_uint_eq(machine->entry.argument, PVH_START_INFO);
}

START_TEST(every_boot_has_another_seed)
{
	uint8_t first[BOOT_SEED_SIZE];
	const uint8_t *seed = machine->memory.region[0].host + BOOT_SEED + 16;

	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	ck_assert_int_eq(load("quiet"), 0);
	memcpy(first, seed, sizeof(first));
	ck_assert_int_eq(load("quiet"), 0);

	ck_assert_mem_ne(first, seed, sizeof(first));
}

START_TEST(words_are_added_when_wanted)
{
	const char *line = (const char *)machine->memory.region[0].host + BOOT_COMMAND_LINE;

	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	ck_assert_int_eq(load("quiet"), 0);
	ck_assert_str_eq(line, "quiet");

	config.kernel.defaults = true;
	ck_assert_int_eq(load("quiet"), 0);
	ck_assert_ptr_nonnull(strstr(line, "panic=-1"));
}

START_TEST(an_initrd_is_put_as_high_as_it_goes)
{
	static const size_t sizes[] = { 1, 6, PAGE_SIZE, PAGE_SIZE + 1, RAM_SIZE - KERNEL_END };
	size_t size = sizes[_i];
	uint64_t address;

	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	have_initrd(size);

	ck_assert_int_eq(load("quiet"), 0);
	address = params()->hdr.ramdisk_image;
	ck_assert_uint_eq(address, (RAM_SIZE - size) & ~(uint64_t)(PAGE_SIZE - 1));
	ck_assert_uint_eq(params()->hdr.ramdisk_size, size);
	ck_assert_mem_eq(machine->memory.region[0].host + address, "070701", size < 6 ? size : 6);
}

START_TEST(an_initrd_that_does_not_fit_is_refused)
{
	static const size_t sizes[] = { RAM_SIZE - KERNEL_END + 1, RAM_SIZE, (size_t)1 << 40 };

	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	have_initrd(sizes[_i]);

	ck_assert_int_eq(load("quiet"), -EINVAL);
}

START_TEST(an_initrd_stays_where_the_kernel_can_reach_it)
{
	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	kernel.header->initrd_addr_max = KERNEL_END + 0x10000 - 1;
	have_initrd(0x10000);
	ck_assert_int_eq(load("quiet"), 0);
	ck_assert_uint_eq(params()->hdr.ramdisk_image, KERNEL_END);

	have_initrd(0x10001);
	ck_assert_int_eq(load("quiet"), -EINVAL);
}

START_TEST(an_initrd_below_the_kernel_is_refused)
{
	static const uint32_t ends[] = { 0, 0x100000, KERNEL_END - 1 };

	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	kernel.header->initrd_addr_max = ends[_i];
	have_initrd(PAGE_SIZE);

	ck_assert_int_eq(load("quiet"), -EINVAL);
}

static const char *const bad_initrds[] = { "/nonexistent", "/tmp", "/dev/null" };

START_TEST(an_initrd_that_is_no_file_is_refused)
{
	snprintf(initrd_path, sizeof(initrd_path), "%s", bad_initrds[_i]);
	config.kernel.initrd = initrd_path;
	fake_kernel_create_bzimage(&kernel, FAKE_XZ);

	ck_assert_int_eq(load("quiet"), -EINVAL);
}

START_TEST(an_empty_initrd_is_refused)
{
	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	have_initrd(0);

	ck_assert_int_eq(load("quiet"), -EINVAL);
}

START_TEST(a_command_line_that_the_kernel_cannot_take_is_refused)
{
	static const struct {
		size_t length;
		int result;
	} lines[] = { { 2047, 0 }, { 2048, -EINVAL }, { 4095, -EINVAL }, { 8000, -EINVAL } };
	static char line[8192];

	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	memset(line, 'x', lines[_i].length);

	ck_assert_int_eq(load(line), lines[_i].result);
}

int main(void)
{
	Suite *suite = suite_create("boot image");
	TCase *tcase = tcase_create("boot image");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_bzimage_is_entered_in_long_mode);
	tcase_add_test(tcase, an_elf_kernel_is_entered_by_pvh);
	tcase_add_test(tcase, every_boot_has_another_seed);
	tcase_add_test(tcase, words_are_added_when_wanted);
	tcase_add_loop_test(tcase, an_initrd_is_put_as_high_as_it_goes, 0, 5);
	tcase_add_loop_test(tcase, an_initrd_that_does_not_fit_is_refused, 0, 3);
	tcase_add_test(tcase, an_initrd_stays_where_the_kernel_can_reach_it);
	tcase_add_loop_test(tcase, an_initrd_below_the_kernel_is_refused, 0, 3);
	tcase_add_loop_test(tcase, an_initrd_that_is_no_file_is_refused, 0,
		ARRAY_SIZE(bad_initrds));
	tcase_add_test(tcase, an_empty_initrd_is_refused);
	tcase_add_loop_test(tcase, a_command_line_that_the_kernel_cannot_take_is_refused, 0, 4);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
