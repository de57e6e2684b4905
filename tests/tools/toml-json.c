/* Reads a TOML document on stdin and prints it as JSON with types, as public TOML suites want it.
 */

#include "toml.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *tagged(const char *type, const char *bytes, size_t length)
{
	json_t *object = json_object();

	json_object_set_new(object, "type", json_string(type));
	json_object_set_new(object, "value", json_stringn(bytes, length));
	return object;
}

static json_t *real(double number)
{
	char text[40];

	if (isnan(number))
		snprintf(text, sizeof(text), "nan");
	else if (isinf(number))
		snprintf(text, sizeof(text), number < 0 ? "-inf" : "inf");
	else
		snprintf(text, sizeof(text), "%.17g", number);
	return tagged("float", text, strlen(text));
}

static int print_fraction(char *text, size_t size, unsigned nanosecond)
{
	int length = 0;

	if (!nanosecond)
		return 0;
	length = snprintf(text, size, ".%09u", nanosecond);
	while (text[length - 1] == '0')
		text[--length] = '\0';
	return length;
}

static int print_offset(char *text, size_t size, int minutes)
{
	if (minutes == 0)
		return snprintf(text, size, "Z");
	return snprintf(text, size, "%c%02d:%02d", minutes < 0 ? '-' : '+', abs(minutes) / 60,
		abs(minutes) % 60);
}

static json_t *datetime(const struct toml_value *value)
{
	const struct toml_datetime *when = &value->datetime;
	bool has_date = value->type != TOML_LOCAL_TIME;
	bool has_time = value->type != TOML_LOCAL_DATE;
	const char *type = !has_date ? "time-local" : !has_time ? "date-local" : "datetime-local";
	char text[80] = "";
	size_t used = 0;

	if (has_date)
		used += (size_t)snprintf(text, sizeof(text), "%04u-%02u-%02u", when->year,
			when->month, when->day);
	if (has_date && has_time)
		text[used++] = 'T';
	if (has_time) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%02u:%02u:%02u",
			when->hour, when->minute, when->second);
		used += (size_t)print_fraction(text + used, sizeof(text) - used, when->nanosecond);
	}
	if (value->type == TOML_OFFSET_DATETIME) {
		type = "datetime";
		used += (size_t)print_offset(text + used, sizeof(text) - used,
			when->offset_minutes);
	}
	return tagged(type, text, used);
}

static json_t *integer(int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	return tagged("integer", text, strlen(text));
}

static json_t *convert(const struct toml_value *value);

static json_t *array(const struct toml_array *items)
{
	json_t *result = json_array();

	for (size_t i = 0; i < items->count; i++)
		json_array_append_new(result, convert(items->items[i]));
	return result;
}

static json_t *table(const struct toml_table *entries)
{
	json_t *result = json_object();

	for (size_t i = 0; i < entries->count; i++) {
		const struct toml_entry *entry = entries->entries[i];

		json_object_setn_new(result, entry->key.bytes, entry->key.length,
			convert(entry->value));
	}
	return result;
}

static json_t *convert(const struct toml_value *value)
{
	const char *boolean;

	switch (value->type) {
	case TOML_STRING:
		return tagged("string", value->string.bytes, value->string.length);
	case TOML_INTEGER:
		return integer(value->integer);
	case TOML_FLOAT:
		return real(value->real);
	case TOML_BOOLEAN:
		boolean = value->boolean ? "true" : "false";
		return tagged("bool", boolean, strlen(boolean));
	case TOML_OFFSET_DATETIME:
	case TOML_LOCAL_DATETIME:
	case TOML_LOCAL_DATE:
	case TOML_LOCAL_TIME:
		return datetime(value);
	case TOML_ARRAY:
		return array(&value->array);
	case TOML_TABLE:
		return table(&value->table);
	}
	return NULL;
}

/* One byte more than a document may have is enough to have it refused. */
static char document[TOML_SIZE_MAX + 1];

int main(void)
{
	size_t length = fread(document, 1, sizeof(document), stdin);
	struct toml_error error;
	struct toml_value *root = toml_parse(document, length, &error);
	json_t *json;
	int failed;

	if (!root) {
		fprintf(stderr, "%u:%u: %s\n", error.line, error.column, error.message);
		return EXIT_FAILURE;
	}
	json = convert(root);
	failed = json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
	toml_free(root);
	return failed || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
