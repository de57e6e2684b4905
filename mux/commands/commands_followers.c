/* The commands about what follows channels: their logs. */

#include "channel.h"
#include "commands.h"
#include "followers.h"

#include <string.h>

static void print_log(struct command_call *call, struct channel *channel)
{
	char path[PATH_MAX];

	if (followers_log_path(channel, path))
		command_print(call, "%s: logged to %s\n", channel->name, path);
	else
		command_print(call, "%s: not logged\n", channel->name);
}

static void set_log(struct channel *channel, enum channel_choice choice)
{
	channel->history.record.log = (uint8_t)choice;
	channel_commit(channel);
	channel_changed(channel);
}

static void log_on(struct command_call *call, struct channel *channel)
{
	set_log(channel, CHANNEL_ON);
	print_log(call, channel);
}

static void log_off(struct command_call *call, struct channel *channel)
{
	(void)call;
	set_log(channel, CHANNEL_OFF);
}

/* The words without the last one, which says what to do with the others. */
static int each_but_last(struct command_call *call, char *const *words, size_t count,
	void (*each)(struct command_call *call, struct channel *channel))
{
	char *names[COMMAND_WORDS_MAX + 1];

	if (!count || count > COMMAND_WORDS_MAX)
		return command_fail(call, 2, "%s: which channels?", call->command->name);
	memcpy(names, words, count * sizeof(*names));
	names[count] = NULL;
	return commands_each(call, names, each);
}

int log_run(struct command_call *call, char *const *words)
{
	size_t count = 0;

	while (words[count + 2])
		count++;
	if (!strcmp(words[count + 1], "off"))
		return each_but_last(call, words + 1, count, log_off);
	if (strcmp(words[count + 1], "on") != 0)
		return commands_each(call, words + 1, print_log);
	if (count && !followers_can_log(call->mux))
		return command_fail(call, 1,
			"log: there is no directory for logs: muxd.toml has "
			"none in [log]");
	return each_but_last(call, words + 1, count, log_on);
}
