/* Any bytes as a TOML document, and as a value that stands alone. */

#include "toml.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* Every position must be set, and every key be found again. */
static void check(const struct toml_value *value)
{
	assert(value->line > 0 && value->column > 0);
	if (value->type == TOML_ARRAY)
		for (size_t i = 0; i < value->array.count; i++)
			check(value->array.items[i]);
	if (value->type == TOML_TABLE) {
		for (size_t i = 0; i < value->table.count; i++) {
			struct toml_entry *entry = value->table.entries[i];

			assert(toml_entry(value, entry->key.bytes, entry->key.length) == entry);
			check(entry->value);
		}
	}
}

static void finish(struct toml_value *value, const struct toml_error *error)
{
	if (value)
		check(value);
	else
		assert(error->line > 0 && error->column > 0 &&
			strnlen(error->message, sizeof(error->message)) < sizeof(error->message));
	toml_free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct toml_error error = { 0 };

	finish(toml_parse((const char *)input, size, &error), &error);
	finish(toml_parse_value((const char *)input, size, &error), &error);
	return 0;
}
