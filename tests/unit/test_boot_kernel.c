#include "boot_kernel.h"
#include "compiler.h"
#include "fake_kernel.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SIZE 0x2000000ULL

static struct guest_memory memory;
static struct fake_kernel kernel;
static struct boot_kernel boot;
static struct boot_error error;

static void start(void)
{
	void *ram =
		mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(ram, MAP_FAILED);
	memory = (struct guest_memory){ .region = { { 0, RAM_SIZE, ram } }, .count = 1 };
	setenv("CACHE_DIRECTORY", "/dev/null/none", 1);
}

static void stop(void)
{
	munmap(memory.region[0].host, RAM_SIZE);
	fake_kernel_destroy(&kernel);
}

static int load(bool randomise)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC), result;
	char path[32];

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, kernel.bytes, kernel.size), (ssize_t)kernel.size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	result = boot_kernel_load(path, &memory, randomise, &boot, &error);
	close(fd);
	return result;
}

static const uint8_t *loaded(void)
{
	return memory.region[0].host + FAKE_KERNEL_ADDRESS;
}

static void assert_is_whole(void)
{
	struct fake_kernel elf;
	static const uint8_t zero[FAKE_KERNEL_MEMORY_SIZE - FAKE_KERNEL_CODE_SIZE];

	fake_kernel_create_elf(&elf);
	ck_assert_mem_eq(loaded(), elf.bytes + FAKE_KERNEL_CODE, FAKE_KERNEL_CODE_SIZE);
	ck_assert_mem_eq(loaded() + FAKE_KERNEL_CODE_SIZE, zero, sizeof(zero));
	fake_kernel_destroy(&elf);
}

START_TEST(a_packed_kernel_is_unpacked_on_the_host)
{
	static const enum fake_packing packings[] = { FAKE_GZIP, FAKE_XZ, FAKE_LZMA, FAKE_ZSTD };

	fake_kernel_create_bzimage(&kernel, packings[_i]);

	ck_assert_int_eq(load(false), 0);
	ck_assert(boot.has_header);
	ck_assert(!boot.pvh);
	ck_assert_uint_eq(boot.entry, FAKE_KERNEL_ADDRESS);
	ck_assert_uint_eq(boot.end, FAKE_KERNEL_ADDRESS + FAKE_KERNEL_RUN_SIZE);
	ck_assert_uint_eq(boot.initrd_end, 0x80000000);
	ck_assert_uint_eq(boot.command_line_limit, 2047);
	assert_is_whole();
}

START_TEST(a_packing_unknown_here_is_left_to_the_kernel)
{
	fake_kernel_create_bzimage(&kernel, FAKE_PLAIN);

	ck_assert_int_eq(load(false), 0);
	ck_assert_uint_eq(boot.entry, FAKE_KERNEL_ADDRESS + 0x200);
	ck_assert_mem_eq(loaded(), kernel.bytes + 1024, kernel.size - 1024);
}

static int32_t get_32(size_t offset)
{
	int32_t value;

	memcpy(&value, loaded() + offset, sizeof(value));
	return value;
}

START_TEST(addresses_are_randomised_as_the_kernel_would)
{
	uint32_t distance;
	uint64_t wide;

	fake_kernel_create_bzimage(&kernel, FAKE_XZ);

	do { /* one time in 510 the choice is where it was linked */
		stop();
		start();
		fake_kernel_create_bzimage(&kernel, FAKE_XZ);
		ck_assert_int_eq(load(true), 0);
		distance = (uint32_t)get_32(0x100) - 0x81000000U;
	} while (distance == 0);

	ck_assert_uint_eq(distance % 0x200000, 0);
	ck_assert_uint_lt(distance, 0x40000000);
	ck_assert_uint_eq((uint32_t)get_32(0x200), 0x70000000U - distance);
	memcpy(&wide, loaded() + 0x300, sizeof(wide));
	ck_assert_uint_eq(wide, 0xffffffff81000000ULL + distance);
	ck_assert(boot.header.loadflags & KASLR_FLAG);
}

START_TEST(addresses_stay_when_the_operator_says_so)
{
	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	kernel.header->loadflags |= KASLR_FLAG;

	ck_assert_int_eq(load(false), 0);
	ck_assert(!(boot.header.loadflags & KASLR_FLAG));
	assert_is_whole();
}

/* What can be wrong with a file, and a part of the words for it. */
static void make_empty(void)
{
	kernel.size = 0;
}

static void make_text(void)
{
	strcpy((char *)kernel.bytes, "a line of text\n");
	kernel.size = 15;
}

static void make_noise(void)
{
	memset(kernel.bytes, 0x03, kernel.size);
}

static void make_gzip(void)
{
	memcpy(kernel.bytes, "\x1f\x8b\x08", 3);
	kernel.bytes[0x202] = 0;
}

static void make_arm64_image(void)
{
	kernel.bytes[0x202] = 0;
	memcpy(kernel.bytes + 56, "ARM\x64", 4);
}

static void make_efi_program(void)
{
	kernel.bytes[0x202] = 0;
	memcpy(kernel.bytes, "MZ", 2);
}

static void cut_short(void)
{
	kernel.size -= 1;
}

static void cut_to_its_head(void)
{
	kernel.size = 1024;
}

static void cut_to_half_a_header(void)
{
	kernel.size = 0x210;
}

