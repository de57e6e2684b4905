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
	{ 'n', KEY_NEXT, 0, "connect to the next guest" },
	{ 'p', KEY_PREVIOUS, 0, "connect to the previous guest" },
	{ '\t', KEY_LAST, 0, "connect to the guest before this one" },
	{ ':', KEY_COMMAND, 0, "one command, then back to the guest" },
	{ 'd', KEY_DETACH, 0, "detach this terminal; guests and muxd go on" },
	{ '?', KEY_HELP, 0, "tell these keys" },
};
const size_t key_count = ARRAY_SIZE(key_table);

static const struct {
	const char *name;
	uint8_t escape;
	bool numbers; /* behind the escape key: digits, then Enter */
	bool quotes; /* a backslash before the escape key makes it plain */
	bool twice; /* the escape key itself sends one */
	struct {
		const char *key, *help;
	} more[2];
} modes[KEYS_MODES] = {
	[KEYS_CONS] = { "cons", 0x05, false, false, false, { { NULL, NULL } } },
	[KEYS_LIBVMM] = { "libvmm", '@', false, true, true,
		{ { "1", "to 9: connect to the guest of this number" },
			{ "m", "type at all guests at once" } } },
	[KEYS_SDDF] = { "sddf", 0x1c, true, false, true,
		{ { "0", "and so on, then Enter: connect to the guest of this number" } } },
};

bool keys_parse_mode(const char *name, enum keys_mode *mode)
{
	for (size_t i = 0; i < KEYS_MODES; i++) {
		if (!strcmp(modes[i].name, name)) {
			*mode = (enum keys_mode)i;
			return true;
		}
	}
	return false;
}

bool keys_mode_help(enum keys_mode mode, unsigned index, const char **key, const char **help)
{
	if (index >= ARRAY_SIZE(modes[mode].more) || !modes[mode].more[index].key)
		return false;
	*key = modes[mode].more[index].key;
	*help = modes[mode].more[index].help;
	return true;
}

unsigned keys_shown_number(const struct keys *keys, unsigned number)
{
	return keys->mode == KEYS_LIBVMM ? number + 1 : number;
}

void keys_init(struct keys *keys, enum keys_mode mode, int escape)
{
	*keys = (struct keys){ .mode = mode, .escape = escape ? escape : modes[mode].escape };
}

bool keys_are_begun(const struct keys *keys)
{
	return keys->escaped || keys->digits;
}

bool keys_is_reserved(char key)
{
	for (size_t i = 0; i < key_count; i++)
		if (key_table[i].key == key)
			return true;
	return false;
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* One byte behind the escape key. */
static void look_up(struct keys *keys, uint8_t byte, struct key_event *event)
{
	event->byte = byte;
	if (byte == keys->escape && modes[keys->mode].twice) {
		event->action = KEY_SEND;
		return;
	}
	if (keys->mode == KEYS_LIBVMM && byte == 'm') {
		event->action = KEY_BROADCAST;
		return;
	}
	if (keys->mode == KEYS_LIBVMM && byte >= '1' && byte <= '9') {
		event->action = KEY_NUMBER;
		event->number = byte - (unsigned)'1';
		return;
	}
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
}

/* One more than fit is kept too, to be shown. */
static void add_digit(struct keys *keys, uint8_t digit)
{
	if (keys->digits <= KEYS_DIGITS_MAX)
		keys->number[keys->digits++] = digit;
	else
		keys->number[KEYS_DIGITS_MAX] = digit;
}

/* A number is collected until Enter, which is not handed on either if the number is wrong. */
static size_t collect(struct keys *keys, uint8_t byte, struct key_event *event)
{
	bool ends = byte == '\r' || byte == '\n';

	if (is_digit(byte)) {
		add_digit(keys, byte);
		return 1;
	}
	event->action = ends && keys->digits <= KEYS_DIGITS_MAX ? KEY_NUMBER : KEY_WRONG_NUMBER;
	for (size_t i = 0; i < keys->digits; i++)
		event->number = 10 * event->number + keys->number[i] - '0';
	event->bytes = keys->number;
	event->length = keys->digits;
	keys->digits = 0;
	if (byte == keys->escape)
		return 0; /* begins anew */
	if (!ends)
		keys->number[event->length++] = byte;
	return 1;
}

/* Behind a backslash. */
static size_t unquote(struct keys *keys, uint8_t byte, struct key_event *event)
{
	event->action = KEY_SEND;
	event->byte = byte;
	if (byte == '\\')
		return 1; /* this one is held back instead */
	keys->quoted = false;
	if (byte == keys->escape)
		return 1;
	event->byte = '\\';
	return 0;
}

/* How many bytes in front have no meaning of their own. */
static size_t plain_length(const struct keys *keys, const uint8_t *bytes, size_t length)
{
	const uint8_t *end = keys->escape < 0 ? NULL : memchr(bytes, keys->escape, length);
	const uint8_t *quote = NULL;

	if (end)
		length = (size_t)(end - bytes);
	if (keys->escape >= 0 && modes[keys->mode].quotes)
		quote = memchr(bytes, '\\', length);
	return quote ? (size_t)(quote - bytes) : length;
}

size_t keys_next(struct keys *keys, const uint8_t *bytes, size_t length, struct key_event *event)
{
	*event = (struct key_event){ .action = KEY_NOTHING };
	if (!length)
		return 0;
	if (keys->digits || (keys->escaped && modes[keys->mode].numbers && is_digit(bytes[0]))) {
		keys->escaped = false;
		return collect(keys, bytes[0], event);
	}
	if (keys->escaped) {
		keys->escaped = false;
		look_up(keys, bytes[0], event);
		return 1;
	}
	if (keys->quoted)
		return unquote(keys, bytes[0], event);
	event->length = plain_length(keys, bytes, length);
	if (event->length) {
		event->action = KEY_BYTES;
		event->bytes = bytes;
		return event->length;
	}
	if (bytes[0] == keys->escape) {
		keys->escaped = true;
		event->action = KEY_ESCAPE;
	} else {
		keys->quoted = true;
	}
	return 1;
}

void keys_name(int escape, char name[static KEYS_NAME_MAX])
{
	if (escape < 0)
		snprintf(name, KEYS_NAME_MAX, "none");
	else if (escape == '\t')
		snprintf(name, KEYS_NAME_MAX, "Tab");
	else if (escape == '\r')
		snprintf(name, KEYS_NAME_MAX, "Enter");
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
