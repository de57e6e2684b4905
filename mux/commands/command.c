/* The command table, and running one of its rows: output is handed on. */

#include "command.h"

#include "commands.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command_option list_options[] = {
	{ "-l", NULL, "with what else is known" },
	{ "--json", NULL, "everything, as JSON" },
	{ NULL, NULL, NULL },
};

static const struct command_option json_options[] = {
	{ "--json", NULL, "as JSON" },
	{ NULL, NULL, NULL },
};

static const struct command_option send_options[] = {
	{ "--enter", NULL, "and then the Enter key" },
	{ NULL, NULL, NULL },
};

static const struct command_option wait_options[] = {
	{ "--for", "REGEX", "until a line that this is found in" },
	{ "--state", "starting|running|paused|rebooting|powered-off|crashed|gone",
		"until the guest is in this state" },
	{ "--timeout", "TIME", "no longer than this: 5, 5s, 500ms" },
	{ NULL, NULL, NULL },
};

static const struct command_option record_options[] = {
	{ "-i", NULL, "with what is typed here" },
	{ "--timeout", "TIME", "end by itself" },
	{ NULL, NULL, NULL },
};

static const struct command_option replay_options[] = {
	{ "--idle", "TIME", "longest pause, 2 s if not told" },
	{ NULL, NULL, NULL },
};

static const struct command_option attach_options[] = {
	{ "-R", NULL, "nothing typed reaches a guest" },
	{ "--read-only", NULL, "the same" },
	{ "-T", NULL, "type, without asking who does now" },
	{ "--take", NULL, "the same" },
	{ NULL, NULL, NULL },
};

