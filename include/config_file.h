#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "compiler.h"
#include "toml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Configuration files: TOML read into a struct by tables of rows. A key's row names the field it
 * fills, its limits and its default; a list's row names an array of tables, "[[net]]", or one in
 * the items of another, "[[switch.port]]". All messages come from here.
 */

/* One line for the operator: "guest1.toml:12:5: machine.vcpus must be 1 to 4096, not 0". */
struct config_error {
	char text[512];
};

struct config_key {
	const char *table; /* "" for the top, "machine", "switch.port" */
	const char *name;
	const struct config_kind *kind;
	size_t offset; /* of the field; in the item, if the table is a list's */
	uint64_t minimum, maximum; /* of a number, or of a text's length, or 0 */
	uint64_t multiple; /* of a size, or 0 */
	size_t elements; /* of an array: how many at most */
	const char *choices; /* letters, or words with a blank behind each */
	const char *(*problem)(const char *text, size_t length); /* of a text or letter */
	uint8_t when_true, when_false; /* the bits of a flag */
	const char *initial; /* the default, as --set would be given it, or NULL */
	const char *help;
};

struct config_list {
	const char *name;
	size_t item_size;
	size_t items; /* offset of the pointer to the items: owned, NULL if there are none */
	size_t count; /* offset of their number, a size_t */
	size_t maximum;
};

struct config_schema {
	const struct config_key *keys; /* those of a table are together */
	size_t key_count;
	const struct config_list *lists;
	size_t list_count;
};

/* One value being read. */
struct config_reader {
	const struct config_key *key;
	const char *directory; /* relative paths are relative to it; NULL: to the current one */
	char problem[256]; /* what is wrong, without the key's name: "must be ..." */
};

/* How a kind of value is read into the field that a row names. */
struct config_kind {
	const char *wanted; /* for messages: "an integer" */
	unsigned accepts; /* CONFIG_TYPE() of the TOML types that are read */
	/* 0, or config_problem(); then the field is as it was or half changed, but releasable. */
	int (*store)(struct config_reader *reader, const struct toml_value *value, void *field);
	void (*release)(void *field); /* NULL: owns nothing; the field may be zeroed */
};

#define CONFIG_TYPE(type) (1U << (type))
#define CONFIG_SHOWN_MAX 64

struct config_numbers {
	unsigned *items;
	size_t count;
};

struct config_words {
	char **items;
	size_t count;
};

extern const struct config_kind config_boolean; /* bool */
extern const struct config_kind config_flag; /* uint8_t of which one or two bits are set */
extern const struct config_kind config_count; /* unsigned or uint32_t */
extern const struct config_kind config_size; /* uint64_t or size_t */
extern const struct config_kind config_power_of_two; /* the same */
extern const struct config_kind config_duration; /* uint64_t, in milliseconds */
extern const struct config_kind config_text; /* char *, owned */
extern const struct config_kind config_path; /* char *, owned */
extern const struct config_kind config_name; /* char array, for what problem lets through */
extern const struct config_kind config_letter; /* char */
extern const struct config_kind config_choice; /* an enum */
extern const struct config_kind config_numbers; /* struct config_numbers */
extern const struct config_kind config_words; /* struct config_words; problem is asked of each */

/* For the store of a kind: fills in what is wrong. Returns -EINVAL. */
int config_problem(struct config_reader *reader, const char *format, ...) PRINTF_LIKE(2, 3);
/* A string of the file, fit for a message. Returns shown. */
const char *config_show(char shown[CONFIG_SHOWN_MAX], const struct toml_string *string);

struct config_place;

/* One file being read. */
struct config_file {
	const struct config_schema *schema;
	const char *path;
	char shown_path[256];
	char *directory; /* of the file, owned; NULL if it is the current one */
	struct config_place *places; /* of each value that was read, owned */
	size_t place_count;
	size_t setting_count;
	struct config_error *error;
};

/*
 * Reads path into root, a zeroed struct of the schema, then settings ("machine.vcpus=2",
 * "net.0.wire=lan") over it. Paths in the file are relative to its directory, those in settings to
 * the current one. Nothing but path is opened. 0, or -EINVAL with *error filled. In either case
 * config_file_end() is due, and config_clear() of root.
 */
int config_file_read(struct config_file *file, void *root, const char *const *settings,
	size_t count);
void config_file_end(struct config_file *file);

/*
 * What the rows cannot say. The key is looked up in the object (root, or an item), for the place
 * and the name in the message; NULL means the object itself. They return -EINVAL.
 */
int config_file_fail(struct config_file *file, const void *object, const struct config_key *key,
	const char *format, ...) PRINTF_LIKE(4, 5);
const struct config_key *config_key_find(const struct config_schema *schema, const char *table,
	const char *name, size_t length); /* or NULL */

/* Frees what root owns; it is zeroed after. A zeroed or half-read one is accepted. */
void config_clear(const struct config_schema *schema, void *root, size_t size);

#endif
