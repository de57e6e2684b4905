/* The configuration of one guest: its TOML file, and settings from the command line over it. */

#include "config.h"

#include "config_keys.h"
#include "guest_name.h"
#include "suggest.h"
#include "utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a key got its value, for messages. */
struct place {
	const char *setting; /* from the command line, or NULL */
	unsigned line, column; /* in the file; 0 for a default */
};

struct loader {
	struct vmm_config *config;
	const char *path;
	char shown_path[256];
	char *directory; /* of the file, owned; NULL if it is the current one */
	struct place place[CONFIG_KEYS_MAX]; /* of each key */
	struct config_error *error;
};

/* Fills in the one line, with what it is about before the message. */
static PRINTF_LIKE(3, 4) int fail_at(struct loader *loader, const struct place *place,
	const char *format, ...)
{
	char *text = loader->error->text;
	size_t size = sizeof(loader->error->text);
	va_list arguments;
	int used;

	if (place->setting) {
		char shown[64];
		size_t length = strcspn(place->setting, "=");

		utf8_for_message(shown, sizeof(shown), place->setting, length);
		used = snprintf(text, size, "--set %s: ", shown);
	} else if (place->line) {
		used = snprintf(text, size, "%s:%u:%u: ", loader->shown_path, place->line,
			place->column);
	} else {
		used = snprintf(text, size, "%s: ", loader->shown_path);
	}
	va_start(arguments, format);
	vsnprintf(text + used, size - (size_t)used, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* A problem with a key's value: the key is named unless the setting has just been. */
static int fail_key(struct loader *loader, const struct config_key *key, const char *problem)
{
	const struct place *place = &loader->place[key - config_keys];

	if (place->setting)
		return fail_at(loader, place, "%s", problem);
	return fail_at(loader, place, "%s%s%s %s", key->table, key->table[0] ? "." : "", key->name,
		problem);
}

/* The table of that name as the rows have it, or NULL. */
static const char *find_table(const char *name, size_t length)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const char *table = config_keys[i].table;

		if (table[0] && strlen(table) == length && memcmp(table, name, length) == 0)
			return table;
	}
	return NULL;
}

/* Whether a row is the first of its table. */
static bool opens_table(const struct config_key *key)
{
	return key->table[0] && (key == config_keys || strcmp(key->table, key[-1].table) != 0);
}

/* The table a key would have been right in, or NULL. */
static const char *right_table(const struct toml_string *name)
{
	for (size_t i = 0; i < config_key_count; i++)
		if (config_keys[i].table[0] && strlen(config_keys[i].name) == name->length &&
			memcmp(config_keys[i].name, name->bytes, name->length) == 0)
			return config_keys[i].table;
	return NULL;
}

static void append(char *list, size_t size, const char *text, const char *end)
{
	size_t used = strlen(list);

	snprintf(list + used, size - used, "%s%s%s", used ? ", " : "", text, end);
}

/* What may be written in a table; at the top that is keys and tables. */
static void list_known(char *list, size_t size, const char *table)
{
	list[0] = '\0';
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (strcmp(key->table, table) == 0) {
			append(list, size, key->name, "");
		} else if (!table[0] && opens_table(key)) {
			append(list, size, "[", key->table);
			strncat(list, "]", size - strlen(list) - 1);
		}
	}
}

static const char *nearest_known(const struct toml_string *name, const char *table)
{
	struct suggestion suggestion;

	suggest_init(&suggestion, name->bytes, name->length);
	for (size_t i = 0; i < config_key_count; i++) {
		if (strcmp(config_keys[i].table, table) == 0)
			suggest_consider(&suggestion, config_keys[i].name);
		else if (!table[0] && opens_table(&config_keys[i]))
			suggest_consider(&suggestion, config_keys[i].table);
	}
	return suggestion.nearest;
}

