/* Names in a configuration's tables: which there are, and which one somebody meant. */

#include "config_lookup.h"

#include "suggest.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

/* The last word of a table's name if it is directly within another, or NULL. */
static const char *word_within(const char *name, const char *within)
{
	size_t length = strlen(within);

	if (length) {
		if (strncmp(name, within, length) != 0 || name[length] != '.')
			return NULL;
		name += length + 1;
	}
	return *name && !strchr(name, '.') ? name : NULL;
}

static bool same(const char *name, const char *word, size_t length)
{
	return strlen(name) == length && memcmp(name, word, length) == 0;
}

const struct config_key *config_key_find(const struct config_schema *schema, const char *table,
	const char *name, size_t length)
{
	for (size_t i = 0; i < schema->key_count; i++) {
		const struct config_key *key = &schema->keys[i];

		if (strcmp(key->table, table) == 0 && same(key->name, name, length))
			return key;
	}
	return NULL;
}

const char *config_table_find(const struct config_schema *schema, const char *within,
	const char *word, size_t length)
{
	for (size_t i = 0; i < schema->key_count; i++) {
		const char *table = schema->keys[i].table;
		const char *last = word_within(table, within);

		if (last && same(last, word, length))
			return table;
	}
	return NULL;
}

const struct config_list *config_list_find(const struct config_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->list_count; i++)
		if (strcmp(schema->lists[i].name, name) == 0)
			return &schema->lists[i];
	return NULL;
}

const struct config_list *config_list_next(const struct config_schema *schema, const char *within,
	const struct config_list *list)
{
	const struct config_list *end = schema->lists + schema->list_count;

	for (list = list ? list + 1 : schema->lists; list < end; list++)
		if (word_within(list->name, within))
			return list;
	return NULL;
}

/* Whether a row is the first of its table. */
static bool opens_table(const struct config_schema *schema, const struct config_key *key)
{
	return key == schema->keys || strcmp(key->table, key[-1].table) != 0;
}

/* "[machine]" or "[[net]]"; returns text. */
static const char *bracketed(const struct config_schema *schema, const char *table, char text[64])
{
	bool list = config_list_find(schema, table);

	snprintf(text, 64, "%s%s%s", list ? "[[" : "[", table, list ? "]]" : "]");
	return text;
}

static void append(char *list, size_t size, const char *text)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%s", used ? ", " : "", text);
}

/* What may be written in a table: keys and tables. */
static void list_known(const struct config_schema *schema, const char *table, char *list,
	size_t size)
{
	char text[64];

	list[0] = '\0';
	for (size_t i = 0; i < schema->key_count; i++) {
		const struct config_key *key = &schema->keys[i];

		if (strcmp(key->table, table) == 0)
			append(list, size, key->name);
		else if (opens_table(schema, key) && word_within(key->table, table))
			append(list, size, bracketed(schema, key->table, text));
	}
}

static const char *nearest_known(const struct config_schema *schema, const char *table,
	const struct toml_string *name)
{
	struct suggestion suggestion;

	suggest_init(&suggestion, name->bytes, name->length);
	for (size_t i = 0; i < schema->key_count; i++) {
		const struct config_key *key = &schema->keys[i];
		const char *word = word_within(key->table, table);

		if (strcmp(key->table, table) == 0)
			suggest_consider(&suggestion, key->name);
		else if (word && opens_table(schema, key))
			suggest_consider(&suggestion, word);
	}
	return suggestion.nearest;
}

/* The table a key would have been right in, or NULL. */
static const char *right_table(const struct config_schema *schema, const struct toml_string *name)
{
	for (size_t i = 0; i < schema->key_count; i++)
		if (schema->keys[i].table[0] &&
			same(schema->keys[i].name, name->bytes, name->length))
			return schema->keys[i].table;
	return NULL;
}

void config_explain_unknown(const struct config_schema *schema, const char *table, const char *what,
	const struct toml_string *name, char text[CONFIG_EXPLANATION_MAX])
{
	const size_t size = CONFIG_EXPLANATION_MAX;
	const char *nearest = nearest_known(schema, table, name);
	const char *right = right_table(schema, name);
	char shown[CONFIG_SHOWN_MAX];
	char brackets[64];
	size_t used;

	config_show(shown, name);
	snprintf(text, size, "unknown %s \"%s\"%s%s", what, shown, table[0] ? " in " : "",
		table[0] ? bracketed(schema, table, brackets) : "");
	used = strlen(text);
	if (nearest) {
		snprintf(text + used, size - used, ", did you mean \"%s\"?", nearest);
	} else if (right) {
		snprintf(text + used, size - used, ", it belongs to %s",
			bracketed(schema, right, brackets));
	} else {
		char known[256];

		list_known(schema, table, known, sizeof(known));
		snprintf(text + used, size - used, ", known are %s", known);
	}
}
