/* Copies: every length at every offset, every cut of a vector, and not a byte beyond. */
#include "compiler.h"
#include "copy.h"

#include <check.h>
#include <stdlib.h>

#define ROOM 400
#define LONGEST 200
#define BEHIND 0xee

static uint8_t source[ROOM], target[ROOM];

static void start(void)
{
	for (unsigned i = 0; i < ROOM; i++)
		source[i] = (uint8_t)(i * 13 + i / 256);
	memset(target, BEHIND, sizeof(target));
}

static void check_and_clear(unsigned at, const uint8_t *expected, size_t length)
{
	uint8_t wanted[ROOM];

	memset(wanted, BEHIND, sizeof(wanted));
	memcpy(wanted + at, expected, length);
	ck_assert_mem_eq(target, wanted, ROOM);
	memset(target + at, BEHIND, length);
}

START_TEST(copies_each_length_and_nothing_else)
{
	for (unsigned length = 0; length < LONGEST; length++) {
		for (unsigned offset = 0; offset < 70; offset += 5) {
			copy_bytes(target + offset + 1, source + offset, length);
			check_and_clear(offset + 1, source + offset, length);
			copy_inline(target + offset, source + offset / 2, length);
			check_and_clear(offset, source + offset / 2, length);
		}
	}
}

/* A vector of pieces that are so long, with so much between them. */
// NOLINTNEXTLINE(readability-non-const-parameter): written through the vector
static unsigned cut(struct iovec *iov, uint8_t *bytes, size_t length, size_t piece)
{
	unsigned count = 0;

	for (size_t at = 0; at < length; at += piece)
		iov[count++] = (struct iovec){
			.iov_base = bytes + at,
			.iov_len = length - at < piece ? length - at : piece,
		};
	return count;
}

START_TEST(copies_between_vectors_cut_differently)
{
	struct iovec from[LONGEST], to[LONGEST];

	for (size_t i = 1; i < 40; i++) {
		for (size_t j = 1; j < 40; j += 3) {
			struct copy_place read = { from, cut(from, source, LONGEST, i), 0 };
			struct copy_place write = { to, cut(to, target + 9, LONGEST, j), 0 };

			ck_assert_uint_eq(copy_between(&write, &read, 100), 100);
			ck_assert_uint_eq(copy_between(&write, &read, 7), 7);
			ck_assert_uint_eq(copy_between(&write, &read, SIZE_MAX), LONGEST - 107);
			ck_assert_uint_eq(copy_between(&write, &read, 1), 0);
			check_and_clear(9, source, LONGEST);
		}
	}
}

START_TEST(ends_where_the_shorter_vector_ends)
{
	struct iovec from[LONGEST], to[LONGEST];
	struct copy_place read = { from, cut(from, source, 50, 7), 0 };
	struct copy_place write = { to, cut(to, target, 30, 4), 0 };

	ck_assert_uint_eq(copy_between(&write, &read, 40), 30);
	check_and_clear(0, source, 30);
}

START_TEST(puts_own_bytes_in_and_takes_them_out)
{
	struct iovec iov[LONGEST];
	uint8_t header[12];

	for (size_t piece = 1; piece < 14; piece++) {
		struct copy_place in = { iov, cut(iov, target + 3, 20, piece), 0 };
		struct copy_place out = in;

		ck_assert_uint_eq(copy_in(&in, source, sizeof(header)), sizeof(header));
		ck_assert_uint_eq(copy_out(header, &out, sizeof(header)), sizeof(header));
		ck_assert_mem_eq(header, source, sizeof(header));
		check_and_clear(3, source, sizeof(header));
	}
}

int main(void)
{
	Suite *suite = suite_create("copy");
	TCase *tcase = tcase_create("copy");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, copies_each_length_and_nothing_else);
	tcase_add_test(tcase, copies_between_vectors_cut_differently);
	tcase_add_test(tcase, ends_where_the_shorter_vector_ends);
	tcase_add_test(tcase, puts_own_bytes_in_and_takes_them_out);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
