#ifndef PROMPT_H
#define PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct terminal;

/*
 * The prompt: line editing by libedit on the operator's terminal, while the event loop goes on.
 *
 * How it works. libedit asks for one character at a time; the answer runs the loop until one was
 * typed. Its output goes to the terminal's buffer, and the terminal whose attributes it changes is
 * a pseudo-terminal of its own, so that the operator's terminal has one master only.
 */
enum prompt_result {
	PROMPT_LINE,
	PROMPT_CLEARED, /* Ctrl-C */
	PROMPT_LEFT, /* by prompt_leave() */
	PROMPT_END, /* Ctrl-D in an empty line */
};

struct prompt_words {
	/* What can stand where the last of the words (NULL-terminated, as they are meant) does and
	 * begins with it, one by one, each borrowed until the next; NULL: no more. */
	const char *(*word)(void *owner, char *const *words, unsigned index);
	void (*asks)(void *owner); /* the editor waits for something typed */
	void *owner;
};

struct prompt;

/* All borrowed. NULL: no memory. */
struct prompt *prompt_create(struct event_base *base, struct terminal *terminal,
	const struct prompt_words *words);
void prompt_destroy(struct prompt *prompt);

void prompt_name(struct prompt *prompt, const char *name);

/* Shows the prompt and runs the loop until there is a line (borrowed until the next call). */
enum prompt_result prompt_read(struct prompt *prompt, const char **line);

/* The editor waits for something typed. */
bool prompt_asks(const struct prompt *prompt);
/* Bytes were typed. */
void prompt_feed(struct prompt *prompt, const uint8_t *bytes, size_t length);
/* From the loop: prompt_read() returns; what was typed in the line comes back the next time. */
void prompt_leave(struct prompt *prompt);
/* Nothing was typed that was not entered yet. */
bool prompt_is_empty(const struct prompt *prompt);
/* Forget what was typed ahead. */
void prompt_drop(struct prompt *prompt);

/* From the loop: make place for other output, and show prompt and line again. */
void prompt_erase(struct prompt *prompt);
void prompt_draw(struct prompt *prompt);
void prompt_resize(struct prompt *prompt);

#endif
