#ifndef COMMAND_H
#define COMMAND_H

#include "compiler.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct mux;
struct command_call;

enum command_flag {
	COMMAND_LOCAL = 1, /* the viewer carries it out itself; muxd refuses it */
	COMMAND_CHANNELS = 2, /* its words are names of channels: for completion */
	COMMAND_JSON = 4, /* knows --json */
	COMMAND_HIDDEN = 8, /* not in help and completion */
	COMMAND_SHELL = 16, /* from a shell only: the program there has a part in it */
};

/* What can be asked for at the prompt and, where it is not local, from a shell. One row each. */
struct command {
	const char *name;
	const char *alias; /* or NULL */
	const char *arguments; /* as in a man page: "CHANNEL [LINES]" */
	const char *help; /* one line */
	unsigned least, most; /* words after the name; most UINT_MAX: any number */
	unsigned flags; /* enum command_flag */
	int (*run)(struct command_call *call, char *const *words); /* NULL if local */
};

extern const struct command command_table[];
extern const size_t command_count;

/* What a command knows besides names, for completion: the index-th, or NULL. */
const char *command_word(const struct command *command, unsigned index);

/* By name or alias; NULL if there is none. */
const struct command *command_find(const char *name);

/*
 * What is wrong with the words (NULL-terminated, the command's name first) before anything runs:
 * an unknown command, with the one that may have been meant, or a wrong number of words. True if
 * nothing is; then *command is the row. Else message is one line without its end.
 */
bool command_check(char *const *words, const struct command **command, char *message,
	size_t message_size);

/* What run() and step() return besides an exit status. */
#define COMMAND_AGAIN (-1) /* there is more to do at once */
#define COMMAND_WAITING (-2) /* nothing to do until command_wake() */

/*
 * One command being run. Its output is handed on piece by piece.
 *
 * How it works. A row's run() may do everything at once and return an exit status. What takes long,
 * or waits for something, sets step and returns COMMAND_AGAIN or COMMAND_WAITING: step is called in
 * later turns of the loop, as long as the caller takes the output, each time to do a bounded piece
 * of work, until it returns an exit status. No pointer to a channel may be kept from one turn to
 * the next: channel_by_id() says whether it is still there.
 */
struct command_call {
	struct mux *mux;
	const struct command *command;
	void (*output)(struct command_call *call, const void *bytes, size_t length);
	void *owner; /* of output */
	json_t *json; /* of rows that gather some */
	int (*step)(struct command_call *call); /* borrows the row's state */
	void (*cleanup)(struct command_call *call); /* once, however it ends, if not NULL */
	void *state; /* of the row; freed by cleanup */
	void (*wake)(struct command_call *call); /* see command_wake() */
	char message[512]; /* why it failed, one line */
};

/* The exit status: 0, 1 (failed) or 2 (wrong words), then call->message says why; or go on. */
int command_run(struct command_call *call, char *const *words);
/* Only after COMMAND_AGAIN or COMMAND_WAITING; the same results. */
int command_step(struct command_call *call);
/* The caller is gone, or there was a status. */
void command_end(struct command_call *call);
/* From the loop: what a waiting command waits for may have come. */
void command_wake(struct command_call *call);

/* For the rows' functions. */
void command_print(struct command_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
int command_fail(struct command_call *call, int status, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
