/* A line of a shell taken apart for completion, and words quoted for it. */

#include "completion.h"

#include <stdlib.h>
#include <string.h>

#define BREAKS ":=" /* where the shell, too, begins a word that is to be replaced */

struct reader {
	const char *from;
	char *to;
	char quote;
};

/* One character, or what begins or ends quotes. */
static void read_one(struct reader *reader)
{
	char letter = *reader->from++;

	if (letter == '\\' && reader->quote != '\'') {
		if (*reader->from)
			*reader->to++ = *reader->from++;
	} else if (reader->quote ? letter == reader->quote : letter == '\'' || letter == '"') {
		reader->quote = reader->quote ? '\0' : letter;
	} else {
		*reader->to++ = letter;
	}
}

bool completion_read(struct completion_line *line, const char *text)
{
	struct reader reader = { .from = text };

	*line = (struct completion_line){ .text = calloc(1, 2 * strlen(text) + 2) };
	if (!line->text)
		return false;
	reader.to = line->text;
	while (line->count < COMPLETION_WORDS_MAX) {
		reader.from += strspn(reader.from, " \t\n");
		line->last = reader.from;
		line->words[line->count++] = reader.to;
		while (*reader.from && (reader.quote || !strchr(" \t\n", *reader.from)))
			read_one(&reader);
		*reader.to++ = '\0';
		if (!*reader.from)
			break;
	}
	line->quote = reader.quote;
	if (line->count > 1 && !*reader.from)
		return true;
	free(line->text);
	return false;
}

/* Does it stand for itself in a word of a shell? */
static bool is_plain(char letter)
{
	return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
		(letter >= '0' && letter <= '9') || letter & 0x80 || strchr("-_./:=@%+,", letter);
}

static bool needs_backslash(char letter, char quote)
{
	if (quote == '\'')
		return false;
	return quote == '"' ? strchr("\"\\$`", letter) != NULL : !is_plain(letter);
}

/* The bytes of the word that stand before the part that is to be replaced. */
static size_t kept(const struct completion_line *line)
{
	const char *last = line->words[line->count - 1];
	size_t length = 0;

	if (line->quote)
		return 0;
	for (size_t i = 0; last[i]; i++)
		if (strchr(BREAKS, last[i]))
			length = i + 1;
	return length;
}

char *completion_quote(const struct completion_line *line, const char *word)
{
	char *quoted = malloc(4 * strlen(word) + 1);
	char *to = quoted;

	if (!quoted)
		return NULL;
	for (word += kept(line); *word; word++) {
		if (line->quote == '\'' && *word == '\'') {
			to = stpcpy(to, "'\\''");
			continue;
		}
		if (needs_backslash(*word, line->quote))
			*to++ = '\\';
		*to++ = *word;
	}
	*to = '\0';
	return quoted;
}
