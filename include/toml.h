#ifndef TOML_H
#define TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * TOML 1.0.0, complete: text in, a tree of values out. Where the standard leaves room:
 * - a document is at most TOML_SIZE_MAX bytes, and arrays and tables nest TOML_DEPTH_MAX deep;
 * - a byte order mark is refused; CR LF within a multi-line string becomes LF;
 * - an integer beyond 64 bits is refused, a float beyond the range of binary64 is infinite;
 * - second 60 (a leap second) is accepted, as RFC 3339 has it; fractions of a second keep nine
 *   digits and further ones are cut off.
 */
#define TOML_SIZE_MAX 1048576
#define TOML_DEPTH_MAX 128

enum toml_type {
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOLEAN,
	TOML_OFFSET_DATETIME,
	TOML_LOCAL_DATETIME,
	TOML_LOCAL_DATE,
	TOML_LOCAL_TIME,
	TOML_ARRAY,
	TOML_TABLE,
};

/* Bytes of UTF-8. May contain NUL; a further NUL, not counted, follows. */
struct toml_string {
	char *bytes;
	size_t length;
};

/* The members that the type does not have are 0. */
struct toml_datetime {
	unsigned year, month, day;
	unsigned hour, minute, second, nanosecond;
	int offset_minutes; /* east of UTC */
};

struct toml_array {
	struct toml_value **items;
	size_t count;
};

/* A key and its value, in the order of the document. */
struct toml_entry {
	struct toml_string key;
	unsigned line, column; /* of the key */
	struct toml_value *value;
};

struct toml_table {
	struct toml_entry **entries;
	size_t count;
	void *index; /* the reader's: entries by key */
};

/* Belongs to the tree it is in. Line and column count from 1, the column in characters. */
struct toml_value {
	enum toml_type type;
	unsigned line, column;
	unsigned char depth; /* the reader's: arrays and tables around this one */
	unsigned char origin; /* the reader's: what may still be added to it */
	union {
		struct toml_string string;
		int64_t integer;
		double real;
		bool boolean;
		struct toml_datetime datetime;
		struct toml_array array;
		struct toml_table table;
	};
};

struct toml_error {
	unsigned line, column;
	char message[200]; /* one line, printable whatever the document contains */
};

/*
 * Reads a whole document. Returns its root, a table that the caller owns, or NULL with *error
 * filled. Any bytes at all may be given; nothing is kept of text.
 */
struct toml_value *toml_parse(const char *text, size_t length, struct toml_error *error);

/* The same for a single value, as on the right of "="; blanks around it are allowed. */
struct toml_value *toml_parse_value(const char *text, size_t length, struct toml_error *error);

void toml_free(struct toml_value *value); /* with all below it; NULL is allowed */

/* What table says under key, or NULL. A value that is no table has no keys. */
struct toml_value *toml_get(const struct toml_value *table, const char *key);
struct toml_entry *toml_entry(const struct toml_value *table, const char *key,
	size_t length); /* any key, NUL included */

const char *toml_type_name(enum toml_type type); /* with its article: "an integer" */

#endif
