#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "compiler.h"
#include "config.h"
#include "toml.h"

/*
 * The keys of the configuration, a row each. A kind of value knows how to read what is written
 * into the field of struct vmm_config that the row names.
 */
struct config_key {
	const char *table; /* "" for the top */
	const char *name;
	const struct config_kind *kind;
	size_t offset; /* of the field */
	uint64_t minimum, maximum; /* of a number, or of a text's length */
	uint64_t multiple; /* of a size, or 0 */
	const char *choices; /* letters, or words with a blank behind each */
	uint8_t when_true, when_false; /* the bits of a flag */
	const char *initial; /* the default, as --set would be given it, or NULL */
	const char *help;
};

#define CONFIG_KEYS_MAX 32

extern const struct config_key config_keys[];
extern const size_t config_key_count; /* at most CONFIG_KEYS_MAX */

/* The row of a table's key, or NULL. */
const struct config_key *config_key_find(const char *table, const char *name, size_t length);

/* One value being read. */
struct config_reader {
	struct vmm_config *config;
	const struct config_key *key;
	const char *directory; /* relative paths are relative to it; NULL: to the current one */
	char problem[256]; /* what is wrong, without the key's name: "must be ..." */
};

struct config_kind {
	const char *wanted; /* for messages: "an integer" */
	unsigned accepts; /* CONFIG_TYPE() of the TOML types that are read */
	int (*store)(struct config_reader *reader, const struct toml_value *value, void *field);
};

#define CONFIG_TYPE(type) (1U << (type))

extern const struct config_kind config_boolean; /* bool */
extern const struct config_kind config_flag; /* uint8_t of which one or two bits are set */
extern const struct config_kind config_count; /* unsigned */
extern const struct config_kind config_size; /* uint64_t or size_t */
extern const struct config_kind config_power_of_two; /* the same */
extern const struct config_kind config_duration; /* uint64_t, in milliseconds */
extern const struct config_kind config_text; /* char *, owned */
extern const struct config_kind config_path; /* char *, owned */
extern const struct config_kind config_name; /* char [CONSOLE_NAME_MAX + 1] */
extern const struct config_kind config_letter; /* char */
extern const struct config_kind config_choice; /* an enum */
extern const struct config_kind config_affinity; /* affinity and affinity_count */

/*
 * Read a value, or the text of a setting, into the field of reader->key. 0, or -EINVAL with
 * reader->problem filled and the field as it was or half changed, but safe to destroy.
 */
int config_read_value(struct config_reader *reader, const struct toml_value *value);
int config_read_text(struct config_reader *reader, const char *text);

#endif
