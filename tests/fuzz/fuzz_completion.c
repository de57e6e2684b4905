/* A line of a shell being completed, and its words as a command: any bytes. */

#include "command.h"
#include "compiler.h"
#include "completion.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES_MOST 64

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static const char *name_for(void *owner, const char *kind, unsigned index)
{
	static const char *const names[] = { "a$b", "c'd\"e", "f:g=h", "\303\274" };

	(void)owner;
	return strcmp(kind, "CHANNEL") == 0 && index < ARRAY_SIZE(names) ? names[index] : NULL;
}

/* What is quoted for a line means the same word, or its end behind a break, in a line. */
static void check_quoted(const struct completion_line *line, const char *word)
{
	char *quoted = completion_quote(line, word);
	struct completion_line again;
	char *text = NULL;
	const char *got;

	assert(quoted);
	if (asprintf(&text, "muxd %.1s%s", line->quote ? &line->quote : "", quoted) < 0)
		abort();
	if (*quoted) {
		assert(completion_read(&again, text));
		got = again.words[1];
		assert(again.count == 2 && strlen(got) <= strlen(word));
		assert(strcmp(word + strlen(word) - strlen(got), got) == 0);
		free(again.text);
	}
	free(text);
	free(quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct command_names names = { .name = name_for };
	struct completion_line line;
	const struct command *command;
	struct command_words sorted;
	char message[256];
	char *text = strndup((const char *)input, size);
	const char *word;

	if (!text || !completion_read(&line, text)) {
		free(text);
		return 0;
	}
	for (unsigned i = 0; i < CANDIDATES_MOST; i++) {
		word = command_complete(&names, line.words + 1, i);
		if (!word)
			break;
		assert(strncmp(word, line.words[line.count - 1],
			       strlen(line.words[line.count - 1])) == 0);
		check_quoted(&line, word);
	}
	if (command_sort(line.words + 1, &command, &sorted, message, sizeof(message))) {
		assert(sorted.plain_count - 1 >= command->least);
		assert(sorted.plain_count <= line.count);
		assert(sorted.option_count <= COMMAND_OPTIONS_MAX);
	} else {
		assert(*message && strlen(message) < sizeof(message));
	}
	free(line.text);
	free(text);
	return 0;
}
