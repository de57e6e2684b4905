/* TOML 1.0: the document, its tables, keys, arrays and inline tables. */

#include "toml_scan.h"
#include "toml_value.h"
#include "utf8.h"

#include <errno.h>
#include <stdlib.h>

/*
 * How it works: every value is put into the tree before its text is read, so that whatever goes
 * wrong, freeing the root frees all. A key of several parts is followed into the tree part by part;
 * what may be entered on the way differs between headers and dotted keys, and depends on the origin
 * of what is there.
 */

static int parse_value(struct toml_scanner *scanner, struct toml_value *value);

/* Says what is wrong with the key read last, and where it was given before. */
static int fail_at_key(struct toml_scanner *scanner, const char *problem,
	const struct toml_entry *old)
{
	unsigned position[2] = { scanner->key_line, scanner->key_column };
	char shown[48];

	utf8_for_message(shown, sizeof(shown), scanner->key.text.bytes, scanner->key.text.length);
	return toml_fail_at(scanner, position, "\"%s\" %s (line %u)", shown, problem, old->line);
}

static struct toml_entry *find(const struct toml_scanner *scanner, const struct toml_value *table)
{
	return toml_entry(table, scanner->key.text.bytes, scanner->key.text.length);
}

/* A value under the key read last, which the table does not have yet. NULL: the error is set. */
static struct toml_value *add(struct toml_scanner *scanner, struct toml_value *table)
{
	struct toml_value *value =
		toml_table_add(table, &scanner->key.text, scanner->key_line, scanner->key_column);

	if (!value)
		toml_fail_memory(scanner);
	return value;
}

static int check_depth(struct toml_scanner *scanner, const struct toml_value *container)
{
	if (container->depth > TOML_DEPTH_MAX)
		return toml_fail(scanner, "arrays and tables are nested more than %d deep",
			TOML_DEPTH_MAX);
	return 0;
}

static struct toml_value *add_table(struct toml_scanner *scanner, struct toml_value *table,
	enum toml_origin origin)
{
	struct toml_value *value = add(scanner, table);

	if (!value || check_depth(scanner, value) < 0)
		return NULL;
	toml_become_table(value, origin);
	return value;
}

/* Follows one part of a dotted key that is not its last. NULL: the error is set. */
static struct toml_value *enter_dotted(struct toml_scanner *scanner, struct toml_value *table)
{
	struct toml_entry *old = find(scanner, table);

	if (!old)
		return add_table(scanner, table, TOML_DOTTED);
	if (old->value->type == TOML_TABLE && old->value->origin == TOML_IMPLIED)
		old->value->origin = TOML_DOTTED;
	if (old->value->type == TOML_TABLE && old->value->origin == TOML_DOTTED)
		return old->value;
	fail_at_key(scanner, "is complete, nothing can be added to it", old);
	return NULL;
}

/* Follows one part of a header that is not its last. NULL: the error is set. */
static struct toml_value *enter_header(struct toml_scanner *scanner, struct toml_value *table)
{
	struct toml_entry *old = find(scanner, table);

	if (!old)
		return add_table(scanner, table, TOML_IMPLIED);
	if (old->value->type == TOML_TABLE && old->value->origin != TOML_INLINE)
		return old->value;
	if (old->value->type == TOML_ARRAY && old->value->origin == TOML_HEADERS)
		return old->value->array.items[old->value->array.count - 1];
	fail_at_key(scanner, "is complete, nothing can be added to it", old);
	return NULL;
}

/*
 * Reads a key of any number of parts and follows all but the last. Returns the table that the last
 * part, now the scanner's key, is meant for. NULL: the error is set.
 */
static struct toml_value *parse_key(struct toml_scanner *scanner, struct toml_value *table,
	struct toml_value *(*enter)(struct toml_scanner *scanner, struct toml_value *table))
{
	while (table) {
		if (toml_scan_key(scanner) < 0)
			return NULL;
		toml_skip_blanks(scanner);
		if (!toml_accept(scanner, '.'))
			return table;
		toml_skip_blanks(scanner);
		table = enter(scanner, table);
	}
	return NULL;
}

static int parse_pair(struct toml_scanner *scanner, struct toml_value *table)
{
	struct toml_entry *old;
	struct toml_value *value;

	table = parse_key(scanner, table, enter_dotted);
	if (!table)
		return -EINVAL;
	if (toml_peek(scanner, 0) != '=')
		return toml_fail_expected(scanner, "\"=\" after the key");
	old = find(scanner, table);
	if (old)
		return fail_at_key(scanner, "is already set", old);
	scanner->at++;
	toml_skip_blanks(scanner);
	value = add(scanner, table);
	return value ? parse_value(scanner, value) : -ENOMEM;
}

static int parse_array(struct toml_scanner *scanner, struct toml_value *array)
{
	if (check_depth(scanner, array) < 0)
		return -EINVAL;
	toml_become_array(array, TOML_INLINE);
	scanner->at++;
	for (;;) {
		struct toml_value *item;

		if (toml_skip_lines(scanner) < 0)
			return -EINVAL;
		if (toml_accept(scanner, ']'))
			return 0;
		if (toml_peek(scanner, 0) == TOML_END)
			break;
		item = toml_array_add(array, scanner->line, toml_column(scanner));
		if (!item)
			return toml_fail_memory(scanner);
		if (parse_value(scanner, item) < 0 || toml_skip_lines(scanner) < 0)
			return -EINVAL;
		if (!toml_accept(scanner, ',') && toml_peek(scanner, 0) != ']')
			break;
	}
	return toml_fail_expected(scanner, "\",\" or \"]\" in the array");
}

