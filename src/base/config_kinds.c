/* The kinds of values that configuration keys have, and how each is read. */

#include "config_file.h"
#include "units.h"
#include "utf8.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int config_problem(struct config_reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->problem, sizeof(reader->problem), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int fail_memory(struct config_reader *reader)
{
	return config_problem(reader, "cannot be kept: out of memory");
}

const char *config_show(char shown[CONFIG_SHOWN_MAX], const struct toml_string *string)
{
	return utf8_for_message(shown, CONFIG_SHOWN_MAX, string->bytes, string->length);
}

/* An owned string. */
static void release_text(void *field)
{
	char **text = field;

	free(*text);
	*text = NULL;
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
		return config_problem(reader, "must be %llu to %llu, not %lld",
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

	return config_problem(reader, "must be %s to %s, not %s",
		units_write_size(low, reader->key->minimum),
		units_write_size(high, reader->key->maximum), units_write_size(found, number));
}

static int read_size(struct config_reader *reader, const struct toml_value *value, uint64_t *number)
{
	const struct config_key *key = reader->key;

	if (value->type == TOML_INTEGER) {
		if (value->integer < 0)
			return config_problem(reader, "must not be negative");
		*number = (uint64_t)value->integer;
	} else if (!units_read_size(value->string.bytes, value->string.length, number)) {
		char shown[CONFIG_SHOWN_MAX];

		return config_problem(reader, "must be a size such as \"256M\", not \"%s\"",
			config_show(shown, &value->string));
	}
	if (*number < key->minimum || *number > key->maximum)
		return fail_limits(reader, *number);
	if (key->multiple && *number % key->multiple) {
		char multiple[UNITS_TEXT_MAX];
		char found[UNITS_TEXT_MAX];

		return config_problem(reader, "must be a multiple of %s, not %s",
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

		return config_problem(reader, "must be a power of two such as \"256K\", not %s",
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
		char shown[CONFIG_SHOWN_MAX];

		return config_problem(reader, "must be a duration such as \"90s\", not \"%s\"",
			config_show(shown, &value->string));
	}
	if (number > reader->key->maximum) {
		char high[UNITS_TEXT_MAX];

		return config_problem(reader, "must be at most %s",
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
			return config_problem(reader, "must not contain control characters");
		at += step;
	}
	return 0;
}

static int store_text(struct config_reader *reader, const struct toml_value *value, void *field)
{
	char **text = field;
	const char *(*check)(const char *, size_t) = reader->key->problem;
	const char *problem = check ? check(value->string.bytes, value->string.length) : NULL;
	char *copy;
	int result = check_text(reader, &value->string);

	if (result < 0)
		return result;
	if (problem)
		return config_problem(reader, "%s", problem);
	if (value->string.length > reader->key->maximum)
		return config_problem(reader, "must be at most %llu bytes long",
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
	.release = release_text,
};

static int store_path(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const char *path = value->string.bytes;
	bool join = reader->directory && path[0] != '/';
	char **text = field;
	char *copy;
	int length;

	if (value->string.length == 0)
		return config_problem(reader, "must not be empty");
	if (strlen(path) != value->string.length)
		return config_problem(reader, "must not contain NUL");
	length = asprintf(&copy, "%s%s%s", join ? reader->directory : "", join ? "/" : "", path);
	if (length < 0)
		return fail_memory(reader);
	if (length >= PATH_MAX) {
		free(copy);
		return config_problem(reader, "is longer than a path may be");
	}
	free(*text);
	*text = copy;
	return 0;
}

const struct config_kind config_path = {
	.wanted = "a string with a path",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_path,
	.release = release_text,
};

static int store_name(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const char *problem = reader->key->problem(value->string.bytes, value->string.length);

	if (problem)
		return config_problem(reader, "%s", problem);
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
		return config_problem(reader, "must be one printable ASCII character");
	if (choices && !strchr(choices, letter))
		return config_problem(reader, "must be one letter of %s", choices);
	if (reader->key->problem && reader->key->problem(string->bytes, 1))
		return config_problem(reader, "must be another: \"%c\" %s", letter,
			reader->key->problem(string->bytes, 1));
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
	char shown[CONFIG_SHOWN_MAX];
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
	return config_problem(reader, "must be %s, not \"%s\"", list, config_show(shown, string));
}

const struct config_kind config_choice = {
	.wanted = "a string",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_choice,
};

static void release_numbers(void *field)
{
	struct config_numbers *numbers = field;

	free(numbers->items);
	*numbers = (struct config_numbers){ 0 };
}

static int check_count(struct config_reader *reader, const struct toml_array *array)
{
	if (array->count <= reader->key->elements)
		return 0;
	return config_problem(reader, "must not have more than %zu elements",
		reader->key->elements);
}

static int store_numbers(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_array *array = &value->array;
	struct config_numbers *numbers = field;

	if (check_count(reader, array) < 0)
		return -EINVAL;
	release_numbers(field);
	numbers->items = calloc(array->count + 1, sizeof(*numbers->items));
	if (!numbers->items)
		return fail_memory(reader);
	numbers->count = array->count;
	for (size_t i = 0; i < array->count; i++) {
		if (array->items[i]->type != TOML_INTEGER)
			return config_problem(reader, "must be an array of integers, not of %s",
				toml_type_name(array->items[i]->type));
		if (store_count(reader, array->items[i], &numbers->items[i]) < 0)
			return -EINVAL;
	}
	return 0;
}

const struct config_kind config_numbers = {
	.wanted = "an array of integers",
	.accepts = CONFIG_TYPE(TOML_ARRAY),
	.store = store_numbers,
	.release = release_numbers,
};

static void release_words(void *field)
{
	struct config_words *words = field;

	free(words->items);
	*words = (struct config_words){ 0 };
}

static int check_word(struct config_reader *reader, const struct toml_value *value)
{
	const char *problem;
	char shown[CONFIG_SHOWN_MAX];

	if (value->type != TOML_STRING)
		return config_problem(reader, "must be an array of strings, not of %s",
			toml_type_name(value->type));
	problem = reader->key->problem(value->string.bytes, value->string.length);
	if (!problem)
		return 0;
	return config_problem(reader, "is an array whose strings %s, unlike \"%s\"", problem,
		config_show(shown, &value->string));
}

/* The pointers and, behind them, what they point to are one block of memory. */
static int store_words(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_array *array = &value->array;
	struct config_words *words = field;
	size_t size = (array->count + 1) * sizeof(*words->items);
	char *next;

	if (check_count(reader, array) < 0)
		return -EINVAL;
	for (size_t i = 0; i < array->count; i++) {
		if (check_word(reader, array->items[i]) < 0)
			return -EINVAL;
		size += array->items[i]->string.length + 1;
	}
	release_words(field);
	words->items = malloc(size);
	if (!words->items)
		return fail_memory(reader);
	next = (char *)(words->items + array->count + 1);
	for (; words->count < array->count; words->count++) {
		words->items[words->count] = next;
		next = stpcpy(next, array->items[words->count]->string.bytes) + 1;
	}
	words->items[words->count] = NULL;
	return 0;
}

const struct config_kind config_words = {
	.wanted = "an array of strings",
	.accepts = CONFIG_TYPE(TOML_ARRAY),
	.store = store_words,
	.release = release_words,
};
