/* The tree of a TOML document: its values, arrays and tables. */

#include "toml_value.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct toml_value *toml_value_create(unsigned line, unsigned column)
{
	struct toml_value *value = calloc(1, sizeof(*value));

	if (!value)
		return NULL;
	value->type = TOML_BOOLEAN;
	value->line = line;
	value->column = column;
	return value;
}

void toml_become_array(struct toml_value *value, enum toml_origin origin)
{
	value->type = TOML_ARRAY;
	value->origin = (unsigned char)origin;
	value->array = (struct toml_array){ 0 };
}

void toml_become_table(struct toml_value *value, enum toml_origin origin)
{
	value->type = TOML_TABLE;
	value->origin = (unsigned char)origin;
	value->table = (struct toml_table){ 0 };
}

/* Makes room for one more pointer: the room doubles whenever count is a power of two. */
static void *with_room(void *pointers, size_t count)
{
	if (count & (count - 1))
		return pointers;
	return reallocarray(pointers, count ? 2 * count : 1, sizeof(void *));
}

static int compare_keys(const void *left, const void *right)
{
	const struct toml_string *a = left;
	const struct toml_string *b = right;

	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->bytes, b->bytes, a->length);
}

struct toml_value *toml_array_add(struct toml_value *array, unsigned line, unsigned column)
{
	struct toml_value **items = with_room(array->array.items, array->array.count);
	struct toml_value *item;

	if (!items)
		return NULL;
	array->array.items = items;
	item = toml_value_create(line, column);
	if (!item)
		return NULL;
	item->depth = (unsigned char)(array->depth + 1);
	items[array->array.count++] = item;
	return item;
}

static void entry_free(struct toml_entry *entry)
{
	toml_free(entry->value);
	free(entry->key.bytes);
	free(entry);
}

static struct toml_entry *entry_create(const struct toml_string *key, unsigned line,
	unsigned column)
{
	struct toml_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->line = line;
	entry->column = column;
	entry->value = toml_value_create(line, column);
	entry->key.bytes = malloc(key->length + 1);
	if (!entry->value || !entry->key.bytes) {
		entry_free(entry);
		return NULL;
	}
	memcpy(entry->key.bytes, key->bytes, key->length);
	entry->key.bytes[key->length] = '\0';
	entry->key.length = key->length;
	return entry;
}

struct toml_value *toml_table_add(struct toml_value *table, const struct toml_string *key,
	unsigned line, unsigned column)
{
	struct toml_entry **entries = with_room(table->table.entries, table->table.count);
	struct toml_entry *entry;
	void *node;

	if (!entries)
		return NULL;
	table->table.entries = entries;
	entry = entry_create(key, line, column);
	if (!entry)
		return NULL;
	node = tsearch(entry, &table->table.index, compare_keys);
	if (!node) {
		entry_free(entry);
		return NULL;
	}
	assert(*(struct toml_entry **)node == entry);
	entry->value->depth = (unsigned char)(table->depth + 1);
	entries[table->table.count++] = entry;
	return entry->value;
}

struct toml_entry *toml_entry(const struct toml_value *table, const char *key, size_t length)
{
	/* The index compares keys only; it never writes through this one. */
	struct toml_string wanted = { .bytes = (char *)(uintptr_t)key, .length = length };
	void *node;

	if (table->type != TOML_TABLE)
		return NULL;
	node = tfind(&wanted, &table->table.index, compare_keys);
	return node ? *(struct toml_entry **)node : NULL;
}

struct toml_value *toml_get(const struct toml_value *table, const char *key)
{
	struct toml_entry *entry = toml_entry(table, key, strlen(key));

	return entry ? entry->value : NULL;
}

static void keep(void *entry)
{
	(void)entry; /* the list of entries frees it */
}

static void table_free(struct toml_table *table)
{
	tdestroy(table->index, keep);
	for (size_t i = 0; i < table->count; i++)
		entry_free(table->entries[i]);
	free(table->entries);
}

static void array_free(struct toml_array *array)
{
	for (size_t i = 0; i < array->count; i++)
		toml_free(array->items[i]);
	free(array->items);
}

void toml_free(struct toml_value *value)
{
	if (!value)
		return;
	if (value->type == TOML_STRING)
		free(value->string.bytes);
	else if (value->type == TOML_ARRAY)
		array_free(&value->array);
	else if (value->type == TOML_TABLE)
		table_free(&value->table);
	free(value);
}

const char *toml_type_name(enum toml_type type)
{
	static const char *const names[] = {
		[TOML_STRING] = "a string",
		[TOML_INTEGER] = "an integer",
		[TOML_FLOAT] = "a float",
		[TOML_BOOLEAN] = "a boolean",
		[TOML_OFFSET_DATETIME] = "a date and time with an offset",
		[TOML_LOCAL_DATETIME] = "a local date and time",
		[TOML_LOCAL_DATE] = "a local date",
		[TOML_LOCAL_TIME] = "a local time",
		[TOML_ARRAY] = "an array",
		[TOML_TABLE] = "a table",
	};

	return names[type];
}
