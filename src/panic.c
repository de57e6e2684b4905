/* Recognising a Linux kernel's panic in the last words on its console. */

#include "panic.h"

#include <string.h>

#define PANIC "Kernel panic - not syncing: "
#define REBOOT "reboot: "

/*
 * What the kernel said itself in a line: what follows its last time stamp, "[   12.345678] ", as a
 * kernel's line may come behind a program's that has not ended yet.
 */
static const char *kernel_words(const char *line, const char *end)
{
	const char *words = line;

	for (const char *at = line; at + 1 < end; at++)
		if (at[0] == ']' && at[1] == ' ')
			words = at + 2;
	return words;
}

static bool begins(const char *words, const char *end, const char *with)
{
	size_t length = strlen(with);

	return (size_t)(end - words) >= length && memcmp(words, with, length) == 0;
}

static void copy_printable(char *to, size_t room, const char *from, const char *end)
{
	size_t length = 0;

	while (end > from && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	for (; from < end && length + 1 < room; from++, length++)
		to[length] = (char)(*from >= ' ' && *from <= '~' ? *from : '?');
	to[length] = '\0';
}

bool panic_find(const char *text, size_t text_length, char *reason, size_t reason_length)
{
	const char *line = text, *stop = text + text_length;
	bool found = false;

	while (line < stop) {
		const char *end = memchr(line, '\n', (size_t)(stop - line));

		if (!end)
			end = stop;

		const char *words = kernel_words(line, end);

		if (begins(words, end, PANIC)) {
			copy_printable(reason, reason_length, words + strlen(PANIC), end);
			found = true;
		} else if (begins(words, end, REBOOT)) {
			found = false;
		}
		line = end + 1;
	}
	return found;
}
