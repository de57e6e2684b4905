/* Mappings whose files are truncated under us. */
#include "guest_memory.h"
#include "memory_guard.h"
#include "wire_control.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE 4096U
#define LENGTH (4 * PAGE)
#define PLACES (WIRE_PORTS_MAX * GUEST_MEMORY_REGIONS)

struct file {
	int fd;
	uint8_t *mapping;
	const char *broken;
	struct memory_guard_place *place;
};

static struct file files[3];

static void start(void)
{
	const struct rlimit no_core = { 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	for (unsigned i = 0; i < 3; i++) {
		struct file *file = &files[i];

		file->fd = memfd_create("memory", MFD_CLOEXEC);
		ck_assert_int_ge(file->fd, 0);
		ck_assert_int_eq(ftruncate(file->fd, LENGTH), 0);
		file->mapping = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
		ck_assert_ptr_ne(file->mapping, MAP_FAILED);
		file->mapping[LENGTH - 1] = 7;
	}
	for (unsigned i = 0; i < 2; i++) {
		files[i].place = memory_guard_add(files[i].mapping, LENGTH, &files[i].broken);
		ck_assert_ptr_nonnull(files[i].place);
	}
}

static void stop(void)
{
	for (unsigned i = 0; i < 3; i++) {
		munmap(files[i].mapping, LENGTH);
		memory_guard_remove(files[i].place);
		close(files[i].fd);
	}
}

static void truncate_file(unsigned i)
{
	ck_assert_int_eq(ftruncate(files[i].fd, PAGE), 0);
}

static uint8_t touch(unsigned i)
{
	return *(volatile uint8_t *)&files[i].mapping[LENGTH - 1];
}

START_TEST(reads_nothing_where_memory_went_away)
{
	truncate_file(0);

	ck_assert_uint_eq(touch(0), 0);
	ck_assert_str_eq(files[0].broken, "its memory went away");
	ck_assert_uint_eq(files[0].mapping[0], 0);
}

START_TEST(writes_nowhere_where_memory_went_away)
{
	truncate_file(0);

	*(volatile uint8_t *)&files[0].mapping[2 * PAGE] = 1;
	*(volatile uint8_t *)&files[0].mapping[0] = 1;

	ck_assert_ptr_nonnull(files[0].broken);
	ck_assert_int_eq(ftruncate(files[0].fd, LENGTH), 0);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t byte;

		ck_assert_int_eq(pread(files[0].fd, &byte, 1, i * 2 * PAGE), 1);
		ck_assert_uint_eq(byte, 0);
	}
}

START_TEST(leaves_other_mappings_alone)
{
	truncate_file(0);
	touch(0);

	ck_assert_ptr_null(files[1].broken);
	ck_assert_uint_eq(touch(1), 7);
	ck_assert_uint_eq(touch(2), 7);
	truncate_file(1);
	ck_assert_uint_eq(touch(1), 0);
	ck_assert_ptr_nonnull(files[1].broken);
}

START_TEST(what_is_not_watched_ends_the_process_as_ever)
{
	truncate_file(2);
	touch(2);
}

START_TEST(what_is_not_watched_any_more_does_too)
{
	memory_guard_remove(files[0].place);
	truncate_file(0);
	touch(0);
}

START_TEST(a_signal_that_was_sent_ends_the_process_as_ever)
{
	raise(SIGBUS);
}

START_TEST(there_are_places_for_every_region_of_every_port_and_they_are_used_again)
{
	static struct memory_guard_place *places[PLACES];

	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < PLACES - 2; i++) {
			places[i] = memory_guard_add(files[2].mapping, LENGTH, &files[2].broken);
			ck_assert_ptr_nonnull(places[i]);
		}
		ck_assert_ptr_null(memory_guard_add(files[2].mapping, LENGTH, &files[2].broken));
		for (unsigned i = 0; i < PLACES - 2; i++)
			memory_guard_remove(places[i]);
	}
	truncate_file(1);
	ck_assert_uint_eq(touch(1), 0);
}

int main(void)
{
	Suite *suite = suite_create("memory guard");
	TCase *tcase = tcase_create("guard");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, reads_nothing_where_memory_went_away);
	tcase_add_test(tcase, writes_nowhere_where_memory_went_away);
	tcase_add_test(tcase, leaves_other_mappings_alone);
	tcase_add_test_raise_signal(tcase, what_is_not_watched_ends_the_process_as_ever, SIGBUS);
	tcase_add_test_raise_signal(tcase, what_is_not_watched_any_more_does_too, SIGBUS);
	tcase_add_test_raise_signal(tcase, a_signal_that_was_sent_ends_the_process_as_ever, SIGBUS);
	tcase_add_test(tcase,
		there_are_places_for_every_region_of_every_port_and_they_are_used_again);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