/* what: "key" or "table". */
static int fail_unknown(struct loader *loader, const struct place *place, const char *what,
	const char *table, const struct toml_string *name)
{
	const char *nearest = nearest_known(name, table);
	const char *right = right_table(name);
	char shown[64];
	char unknown[128];
	char known[256];

	utf8_for_message(shown, sizeof(shown), name->bytes, name->length);
	snprintf(unknown, sizeof(unknown), "unknown %s \"%s\"%s%s%s", what, shown,
		table[0] ? " in [" : "", table, table[0] ? "]" : "");
	if (right && !nearest)
		return fail_at(loader, place, "%s, it belongs to [%s]", unknown, right);
	if (nearest)
		return fail_at(loader, place, "%s, did you mean \"%s\"?", unknown, nearest);
	list_known(known, sizeof(known), table);
	return fail_at(loader, place, "%s, known are %s", unknown, known);
}

static int load_value(struct loader *loader, const struct config_key *key,
	const struct toml_value *value)
{
	struct config_reader reader = {
		.config = loader->config,
		.key = key,
		.directory = loader->directory,
	};

	loader->place[key - config_keys] =
		(struct place){ .line = value->line, .column = value->column };
	if (config_read_value(&reader, value) < 0)
		return fail_key(loader, key, reader.problem);
	return 0;
}

static int load_table(struct loader *loader, const char *table, const struct toml_value *value)
{
	for (size_t i = 0; i < value->table.count; i++) {
		const struct toml_entry *entry = value->table.entries[i];
		const struct config_key *key =
			config_key_find(table, entry->key.bytes, entry->key.length);
		const struct place place = { .line = entry->line, .column = entry->column };

		if (!key)
			return fail_unknown(loader, &place, "key", table, &entry->key);
		if (load_value(loader, key, entry->value) < 0)
			return -EINVAL;
	}
	return 0;
}

/* A key at the top, or a table with its keys. */
static int load_entry(struct loader *loader, const struct toml_entry *entry)
{
	const struct config_key *key = config_key_find("", entry->key.bytes, entry->key.length);
	const char *table = find_table(entry->key.bytes, entry->key.length);
	const struct place place = { .line = entry->line, .column = entry->column };
	enum toml_type type = entry->value->type;

	if (key)
		return load_value(loader, key, entry->value);
	if (!table)
		return fail_unknown(loader, &place,
			type == TOML_TABLE || type == TOML_ARRAY ? "table" : "key", "",
			&entry->key);
	if (type == TOML_ARRAY)
		return fail_at(loader, &place, "%s must be one table, written [%s]", table, table);
	if (type != TOML_TABLE)
		return fail_at(loader, &place, "%s must be a table, not %s", table,
			toml_type_name(type));
	return load_table(loader, table, entry->value);
}

static int load_text(struct loader *loader, const char *text, size_t length)
{
	struct toml_error error;
	struct toml_value *root = toml_parse(text, length, &error);
	int result = 0;

	if (!root) {
		const struct place place = { .line = error.line, .column = error.column };

		return fail_at(loader, &place, "%s", error.message);
	}
	for (size_t i = 0; i < root->table.count && result == 0; i++)
		result = load_entry(loader, root->table.entries[i]);
	toml_free(root);
	return result;
}

/* Reads the file until its end or just more than a document may have. -errno or the length. */
static ssize_t read_file(const char *path, char *text, size_t size)
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

static int load_file(struct loader *loader)
{
	static const struct place whole = { 0 };
	size_t size = TOML_SIZE_MAX + 1;
	char *text = malloc(size);
	ssize_t length = text ? read_file(loader->path, text, size) : -ENOMEM;
	int result;

	if (length < 0)
		result = fail_at(loader, &whole, "cannot be read: %s",
			strerrordesc_np((int)-length));
	else
		result = load_text(loader, text, (size_t)length);
	free(text);
	return result;
}

