/* A TOML document read into a struct by the rows of a schema. */

#include "config_lookup.h"
#include "config_parts.h"

#include <errno.h>

static int load_table(struct config_file *file, struct config_table table,
	const struct toml_value *value);

static int load_list(struct config_file *file, struct config_table table,
	const struct config_list *list, const struct toml_entry *entry)
{
	const struct config_place place = { .line = entry->line, .column = entry->column };
	const struct toml_array *array = &entry->value->array;
	int result = 0;

	if (entry->value->type != TOML_ARRAY)
		return config_fail_at(file, &place,
			"%s must be an array of tables, each written [[%s]]", list->name,
			list->name);
	if (array->count > list->maximum)
		return config_fail_at(file, &place,
			"%s must not be there more than %zu times, not %zu", list->name,
			list->maximum, array->count);
	if (config_make_room(file, list, table.object, array->count) < 0)
		return config_fail_at(file, &place, "%s cannot be kept: out of memory", list->name);
	for (size_t i = 0; i < array->count && result == 0; i++) {
		const struct toml_value *value = array->items[i];
		const struct config_place at = { .line = value->line, .column = value->column };
		struct config_table item = { .name = list->name };

		if (value->type != TOML_TABLE)
			return config_fail_at(file, &at, "%s must be an array of tables, not of %s",
				list->name, toml_type_name(value->type));
		item.object = config_add_item(file, list, table.object, at);
		result = item.object ? load_table(file, item, value) : -EINVAL;
	}
	return result;
}

/* A table, or a list of them, within another. */
static int load_inner(struct config_file *file, struct config_table table, const char *name,
	const struct toml_entry *entry)
{
	const struct config_place place = { .line = entry->line, .column = entry->column };
	const struct config_list *list = config_list_find(file->schema, name);
	const struct config_table inner = { .name = name, .object = table.object };
	enum toml_type type = entry->value->type;

	if (list)
		return load_list(file, table, list, entry);
	if (type == TOML_ARRAY)
		return config_fail_at(file, &place, "%s must be one table, written [%s]", name,
			name);
	if (type != TOML_TABLE)
		return config_fail_at(file, &place, "%s must be a table, not %s", name,
			toml_type_name(type));
	return load_table(file, inner, entry->value);
}

static int load_value(struct config_file *file, void *object, const struct config_key *key,
	const struct toml_value *value)
{
	struct config_reader reader = { .key = key, .directory = file->directory };
	const struct config_place place = {
		.object = object,
		.key = key,
		.line = value->line,
		.column = value->column,
	};
	int result = config_remember(file, place);

	if (result < 0)
		return result;
	if (!(key->kind->accepts & CONFIG_TYPE(value->type)))
		result = config_problem(&reader, "must be %s, not %s", key->kind->wanted,
			toml_type_name(value->type));
	else
		result = key->kind->store(&reader, value, config_field(object, key->offset));
	return result < 0 ? config_file_fail(file, object, key, "%s", reader.problem) : 0;
}

static int load_entry(struct config_file *file, struct config_table table,
	const struct toml_entry *entry)
{
	const struct config_schema *schema = file->schema;
	const struct toml_string *name = &entry->key;
	const struct config_place place = { .line = entry->line, .column = entry->column };
	const struct config_key *key =
		config_key_find(schema, table.name, name->bytes, name->length);
	const char *inner = config_table_find(schema, table.name, name->bytes, name->length);
	enum toml_type type = entry->value->type;
	bool like_table = (type == TOML_TABLE || type == TOML_ARRAY) &&
		(!table.name[0] || config_list_next(schema, table.name, NULL));

	if (key)
		return load_value(file, table.object, key, entry->value);
	if (inner)
		return load_inner(file, table, inner, entry);
	return config_fail_unknown(file, &place, table.name, like_table ? "table" : "key", name);
}

static int load_table(struct config_file *file, struct config_table table,
	const struct toml_value *value)
{
	int result = 0;

	for (size_t i = 0; i < value->table.count && result == 0; i++)
		result = load_entry(file, table, value->table.entries[i]);
	return result;
}

int config_load_document(struct config_file *file, void *root, const char *text, size_t length)
{
	const struct config_table top = { .name = "", .object = root };
	struct toml_error error;
	struct toml_value *document = toml_parse(text, length, &error);
	int result;

	if (!document) {
		const struct config_place place = { .line = error.line, .column = error.column };

		return config_fail_at(file, &place, "%s", error.message);
	}
	result = load_table(file, top, document);
	toml_free(document);
	return result;
}
