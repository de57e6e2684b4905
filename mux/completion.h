#ifndef COMPLETION_H
#define COMPLETION_H

#include "option_row.h"

#include <stddef.h>

/*
 * Completion in a shell, from the tables of options and commands, and the names that a running muxd
 * knows.
 *
 * How it works. The shell's function (completion_script()) hands over the line up to the cursor and
 * gets the words that can stand there, one a line, quoted for where they go. It is taken apart here
 * rather than there, because the shell splits names at characters such as ":" and "=".
 */
void completion_script(void); /* to standard output, for bash */

/* options: up to a row without a name. The line begins with the program's name. */
void completion_print(const char *text, const struct option_row *options);

/* A line of a shell, taken apart. */
#define COMPLETION_WORDS_MAX 64
struct completion_line {
	char *words[COMPLETION_WORDS_MAX + 1]; /* without their quotes, NULL-terminated; in text */
	unsigned count;
	char quote; /* that the last word is in, or 0 */
	const char *last; /* as it stands in the line */
	char *text; /* owned */
};

/* False: it has no words, or too many, or memory is short. The text is to be freed if it is true.
 */
bool completion_read(struct completion_line *line, const char *text);

/*
 * The word as it is to stand instead of the last of the line's, or rather of the part of it that
 * the shell takes for a word of its own. To be freed; NULL: no memory.
 */
char *completion_quote(const struct completion_line *line, const char *word);

#endif