const struct command command_table[] = {
	{ "help", NULL, "[COMMAND]", "tell the commands, or more about one", 0, 1, 0, help_run,
		NULL, "COMMAND" },
	{ "list", "ls", "[--json] [-l] [CHANNEL ...]", "list the channels", 0, UINT_MAX, 0,
		list_run, list_options, "CHANNEL..." },
	{ "connect", "c", "CHANNEL", "type at a channel, until Ctrl-E .", 1, 1, COMMAND_LOCAL, NULL,
		NULL, "CHANNEL" },
	{ "broadcast", NULL, "[CHANNEL ...]", "type at several channels, or all, until Ctrl-E .", 0,
		UINT_MAX, COMMAND_LOCAL, NULL, NULL, "CHANNEL..." },
	{ "show", NULL, "CHANNEL ...", "let the output of channels appear", 1, UINT_MAX, 0,
		show_run, NULL, "CHANNEL..." },
	{ "hide", NULL, "CHANNEL ...", "keep the output of channels from appearing", 1, UINT_MAX, 0,
		hide_run, NULL, "CHANNEL..." },
	{ "showall", NULL, "", "show every channel", 0, 0, 0, showall_run, NULL, "" },
	{ "hideall", NULL, "", "hide every channel", 0, 0, 0, hideall_run, NULL, "" },
	{ "cat", NULL, "[-t] [--time HOW] [--since TIME] [--until TIME] CHANNEL",
		"print the whole history of a channel", 1, 1, 0, cat_run, cat_options, "CHANNEL" },
	{ "tail", NULL, "[-f] [-n LINES] [-t] [--time HOW] [--since TIME] CHANNEL [LINES]",
		"print the last lines of a channel, 20 if not told", 1, 2, 0, tail_run,
		tail_options, "CHANNEL LINES" },
	{ "grep", NULL,
		"[-EinwcvtABC] [--time HOW] [--since TIME] [--until TIME] PATTERN [CHANNEL ...]",
		"look for text in what channels have printed", 1, UINT_MAX, 0, grep_run,
		grep_options, "PATTERN CHANNEL..." },
	{ "timestamp", NULL, "CHANNEL ... [on|off|local|utc|relative]",
		"show the times of lines, or do not", 1, UINT_MAX, 0, timestamp_run, NULL,
		"CHANNEL CHANNEL|on|off|local|utc|relative..." },
	{ "log", NULL, "CHANNEL ... [on|off]", "say where channels are logged, or whether they are",
		1, UINT_MAX, 0, log_run, NULL, "CHANNEL|on|off..." },
	{ "key", NULL, "CHANNEL [CHARACTER|none]", "tell or set the key of a channel", 1, 2, 0,
		key_run, NULL, "CHANNEL KEY|none" },
	{ "keep", NULL, "CHANNEL ...", "keep channels when their guests are gone", 1, UINT_MAX, 0,
		keep_run, NULL, "CHANNEL..." },
	{ "unkeep", NULL, "CHANNEL ...", "do not keep channels when their guests are gone", 1,
		UINT_MAX, 0, unkeep_run, NULL, "CHANNEL..." },
	{ "drop", NULL, "CHANNEL ...", "drop channels whose guests are gone, now or then", 1,
		UINT_MAX, 0, drop_run, NULL, "CHANNEL..." },
	{ "info", NULL, "[--json]", "tell about muxd itself", 0, 0, 0, info_run, json_options, "" },
	{ "send", NULL, "[--enter] CHANNEL TEXT ...", "type a text at a guest", 1, UINT_MAX, 0,
		send_run, send_options, "CHANNEL TEXT..." },
	{ "wait", NULL, "CHANNEL [--for REGEX | --state STATE] [--timeout TIME]",
		"wait for what a guest prints, or for its state", 1, 1, 0, wait_run, wait_options,
		"CHANNEL" },
	{ "break", NULL, "CHANNEL", "send a guest a BREAK", 1, 1, 0, break_run, NULL, "CHANNEL" },
	{ "kick", NULL, "CHANNEL", "interrupt a guest for its console again", 1, 1, COMMAND_HIDDEN,
		kick_run, NULL, "CHANNEL" },
	{ "say", NULL, "TEXT ...", "tell all viewers something", 1, UINT_MAX, 0, say_run, NULL,
		"TEXT..." },
	{ "pty", NULL, "CHANNEL ... [on|off]", "say which ptys channels have, or whether they do",
		1, UINT_MAX, 0, pty_run, NULL, "CHANNEL|on|off..." },
	{ "wire", NULL,
		"list [--json] | add cable|switch NAME [poll=TIME] [uplink=TAP] | remove NAME",
		"list, add and remove wires", 1, 5, 0, wire_run, json_options,
		"list|add|remove cable|switch|WIRE NAME poll=|uplink=..." },
	{ "port", NULL, "list [--json] [WIRE]", "list the ports of wires", 1, 2, 0, port_run,
		json_options, "list WIRE" },
	{ "link", NULL, "PORT up|down", "plug in or pull a port's cable", 2, 2, 0, link_run, NULL,
		"PORT up|down" },
	{ "vlan", NULL, "PORT access ID | trunk LIST | trunk all | none",
		"say which VLANs a port carries", 2, 3, 0, vlan_run, NULL,
		"PORT access|trunk|none all" },
	{ "mac", NULL, "PORT ADDRESS|any", "say which address a port may send from", 2, 2, 0,
		mac_run, NULL, "PORT ADDRESS|any" },
	{ "isolate", NULL, "PORT on|off", "let a port reach only ports that are not isolated", 2, 2,
		0, isolate_run, NULL, "PORT on|off" },
	{ "allow", NULL, "PORT all|none|NAME ...", "say which ports a port may send to", 2, 257, 0,
		allow_run, NULL, "PORT all|none|PORT PORT..." },
	{ "monitor", NULL, "PORT on|off", "let a port receive a copy of everything", 2, 2, 0,
		monitor_run, NULL, "PORT on|off" },
	{ "impair", NULL, "PORT [delay=TIME] [loss=PERCENTAGE] [rate=BITS] | off",
		"make the line to a port a bad one", 2, 4, 0, impair_run, NULL,
		"PORT delay=|loss=|rate=|off..." },
	{ "poll", NULL, "WIRE off|TIME|always",
		"say how long a wire looks for work before it sleeps", 2, 2, 0, poll_run, NULL,
		"WIRE off|TIME|always" },
	{ "stats", NULL, "[--json] [WIRE|PORT]", "count what went over wires", 0, 1, 0, stats_run,
		json_options, "WIRE|PORT" },
	{ "capture", NULL, "WIRE [PORT] FILE|-", "write the frames of a wire to a file", 2, 3,
		COMMAND_SHELL, NULL, NULL, "WIRE PORT|FILE FILE" },
	{ "record", NULL, "[-i] [--timeout TIME] CHANNEL FILE|off",
		"record what a channel prints from now on", 2, 2, COMMAND_OWN, NULL, record_options,
		"CHANNEL off|FILE" },
	{ "replay", NULL, "[--idle TIME] FILE [SPEED]", "play a recording on this terminal", 1, 2,
		COMMAND_OWN, NULL, replay_options, "FILE SPEED" },
	{ "attach", NULL, "[-R] [-T] [console|CHANNEL]", "attach this terminal", 0, 1,
		COMMAND_SHELL, NULL, attach_options, "console|CHANNEL" },
	{ "completion", NULL, "bash", "print what makes a shell complete muxd's words", 1, 1,
		COMMAND_SHELL, NULL, NULL, "bash" },
	{ "complete", NULL, "LINE", "tell how a shell's line can go on", 1, 1,
		COMMAND_SHELL | COMMAND_HIDDEN, NULL, NULL, "TEXT" },
	{ "clear", NULL, "", "clear the screen", 0, 0, COMMAND_LOCAL, NULL, NULL, "" },
	{ "detach", NULL, "", "give the terminal back; guests and muxd go on", 0, 0, COMMAND_LOCAL,
		NULL, NULL, "" },
	{ "quit", NULL, "", "leave the prompt", 0, 0, COMMAND_LOCAL, NULL, NULL, "" },
};
const size_t command_count = ARRAY_SIZE(command_table);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &command_table[i];

		if (!strcmp(command->name, name) ||
			(command->alias && !strcmp(command->alias, name)))
			return command;
	}
	return NULL;
}

int command_run(struct command_call *call, char *const *words)
{
	struct command_words sorted;
	int status;

	if (!command_sort(words, &call->command, &sorted, call->message, sizeof(call->message)))
		return 2;
	if (call->command->flags & COMMAND_LOCAL)
		return command_fail(call, 2, "%s is for the prompt: try muxd attach",
			call->command->name);
	if (call->command->flags & COMMAND_OWN)
		return command_fail(call, 2, "%s is for a prompt or a shell", call->command->name);
	if (call->command->flags & COMMAND_SHELL)
		return command_fail(call, 2, "%s is for a shell: muxd %s %s", call->command->name,
			call->command->name, call->command->arguments);
	call->words = &sorted;
	status = call->command->run(call, sorted.plain);
	call->words = NULL;
	return status;
}

int command_step(struct command_call *call)
{
	return call->step(call);
}

void command_end(struct command_call *call)
{
	if (call->cleanup)
		call->cleanup(call);
	call->cleanup = NULL;
}

void command_wake(struct command_call *call)
{
	call->wake(call);
}

void command_print(struct command_call *call, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	call->output(call, text, (size_t)length);
	free(text);
}

int command_fail(struct command_call *call, int status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(call->message, sizeof(call->message), format, arguments);
	va_end(arguments);
	return status;
}

int command_error(struct command_call *call, int status, const char *error, const char *name)
{
	call->error = error;
	snprintf(call->error_name, sizeof(call->error_name), "%s", name);
	return status;
}
