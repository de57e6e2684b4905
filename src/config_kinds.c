/* The kinds of values that configuration keys have, and how each is read. */

#include "config_keys.h"
#include "guest_name.h"
#include "units.h"
#include "utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 64

static PRINTF_LIKE(2, 3) int fail(struct config_reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->problem, sizeof(reader->problem), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int fail_memory(struct config_reader *reader)
{
	return fail(reader, "cannot be kept: out of memory");
}

static const char *show(char shown[SHOWN_MAX], const struct toml_string *string)
{
	return utf8_for_message(shown, SHOWN_MAX, string->bytes, string->length);
}

static int store_boolean(struct config_reader *reader, const struct toml_value *value, void *field)
{
	(void)reader;
	*(bool *)field = value->boolean;
	return 0;
}

const struct config_kind config_boolean = {
	.wanted = "a boolean (true or false)",
	.accepts = CONFIG_TYPE(TOML_BOOLEAN),
	.store = store_boolean,
};

static int store_flag(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct config_key *key = reader->key;
	uint8_t *flags = field;

	*flags &= (uint8_t) ~(key->when_true | key->when_false);
	*flags |= value->boolean ? key->when_true : key->when_false;
	return 0;
}

const struct config_kind config_flag = {
	.wanted = "a boolean (true or false)",
	.accepts = CONFIG_TYPE(TOML_BOOLEAN),
	.store = store_flag,
};

static int store_count(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct config_key *key = reader->key;
	int64_t number = value->integer;

	if (number < (int64_t)key->minimum || number > (int64_t)key->maximum)
		return fail(reader, "must be %llu to %llu, not %lld",
			(unsigned long long)key->minimum, (unsigned long long)key->maximum,
			(long long)number);
	*(unsigned *)field = (unsigned)number;
	return 0;
}

const struct config_kind config_count = {
	.wanted = "an integer",
	.accepts = CONFIG_TYPE(TOML_INTEGER),
	.store = store_count,
};

static int fail_limits(struct config_reader *reader, uint64_t number)
{
	char low[UNITS_TEXT_MAX];
	char high[UNITS_TEXT_MAX];
	char found[UNITS_TEXT_MAX];

	return fail(reader, "must be %s to %s, not %s", units_write_size(low, reader->key->minimum),
		units_write_size(high, reader->key->maximum), units_write_size(found, number));
}

static int read_size(struct config_reader *reader, const struct toml_value *value, uint64_t *number)
{
	const struct config_key *key = reader->key;

	if (value->type == TOML_INTEGER) {
		if (value->integer < 0)
			return fail(reader, "must not be negative");
		*number = (uint64_t)value->integer;
	} else if (!units_read_size(value->string.bytes, value->string.length, number)) {
		char shown[SHOWN_MAX];

		return fail(reader, "must be a size such as \"256M\", not \"%s\"",
			show(shown, &value->string));
	}
	if (*number < key->minimum || *number > key->maximum)
		return fail_limits(reader, *number);
	if (key->multiple && *number % key->multiple) {
		char multiple[UNITS_TEXT_MAX];
		char found[UNITS_TEXT_MAX];

		return fail(reader, "must be a multiple of %s, not %s",
			units_write_size(multiple, key->multiple),
			units_write_size(found, *number));
	}
	return 0;
}

static int store_size(struct config_reader *reader, const struct toml_value *value, void *field)
{
	return read_size(reader, value, field);
}

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "sizes are stored as either");

const struct config_kind config_size = {
	.wanted = "a size such as \"256M\" or a number of bytes",
	.accepts = CONFIG_TYPE(TOML_STRING) | CONFIG_TYPE(TOML_INTEGER),
	.store = store_size,
};

static int store_power_of_two(struct config_reader *reader, const struct toml_value *value,
	void *field)
{
	uint64_t number = 0;
	int result = read_size(reader, value, &number);

	if (result < 0)
		return result;
	if (number & (number - 1)) {
		char found[UNITS_TEXT_MAX];

		return fail(reader, "must be a power of two such as \"256K\", not %s",
			units_write_size(found, number));
	}
	*(uint64_t *)field = number;
	return 0;
}

const struct config_kind config_power_of_two = {
	.wanted = "a size such as \"256K\" or a number of bytes",
	.accepts = CONFIG_TYPE(TOML_STRING) | CONFIG_TYPE(TOML_INTEGER),
	.store = store_power_of_two,
};

static int store_duration(struct config_reader *reader, const struct toml_value *value, void *field)
{
	uint64_t number;

	if (!units_read_duration(value->string.bytes, value->string.length, &number)) {
		char shown[SHOWN_MAX];

		return fail(reader, "must be a duration such as \"90s\", not \"%s\"",
			show(shown, &value->string));
	}
	if (number > reader->key->maximum) {
		char high[UNITS_TEXT_MAX];

		return fail(reader, "must be at most %s",
			units_write_duration(high, reader->key->maximum));
	}
	*(uint64_t *)field = number;
	return 0;
}

const struct config_kind config_duration = {
	.wanted = "a duration such as \"90s\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_duration,
};

static int check_text(struct config_reader *reader, const struct toml_string *string)
{
	for (size_t at = 0; at < string->length;) {
		uint32_t code_point;
		size_t step = utf8_decode(string->bytes + at, string->length - at, &code_point);

		if (!step || !utf8_printable(code_point))
			return fail(reader, "must not contain control characters");
		at += step;
	}
	return 0;
}

