/* Running one row of the command table: words checked by the row, output handed on. */

#include "command.h"

#include "commands.h"
#include "suggest.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command command_table[] = {
	{ "help", NULL, "[COMMAND]", "tell the commands, or more about one", 0, 1, 0, help_run },
	{ "list", "ls", "[--json] [-l] [CHANNEL ...]", "list the channels", 0, UINT_MAX,
		COMMAND_CHANNELS | COMMAND_JSON, list_run },
	{ "connect", "c", "CHANNEL", "type at a channel, until Ctrl-E .", 1, 1,
		COMMAND_CHANNELS | COMMAND_LOCAL, NULL },
	{ "show", NULL, "CHANNEL ...", "let the output of channels appear", 1, UINT_MAX,
		COMMAND_CHANNELS, show_run },
	{ "hide", NULL, "CHANNEL ...", "keep the output of channels from appearing", 1, UINT_MAX,
		COMMAND_CHANNELS, hide_run },
	{ "showall", NULL, "", "show every channel", 0, 0, 0, showall_run },
	{ "hideall", NULL, "", "hide every channel", 0, 0, 0, hideall_run },
	{ "cat", NULL, "CHANNEL", "print the whole history of a channel", 1, 1, COMMAND_CHANNELS,
		cat_run },
	{ "tail", NULL, "CHANNEL [LINES]", "print the last lines of a channel, 20 if not told", 1,
		2, COMMAND_CHANNELS, tail_run },
	{ "wire", NULL,
		"list [--json] | add cable|switch NAME [poll=TIME] [uplink=TAP] | remove NAME",
		"list, add and remove wires", 1, 5, COMMAND_JSON, wire_run },
	{ "port", NULL, "list [--json] [WIRE]", "list the ports of wires", 1, 3, COMMAND_JSON,
		port_run },
	{ "link", NULL, "PORT up|down", "plug in or pull a port's cable", 2, 2, COMMAND_CHANNELS,
		link_run },
	{ "vlan", NULL, "PORT access ID | trunk LIST | trunk all | none",
		"say which VLANs a port carries", 2, 3, COMMAND_CHANNELS, vlan_run },
	{ "mac", NULL, "PORT ADDRESS|any", "say which address a port may send from", 2, 2,
		COMMAND_CHANNELS, mac_run },
	{ "isolate", NULL, "PORT on|off", "let a port reach only ports that are not isolated", 2, 2,
		COMMAND_CHANNELS, isolate_run },
	{ "allow", NULL, "PORT all|none|NAME ...", "say which ports a port may send to", 2, 257,
		COMMAND_CHANNELS, allow_run },
	{ "monitor", NULL, "PORT on|off", "let a port receive a copy of everything", 2, 2,
		COMMAND_CHANNELS, monitor_run },
	{ "impair", NULL, "PORT [delay=TIME] [loss=PERCENTAGE] [rate=BITS] | off",
		"make the line to a port a bad one", 2, 4, COMMAND_CHANNELS, impair_run },
	{ "poll", NULL, "WIRE off|TIME|always",
		"say how long a wire looks for work before it sleeps", 2, 2, COMMAND_CHANNELS,
		poll_run },
	{ "stats", NULL, "[--json] [WIRE|PORT]", "count what went over wires", 0, 2,
		COMMAND_CHANNELS | COMMAND_JSON, stats_run },
	{ "capture", NULL, "WIRE [PORT] FILE|-", "write the frames of a wire to a file", 2, 3,
		COMMAND_CHANNELS | COMMAND_SHELL, NULL },
	{ "clear", NULL, "", "clear the screen", 0, 0, COMMAND_LOCAL, NULL },
	{ "quit", NULL, "", "leave the prompt", 0, 0, COMMAND_LOCAL, NULL },
};
const size_t command_count = ARRAY_SIZE(command_table);

static const struct {
	const char *command;
	const char *word;
} known_words[] = {
	{ "wire", "list" },
	{ "wire", "add" },
	{ "wire", "remove" },
	{ "wire", "cable" },
	{ "wire", "switch" },
	{ "port", "list" },
	{ "link", "up" },
	{ "link", "down" },
	{ "vlan", "access" },
	{ "vlan", "trunk" },
	{ "vlan", "none" },
	{ "mac", "any" },
	{ "isolate", "on" },
	{ "isolate", "off" },
	{ "allow", "all" },
	{ "allow", "none" },
	{ "monitor", "on" },
	{ "monitor", "off" },
	{ "impair", "off" },
	{ "poll", "off" },
	{ "poll", "always" },
};

const char *command_word(const struct command *command, unsigned index)
{
	for (size_t i = 0; i < ARRAY_SIZE(known_words); i++) {
		if (!strcmp(known_words[i].command, command->name) && !index--)
			return known_words[i].word;
	}
	return command->flags & COMMAND_JSON && !index ? "--json" : NULL;
}

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

static void unknown(const char *word, char *message, size_t message_size)
{
	struct suggestion suggestion;

	suggest_init(&suggestion, word, strlen(word));
	for (size_t i = 0; i < command_count; i++)
		suggest_consider(&suggestion, command_table[i].name);
	if (suggestion.nearest)
		snprintf(message, message_size, "unknown command %s: did you mean %s?", word,
			suggestion.nearest);
	else
		snprintf(message, message_size, "unknown command %s: try help", word);
}

bool command_check(char *const *words, const struct command **command, char *message,
	size_t message_size)
{
	unsigned count = 0;

	if (!words[0]) {
		snprintf(message, message_size, "no command: try help");
		return false;
	}
	*command = command_find(words[0]);
	if (!*command) {
		unknown(words[0], message, message_size);
		return false;
	}
	while (words[count + 1])
		count++;
	if (count >= (*command)->least && count <= (*command)->most)
		return true;
	snprintf(message, message_size, "too %s words: %s%s%s",
		count < (*command)->least ? "few" : "many", (*command)->name,
		*(*command)->arguments ? " " : "", (*command)->arguments);
	return false;
}

int command_run(struct command_call *call, char *const *words)
{
	if (!command_check(words, &call->command, call->message, sizeof(call->message)))
		return 2;
	if (call->command->flags & COMMAND_LOCAL)
		return command_fail(call, 2, "%s is for the prompt: try muxd attach",
			call->command->name);
	if (call->command->flags & COMMAND_SHELL)
		return command_fail(call, 2, "%s is for a shell: muxd %s %s", call->command->name,
			call->command->name, call->command->arguments);
	return call->command->run(call, words);
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
