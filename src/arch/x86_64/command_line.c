/* The kernel's command line. */
#include "command_line.h"

#include "compiler.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The end of a word: a blank outside double quotes, as the kernel reads it. */
static const char *word_end(const char *word)
{
	bool quoted = false;

	for (; *word && (quoted || !strchr(" \t\n", *word)); word++)
		if (*word == '"')
			quoted = !quoted;
	return word;
}

bool command_line_has(const char *words, const char *prefix)
{
	for (;;) {
		const char *end;

		words += strspn(words, " \t\n");
		end = word_end(words);
		if (end == words || (end - words == 2 && strncmp(words, "--", 2) == 0))
			return false;
		if (strncmp(words, prefix, strlen(prefix)) == 0)
			return true;
		words = end;
	}
}

static bool sees_early_output(const char *words)
{
	return command_line_has(words, "console=ttyS0") || command_line_has(words, "earlycon") ||
		command_line_has(words, "earlyprintk");
}

int command_line_build(const char *words, bool defaults, char *line, size_t size)
{
	bool panic = defaults && !command_line_has(words, "panic=");
	bool early = defaults && !sees_early_output(words);
	int length = snprintf(line, size, "%s%s%s", panic ? "panic=-1 " : "",
		early ? "earlycon=uart8250,io,0x3f8,115200 " : "", words);

	return length < 0 || (size_t)length >= size ? -EINVAL : 0;
}
