#ifndef TOML_VALUE_H
#define TOML_VALUE_H

/* Building the tree: for the reader only. */

#include "toml.h"

/* How an array or a table came to be decides what may be added to it later. */
enum toml_origin {
	TOML_IMPLIED, /* named on the way by a header: may get its own header once */
	TOML_HEADER, /* [table] or an element of [[table]]: may get tables by further headers */
	TOML_DOTTED, /* by a dotted key: further dotted keys, and tables by headers */
	TOML_HEADERS, /* array by [[table]]: further elements by the same */
	TOML_INLINE, /* written out as a value: complete */
};

/* A value that stands on its own, false for now. NULL: no memory. */
struct toml_value *toml_value_create(unsigned line, unsigned column);

/* Turn a scalar into an empty container. */
void toml_become_array(struct toml_value *value, enum toml_origin origin);
void toml_become_table(struct toml_value *value, enum toml_origin origin);

/*
 * Appends a new value to an array or a table, which owns it; the key must be new to the table.
 * NULL: no memory.
 */
struct toml_value *toml_array_add(struct toml_value *array, unsigned line, unsigned column);
struct toml_value *toml_table_add(struct toml_value *table, const struct toml_string *key,
	unsigned line, unsigned column);

#endif
