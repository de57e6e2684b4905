#ifndef CONFIG_PARTS_H
#define CONFIG_PARTS_H

#include "config_file.h"

#include <stddef.h>

/* What the parts of the reader of configuration files share. Whoever fails has filled in the error.
 */

/* Where a value comes from, for messages. */
struct config_place {
	const void *object; /* the struct or item its field is in */
	const struct config_key *key; /* NULL: the item itself */
	const struct config_list *list; /* of the item */
	const char *setting; /* from the command line, or NULL */
	unsigned line, column; /* in the file; 0 for the whole of it */
};

/* One table that is being filled. */
struct config_table {
	const char *name; /* as the rows have it */
	void *object;
};

int config_fail_at(struct config_file *file, const struct config_place *place, const char *format,
	...) PRINTF_LIKE(3, 4);
int config_fail_unknown(struct config_file *file, const struct config_place *place,
	const char *table, const char *what, const struct toml_string *name);
int config_remember(struct config_file *file, struct config_place place);

/*
 * Room for as many items as the file has and settings may add: a setting adds one at most, so that
 * items never move. Once there is room, nothing happens. -ENOMEM, with no error filled in.
 */
int config_make_room(struct config_file *file, const struct config_list *list, void *object,
	size_t count);
/* Another item, with its defaults, or NULL. There are fewer than the maximum. */
void *config_add_item(struct config_file *file, const struct config_list *list, void *object,
	struct config_place place);

/* The text of a setting or a default; -EINVAL with the reader's problem filled in. */
int config_store_text(struct config_reader *reader, const char *text, void *field);

int config_load_document(struct config_file *file, void *root, const char *text, size_t length);
int config_load_setting(struct config_file *file, void *root, const char *setting);

static inline void *config_field(void *object, size_t offset)
{
	return (char *)object + offset;
}

#endif
