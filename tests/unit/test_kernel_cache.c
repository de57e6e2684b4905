#include "compiler.h"
#include "fake_kernel.h"
#include "kernel_cache.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define RAM_SIZE 0x2000000ULL
#define HEADER_ROOM 8192

static char directory[64];
static struct guest_memory memory;
static struct fake_kernel elf;
static struct kernel_plan plan;
static struct stat image;
static uint8_t head[4096];

static void start(void)
{
	struct kernel_source source;
	struct boot_error error;
	void *ram =
		mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(ram, MAP_FAILED);
	memory = (struct guest_memory){ .region = { { 0, RAM_SIZE, ram } }, .count = 1 };
	strcpy(directory, "/tmp/test_kernel_cache.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	setenv("CACHE_DIRECTORY", directory, 1);

	fake_kernel_create_elf(&elf);
	source = (struct kernel_source){ elf.bytes, -1, 0, elf.size };
	ck_assert_int_eq(elf_parse(&source, &plan, &error), 0);
	kernel_plan_trim(&plan, elf.bytes);
	image = (struct stat){ .st_dev = 1, .st_ino = 2, .st_size = 3, .st_ctim = { 100, 5 } };
	memset(head, 0x42, sizeof(head));
}

static void stop(void)
{
	char command[128];

	munmap(memory.region[0].host, RAM_SIZE);
	fake_kernel_destroy(&elf);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static void store(void)
{
	kernel_cache_store(&image, head, sizeof(head), &plan, elf.bytes);
}

static bool find(struct cached_kernel *cached)
{
	return kernel_cache_find(&image, head, sizeof(head), cached);
}

/* The one file in the cache, or what else a shell pattern names there. */
static int open_file(void)
{
	char command[128], path[128] = "";
	FILE *list;
	int fd;

	snprintf(command, sizeof(command), "ls %s/kernel-*", directory);
	list = popen(command, "r");
	ck_assert_ptr_nonnull(list);
	ck_assert_ptr_nonnull(fgets(path, sizeof(path), list));
	ck_assert_ptr_null(fgets(command, sizeof(command), list));
	pclose(list);
	path[strcspn(path, "\n")] = '\0';
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(what_is_kept_is_found_and_is_whole)
{
	struct cached_kernel cached;
	uint8_t *relocations;
	const uint8_t *loaded = memory.region[0].host + FAKE_KERNEL_ADDRESS;

	ck_assert(!find(&cached));
	store();
	ck_assert(find(&cached));
	ck_assert_int_eq(kernel_cache_load(&cached, &memory, &relocations), 0);

	ck_assert_mem_eq(loaded, elf.bytes + FAKE_KERNEL_CODE, FAKE_KERNEL_CODE_SIZE);
	ck_assert_uint_eq(cached.plan.relocations_size, plan.relocations_size);
	ck_assert_mem_eq(relocations, elf.bytes + plan.relocations, plan.relocations_size);
	ck_assert_uint_eq(cached.plan.entry, plan.entry);
	free(relocations);
	kernel_cache_close(&cached);
}

START_TEST(long_runs_of_zeros_are_not_kept)
{
	struct stat status;
	int fd;

	store();
	fd = open_file();
	ck_assert_int_eq(fstat(fd, &status), 0);
	ck_assert_int_eq(status.st_mode & 0777, 0600);
	ck_assert_int_lt(status.st_size, FAKE_KERNEL_CODE_SIZE);
	close(fd);
}

static void change_device(void)
{
	image.st_dev++;
}

static void change_inode(void)
{
	image.st_ino++;
}

static void change_size(void)
{
	image.st_size++;
}

static void change_content_time(void)
{
	image.st_mtim.tv_nsec++;
}

static void change_status_time(void)
{
	image.st_ctim.tv_nsec++;
}

static void change_first_bytes(void)
{
	head[4000] ^= 1;
}

static void (*const changes[])(void) = { change_device, change_inode, change_size,
	change_content_time, change_status_time, change_first_bytes };

START_TEST(another_file_is_another_kernel)
{
	struct cached_kernel cached;

	store();
	changes[_i]();

	ck_assert(!find(&cached));
}

START_TEST(a_file_changed_just_now_is_not_kept)
{
	struct cached_kernel cached;

	clock_gettime(CLOCK_REALTIME, &image.st_ctim);
	store();

	ck_assert(!find(&cached));
}

static void damage(int fd, off_t offset)
{
	uint8_t byte;

	ck_assert_int_eq(pread(fd, &byte, 1, offset), 1);
	byte ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &byte, 1, offset), 1);
}

START_TEST(a_damaged_header_is_not_believed)
{
	struct cached_kernel cached;
	int fd;

	store();
	fd = open_file();
	damage(fd, _i * 37);

	ck_assert(!find(&cached));
	close(fd);
}

START_TEST(damaged_contents_are_not_believed)
{
	struct cached_kernel cached;
	struct stat status;
	uint8_t *relocations;
	int fd;

	store();
	fd = open_file();
	ck_assert_int_eq(fstat(fd, &status), 0);
	damage(fd, _i == 9 ? status.st_size - 1 : HEADER_ROOM + _i * 6000);

	ck_assert(find(&cached));
	ck_assert_int_eq(kernel_cache_load(&cached, &memory, &relocations), -EIO);
	free(relocations);
	kernel_cache_close(&cached);
	close(fd);
}

static void cut(int fd)
{
	ck_assert_int_eq(ftruncate(fd, HEADER_ROOM + 100), 0);
}

static void cut_all(int fd)
{
	ck_assert_int_eq(ftruncate(fd, 0), 0);
}

static void lengthen(int fd)
{
	ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
}

static void let_others_write(int fd)
{
	ck_assert_int_eq(fchmod(fd, 0622), 0);
}

static void let_others_write_the_directory(int fd)
{
	(void)fd;
	ck_assert_int_eq(chmod(directory, 0777), 0);
}

static void (*const mistrust[])(
	int) = { cut, cut_all, lengthen, let_others_write, let_others_write_the_directory };

START_TEST(a_file_that_others_may_have_made_is_not_believed)
{
	struct cached_kernel cached;
	int fd;

	store();
	fd = open_file();
	mistrust[_i](fd);

	ck_assert(!find(&cached));
	close(fd);
}

START_TEST(a_file_of_somebody_else_is_not_believed)
{
	struct cached_kernel cached;
	int fd;

	if (geteuid() != 0) {
		puts("SKIP: only root can give a file away");
		return;
	}
	store();
	fd = open_file();
	ck_assert_int_eq(fchown(fd, 12345, 12345), 0);

	ck_assert(!find(&cached));
	close(fd);
}

START_TEST(a_damaged_file_is_replaced)
{
	struct cached_kernel cached;
	uint8_t *relocations;
	int fd;

	store();
	fd = open_file();
	damage(fd, HEADER_ROOM + 5);
	close(fd);
	store();

	ck_assert(find(&cached));
	ck_assert_int_eq(kernel_cache_load(&cached, &memory, &relocations), 0);
	free(relocations);
	kernel_cache_close(&cached);
}

START_TEST(only_a_few_kernels_are_kept)
{
	char command[128];

	for (unsigned i = 0; i < 20; i++) {
		image.st_ino = 100 + i;
		store();
	}
	snprintf(command, sizeof(command), "test $(ls %s | wc -l) = 8", directory);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(without_a_directory_nothing_is_kept)
{
	struct cached_kernel cached;

	setenv("CACHE_DIRECTORY", "/dev/null/none", 1);
	store();

	ck_assert(!find(&cached));
}

int main(void)
{
	Suite *suite = suite_create("kernel cache");
	TCase *tcase = tcase_create("kernel cache");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, what_is_kept_is_found_and_is_whole);
	tcase_add_test(tcase, long_runs_of_zeros_are_not_kept);
	tcase_add_loop_test(tcase, another_file_is_another_kernel, 0, ARRAY_SIZE(changes));
	tcase_add_test(tcase, a_file_changed_just_now_is_not_kept);
	tcase_add_loop_test(tcase, a_damaged_header_is_not_believed, 0, 60);
	tcase_add_loop_test(tcase, damaged_contents_are_not_believed, 0, 10);
	tcase_add_loop_test(tcase, a_file_that_others_may_have_made_is_not_believed, 0,
		ARRAY_SIZE(mistrust));
	tcase_add_test(tcase, a_file_of_somebody_else_is_not_believed);
	tcase_add_test(tcase, a_damaged_file_is_replaced);
	tcase_add_test(tcase, only_a_few_kernels_are_kept);
	tcase_add_test(tcase, without_a_directory_nothing_is_kept);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
