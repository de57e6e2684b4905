#include "compiler.h"
#include "console_key.h"
#include "keys.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define E "\x05"

static struct keys keys;

static void start(void)
{
	keys_init(&keys, KEYS_CONS, 0);
}

/* What happens, as text: bytes as they are, events in <>. */
static const char *typed(const char *text)
{
	static const char *const names[] = { "", "", "<escape>", "<send ", "<leave>", "<break>",
		"<hide>", "<show>", "<take>", "<yield>", "<channel ", "<next>", "<previous>",
		"<last>", "<command>", "<detach>", "<help>", "<number ", "<broadcast>", "<wrong " };
	static char log[256];
	const uint8_t *bytes = (const uint8_t *)text;
	size_t length = strlen(text);

	log[0] = 0;
	while (length) {
		struct key_event event;
		size_t used = keys_next(&keys, bytes, length, &event);

		ck_assert(used || event.action != KEY_NOTHING);
		strcat(log, names[event.action]);
		if (event.action == KEY_BYTES)
			strncat(log, (const char *)event.bytes, event.length);
		if (event.action == KEY_SEND || event.action == KEY_CHANNEL)
			strncat(strncat(log, (const char *)&event.byte, 1), ">", 2);
		if (event.action == KEY_NUMBER)
			snprintf(log + strlen(log), sizeof(log) - strlen(log), "%u>", event.number);
		if (event.action == KEY_WRONG_NUMBER)
			strcat(strncat(log, (const char *)event.bytes, event.length), ">");
		bytes += used;
		length -= used;
	}
	return log;
}

START_TEST(plain_bytes_pass)
{
	ck_assert_str_eq(typed("ls -l\r"), "ls -l\r");
}
END_TEST

static const struct {
	const char *keys, *log;
} sequences[] = {
	{ E ".", "<escape><leave>" },
	{ E "e", "<escape><send \x05>" },
	{ E "c", "<escape><send \x03>" },
	{ E "z", "<escape><send \x1a>" },
	{ E "q", "<escape><send \x1b>" },
	{ E "l", "<escape><break>" },
	{ E "h", "<escape><hide>" },
	{ E "s", "<escape><show>" },
	{ E "t", "<escape><take>" },
	{ E "y", "<escape><yield>" },
	{ E "n", "<escape><next>" },
	{ E "p", "<escape><previous>" },
	{ E "\t", "<escape><last>" },
	{ E ":", "<escape><command>" },
	{ E "d", "<escape><detach>" },
	{ E "?", "<escape><help>" },
	{ E "1", "<escape><channel 1>" },
	{ E "x", "<escape><channel x>" },
	{ E E, "<escape><channel \x05>" },
};

START_TEST(nothing_of_a_sequence_leaks)
{
	ck_assert_str_eq(typed(sequences[_i].keys), sequences[_i].log);
}
END_TEST

START_TEST(bytes_behind_a_switch_come_after_it)
{
	ck_assert_str_eq(typed("a" E "2b" E "1c"), "a<escape><channel 2>b<escape><channel 1>c");
}
END_TEST

START_TEST(a_sequence_may_come_in_pieces)
{
	ck_assert_str_eq(typed("a" E), "a<escape>");
	ck_assert_str_eq(typed(".b"), "<leave>b");
}
END_TEST

START_TEST(the_escape_key_can_be_another)
{
	keys_init(&keys, KEYS_CONS, '@');

	ck_assert_str_eq(typed("a" E "b@.@e"), "a" E "b<escape><leave><escape><send @>");
}
END_TEST

START_TEST(without_an_escape_key_everything_passes)
{
	keys_init(&keys, KEYS_CONS, KEYS_NONE);

	ck_assert_str_eq(typed(E ".\xff"), E ".\xff");
}
END_TEST

#define B "\x1c"

