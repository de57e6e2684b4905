#ifndef COMMANDS_H
#define COMMANDS_H

#include "command.h"

#include <stdint.h>

/* The functions of the rows of the command table. The words begin with the command's name. */
int pty_run(struct command_call *call, char *const *words);
int log_run(struct command_call *call, char *const *words);
int help_run(struct command_call *call, char *const *words);
int list_run(struct command_call *call, char *const *words);
int show_run(struct command_call *call, char *const *words);
int hide_run(struct command_call *call, char *const *words);
int showall_run(struct command_call *call, char *const *words);
int hideall_run(struct command_call *call, char *const *words);
int cat_run(struct command_call *call, char *const *words);
int tail_run(struct command_call *call, char *const *words);
extern const struct command_option cat_options[], tail_options[], grep_options[];
int grep_run(struct command_call *call, char *const *words);
int timestamp_run(struct command_call *call, char *const *words);
int wire_run(struct command_call *call, char *const *words);
int port_run(struct command_call *call, char *const *words);
int link_run(struct command_call *call, char *const *words);
int vlan_run(struct command_call *call, char *const *words);
int mac_run(struct command_call *call, char *const *words);
int isolate_run(struct command_call *call, char *const *words);
int allow_run(struct command_call *call, char *const *words);
int monitor_run(struct command_call *call, char *const *words);
int impair_run(struct command_call *call, char *const *words);
int poll_run(struct command_call *call, char *const *words);
int key_run(struct command_call *call, char *const *words);
int keep_run(struct command_call *call, char *const *words);
int unkeep_run(struct command_call *call, char *const *words);
int drop_run(struct command_call *call, char *const *words);
int kick_run(struct command_call *call, char *const *words);
int break_run(struct command_call *call, char *const *words);
int say_run(struct command_call *call, char *const *words);
int send_run(struct command_call *call, char *const *words);
int wait_run(struct command_call *call, char *const *words);
int info_run(struct command_call *call, char *const *words);
int stats_run(struct command_call *call, char *const *words);

struct channel;

/*
 * For every channel that one of the patterns means, each once. With no patterns, all. Returns 0,
 * or 1 with the message set when a pattern means none; then nothing was called.
 */
int commands_each(struct command_call *call, char *const *patterns,
	void (*each)(struct command_call *call, struct channel *channel)); /* may drop it */

/* What info tells; NULL: no memory. */
json_t *commands_info_json(struct mux *mux);

/* "3d04h", "4h05m" or "5m06s" */
#define COMMANDS_UPTIME_MAX 32
const char *commands_uptime(char text[COMMANDS_UPTIME_MAX], int64_t seconds);

#define COMMANDS_TEXT_MAX 4096

/* The words joined by blanks. False with the message set: they are too long. */
bool commands_join(struct command_call *call, char *const *words, char text[COMMANDS_TEXT_MAX + 1]);

/* The one channel of this name; NULL with the message set. */
struct channel *commands_channel(struct command_call *call, const char *name);

#endif
