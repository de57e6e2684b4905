/* The words of a line at the prompt, and words as they have to be typed. */

#include "prompt_words.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"
#define SPECIAL " \t'\"\\"

/* Takes one word from *line, as it is meant, to *to; true if the line ends inside or behind it. */
static bool take_word(const char **line, char **to)
{
	const char *next = *line;
	char quote = 0;

	for (; *next && (quote || !strchr(BLANKS, *next)); next++) {
		if (*next == quote)
			quote = 0;
		else if (!quote && (*next == '\'' || *next == '"'))
			quote = *next;
		else if (*next == '\\' && quote != '\'' && next[1])
			*(*to)++ = *++next;
		else if (*next != '\\' || quote == '\'')
			*(*to)++ = *next;
	}
	*(*to)++ = '\0';
	*line = next;
	return !*next;
}

bool prompt_split(struct prompt_split *split, const char *line)
{
	const char *next = line;
	unsigned count = 0;
	bool last = false;
	char *to;

	split->text = malloc(strlen(line) + PROMPT_WORDS_MAX + 1);
	if (!split->text)
		return false;
	to = split->text;
	while (!last && count < PROMPT_WORDS_MAX) {
		next += strspn(next, BLANKS);
		split->start = (size_t)(next - line);
		split->words[count++] = to;
		last = take_word(&next, &to);
	}
	split->words[count] = NULL;
	return last;
}

void prompt_quote(const char *word, char *typed, size_t size)
{
	size_t length = 0;

	for (; *word && length + 3 <= size; word++) {
		if (strchr(SPECIAL, *word))
			typed[length++] = '\\';
		typed[length++] = *word;
	}
	typed[length] = '\0';
}
