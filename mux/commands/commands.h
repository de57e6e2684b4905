#ifndef COMMANDS_H
#define COMMANDS_H

#include "command.h"

/* The functions of the rows of the command table. The words begin with the command's name. */
int log_run(struct command_call *call, char *const *words);
int help_run(struct command_call *call, char *const *words);
int list_run(struct command_call *call, char *const *words);
int show_run(struct command_call *call, char *const *words);
int hide_run(struct command_call *call, char *const *words);
int showall_run(struct command_call *call, char *const *words);
int hideall_run(struct command_call *call, char *const *words);
int cat_run(struct command_call *call, char *const *words);
int tail_run(struct command_call *call, char *const *words);
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
int stats_run(struct command_call *call, char *const *words);

struct channel;

/*
 * For every channel that one of the patterns means, each once. With no patterns, all. Returns 0,
 * or 1 with the message set when a pattern means none; then nothing was called.
 */
int commands_each(struct command_call *call, char *const *patterns,
	void (*each)(struct command_call *call, struct channel *channel));

/* The one channel of this name; NULL with the message set. */
struct channel *commands_channel(struct command_call *call, const char *name);

#endif
