/* The commands about a channel's key and life, and those that reach its guest. */

#include "attach.h"
#include "channel.h"
#include "channel_key.h"
#include "commands.h"
#include "console_key.h"
#include "device.h"

#include <stdio.h>
#include <string.h>

static int print_key(struct command_call *call, const struct channel *channel)
{
	char key = channel->history.record.key;

	if (key)
		command_print(call, "%s: %c\n", channel->name, key);
	else
		command_print(call, "%s: none\n", channel->name);
	return 0;
}

/* key CHANNEL [CHARACTER|none] */
int key_run(struct command_call *call, char *const *words)
{
	struct channel *channel = commands_channel(call, words[1]);
	const struct channel *owner;
	const char *problem = NULL;
	char key = '\0';

	if (!channel)
		return 1;
	if (!words[2])
		return print_key(call, channel);
	if (strcmp(words[2], "none") != 0) {
		key = words[2][0];
		problem = key && words[2][1] ? "is not one character" : console_key_problem(key);
	}
	if (problem)
		return command_fail(call, 2, "key: \"%s\" %s", words[2], problem);
	owner = key ? channel_key_owner(channel, key) : NULL;
	if (owner)
		return command_fail(call, 1, "key: %c belongs to %s", key, owner->name);
	channel_take_key(channel, key);
	channel_commit(channel);
	channel_changed(channel);
	return 0;
}

static void set_keep(struct channel *channel, bool keep)
{
	if (channel->history.record.keep == keep)
		return;
	channel->history.record.keep = keep;
	channel_commit(channel);
	channel_changed(channel);
}

static void keep_one(struct command_call *call, struct channel *channel)
{
	(void)call;
	set_keep(channel, true);
}

static void unkeep_one(struct command_call *call, struct channel *channel)
{
	(void)call;
	set_keep(channel, false);
}

static void drop_one(struct command_call *call, struct channel *channel)
{
	(void)call;
	if (channel_is_dead(channel))
		channel_drop(channel);
	else
		set_keep(channel, false);
}

int keep_run(struct command_call *call, char *const *words)
{
	return commands_each(call, words + 1, keep_one);
}

int unkeep_run(struct command_call *call, char *const *words)
{
	return commands_each(call, words + 1, unkeep_one);
}

int drop_run(struct command_call *call, char *const *words)
{
	return commands_each(call, words + 1, drop_one);
}

/* The channel of that name whose guest is connected; NULL with the message set. */
static struct channel *connected(struct command_call *call, const char *name)
{
	struct channel *channel = commands_channel(call, name);

	if (!channel || channel->device)
		return channel;
	command_fail(call, 1, "%s: %s is not connected (%s)", call->command->name, name,
		channel_state_name(channel));
	return NULL;
}

int break_run(struct command_call *call, char *const *words)
{
	struct channel *channel = connected(call, words[1]);

	if (!channel)
		return 1;
	device_break(channel->device);
	return 0;
}

int kick_run(struct command_call *call, char *const *words)
{
	struct channel *channel = connected(call, words[1]);

	if (!channel)
		return 1;
	if (!device_kick(channel->device))
		return command_fail(call, 1, "kick: the vmm of %s does not know that",
			channel->name);
	return 0;
}

/* say TEXT ... */
int say_run(struct command_call *call, char *const *words)
{
	char text[COMMANDS_TEXT_MAX + 1];

	if (!commands_join(call, words + 1, text))
		return 2;
	attach_notice(call->mux, "%s", text);
	return 0;
}
