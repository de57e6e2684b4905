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

/*
 * What is added, each unless the operator has said something about it: reset at once after a panic,
 * so that vmm can tell; reset by ACPI's register (kernels take such a machine for one with EFI);
 * show what the kernel says before it has its console; do not search PCI buses, where there is
 * nothing, by thousands of exits.
 */
static const struct {
	const char *words;
	const char *unless[3];
} added[] = {
	{ "panic=-1 ", { "panic=" } },
	{ "reboot=a ", { "reboot=" } },
	{ "earlycon=uart8250,io,0x3f8,115200 ", { "console=ttyS0", "earlycon", "earlyprintk" } },
	{ "pci=noearly ", { "pci=" } },
};

static bool is_wanted(size_t index, const char *words)
{
	for (size_t i = 0; i < ARRAY_SIZE(added[index].unless); i++)
		if (added[index].unless[i] && command_line_has(words, added[index].unless[i]))
			return false;
	return true;
}

int command_line_build(const char *words, bool defaults, char *line, size_t size)
{
	const char *part[ARRAY_SIZE(added)];
	int length;

	for (size_t i = 0; i < ARRAY_SIZE(added); i++)
		part[i] = defaults && is_wanted(i, words) ? added[i].words : "";
	length = snprintf(line, size, "%s%s%s%s%s", part[0], part[1], part[2], part[3], words);
	return length < 0 || (size_t)length >= size ? -EINVAL : 0;
}
