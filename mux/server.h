#ifndef SERVER_H
#define SERVER_H

#include "keys.h"
#include "mux.h"
#include "runtime_dir.h"

struct mux_config;

struct server_options {
	struct runtime_dir directory;
	struct mux_options mux;
	const struct mux_config *config; /* borrowed */
	int escape; /* the escape key of this terminal's viewer, as in viewer.h */
	enum keys_mode keys;
	char *const *autoconnect; /* as in viewer.h */
	bool viewer; /* this terminal becomes a viewer, and the server ends with it unless it
			detaches */
};

/* Serve until told to stop. Returns the exit status: 0, 1 (failed) or 2 (cannot begin). */
int server_run(const struct server_options *options);

#endif
