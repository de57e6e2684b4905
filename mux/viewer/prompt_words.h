#ifndef PROMPT_WORDS_H
#define PROMPT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The words of an unfinished line, with blanks, quotes and backslashes as in a shell. Does no I/O.
 */
#define PROMPT_WORDS_MAX 64

struct prompt_split {
	char *words[PROMPT_WORDS_MAX +
		1]; /* as they are meant; NULL-terminated, the last perhaps "" */
	size_t start; /* byte of the line where the last one begins as it was typed */
	char *text; /* owned; what words point to */
};

/* False if there are too many, or no memory. The split's text is to be freed. */
bool prompt_split(struct prompt_split *split, const char *line);

/* A word as it has to be typed; it is cut where it does not fit. */
void prompt_quote(const char *word, char *typed, size_t size);

#endif
