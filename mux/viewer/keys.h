#ifndef KEYS_H
#define KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The escape key (Ctrl-E) in what the operator types, and what other programs have for it. Does no
 * I/O. Whatever follows a switch in the same bytes is for the new place: take one event at a time
 * and act on it before the next.
 */
enum keys_mode {
	KEYS_CONS, /* Ctrl-E, then a key */
	KEYS_LIBVMM, /* @, then a digit from 1, m or a key; a backslash before @ makes it plain */
	KEYS_SDDF, /* Ctrl-\, then a number from 0 and Enter, or a key; twice sends one */
	KEYS_MODES,
};

#define KEYS_MODE_CHOICES "cons libvmm sddf " /* in that order */

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
	KEY_NEXT, /* to the next guest in the order of names */
	KEY_PREVIOUS,
	KEY_LAST, /* to the one before this one */
	KEY_COMMAND, /* one command line, then back */
	KEY_DETACH,
	KEY_HELP,
	KEY_NUMBER, /* connect to the number-th guest, from 0 */
	KEY_BROADCAST, /* type at all guests */
	KEY_WRONG_NUMBER, /* bytes are what was typed instead of a number and Enter */
};

#define KEYS_NONE (-1)
#define KEYS_DIGITS_MAX 4

struct keys {
	enum keys_mode mode;
	int escape; /* byte, or KEYS_NONE */
	bool escaped; /* the escape key was pressed, what follows it did not come yet */
	bool quoted; /* KEYS_LIBVMM: a backslash was, and is not handed out yet */
	uint8_t digits; /* KEYS_SDDF: of the number so far; more than fit are counted */
	uint8_t number[KEYS_DIGITS_MAX + 2]; /* them, and what made them wrong */
};

struct key_event {
	enum key_action action;
	uint8_t byte;
	unsigned number;
	const uint8_t *bytes; /* KEY_BYTES: in what was given. KEY_WRONG_NUMBER: until the next */
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

/* escape 0: the mode's own. */
void keys_init(struct keys *keys, enum keys_mode mode, int escape);

/* The next byte belongs to the escape key before it. */
bool keys_are_begun(const struct keys *keys);

/* Is it a key of ours, that no channel can have? */
bool keys_is_reserved(char key);

/* What has to be typed for the guest that comes as KEY_NUMBER number. */
unsigned keys_shown_number(const struct keys *keys, unsigned number);

/* "cons", "libvmm", "sddf"; false if it is none of them. */
bool keys_parse_mode(const char *name, enum keys_mode *mode);

/* What else is behind the escape key in this mode, besides the rows: key and help, or false. */
bool keys_mode_help(enum keys_mode mode, unsigned index, const char **key, const char **help);

/*
 * Takes bytes from the front: returns how many, and what they are. None may be taken when something
 * that was held back comes out; it comes once.
 */
size_t keys_next(struct keys *keys, const uint8_t *bytes, size_t length, struct key_event *event);

/* A key's name for people: "Ctrl-E", "@", "Tab". */
#define KEYS_NAME_MAX 16
void keys_name(int escape, char name[static KEYS_NAME_MAX]);

/* A name as above, "^E", "none", or a single character; false if it is none of them. */
bool keys_parse(const char *name, int *escape);

#endif
