#include "toml.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct toml_error error;
static struct toml_value *root;

static void stop(void)
{
	toml_free(root);
	root = NULL;
}

/* A document that must be valid; the value of its key "a". */
static struct toml_value *read_a(const char *text)
{
	toml_free(root);
	root = toml_parse(text, strlen(text), &error);
	ck_assert_msg(root != NULL, "%s: %u:%u: %s", text, error.line, error.column, error.message);
	ck_assert(toml_get(root, "a") != NULL);
	return toml_get(root, "a");
}

START_TEST(tells_every_type)
{
	static const struct {
		const char *text;
		enum toml_type type;
	} documents[] = {
		{ "a = 'x'", TOML_STRING },
		{ "a = 1", TOML_INTEGER },
		{ "a = 1.0", TOML_FLOAT },
		{ "a = true", TOML_BOOLEAN },
		{ "a = 1979-05-27T07:32:00Z", TOML_OFFSET_DATETIME },
		{ "a = 1979-05-27T07:32:00", TOML_LOCAL_DATETIME },
		{ "a = 1979-05-27", TOML_LOCAL_DATE },
		{ "a = 07:32:00", TOML_LOCAL_TIME },
		{ "a = []", TOML_ARRAY },
		{ "a = {}", TOML_TABLE },
		{ "[a]", TOML_TABLE },
		{ "[[a]]", TOML_ARRAY },
		{ "a.b = 1", TOML_TABLE },
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		ck_assert_int_eq(read_a(documents[i].text)->type, documents[i].type);
}

START_TEST(reads_integers_up_to_their_limits)
{
	ck_assert_int_eq(read_a("a = 9223372036854775807")->integer, INT64_MAX);
	ck_assert_int_eq(read_a("a = -9223372036854775808")->integer, INT64_MIN);
	ck_assert_int_eq(read_a("a = 0x7fff_ffff_ffff_ffff")->integer, INT64_MAX);
	ck_assert_int_eq(read_a("a = 0o17")->integer, 15);
	ck_assert_int_eq(read_a("a = 0b101")->integer, 5);
}

START_TEST(reads_floats)
{
	ck_assert_double_eq(read_a("a = 1_0.2_5e-1")->real, 1.025);
	ck_assert(isnan(read_a("a = -nan")->real));
	ck_assert_double_infinite(read_a("a = -inf")->real);
	ck_assert_double_infinite(read_a("a = 1e999")->real);
	ck_assert(signbit(read_a("a = -0.0")->real));
}

START_TEST(reads_a_date_and_time_with_its_offset)
{
	struct toml_datetime when = read_a("a = 1979-05-27 07:32:09.25-07:30")->datetime;

	ck_assert_uint_eq(when.year, 1979);
	ck_assert_uint_eq(when.month, 5);
	ck_assert_uint_eq(when.day, 27);
	ck_assert_uint_eq(when.hour, 7);
	ck_assert_uint_eq(when.minute, 32);
	ck_assert_uint_eq(when.second, 9);
	ck_assert_uint_eq(when.nanosecond, 250000000);
	ck_assert_int_eq(when.offset_minutes, -450);
}

START_TEST(a_string_may_contain_nul)
{
	struct toml_string string = read_a("a = \"x\\u0000y\"")->string;

	ck_assert_uint_eq(string.length, 3);
	ck_assert_mem_eq(string.bytes, "x\0y", 4);
}

START_TEST(an_empty_string_is_terminated)
{
	ck_assert_str_eq(read_a("a = ''''''")->string.bytes, "");
	ck_assert_str_eq(read_a("a = \"\"")->string.bytes, "");
}

START_TEST(joins_lines_at_a_backslash)
{
	ck_assert_str_eq(read_a("a = \"\"\"\r\none \\  \r\n\r\n\t two\r\n\"\"\"")->string.bytes,
		"one two\n");
}

START_TEST(a_key_may_contain_nul_and_is_not_its_prefix)
{
	const char text[] = "a = 1\n\"a\\u0000b\" = 2";

	root = toml_parse(text, strlen(text), &error);

	ck_assert(root != NULL);
	ck_assert_int_eq(toml_get(root, "a")->integer, 1);
	ck_assert_int_eq(toml_entry(root, "a\0b", 3)->value->integer, 2);
	ck_assert(!toml_get(root, "a\\u0000b"));
}

START_TEST(keeps_the_order_of_keys)
{
	static const char *const names[] = { "z", "a", "m" };

	read_a("z = 1\na = 2\nm = 3\n");

	ck_assert_uint_eq(root->table.count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(root->table.entries[i]->key.bytes, names[i]);
}

START_TEST(positions_count_characters)
{
	struct toml_value *value;
	struct toml_entry *entry;

	read_a("a = 1\r\n\t'\xc3\xa9' = [ 'x',\n  1979-05-27 ]");
	entry = toml_entry(root, "\xc3\xa9", 2);
	value = entry->value;

	ck_assert_uint_eq(entry->line, 2);
	ck_assert_uint_eq(entry->column, 2);
	ck_assert_uint_eq(value->line, 2);
	ck_assert_uint_eq(value->column, 8);
	ck_assert_uint_eq(value->array.items[1]->line, 3);
	ck_assert_uint_eq(value->array.items[1]->column, 3);
}

START_TEST(elements_of_an_array_of_tables_are_apart)
{
	struct toml_value *a = read_a("[[a]]\nb.c = 1\n[[a]]\n[a.b]\nc = 2\n");

	ck_assert_uint_eq(a->array.count, 2);
	ck_assert_int_eq(toml_get(toml_get(a->array.items[0], "b"), "c")->integer, 1);
	ck_assert_int_eq(toml_get(toml_get(a->array.items[1], "b"), "c")->integer, 2);
}

START_TEST(a_value_without_keys_has_none)
{
	ck_assert(!toml_get(read_a("a = 1"), "b"));
}

static const struct {
	const char *text;
	unsigned line, column;
	const char *message;
} invalid[] = {
	{ "a", 1, 2, "expected \"=\" after the key, found the end of the file" },
	{ "a = \r\n", 1, 5, "expected a value, found the end of the line" },
	{ "\xc3\xa9 = 1", 1, 1, "expected a key, found '\xc3\xa9'" },
	{ "a = 'x", 1, 5, "the string is never closed" },
	{ "a = 'x\n'", 1, 7, "the string is not closed on its line" },
	{ "a = '\xc3\xa9\\' '\n", 1, 10, "expected the end of the line, found '''" },
	{ "a = \"\\q\"", 1, 6, "unknown escape \\q (a backslash is written \\\\)" },
	{ "a = \"\\ud800\"", 1, 6, "U+D800 is not a character" },
	{ "a = \"\\u12\"", 1, 6, "\\u wants 4 hexadecimal digits" },
	{ "# \x1b[31m\n", 1, 3, "control character U+001B in a comment" },
	{ "a = \x7f", 1, 5, "control character U+007F" },
	{ "a = 'x\xff'", 1, 7, "byte 0xff is not valid UTF-8 here" },
	{ "\xef\xbb\xbf"
	  "a = 1",
		1, 1, "a byte order mark; save the file as UTF-8 without one" },
	{ "a = yes", 1, 5, "\"yes\" is not a valid value (text needs quotes)" },
	{ "a = 1\na = 2", 2, 1, "\"a\" is already set (line 1)" },
	{ "a = 1\n\n[a]", 3, 2, "\"a\" is already defined (line 1)" },
	{ "[a]\n[b]\n[a]", 3, 2, "\"a\" is already defined (line 1)" },
	{ "a = {}\na.b = 1", 2, 1, "\"a\" is complete, nothing can be added to it (line 1)" },
	{ "a = []\n[[a]]", 2, 3, "\"a\" is no array of [[tables]] (line 1)" },
	{ "\"\\u001b[0m\" = 1\n\"\\u001b[0m\" = 1", 2, 1, "\"\\x1b[0m\" is already set (line 1)" },
	{ "a = 9223372036854775808", 1, 5, "the integer does not fit in 64 bits" },
	{ "a = 012", 1, 5, "a decimal number must not begin with 0" },
	{ "a = 2100-02-29", 1, 5, "there is no such day" },
	{ "a = 24:00:00", 1, 5, "there is no such time" },
	{ "a = 1979-05-27T07:32", 1, 5, "malformed date or time" },
	{ "a = 1979-05-27T07:32:00+24:00", 1, 5, "there is no such offset" },
	{ "a = [1, 2", 1, 10, "expected \",\" or \"]\" in the array, found the end of the file" },
	{ "a = {b = 1,\nc = 2}", 1, 12, "expected a key, found the end of the line" },
	{ "[a", 1, 3, "expected \"]\", found the end of the file" },
};

START_TEST(says_what_is_wrong_and_where)
{
	root = toml_parse(invalid[_i].text, strlen(invalid[_i].text), &error);

	ck_assert(!root);
	ck_assert_str_eq(error.message, invalid[_i].message);
	ck_assert_uint_eq(error.line, invalid[_i].line);
	ck_assert_uint_eq(error.column, invalid[_i].column);
}

START_TEST(refuses_too_deep_a_nesting_in_any_form)
{
	static const char *const forms[] = { "[", "{a=", "a." };

	for (size_t form = 0; form < 3; form++) {
		char text[4 * (TOML_DEPTH_MAX + 1) + 8];
		size_t used = (size_t)snprintf(text, sizeof(text), "%s", form < 2 ? "a = " : "");

		for (int i = 0; i <= TOML_DEPTH_MAX; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s",
				forms[form]);
		root = toml_parse(text, used, &error);

		ck_assert(!root);
		ck_assert_str_eq(error.message, "arrays and tables are nested more than 128 deep");
	}
}

START_TEST(refuses_too_large_a_document)
{
	char *text = calloc(1, TOML_SIZE_MAX + 1);

	memset(text, '\n', TOML_SIZE_MAX + 1);
	root = toml_parse(text, TOML_SIZE_MAX, &error);
	ck_assert(root != NULL);
	ck_assert(!toml_parse(text, TOML_SIZE_MAX + 1, &error));

	ck_assert_str_eq(error.message, "the document is larger than 1 MiB");
	free(text);
}

START_TEST(finds_each_of_many_keys)
{
	size_t size = (size_t)16 * 50000;
	char *text = malloc(size);
	size_t used = 0;

	for (unsigned i = 0; i < 50000; i++)
		used += (size_t)snprintf(text + used, size - used, "k%u=%u\n", i, i);
	root = toml_parse(text, used, &error);
	free(text);

	ck_assert(root != NULL);
	for (unsigned i = 0; i < 50000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "k%u", i);
		ck_assert_int_eq(toml_get(root, name)->integer, i);
	}
}

START_TEST(reads_a_value_that_stands_alone)
{
	struct toml_value *value = toml_parse_value(" [1, 'x'] ", 10, &error);

	ck_assert(value != NULL);
	ck_assert_int_eq(value->type, TOML_ARRAY);
	toml_free(value);
	ck_assert(!toml_parse_value("1\nb = 2", 7, &error));
	ck_assert(!toml_parse_value("", 0, &error));
	ck_assert(!toml_parse_value("1 2", 3, &error));
}

int main(void)
{
	Suite *suite = suite_create("toml");
	TCase *tcase = tcase_create("toml");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, NULL, stop);
	tcase_add_test(tcase, tells_every_type);
	tcase_add_test(tcase, reads_integers_up_to_their_limits);
	tcase_add_test(tcase, reads_floats);
	tcase_add_test(tcase, reads_a_date_and_time_with_its_offset);
	tcase_add_test(tcase, a_string_may_contain_nul);
	tcase_add_test(tcase, an_empty_string_is_terminated);
	tcase_add_test(tcase, joins_lines_at_a_backslash);
	tcase_add_test(tcase, a_key_may_contain_nul_and_is_not_its_prefix);
	tcase_add_test(tcase, keeps_the_order_of_keys);
	tcase_add_test(tcase, positions_count_characters);
	tcase_add_test(tcase, elements_of_an_array_of_tables_are_apart);
	tcase_add_test(tcase, a_value_without_keys_has_none);
	tcase_add_loop_test(tcase, says_what_is_wrong_and_where, 0,
		sizeof(invalid) / sizeof(invalid[0]));
	tcase_add_test(tcase, refuses_too_deep_a_nesting_in_any_form);
	tcase_add_test(tcase, refuses_too_large_a_document);
	tcase_add_test(tcase, finds_each_of_many_keys);
	tcase_add_test(tcase, reads_a_value_that_stands_alone);

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
