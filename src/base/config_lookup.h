#ifndef CONFIG_LOOKUP_H
#define CONFIG_LOOKUP_H

#include "config_file.h"

/*
 * Names of a schema: a table is a key's, or a list's of that name; it is within another if its name
 * is the other's, a dot and one word.
 */

/* The full name of the table called word within another, as a row has it, or NULL. */
const char *config_table_find(const struct config_schema *schema, const char *within,
	const char *word, size_t length);
const struct config_list *config_list_find(const struct config_schema *schema, const char *name);
/* The list of the schema that comes after one (NULL: the first) and is directly within a table. */
const struct config_list *config_list_next(const struct config_schema *schema, const char *within,
	const struct config_list *list);

#define CONFIG_EXPLANATION_MAX 448

/* "unknown key "vcpu" in [machine], did you mean "vcpus"?"; what is "key" or "table". */
void config_explain_unknown(const struct config_schema *schema, const char *table, const char *what,
	const struct toml_string *name, char text[CONFIG_EXPLANATION_MAX]);

#endif
