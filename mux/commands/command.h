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
	COMMAND_HIDDEN = 8, /* not in help and completion */
	COMMAND_OWN = 4, /* viewer and shell program carry it out themselves; muxd refuses it */
	COMMAND_SHELL = 16, /* from a shell only: the program there has a part in it */
};

struct command_option {
	const char *name; /* "-l", "--json" */
	const char *value; /* what follows it, as in words below; NULL: nothing */
	const char *help;
};

/*
 * What can be asked for at the prompt and, where it is not local, from a shell. One row each.
 *
 * Options may stand among the words, up to a word TEXT, as "-l", "-A 3", "-A3", "-nA3",
 * "--timeout 5" and "--timeout=5"; behind "--" there are none. They are taken off before run() is
 * called, which asks for them by command_option(); what no row knows is refused.
 *
 * words says, for completion, what can stand at each place: places separated by a blank, the last
 * one repeated if it ends in "..."; at each place, separated by bars, fixed words in small letters,
 * and CHANNEL, WIRE, PORT or COMMAND for those there are. Other capital words are something that
 * cannot be listed; TEXT is something in which even a "-" is no option.
 */
struct command {
	const char *name;
	const char *alias; /* or NULL */
	const char *arguments; /* as in a man page: "CHANNEL [LINES]" */
	const char *help; /* one line */
	unsigned least, most; /* words after the name, without options; most UINT_MAX: any number */
	unsigned flags; /* enum command_flag */
	int (*run)(struct command_call *call, char *const *words); /* NULL if local */
	const struct command_option *options; /* up to one without a name; or NULL */
	const char *words; /* "CHANNEL up|down" */
};

#define COMMAND_WORDS_MAX 256
#define COMMAND_OPTIONS_MAX 16

extern const struct command command_table[];
extern const size_t command_count;

/* By name or alias; NULL if there is none. */
const struct command *command_find(const char *name);

/*
 * What is wrong with the words (NULL-terminated, the command's name first) before anything runs:
 * an unknown command, with the one that may have been meant, or a wrong number of words. True if
 * nothing is; then *command is the row. Else message is one line without its end.
 */
bool command_check(char *const *words, const struct command **command, char *message,
	size_t message_size);

/* The words of a command, sorted. All borrowed. */
struct command_words {
	char *plain[COMMAND_WORDS_MAX + 2]; /* the name first, NULL-terminated */
	struct {
		const struct command_option *option;
		const char *value; /* "" of one that has none */
	} options[COMMAND_OPTIONS_MAX];
	unsigned plain_count, option_count;
};

/* command_check(), and the words besides. */
bool command_sort(char *const *words, const struct command **command, struct command_words *sorted,
	char *message, size_t message_size);

/* Whoever completes words: what is to be left out, and where names come from. */
struct command_names {
	unsigned without; /* commands with any of these flags */
	/* The index-th of the names that "CHANNEL", "WIRE" or "PORT" stands for; NULL: no more. */
	const char *(*name)(void *owner, const char *kind, unsigned index);
	void *owner;
	char word[64]; /* room for one that was found */
};

/*
 * The index-th word that can stand where the last of the words (NULL-terminated, perhaps "") does,
 * which is its beginning; NULL: there are no more.
 */
const char *command_complete(struct command_names *names, char *const *words, unsigned index);

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
	const struct command_words *words; /* while run() runs */
	json_t *json; /* of rows that gather some */
	int (*step)(struct command_call *call); /* borrows the row's state */
	void (*cleanup)(struct command_call *call); /* once, however it ends, if not NULL */
	void *state; /* of the row; freed by cleanup */
	void (*wake)(struct command_call *call); /* see command_wake() */
	char message[512]; /* why it failed, one line */
	const char *error; /* a typed error of control_interface.c, if it was one */
	char error_name[64]; /* of what it is about */
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
/* Only from run(): the value of an option, "" if it has none; NULL if it was not given. */
const char *command_option(const struct command_call *call, const char *name);
void command_print(struct command_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
int command_fail(struct command_call *call, int status, const char *format, ...) PRINTF_LIKE(3, 4);
/* The failure is one of those that programs know: "ChannelNotFound". Returns the status. */
int command_error(struct command_call *call, int status, const char *error, const char *name);

#endif