static int parse_inline_table(struct toml_scanner *scanner, struct toml_value *table)
{
	if (check_depth(scanner, table) < 0)
		return -EINVAL;
	toml_become_table(table, TOML_INLINE);
	scanner->at++;
	toml_skip_blanks(scanner);
	if (toml_accept(scanner, '}'))
		return 0;
	for (;;) {
		toml_skip_blanks(scanner);
		if (parse_pair(scanner, table) < 0)
			return -EINVAL;
		toml_skip_blanks(scanner);
		if (toml_accept(scanner, '}'))
			return 0;
		if (!toml_accept(scanner, ','))
			return toml_fail_expected(scanner, "\",\" or \"}\" in the inline table");
	}
}

static int parse_value(struct toml_scanner *scanner, struct toml_value *value)
{
	value->line = scanner->line;
	value->column = toml_column(scanner);
	switch (toml_peek(scanner, 0)) {
	case '"':
	case '\'':
		return toml_scan_string(scanner, value);
	case '[':
		return parse_array(scanner, value);
	case '{':
		return parse_inline_table(scanner, value);
	default:
		return toml_scan_word(scanner, value);
	}
}

static struct toml_value *define_table(struct toml_scanner *scanner, struct toml_value *parent)
{
	struct toml_entry *old = find(scanner, parent);

	if (!old)
		return add_table(scanner, parent, TOML_HEADER);
	if (old->value->type == TOML_TABLE && old->value->origin == TOML_IMPLIED) {
		old->value->origin = TOML_HEADER;
		old->line = old->value->line = scanner->key_line;
		old->column = old->value->column = scanner->key_column;
		return old->value;
	}
	fail_at_key(scanner, "is already defined", old);
	return NULL;
}

static struct toml_value *extend_array(struct toml_scanner *scanner, struct toml_value *parent)
{
	struct toml_entry *old = find(scanner, parent);
	struct toml_value *array;
	struct toml_value *item;

	if (old && (old->value->type != TOML_ARRAY || old->value->origin != TOML_HEADERS)) {
		fail_at_key(scanner, "is no array of [[tables]]", old);
		return NULL;
	}
	array = old ? old->value : add(scanner, parent);
	if (!array)
		return NULL;
	if (!old)
		toml_become_array(array, TOML_HEADERS);
	item = toml_array_add(array, scanner->key_line, scanner->key_column);
	if (!item) {
		toml_fail_memory(scanner);
		return NULL;
	}
	if (check_depth(scanner, item) < 0)
		return NULL;
	toml_become_table(item, TOML_HEADER);
	return item;
}

/* At "[": returns the table whose keys follow. NULL: the error is set. */
static struct toml_value *parse_header(struct toml_scanner *scanner, struct toml_value *root)
{
	bool array = toml_peek(scanner, 1) == '[';
	struct toml_value *parent;
	struct toml_value *table;

	scanner->at += array ? 2 : 1;
	toml_skip_blanks(scanner);
	parent = parse_key(scanner, root, enter_header);
	if (!parent)
		return NULL;
	table = array ? extend_array(scanner, parent) : define_table(scanner, parent);
	if (!table)
		return NULL;
	if (!toml_accept(scanner, ']') || (array && !toml_accept(scanner, ']'))) {
		toml_fail_expected(scanner, array ? "\"]]\"" : "\"]\"");
		return NULL;
	}
	return table;
}

static int parse_document(struct toml_scanner *scanner, struct toml_value *root)
{
	struct toml_value *table = root;

	for (;;) {
		int byte;

		if (toml_skip_lines(scanner) < 0)
			return -EINVAL;
		byte = toml_peek(scanner, 0);
		if (byte == TOML_END)
			return 0;
		if (byte == '[')
			table = parse_header(scanner, root);
		else if (parse_pair(scanner, table) < 0)
			return -EINVAL;
		if (!table)
			return -EINVAL;
		toml_skip_blanks(scanner);
		if (toml_skip_comment(scanner) < 0)
			return -EINVAL;
		if (toml_peek(scanner, 0) != TOML_END && !toml_accept_newline(scanner))
			return toml_fail_expected(scanner, "the end of the line");
	}
}

static int parse_alone(struct toml_scanner *scanner, struct toml_value *value)
{
	int result;

	toml_skip_blanks(scanner);
	result = parse_value(scanner, value);
	if (result < 0)
		return result;
	toml_skip_blanks(scanner);
	if (toml_peek(scanner, 0) != TOML_END)
		return toml_fail_expected(scanner, "nothing after the value");
	return 0;
}

struct toml_value *toml_parse(const char *text, size_t length, struct toml_error *error)
{
	struct toml_scanner scanner;
	struct toml_value *root = NULL;

	if (toml_scanner_init(&scanner, text, length, error) == 0) {
		root = toml_value_create(1, 1);
		if (root)
			toml_become_table(root, TOML_HEADER);
		else
			toml_fail_memory(&scanner);
	}
	if (root && parse_document(&scanner, root) < 0) {
		toml_free(root);
		root = NULL;
	}
	toml_scanner_destroy(&scanner);
	return root;
}

struct toml_value *toml_parse_value(const char *text, size_t length, struct toml_error *error)
{
	struct toml_scanner scanner;
	struct toml_value *value = NULL;

	if (toml_scanner_init(&scanner, text, length, error) == 0) {
		value = toml_value_create(1, 1);
		if (!value)
			toml_fail_memory(&scanner);
	}
	if (value && parse_alone(&scanner, value) < 0) {
		toml_free(value);
		value = NULL;
	}
	toml_scanner_destroy(&scanner);
	return value;
}
