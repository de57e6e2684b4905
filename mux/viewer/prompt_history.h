#ifndef PROMPT_HISTORY_H
#define PROMPT_HISTORY_H

#include <limits.h>
#include <stddef.h>

/*
 * The lines entered at the prompt, in a file of the operator's that outlives the viewer. What is
 * wrong with the file, or cannot be done, costs the history only. Whatever stands in it, lines that
 * come back are text without control characters, and not too many.
 */
#define PROMPT_HISTORY_LINES 500
#define PROMPT_HISTORY_LINE_MAX 4096 /* bytes; longer ones are not kept */
#define PROMPT_HISTORY_BYTES 65536 /* of the file; of a larger one the end is read */

struct prompt_history {
	char path[PATH_MAX]; /* "": none */
};

/* $XDG_STATE_HOME/muxd/history or ~/.local/state/muxd/history. */
void prompt_history_find(struct prompt_history *history);

/* Every line, without its end, the oldest first. */
void prompt_history_load(const struct prompt_history *history,
	void (*line)(void *owner, const char *text), void *owner);

/*
 * Behind those that are there by now, also of other viewers. A line that begins with a blank is not
 * kept. The file is replaced as a whole.
 */
void prompt_history_add(const struct prompt_history *history, const char *line);

#endif
