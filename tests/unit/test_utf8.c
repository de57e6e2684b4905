#include "suggest.h"
#include "utf8.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(every_character_comes_back)
{
	for (uint32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
		uint32_t decoded = 0;
		char bytes[4];
		size_t length;

		if (code_point >= 0xd800 && code_point <= 0xdfff)
			continue;
		length = utf8_encode(code_point, bytes);
		if (utf8_decode(bytes, length, &decoded) != length || decoded != code_point)
			ck_abort_msg("U+%04X", code_point);
		if (utf8_decode(bytes, length - 1, &decoded) != 0)
			ck_abort_msg("U+%04X cut short", code_point);
	}
}

static const char *const malformed[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3(",
	"\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2(\xa1", "\xf0\x8f\xbf\xbf",
	"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff" };

START_TEST(malformed_bytes_are_no_character)
{
	uint32_t code_point;

	ck_assert_uint_eq(utf8_decode(malformed[_i], strlen(malformed[_i]), &code_point), 0);
}

START_TEST(a_message_shows_anything_harmlessly)
{
	char buffer[40];

	ck_assert_str_eq(utf8_for_message(buffer, sizeof(buffer), "\x1b[2J\n\xff\xc3\xa9\xc2\x9b",
				 10),
		"\\x1b[2J\\x0a\\xff\xc3\xa9\\xc2\\x9b");
	ck_assert_str_eq(utf8_for_message(buffer, sizeof(buffer), "", 0), "");
}

START_TEST(a_long_message_is_cut_between_characters)
{
	char buffer[8];

	ck_assert_str_eq(utf8_for_message(buffer, sizeof(buffer),
				 "abc\xc3\xa9"
				 "def",
				 8),
		"abc...");
	ck_assert_str_eq(utf8_for_message(buffer, sizeof(buffer), "abcdefgh", 8), "abcd...");
	ck_assert_str_eq(utf8_for_message(buffer, sizeof(buffer), "abcd", 4), "abcd");
	ck_assert_str_eq(utf8_for_message(buffer, sizeof(buffer), "\x01\x02", 2), "\\x01...");
}

static const struct {
	const char *word;
	const char *nearest;
} words[] = {
	{ "memory", "memory" },
	{ "memroy", "memory" },
	{ "MEMORY", "memory" },
	{ "mem", "memory" },
	{ "vcpu", "vcpus" },
	{ "cpus", "vcpus" },
	{ "on-reboot", "on_reboot" },
	{ "x", NULL },
	{ "", NULL },
	{ "disk", NULL },
	{ "vcpusvcpus", NULL },
	{ "a word that is longer than anything that could be known", NULL },
};

START_TEST(suggests_the_nearest_name_or_none)
{
	struct suggestion suggestion;

	suggest_init(&suggestion, words[_i].word, strlen(words[_i].word));
	suggest_consider(&suggestion, "memory");
	suggest_consider(&suggestion, "vcpus");
	suggest_consider(&suggestion, "on_reboot");

	if (words[_i].nearest)
		ck_assert_pstr_eq(suggestion.nearest, words[_i].nearest);
	else
		ck_assert_ptr_null(suggestion.nearest);
}

int main(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tcase = tcase_create("utf8");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, every_character_comes_back);
	tcase_add_loop_test(tcase, malformed_bytes_are_no_character, 0,
		sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_test(tcase, a_message_shows_anything_harmlessly);
	tcase_add_test(tcase, a_long_message_is_cut_between_characters);
	tcase_add_loop_test(tcase, suggests_the_nearest_name_or_none, 0,
		sizeof(words) / sizeof(words[0]));

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
