/* The command that tells the commands and keys. */

#include "channel.h"
#include "commands.h"
#include "keys.h"

#include <stdio.h>
#include <string.h>

#define OPTION_COLUMNS 80

static void help_usage(struct command_call *call, const struct command *command)
{
	const struct command_option *option = command->options;

	command_print(call, "%s%s%s\n", command->name, *command->arguments ? " " : "",
		command->arguments);
	command_print(call, "  %s\n", command->help);
	if (command->alias)
		command_print(call, "  %s is short for it\n", command->alias);
	for (; option && option->name; option++) {
		char name[OPTION_COLUMNS];

		snprintf(name, sizeof(name), "%s %s", option->name,
			option->value ? option->value : "");
		command_print(call, "  %-24s %s\n", name, option->help);
	}
}

static void help_commands(struct command_call *call)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &command_table[i];

		if (!(command->flags & COMMAND_HIDDEN))
			command_print(call, "%15s - %s\n", command->name, command->help);
	}
}

static void help_keys(struct command_call *call)
{
	command_print(call, "\nWhen connected, and at the prompt:\n");
	for (size_t i = 0; i < key_count; i++) {
		char name[KEYS_NAME_MAX];

		keys_name((unsigned char)key_table[i].key, name);
		command_print(call, "       Ctrl-E %s - %s\n", name, key_table[i].help);
	}
}

static void help_channels(struct command_call *call)
{
	const struct channel *channel;

	TAILQ_FOREACH(channel, &call->mux->channels, link)
	{
		if (channel->history.record.key)
			command_print(call, "       Ctrl-E %c - connect to %s\n",
				channel->history.record.key, channel->name);
	}
}

int help_run(struct command_call *call, char *const *words)
{
	const struct command *command;

	if (words[1]) {
		command = command_find(words[1]);
		if (!command)
			return command_fail(call, 1, "help: no command named \"%s\"", words[1]);
		help_usage(call, command);
		return 0;
	}
	help_commands(call);
	help_keys(call);
	help_channels(call);
	return 0;
}
