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

START_TEST(an_elf_kernel_is_entered_where_its_note_says)
{
	fake_kernel_create_elf(&kernel);

	ck_assert_int_eq(load(true), 0);
	ck_assert(boot.pvh);
	ck_assert(!boot.has_header);
	ck_assert_uint_eq(boot.entry, FAKE_KERNEL_PVH_ENTRY);
	assert_is_whole();
}

START_TEST(an_elf_kernel_without_a_note_is_entered_at_its_entry)
{
	fake_kernel_create_elf(&kernel);
	kernel.elf->e_phnum = 1;

	ck_assert_int_eq(load(true), 0);
	ck_assert(!boot.pvh);
	ck_assert_uint_eq(boot.entry, FAKE_KERNEL_ADDRESS);
}

static void make_arm64_elf(void)
{
	kernel.elf->e_machine = EM_AARCH64;
}

static void make_odd_elf(void)
{
	kernel.elf->e_machine = 0x7777;
}

static void make_32_bit_elf(void)
{
	kernel.elf->e_ident[EI_CLASS] = ELFCLASS32;
}

static void make_big_endian(void)
{
	kernel.elf->e_ident[EI_DATA] = ELFDATA2MSB;
}

static void make_an_object(void)
{
	kernel.elf->e_type = ET_REL;
}

static void make_a_program(void)
{
	kernel.program[1].p_type = PT_INTERP;
}

static void leave_no_headers(void)
{
	kernel.elf->e_phnum = 0;
}

static void have_too_many_headers(void)
{
	kernel.elf->e_phnum = 0xffff;
}

static void have_headers_outside(void)
{
	kernel.elf->e_phoff = UINT64_MAX - 8;
}

static void load_nothing(void)
{
	kernel.program[0].p_type = PT_NULL;
}

static void load_from_outside(void)
{
	kernel.program[0].p_offset = UINT64_MAX - 8;
}

static void load_more_than_fits(void)
{
	kernel.program[0].p_filesz = FAKE_KERNEL_MEMORY_SIZE + 1;
}

static void load_on_the_zero_page(void)
{
	kernel.program[0].p_paddr = 0x7000;
}

static void load_beyond_memory(void)
{
	kernel.program[0].p_paddr = RAM_SIZE - 0x1000;
}

static void load_around_the_end(void)
{
	kernel.program[0].p_paddr = UINT64_MAX - 0x1000;
}

static void load_as_much_as_there_is(void)
{
	kernel.program[0].p_memsz = UINT64_MAX;
}

static void enter_elsewhere(void)
{
	kernel.elf->e_phnum = 1;
	kernel.elf->e_entry = 0x500;
}

static void note_elsewhere(void)
{
	kernel.program[1].p_offset = UINT64_MAX;
}

static void cut_the_elf_header(void)
{
	kernel.size = 20;
}

static void cut_the_program_headers(void)
{
	kernel.size = 100;
}

static const struct {
	void (*spoil)(void);
	const char *words;
} bad_elfs[] = {
	{ make_arm64_elf, "for arm64, not for x86_64" },
	{ make_odd_elf, "for machine 30583" },
	{ make_32_bit_elf, "not a 64-bit" },
	{ make_big_endian, "not a 64-bit" },
	{ make_an_object, "not an executable" },
	{ make_a_program, "an ordinary program" },
	{ leave_no_headers, "malformed" },
	{ have_too_many_headers, "malformed" },
	{ have_headers_outside, "truncated" },
	{ load_nothing, "nothing to load" },
	{ load_from_outside, "truncated" },
	{ load_more_than_fits, "truncated" },
	{ load_on_the_zero_page, "below 1 MiB" },
	{ load_beyond_memory, "more memory" },
	{ load_around_the_end, "above 3 GiB" },
	{ load_as_much_as_there_is, "more memory" },
	{ enter_elsewhere, "entry point" },
	{ note_elsewhere, "truncated" },
	{ cut_the_elf_header, "truncated" },
	{ cut_the_program_headers, "truncated" },
};

START_TEST(a_bad_elf_file_is_refused_in_words)
{
	fake_kernel_create_elf(&kernel);
	bad_elfs[_i].spoil();

	ck_assert_int_eq(load(true), -EINVAL);
	ck_assert_msg(strstr(error.text, bad_elfs[_i].words), "it said: %s", error.text);
}

/* Sizes of name and description in a note that lie; the parser must end, and find nothing. */
START_TEST(notes_that_lie_are_passed_over)
{
	static const Elf64_Nhdr notes[] = {
		{ UINT32_MAX, UINT32_MAX, 18 },
		{ UINT32_MAX, 8, 18 },
		{ 4, UINT32_MAX, 18 },
		{ 0, 0, 18 },
		{ 4, 16, 18 },
		{ 4, 8, 17 },
		{ 5, 8, 18 },
	};

	fake_kernel_create_elf(&kernel);
	memcpy(kernel.note, &notes[_i], sizeof(notes[_i]));

	ck_assert_int_eq(load(true), 0);
	ck_assert(!boot.pvh);
}

/* Every length of a file, up to the last byte that is loaded. */
START_TEST(any_truncation_is_refused)
{
	size_t whole = FAKE_KERNEL_CODE + FAKE_KERNEL_CODE_SIZE;

	fake_kernel_create_elf(&kernel);
	for (kernel.size = 0; kernel.size < whole; kernel.size += 1009) {
		ck_assert_int_eq(load(true), -EINVAL);
		ck_assert_uint_gt(strlen(error.text), 0);
	}
}

int main(void)
{
	Suite *suite = suite_create("boot elf");
	TCase *tcase = tcase_create("boot elf");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, an_elf_kernel_is_entered_where_its_note_says);
	tcase_add_test(tcase, an_elf_kernel_without_a_note_is_entered_at_its_entry);
	tcase_add_loop_test(tcase, a_bad_elf_file_is_refused_in_words, 0, ARRAY_SIZE(bad_elfs));
	tcase_add_loop_test(tcase, notes_that_lie_are_passed_over, 0, 7);
	tcase_add_test(tcase, any_truncation_is_refused);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
