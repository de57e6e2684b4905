/* Names of channels: which are allowed, and the names of their files. */

#include "channel.h"
#include "guest_name.h"

#include <stdio.h>
#include <string.h>

const char *channel_name_error(const char *name, size_t length)
{
	if (length == strlen("console") && !memcmp(name, "console", length))
		return "must not be console, which means the prompt of muxd";
	return guest_name_problem(name, length);
}

static bool stands_for_itself(char letter)
{
	return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
		(letter >= 'A' && letter <= 'Z') || letter == '-' || letter == '_';
}

void channel_file_name(const char *name, char file[CHANNEL_FILE_MAX])
{
	for (; *name; name++) {
		if (stands_for_itself(*name))
			*file++ = *name;
		else
			file += sprintf(file, "%%%02X", (unsigned char)*name);
	}
	*file = '\0';
}

/* The value of a hexadecimal digit as channel_file_name() writes them, or -1. */
static int value_of(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

bool channel_name_of_file(const char *file, char name[CONSOLE_NAME_MAX + 1])
{
	char again[CHANNEL_FILE_MAX];
	const char *next = file;
	size_t length = 0;

	while (*next && length < CONSOLE_NAME_MAX) {
		int high = value_of(next[1]);
		int low = high < 0 ? -1 : value_of(next[2]);

		if (*next == '%' && low < 0)
			return false;
		name[length++] = *next == '%' ? (char)(high << 4 | low) : *next;
		next += *next == '%' ? 3 : 1;
	}
	name[length] = '\0';
	if (*next || strlen(name) != length || channel_name_error(name, length))
		return false;
	channel_file_name(name, again);
	return !strcmp(again, file);
}