static void make_it_old(void)
{
	kernel.header->version = 0x0205;
}

static void make_it_32_bit(void)
{
	kernel.header->xloadflags = 0;
}

static void make_it_a_zimage(void)
{
	kernel.header->loadflags = 0;
}

static void move_the_payload_out(void)
{
	kernel.header->payload_offset = 0xfffffff0;
}

static void lengthen_the_payload(void)
{
	kernel.header->payload_length = 0xffffffff;
}

static void claim_no_code(void)
{
	kernel.header->syssize = 1;
	kernel.header->payload_length = 0;
	kernel.header->payload_offset = 0;
}

static void claim_a_huge_size(void)
{
	kernel.header->syssize = 0xffffffff;
}

static void want_a_low_address(void)
{
	kernel.header->pref_address = 0x7000;
}

static void want_a_high_address(void)
{
	kernel.header->pref_address = 0xffffffffffe00000;
}

static void want_an_odd_address(void)
{
	kernel.header->pref_address = 0x1000001;
}

static void want_much_to_run(void)
{
	kernel.header->init_size = 0xfffffff0;
}

static void want_more_than_there_is(void)
{
	kernel.header->init_size = 0x3000000;
}

static void want_nothing_to_run(void)
{
	kernel.header->init_size = 0;
}

static void damage_the_payload(void)
{
	memset(kernel.bytes + 1024 + 0x400 + 64, 0xaa, 64);
}

static const struct {
	void (*spoil)(void);
	const char *words;
} bad_bzimages[] = {
	{ make_empty, "empty" },
	{ make_text, "a text file" },
	{ make_noise, "of no kind known" },
	{ make_gzip, "a gzip file" },
	{ make_arm64_image, "an arm64 kernel Image" },
	{ make_efi_program, "an EFI (PE) program" },
	{ cut_short, "truncated" },
	{ cut_to_its_head, "truncated" },
	{ cut_to_half_a_header, "not a kernel" },
	{ make_it_old, "2.5 is older than 2.12" },
	{ make_it_32_bit, "32-bit" },
	{ make_it_a_zimage, "zImage" },
	{ move_the_payload_out, "payload outside" },
	{ lengthen_the_payload, "payload outside" },
	{ claim_no_code, "no room" },
	{ claim_a_huge_size, "truncated" },
	{ want_a_low_address, "impossible address" },
	{ want_a_high_address, "impossible address" },
	{ want_an_odd_address, "impossible address" },
	{ want_much_to_run, "impossible 0x" },
	{ want_more_than_there_is, "the guest has 32 MiB" },
	{ want_nothing_to_run, "impossible 0x" },
	{ damage_the_payload, "damaged" },
};

START_TEST(a_bad_bzimage_is_refused_in_words)
{
	fake_kernel_create_bzimage(&kernel, FAKE_XZ);
	bad_bzimages[_i].spoil();

	ck_assert_int_eq(load(true), -EINVAL);
	ck_assert_msg(strstr(error.text, bad_bzimages[_i].words), "it said: %s", error.text);
}

/* The promised size is a lie, but the memory the kernel asked for is not exceeded. */
START_TEST(a_payload_larger_than_it_may_be_is_refused)
{
	fake_kernel_create_bzimage(&kernel, FAKE_GZIP);
	kernel.header->init_size = (uint32_t)(kernel.size & ~15U);
	ck_assert_uint_lt(kernel.header->init_size, FAKE_KERNEL_CODE_SIZE);

	ck_assert_int_eq(load(true), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "damaged"));
}

START_TEST(what_is_no_file_is_refused)
{
	static const struct {
		const char *path;
		const char *words;
	} paths[] = {
		{ "/nonexistent", "No such file" },
		{ "/tmp", "not a regular file" },
		{ "/dev/null", "not a regular file" },
	};

	ck_assert_int_eq(boot_kernel_load(paths[_i].path, &memory, true, &boot, &error), -EINVAL);
	ck_assert_msg(strstr(error.text, paths[_i].words), "it said: %s", error.text);
}

/* Every length of a file, up to the whole one. */
START_TEST(any_truncation_is_refused)
{
	size_t whole;

	fake_kernel_create_bzimage(&kernel, FAKE_ZSTD);
	whole = kernel.size;
	for (kernel.size = 0; kernel.size < whole; kernel.size += 7) {
		ck_assert_int_eq(load(true), -EINVAL);
		ck_assert_uint_gt(strlen(error.text), 0);
	}
}

int main(void)
{
	Suite *suite = suite_create("boot kernel");
	TCase *tcase = tcase_create("boot kernel");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, a_packed_kernel_is_unpacked_on_the_host, 0, 4);
	tcase_add_test(tcase, a_packing_unknown_here_is_left_to_the_kernel);
	tcase_add_test(tcase, addresses_are_randomised_as_the_kernel_would);
	tcase_add_test(tcase, addresses_stay_when_the_operator_says_so);
	tcase_add_loop_test(tcase, a_bad_bzimage_is_refused_in_words, 0, ARRAY_SIZE(bad_bzimages));
	tcase_add_test(tcase, a_payload_larger_than_it_may_be_is_refused);
	tcase_add_loop_test(tcase, what_is_no_file_is_refused, 0, 3);
	tcase_add_test(tcase, any_truncation_is_refused);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
