/* A setting from the command line, "machine.vcpus=2" or "net.0.wire=lan", over what a file says. */

#include "config_lookup.h"
#include "config_parts.h"
#include "utf8.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_LENGTH 255

/* One setting being followed to its key. */
struct path {
	const char *setting;
	struct config_table table; /* where the words so far have led */
	char name[NAME_MAX_LENGTH + 1]; /* the key's, as it was given */
	char *next; /* the words that are left, or NULL */
};

static struct config_place place_of(const struct path *path)
{
	return (struct config_place){ .setting = path->setting };
}

/* Of no length at the end. */
static struct toml_string next_word(struct path *path)
{
	struct toml_string word = { .bytes = path->next };

	if (!path->next)
		return word;
	word.length = strcspn(word.bytes, ".");
	path->next = word.bytes[word.length] ? word.bytes + word.length + 1 : NULL;
	return word;
}

/* A number below the count, or the count itself: then there is another item from now on. */
static int enter_item(struct config_file *file, struct path *path, const struct config_list *list)
{
	const struct config_place place = place_of(path);
	void *object = path->table.object;
	size_t count = *(size_t *)config_field(object, list->count);
	struct toml_string word = next_word(path);
	size_t index = 0;

	for (size_t i = 0; i < word.length; i++) {
		if (word.bytes[i] < '0' || word.bytes[i] > '9' || index > list->maximum)
			word.length = 0;
		else
			index = index * 10 + (size_t)(word.bytes[i] - '0');
	}
	if (!word.length || !path->next)
		return config_fail_at(file, &place,
			"%s is an array of tables: write %s.0.KEY=VALUE for its first", list->name,
			list->name);
	if (index > count || index >= list->maximum)
		return config_fail_at(file, &place, "there are %zu of %s%s", count, list->name,
			count < list->maximum ? ", the next must have the number after them"
					      : ", and may not be more");
	path->table.name = list->name;
	path->table.object = index < count
		? config_field(*(void **)config_field(object, list->items), index * list->item_size)
		: config_add_item(file, list, object, place);
	return path->table.object ? 0 : -EINVAL;
}

static int enter_table(struct config_file *file, struct path *path, const struct toml_string *word)
{
	const struct config_place place = place_of(path);
	const char *table =
		config_table_find(file->schema, path->table.name, word->bytes, word->length);
	const struct config_list *list = table ? config_list_find(file->schema, table) : NULL;

	if (!table)
		return config_fail_unknown(file, &place, path->table.name, "table", word);
	if (list)
		return enter_item(file, path, list);
	path->table.name = table;
	return 0;
}

static int set(struct config_file *file, struct path *path, const struct toml_string *word,
	const char *text)
{
	const char *table = path->table.name;
	struct config_place place = place_of(path);
	struct config_reader reader = {
		.key = config_key_find(file->schema, table, word->bytes, word->length),
	};

	if (!reader.key && config_table_find(file->schema, table, word->bytes, word->length))
		return config_fail_at(file, &place, "is a table, not a key");
	if (!reader.key)
		return config_fail_unknown(file, &place, table, "key", word);
	place.object = path->table.object;
	place.key = reader.key;
	if (config_remember(file, place) < 0)
		return -EINVAL;
	if (config_store_text(&reader, text, config_field(path->table.object, reader.key->offset)) <
		0)
		return config_fail_at(file, &place, "%s", reader.problem);
	return 0;
}

int config_load_setting(struct config_file *file, void *root, const char *setting)
{
	struct path path = { .setting = setting, .table = { .name = "", .object = root } };
	const struct config_place place = place_of(&path);
	size_t length = strcspn(setting, "=");
	struct toml_string word;

	if (!setting[length])
		return config_fail_at(file, &place, "has no value; write KEY=VALUE");
	if (length > NAME_MAX_LENGTH)
		return config_fail_at(file, &place, "there is no key of such a length");
	memcpy(path.name, setting, length);
	path.next = path.name;
	for (word = next_word(&path); path.next; word = next_word(&path))
		if (enter_table(file, &path, &word) < 0)
			return -EINVAL;
	return set(file, &path, &word, setting + length + 1);
}