static int store_text(struct config_reader *reader, const struct toml_value *value, void *field)
{
	char **text = field;
	char *copy;
	int result = check_text(reader, &value->string);

	if (result < 0)
		return result;
	if (value->string.length > reader->key->maximum)
		return fail(reader, "must be at most %llu bytes long",
			(unsigned long long)reader->key->maximum);
	copy = strdup(value->string.bytes);
	if (!copy)
		return fail_memory(reader);
	free(*text);
	*text = copy;
	return 0;
}

const struct config_kind config_text = {
	.wanted = "a string",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_text,
};

static int store_path(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const char *path = value->string.bytes;
	bool join = reader->directory && path[0] != '/';
	char **text = field;
	char *copy;
	int length;

	if (value->string.length == 0)
		return fail(reader, "must not be empty");
	if (strlen(path) != value->string.length)
		return fail(reader, "must not contain NUL");
	length = asprintf(&copy, "%s%s%s", join ? reader->directory : "", join ? "/" : "", path);
	if (length < 0)
		return fail_memory(reader);
	if (length >= PATH_MAX) {
		free(copy);
		return fail(reader, "is longer than a path may be");
	}
	free(*text);
	*text = copy;
	return 0;
}

const struct config_kind config_path = {
	.wanted = "a string with a path",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_path,
};

static int store_name(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const char *problem = guest_name_problem(value->string.bytes, value->string.length);

	if (problem)
		return fail(reader, "%s", problem);
	memcpy(field, value->string.bytes, value->string.length + 1);
	return 0;
}

const struct config_kind config_name = {
	.wanted = "a string",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_name,
};

static int store_letter(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;
	const char *choices = reader->key->choices;
	char letter = string->bytes[0];

	if (string->length != 1 || letter <= ' ' || letter > '~')
		return fail(reader, "must be one printable ASCII character");
	if (choices && !strchr(choices, letter))
		return fail(reader, "must be one letter of %s", choices);
	*(char *)field = letter;
	return 0;
}

const struct config_kind config_letter = {
	.wanted = "a string of one character",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_letter,
};

/* "restart exit " becomes "restart" or "exit", in quotes. */
static void list_choices(char *list, size_t size, const char *choices)
{
	size_t used = 0;

	list[0] = '\0';
	while (*choices && used < size) {
		int length = (int)strcspn(choices, " ");

		used += (size_t)snprintf(list + used, size - used, "%s\"%.*s\"", used ? " or " : "",
			length, choices);
		choices += length + 1;
	}
}

static int store_choice(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;
	unsigned number = 0;
	char shown[SHOWN_MAX];
	char list[128];

	for (const char *word = reader->key->choices; *word; number++) {
		size_t length = strcspn(word, " ");

		if (length == string->length && memcmp(word, string->bytes, length) == 0) {
			*(unsigned *)field = number;
			return 0;
		}
		word += length + 1;
	}
	list_choices(list, sizeof(list), reader->key->choices);
	return fail(reader, "must be %s, not \"%s\"", list, show(shown, string));
}

_Static_assert(sizeof(enum config_input) == sizeof(unsigned) &&
		sizeof(enum config_on_reboot) == sizeof(unsigned),
	"choices are stored as numbers");

const struct config_kind config_choice = {
	.wanted = "a string",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_choice,
};

static int store_affinity(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_array *array = &value->array;
	unsigned *processors;

	(void)field;
	if (array->count > CONFIG_VCPUS_MAX)
		return fail(reader, "must not have more than %d elements", CONFIG_VCPUS_MAX);
	processors = calloc(array->count + 1, sizeof(*processors));
	if (!processors)
		return fail_memory(reader);
	free(reader->config->affinity);
	reader->config->affinity = processors;
	reader->config->affinity_count = array->count;
	for (size_t i = 0; i < array->count; i++) {
		if (array->items[i]->type != TOML_INTEGER)
			return fail(reader, "must be an array of integers, not of %s",
				toml_type_name(array->items[i]->type));
		if (store_count(reader, array->items[i], &processors[i]) < 0)
			return -EINVAL;
	}
	return 0;
}

const struct config_kind config_affinity = {
	.wanted = "an array of integers",
	.accepts = CONFIG_TYPE(TOML_ARRAY),
	.store = store_affinity,
};

int config_read_value(struct config_reader *reader, const struct toml_value *value)
{
	const struct config_kind *kind = reader->key->kind;
	void *field = (char *)reader->config + reader->key->offset;

	if (!(kind->accepts & CONFIG_TYPE(value->type)))
		return fail(reader, "must be %s, not %s", kind->wanted,
			toml_type_name(value->type));
	return kind->store(reader, value, field);
}

/* What is no TOML value of a fitting type is a string without its quotes. */
int config_read_text(struct config_reader *reader, const char *text)
{
	unsigned accepts = reader->key->kind->accepts;
	struct toml_error error;
	struct toml_value *value = toml_parse_value(text, strlen(text), &error);
	struct toml_value bare = { .type = TOML_STRING };
	bool fits = value && (accepts & CONFIG_TYPE(value->type));
	int result;

	if (!fits && (accepts & CONFIG_TYPE(TOML_STRING))) {
		bare.string.length = strlen(text);
		bare.string.bytes = strdup(text);
		result = bare.string.bytes ? config_read_value(reader, &bare) : fail_memory(reader);
		free(bare.string.bytes);
	} else if (value) {
		result = config_read_value(reader, value);
	} else {
		result = fail(reader, "must be %s", reader->key->kind->wanted);
	}
	toml_free(value);
	return result;
}
