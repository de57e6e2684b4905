/* Configuration files: a TOML document read into a struct, and settings over it, by tables. */

#include "config_file.h"

#include "config_lookup.h"
#include "config_parts.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fills in the one line, with what it is about before the message. */
static PRINTF_LIKE(4, 0) int fail_arguments(struct config_file *file,
	const struct config_place *place, const char *subject, const char *format,
	va_list arguments)
{
	char *text = file->error->text;
	size_t size = sizeof(file->error->text);
	int used;

	if (place->setting) {
		char shown[CONFIG_SHOWN_MAX];
		size_t length = strcspn(place->setting, "=");

		utf8_for_message(shown, sizeof(shown), place->setting, length);
		used = snprintf(text, size, "--set %s: ", shown);
	} else if (place->line) {
		used = snprintf(text, size, "%s:%u:%u: %s", file->shown_path, place->line,
			place->column, subject);
	} else {
		used = snprintf(text, size, "%s: %s", file->shown_path, subject);
	}
	vsnprintf(text + used, size - (size_t)used, format, arguments);
	return -EINVAL;
}

int config_fail_at(struct config_file *file, const struct config_place *place, const char *format,
	...)
{
	va_list arguments;

	va_start(arguments, format);
	fail_arguments(file, place, "", format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* The latest place of a value, else that of the item it is in. */
static const struct config_place *find_place(const struct config_file *file, const void *object,
	const struct config_key *key)
{
	static const struct config_place whole = { 0 };
	const struct config_place *item = &whole;

	for (size_t i = file->place_count; i-- > 0;) {
		const struct config_place *place = &file->places[i];

		if (place->object == object && place->key == key)
			return place;
		if (place->object == object && !place->key)
			item = place;
	}
	return item;
}

int config_file_fail(struct config_file *file, const void *object, const struct config_key *key,
	const char *format, ...)
{
	const struct config_place *place = find_place(file, object, key);
	char subject[128] = "";
	va_list arguments;

	if (key)
		snprintf(subject, sizeof(subject), "%s%s%s ", key->table, key->table[0] ? "." : "",
			key->name);
	else if (place->list)
		snprintf(subject, sizeof(subject), "%s ", place->list->name);
	va_start(arguments, format);
	fail_arguments(file, place, subject, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int config_remember(struct config_file *file, struct config_place place)
{
	size_t count = file->place_count;

	if ((count & (count + 1)) == 0) { /* room is 2^n - 1 */
		size_t size = (2 * count + 1) * sizeof(*file->places);
		struct config_place *places = realloc(file->places, size);

		if (!places)
			return config_fail_at(file, &place, "cannot be kept: out of memory");
		file->places = places;
	}
	file->places[file->place_count++] = place;
	return 0;
}

int config_fail_unknown(struct config_file *file, const struct config_place *place,
	const char *table, const char *what, const struct toml_string *name)
{
	char text[CONFIG_EXPLANATION_MAX];

	config_explain_unknown(file->schema, table, what, name, text);
	return config_fail_at(file, place, "%s", text);
}

/* What is no TOML value of a fitting type is a string without its quotes. */
int config_store_text(struct config_reader *reader, const char *text, void *field)
{
	const struct config_kind *kind = reader->key->kind;
	struct toml_error error;
	struct toml_value *value = toml_parse_value(text, strlen(text), &error);
	bool fits = value && (kind->accepts & CONFIG_TYPE(value->type));
	int result;

	if (fits) {
		result = kind->store(reader, value, field);
	} else if (kind->accepts & CONFIG_TYPE(TOML_STRING)) {
		struct toml_value bare = { .type = TOML_STRING, .string.length = strlen(text) };

		bare.string.bytes = strdup(text);
		result = bare.string.bytes
			? kind->store(reader, &bare, field)
			: config_problem(reader, "cannot be kept: out of memory");
		free(bare.string.bytes);
	} else {
		result = config_problem(reader, "must be %s%s%s", kind->wanted,
			value ? ", not " : "", value ? toml_type_name(value->type) : "");
	}
	toml_free(value);
	return result;
}

/* The keys of a table; at the top those of plain tables, too. */
static bool is_of(const struct config_schema *schema, const struct config_key *key,
	const char *table)
{
	return strcmp(key->table, table) == 0 ||
		(!table[0] && !config_list_find(schema, key->table));
}

static int load_defaults(struct config_file *file, const char *table, void *object)
{
	for (size_t i = 0; i < file->schema->key_count; i++) {
		const struct config_key *key = &file->schema->keys[i];
		struct config_reader reader = { .key = key };

		if (key->initial && is_of(file->schema, key, table) &&
			config_store_text(&reader, key->initial,
				config_field(object, key->offset)) < 0)
			return config_file_fail(file, object, key, "%s", reader.problem);
	}
	return 0;
}

/*
 * Room for as many items as the file has and settings may add: a setting adds one at most, so that
 * items never move.
 */
int config_make_room(struct config_file *file, const struct config_list *list, void *object,
	size_t count)
{
	void **items = config_field(object, list->items);
	size_t room = count + file->setting_count;

	if (*items || !room)
		return 0;
	*items = calloc(room < list->maximum ? room : list->maximum, list->item_size);
	return *items ? 0 : -ENOMEM;
}

/* Another item, with its defaults; NULL after saying what is wrong. */
void *config_add_item(struct config_file *file, const struct config_list *list, void *object,
	struct config_place place)
{
	void **items = config_field(object, list->items);
	size_t *count = config_field(object, list->count);
	void *item;

	if (config_make_room(file, list, object, 0) < 0) {
		config_fail_at(file, &place, "cannot be kept: out of memory");
		return NULL;
	}
	item = config_field(*items, *count * list->item_size);
	++*count;
	place.object = item;
	place.list = list;
	if (config_remember(file, place) < 0 || load_defaults(file, list->name, item) < 0)
		return NULL;
	return item;
}

/* Reads the file until its end or just more than a document may have. -errno or the length. */
static ssize_t read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t count = 1;

	if (fd < 0)
		return -errno;
	while (count > 0 && length < size) {
		count = read(fd, text + length, size - length);
		if (count < 0 && errno == EINTR) {
			count = 1;
			continue;
		}
		if (count < 0) {
			count = -errno;
			close(fd);
			return count;
		}
		length += (size_t)count;
	}
	close(fd);
	return (ssize_t)length;
}

static int load_file(struct config_file *file, void *root)
{
	static const struct config_place whole = { 0 };
	size_t size = TOML_SIZE_MAX + 1;
	char *text = malloc(size);
	ssize_t length = text ? read_text(file->path, text, size) : -ENOMEM;
	int result;

	if (length < 0)
		result = config_fail_at(file, &whole, "cannot be read: %s",
			strerrordesc_np((int)-length));
	else
		result = config_load_document(file, root, text, (size_t)length);
	free(text);
	return result;
}

static int load_all(struct config_file *file, void *root, const char *const *settings, size_t count)
{
	int result = load_defaults(file, "", root);

	if (result == 0)
		result = load_file(file, root);
	for (size_t i = 0; i < count && result == 0; i++)
		result = config_load_setting(file, root, settings[i]);
	return result;
}

int config_file_read(struct config_file *file, void *root, const char *const *settings,
	size_t count)
{
	static const struct config_place whole = { 0 };
	const char *slash = strrchr(file->path, '/');

	utf8_for_message(file->shown_path, sizeof(file->shown_path), file->path,
		strlen(file->path));
	file->setting_count = count;
	if (slash) {
		file->directory = strndup(file->path, (size_t)(slash - file->path));
		if (!file->directory)
			return config_fail_at(file, &whole, "cannot be read: %s",
				strerrordesc_np(ENOMEM));
	}
	return load_all(file, root, settings, count);
}

void config_file_end(struct config_file *file)
{
	free(file->directory);
	free(file->places);
	file->directory = NULL;
	file->places = NULL;
	file->place_count = 0;
}

static void clear_table(const struct config_schema *schema, const char *table, void *object);

static void clear_list(const struct config_schema *schema, const struct config_list *list,
	void *object)
{
	void **items = config_field(object, list->items);
	size_t count = *(size_t *)config_field(object, list->count);

	for (size_t i = 0; i < count; i++)
		clear_table(schema, list->name, config_field(*items, i * list->item_size));
	free(*items);
}

static void clear_table(const struct config_schema *schema, const char *table, void *object)
{
	const struct config_list *list = NULL;

	for (size_t i = 0; i < schema->key_count; i++) {
		const struct config_key *key = &schema->keys[i];

		if (key->kind->release && is_of(schema, key, table))
			key->kind->release(config_field(object, key->offset));
	}
	while ((list = config_list_next(schema, table, list)))
		clear_list(schema, list, object);
}

void config_clear(const struct config_schema *schema, void *root, size_t size)
{
	clear_table(schema, "", root);
	memset(root, 0, size);
}
