/* The escape key and what may follow it. */

#include "keys.h"

#include "compiler.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const struct key key_table[] = {
	{ '.', KEY_LEAVE, 0, "leave the guest, back to the prompt" },
	{ 'e', KEY_SEND, 0, "send the escape key itself" },
	{ 'c', KEY_SEND, 0x03, "send Ctrl-C" },
	{ 'z', KEY_SEND, 0x1a, "send Ctrl-Z" },
	{ 'q', KEY_SEND, 0x1b, "send Escape" },
	{ 'l', KEY_BREAK, 0, "send a BREAK" },
	{ 'h', KEY_HIDE_OTHERS, 0, "hide the other guests" },
	{ 's', KEY_SHOW_ALL, 0, "show all guests" },
	{ 't', KEY_TAKE, 0, "ask to type where another terminal does" },
	{ 'y', KEY_YIELD, 0, "let the terminal that asked type" },
};
const size_t key_count = ARRAY_SIZE(key_table);

void keys_init(struct keys *keys, int escape)
{
	keys->escape = escape;
	keys->escaped = false;
}

static void look_up(const struct keys *keys, uint8_t byte, struct key_event *event)
{
	for (size_t i = 0; i < key_count; i++) {
		if (key_table[i].key != (char)byte)
			continue;
		event->action = key_table[i].action;
		event->byte = key_table[i].byte;
		if (event->action == KEY_SEND && !event->byte)
			event->byte = (uint8_t)keys->escape;
		return;
	}
	event->action = KEY_CHANNEL;
	event->byte = byte;
}

size_t keys_next(struct keys *keys, const uint8_t *bytes, size_t length, struct key_event *event)
{
	const uint8_t *escape;

	*event = (struct key_event){ .action = KEY_NOTHING };
	if (!length)
		return 0;
	if (keys->escaped) {
		keys->escaped = false;
		look_up(keys, bytes[0], event);
		return 1;
	}
	escape = keys->escape < 0 ? NULL : memchr(bytes, keys->escape, length);
	if (escape == bytes) {
		keys->escaped = true;
		event->action = KEY_ESCAPE;
		return 1;
	}
	event->action = KEY_BYTES;
	event->bytes = bytes;
	event->length = escape ? (size_t)(escape - bytes) : length;
	return event->length;
}

void keys_name(int escape, char name[static KEYS_NAME_MAX])
{
	if (escape < 0)
		snprintf(name, KEYS_NAME_MAX, "none");
	else if (escape < 0x20 || escape == 0x7f)
		snprintf(name, KEYS_NAME_MAX, "Ctrl-%c", escape ^ 0x40);
	else
		snprintf(name, KEYS_NAME_MAX, "%c", escape);
}

bool keys_parse(const char *name, int *escape)
{
	const char *last = name;

	if (!strcmp(name, "none")) {
		*escape = KEYS_NONE;
		return true;
	}
	if (!strncasecmp(name, "ctrl-", 5))
		last += 5;
	else if (name[0] == '^' && name[1])
		last++;
	if (!last[0] || last[1] || last[0] < 0x20)
		return false;
	if (last == name) {
		*escape = (unsigned char)last[0];
		return true;
	}
	*escape = toupper((unsigned char)last[0]) ^ 0x40;
	return *escape < 0x20 || *escape == 0x7f;
}
