/* The command that types at a guest. */

#include "attach.h"
#include "channel.h"
#include "commands.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

bool commands_join(struct command_call *call, char *const *words, char text[COMMANDS_TEXT_MAX + 1])
{
	size_t length = 0;

	for (size_t i = 0; words[i]; i++) {
		size_t more = strlen(words[i]);

		if (length + (i > 0) + more > COMMANDS_TEXT_MAX) {
			command_fail(call, 2, "%s: a text has %d bytes at most",
				call->command->name, COMMANDS_TEXT_MAX);
			return false;
		}
		if (i)
			text[length++] = ' ';
		memcpy(text + length, words[i], more);
		length += more;
	}
	text[length] = '\0';
	return true;
}

/* Two hexadecimal digits; -1 if they are none. */
static int hexadecimal(const char *text)
{
	char digits[3] = "";
	char *end;
	long value;

	strncat(digits, text, 2);
	value = strtol(digits, &end, 16);
	return strspn(digits, "0123456789abcdefABCDEF") == 2 && !*end ? (int)value : -1;
}

/* One escape behind its backslash; how many characters it has, or 0 if it is none. */
static size_t read_escape(const char *text, char *byte)
{
	static const char letters[] = "rntbae0\\";
	static const char bytes[] = "\r\n\t\b\a\033\0\\";
	const char *found = *text ? strchr(letters, *text) : NULL;
	int value;

	if (found) {
		*byte = bytes[found - letters];
		return 1;
	}
	value = *text == 'x' ? hexadecimal(text + 1) : -1;
	*byte = (char)value;
	return value < 0 ? 0 : 3;
}

/* In place; the length of what comes of it, or -1 with the message set. */
static ssize_t unescape(struct command_call *call, char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		size_t length;

		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		length = read_escape(from + 1, to++);
		if (!length) {
			command_fail(call, 2,
				"send: \\%.1s is no escape: \\r \\n \\t \\b \\a \\e \\0 \\xNN \\\\",
				from + 1);
			return -1;
		}
		from += length + 1;
	}
	return to - text;
}

static const char *reason_not_to(const struct channel *channel, size_t length)
{
	if (channel->is_log)
		return "is a log, which nobody reads";
	if (channel_is_over(channel))
		return "has ended";
	if (evbuffer_get_length(channel->input) + length > CHANNEL_INPUT_PAUSE)
		return "has not taken yet what was typed before";
	return NULL;
}

/* send [--enter] CHANNEL TEXT ... */
int send_run(struct command_call *call, char *const *words)
{
	struct channel *channel = commands_channel(call, words[1]);
	char text[COMMANDS_TEXT_MAX + 2];
	const char *reason;
	ssize_t length;

	if (!channel)
		return 1;
	if (!commands_join(call, words + 2, text))
		return 2;
	length = unescape(call, text);
	if (length < 0)
		return 2;
	if (command_option(call, "--enter"))
		text[length++] = '\r';
	reason = reason_not_to(channel, (size_t)length);
	if (reason)
		return command_fail(call, 1, "send: %s %s", channel->name, reason);
	channel_type(channel, (const uint8_t *)text, (size_t)length);
	channel_saw(channel, channel->history.committed);
	return 0;
}
