#ifndef VIEWER_H
#define VIEWER_H

#include "keys.h"

#include <stdbool.h>

/*
 * A viewer: the operator's terminal, attached to muxd's control socket. It formats the output,
 * reads the keys, shows the prompt and, when muxd goes away, waits for it and goes on where it was.
 */
struct viewer_options {
	const char *control_path; /* of control.sock; it need not be there yet */
	const char *what; /* "console": the prompt; else a channel's name, connected at once */
	const char *prompt; /* its name instead of the one muxd tells, or NULL */
	int escape; /* the escape key's byte; 0: that of keys; -1: none */
	enum keys_mode keys;
	char *const *broadcast; /* names of those to type at at once, perhaps none; NULL: do not */
	char *const *autoconnect; /* connected whenever they come; NULL-terminated, or NULL */
	bool read_only; /* nothing typed reaches a guest */
	bool take; /* typing is taken from other viewers without asking them */
	bool owns_mux; /* of a muxd started on this terminal: ends when that muxd ends */
};

#define VIEWER_DETACHED 127 /* the operator left a muxd of this terminal to itself */

/*
 * Run on standard input and output until the operator leaves. Returns the exit status: 0, 1
 * (failed), 2 (called wrongly), 128 and a signal, or VIEWER_DETACHED where it owns muxd. Forks:
 * call it in a process with one thread and no event loop. Whatever happens to the processes, the
 * terminal gets its attributes back.
 */
int viewer_main(const struct viewer_options *options);

#endif