/* "machine.vcpus=2" */
static int load_setting(struct loader *loader, const char *setting)
{
	struct place place = { .setting = setting };
	size_t length = strcspn(setting, "=");
	const char *dot = memchr(setting, '.', length);
	struct config_reader reader = { .config = loader->config };
	struct toml_string name = { .length = length };
	const char *table = dot ? find_table(setting, (size_t)(dot - setting)) : "";
	char copy[256];

	if (!setting[length])
		return fail_at(loader, &place, "has no value; write KEY=VALUE");
	if (length >= sizeof(copy))
		return fail_at(loader, &place, "there is no key of such a length");
	memcpy(copy, setting, length + 1);
	name.bytes = copy;
	if (dot && !table) {
		name.length = (size_t)(dot - setting);
		return fail_unknown(loader, &place, "table", "", &name);
	}
	if (dot) {
		name.bytes = copy + (dot + 1 - setting);
		name.length = length - (size_t)(dot + 1 - setting);
	}
	reader.key = config_key_find(table, name.bytes, name.length);
	if (!reader.key)
		return fail_unknown(loader, &place, "key", table, &name);
	loader->place[reader.key - config_keys] = place;
	if (config_read_text(&reader, setting + length + 1) < 0)
		return fail_key(loader, reader.key, reader.problem);
	return 0;
}

static int load_defaults(struct loader *loader)
{
	for (size_t i = 0; i < config_key_count; i++) {
		struct config_reader reader = { .config = loader->config, .key = &config_keys[i] };

		if (reader.key->initial && config_read_text(&reader, reader.key->initial) < 0)
			return fail_key(loader, reader.key, reader.problem);
	}
	return 0;
}

/* Without a name the guest has its file's, without ".toml". */
static int default_name(struct loader *loader)
{
	static const struct place whole = { 0 };
	static const char suffix[] = ".toml";
	const char *slash = strrchr(loader->path, '/');
	const char *base = slash ? slash + 1 : loader->path;
	size_t length = strlen(base);
	const char *problem;

	if (length >= strlen(suffix) && strcmp(base + length - strlen(suffix), suffix) == 0)
		length -= strlen(suffix);
	problem = guest_name_problem(base, length);
	if (problem)
		return fail_at(loader, &whole, "name is not set, and cannot be the file's: it %s",
			problem);
	memcpy(loader->config->name, base, length);
	loader->config->name[length] = '\0';
	return 0;
}

/* What no key can say alone. */
static int check_whole(struct loader *loader)
{
	const struct vmm_config *config = loader->config;
	const struct config_key *key;

	if (!config->kernel.image) {
		key = config_key_find("kernel", "image", strlen("image"));
		return fail_key(loader, key, "is not set; it names the kernel to boot");
	}
	if (config->affinity_count && config->affinity_count != config->vcpus) {
		char problem[128];

		key = config_key_find("machine", "affinity", strlen("affinity"));
		snprintf(problem, sizeof(problem),
			"must name one host processor for each of %u vcpus, not %zu", config->vcpus,
			config->affinity_count);
		return fail_key(loader, key, problem);
	}
	return config->name[0] ? 0 : default_name(loader);
}

static int load_all(struct loader *loader, const char *const *settings, size_t count)
{
	int result = load_defaults(loader);

	if (result == 0)
		result = load_file(loader);
	for (size_t i = 0; i < count && result == 0; i++)
		result = load_setting(loader, settings[i]);
	return result < 0 ? result : check_whole(loader);
}

int config_load(struct vmm_config *config, const char *path, const char *const *settings,
	size_t count, struct config_error *error)
{
	struct loader loader = { .config = config, .path = path, .error = error };
	const char *slash = strrchr(path, '/');
	int result;

	*config = (struct vmm_config){ 0 };
	utf8_for_message(loader.shown_path, sizeof(loader.shown_path), path, strlen(path));
	if (slash) {
		loader.directory = strndup(path, (size_t)(slash - path));
		if (!loader.directory)
			return fail_at(&loader, &loader.place[0], "cannot be read: %s",
				strerrordesc_np(ENOMEM));
	}
	result = load_all(&loader, settings, count);
	free(loader.directory);
	return result;
}

void config_destroy(struct vmm_config *config)
{
	free(config->kernel.image);
	free(config->kernel.initrd);
	free(config->kernel.cmdline);
	free(config->affinity);
	*config = (struct vmm_config){ 0 };
}
