#ifndef CONTROL_RUN_H
#define CONTROL_RUN_H

#include "command.h"
#include "varlink.h"

struct mux;

struct control {
	struct mux *mux;
	struct varlink_service *service; /* owned */
	struct varlink_interface interface; /* its description is owned */
	unsigned running; /* commands */
};

/* How the output of a command becomes the answer to a call. */
enum control_answer {
	CONTROL_PIECES, /* as it comes, if the caller wants more: text or bytes, the status last */
	CONTROL_NOTHING, /* an empty object */
	CONTROL_LINE, /* its one line, as the member of the given name */
	CONTROL_JSON, /* what it is JSON of, as the member of the given name; itself if that is NULL
		       */
};

/* Runs a row of the command table and answers the call, at once or later. */
void control_run(struct varlink_call *call, char *const *words, enum control_answer answer,
	const char *member);

/* Runs a row that does not wait. False: it did not succeed, and the call has failed. */
bool control_run_now(struct varlink_call *call, char *const *words);

/* As one of the typed errors, or CommandFailed, of a command that ended with this status. */
void control_fail(struct varlink_call *call, const struct command_call *command, int status);
void control_no_memory(struct varlink_call *call);

#endif
