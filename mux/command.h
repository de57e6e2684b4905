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

/* One command being run. Its output is handed on piece by piece. */
struct command_call {
	struct mux *mux;
	const struct command *command;
	void (*output)(struct command_call *call, const void *bytes, size_t length);
	void *owner; /* of output */
	json_t *json; /* of rows that gather some */
	char message[512]; /* why it failed, one line */
};

/* The exit status: 0, 1 (failed) or 2 (wrong words), then call->message says why. */
int command_run(struct command_call *call, char *const *words);

/* For the rows' functions. */
void command_print(struct command_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
int command_fail(struct command_call *call, int status, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