static const struct {
	enum keys_mode mode;
	const char *keys, *log;
} mode_sequences[] = {
	{ KEYS_LIBVMM, "a@1b@9c", "a<escape><number 0>b<escape><number 8>c" },
	{ KEYS_LIBVMM, "@m@.", "<escape><broadcast><escape><leave>" },
	{ KEYS_LIBVMM, "x@@y\\@z", "x<escape><send @>y<send @>z" },
	{ KEYS_LIBVMM, "\\n\\\\n", "<send \\>n<send \\><send \\>n" },
	{ KEYS_LIBVMM, "\\\\@1", "<send \\><send @>1" },
	{ KEYS_LIBVMM, "\\" E, "<send \\>" E },
	{ KEYS_LIBVMM, "@0@e", "<escape><channel 0><escape><send @>" },
	{ KEYS_SDDF, "a" B "0\rb" B "12\rc", "a<escape><number 0>b<escape><number 12>c" },
	{ KEYS_SDDF, B "9999\nx", "<escape><number 9999>x" },
	{ KEYS_SDDF, B B "x" B ".", "<escape><send \x1c>x<escape><leave>" },
	{ KEYS_SDDF, B "1x2\r", "<escape><wrong 1x>2\r" },
	{ KEYS_SDDF, B "123456\rx", "<escape><wrong 12346>x" },
	{ KEYS_SDDF, B "1" B "2\r", "<escape><wrong 1><escape><number 2>" },
	{ KEYS_SDDF, B "\rx", "<escape><channel \r>x" },
};

START_TEST(other_programs_keys_mean_what_they_mean_there)
{
	keys_init(&keys, mode_sequences[_i].mode, 0);

	ck_assert_str_eq(typed(mode_sequences[_i].keys), mode_sequences[_i].log);
}
END_TEST

START_TEST(no_channel_can_have_a_key_of_ours)
{
	for (size_t i = 0; i < key_count; i++)
		ck_assert(keys_is_reserved(key_table[i].key));
	ck_assert(keys_is_reserved('t'));
	ck_assert(keys_is_reserved('y'));
	ck_assert(!keys_is_reserved('1'));
	ck_assert(!keys_is_reserved('x'));
	ck_assert(!keys_is_reserved(0));
}
END_TEST

static const struct {
	const char *name;
	bool valid;
	int escape;
} names[] = {
	{ "Ctrl-E", true, 5 },
	{ "ctrl-e", true, 5 },
	{ "^E", true, 5 },
	{ "Ctrl-\\", true, 0x1c },
	{ "^?", true, 0x7f },
	{ "@", true, '@' },
	{ "^", true, '^' },
	{ "none", true, KEYS_NONE },
	{ "", false, 0 },
	{ "Ctrl-", false, 0 },
	{ "Ctrl-EE", false, 0 },
	{ "^1", false, 0 },
	{ "ab", false, 0 },
	{ "\xc3\xa9", false, 0 },
	{ "\xe9", false, 0 },
};

START_TEST(names_of_keys_are_understood)
{
	int escape = 0;

	ck_assert_int_eq(keys_parse(names[_i].name, &escape), names[_i].valid);
	if (names[_i].valid)
		ck_assert_int_eq(escape, names[_i].escape);
}
END_TEST

START_TEST(a_key_is_named_for_people)
{
	char name[KEYS_NAME_MAX];

	keys_name(5, name);
	ck_assert_str_eq(name, "Ctrl-E");
	keys_name('@', name);
	ck_assert_str_eq(name, "@");
	keys_name(KEYS_NONE, name);
	ck_assert_str_eq(name, "none");
}
END_TEST

START_TEST(no_guest_can_have_a_key_of_the_table)
{
	char key = key_table[_i].key;

	ck_assert(keys_is_reserved(key));
	ck_assert_ptr_nonnull(console_key_problem(key));
}

START_TEST(what_no_guest_can_have_is_reserved)
{
	for (char key = '!'; key < 0x7f; key++)
		ck_assert_int_eq(keys_is_reserved(key), console_key_problem(key) != NULL);
}

int main(void)
{
	Suite *suite = suite_create("keys");
	TCase *test = tcase_create("keys");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(test, start, NULL);
	tcase_add_test(test, plain_bytes_pass);
	tcase_add_loop_test(test, nothing_of_a_sequence_leaks, 0, (int)ARRAY_SIZE(sequences));
	tcase_add_test(test, bytes_behind_a_switch_come_after_it);
	tcase_add_test(test, a_sequence_may_come_in_pieces);
	tcase_add_test(test, the_escape_key_can_be_another);
	tcase_add_loop_test(test, other_programs_keys_mean_what_they_mean_there, 0,
		(int)ARRAY_SIZE(mode_sequences));
	tcase_add_test(test, no_channel_can_have_a_key_of_ours);
	tcase_add_test(test, without_an_escape_key_everything_passes);
	tcase_add_loop_test(test, names_of_keys_are_understood, 0, (int)ARRAY_SIZE(names));
	tcase_add_test(test, a_key_is_named_for_people);
	tcase_add_loop_test(test, no_guest_can_have_a_key_of_the_table, 0, (int)key_count);
	tcase_add_test(test, what_no_guest_can_have_is_reserved);
	suite_add_tcase(suite, test);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
