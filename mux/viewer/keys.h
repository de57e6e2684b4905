#ifndef KEYS_H
#define KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The escape key (Ctrl-E) in what the operator types. Does no I/O. Whatever follows a switch in
 * the same bytes is for the new place: take one event at a time and act on it before the next.
 */
enum key_action {
	KEY_NOTHING, /* the bytes are used up */
	KEY_BYTES, /* bytes for where the operator is connected, or for the prompt */
	KEY_ESCAPE, /* the escape key was pressed: show it */
	KEY_SEND, /* byte, as if it was typed */
	KEY_LEAVE, /* to the prompt; what was pasted behind it must not run as commands */
	KEY_BREAK,
	KEY_HIDE_OTHERS,
	KEY_SHOW_ALL,
	KEY_TAKE, /* typing at a channel, from another viewer */
	KEY_YIELD,
	KEY_CHANNEL, /* byte is no key of ours: connect to the channel whose key it is */
};

#define KEYS_ESCAPE 0x05
#define KEYS_NONE (-1)

struct keys {
	int escape; /* byte, or KEYS_NONE */
	bool escaped; /* the escape key was pressed, what follows it did not come yet */
};

struct key_event {
	enum key_action action;
	uint8_t byte;
	const uint8_t *bytes; /* KEY_BYTES: in what was given */
	size_t length;
};

/* What stands behind the escape key: one row each. */
struct key {
	char key;
	enum key_action action;
	uint8_t byte; /* KEY_SEND; 0: the escape key's own */
	const char *help;
};

extern const struct key key_table[];
extern const size_t key_count;

void keys_init(struct keys *keys, int escape);

/* Takes bytes from the front: returns how many, and what they are. */
size_t keys_next(struct keys *keys, const uint8_t *bytes, size_t length, struct key_event *event);

/* The escape key's name for people: "Ctrl-E", "@". */
#define KEYS_NAME_MAX 16
void keys_name(int escape, char name[static KEYS_NAME_MAX]);

/* A name as above, "^E", "none", or a single character; false if it is none of them. */
bool keys_parse(const char *name, int *escape);

#endif
