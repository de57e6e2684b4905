#ifndef TRIGGER_COMMAND_H
#define TRIGGER_COMMAND_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/types.h>

#define TRIGGER_WORDS_MAX 32

struct event_base;

/*
 * A program of an operator's, run without a shell: one at a time, with nothing to read, what it
 * writes goes to our stderr. It and what it started are killed when they take too long.
 */
struct trigger_command {
	const char *name; /* for log lines */
	char *const *words; /* borrowed; the first is the program's path */
	pid_t id; /* 0: it does not run */
	int life; /* owned: a pidfd */
	struct event ended, overdue;
};

/* What it finds in its environment. */
struct trigger_reason {
	const char *guest; /* GUEST */
	const char *line; /* LINE: harmless text */
	const char *time; /* TIME: as of RFC 3339 */
};

void trigger_command_init(struct trigger_command *command, struct event_base *base);
/* 0; -EBUSY: it runs already; or -errno. */
int trigger_command_run(struct trigger_command *command, const struct trigger_reason *reason);
void trigger_command_end(struct trigger_command *command); /* it is killed if it runs */

#endif
