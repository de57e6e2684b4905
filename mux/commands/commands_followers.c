/* The commands about what follows channels: their logs and ptys. */

#include "channel.h"
#include "commands.h"
#include "followers.h"

#include <string.h>

static void print_log(struct command_call *call, struct channel *channel)
{
	char path[FOLLOWERS_PATH_MAX];

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
	if (!followers_can_log(call->mux)) {
		command_fail(call, 1,
			"log: there is no directory for logs: muxd.toml has none in "
			"[log]");
		return;
	}
	set_log(channel, CHANNEL_ON);
	print_log(call, channel);
}

static void log_off(struct command_call *call, struct channel *channel)
{
	(void)call;
	set_log(channel, CHANNEL_OFF);
}

static void print_pty(struct command_call *call, struct channel *channel)
{
	char path[FOLLOWERS_PATH_MAX];

	if (followers_pty_path(channel, path))
		command_print(call, "%s: pty %s\n", channel->name, path);
	else
		command_print(call, "%s: no pty\n", channel->name);
}

static void set_pty(struct channel *channel, enum channel_choice choice)
{
	channel->history.record.pty = (uint8_t)choice;
	channel_commit(channel);
	channel_changed(channel);
}

static void pty_on(struct command_call *call, struct channel *channel)
{
	set_pty(channel, CHANNEL_ON);
	print_pty(call, channel);
}

static void pty_off(struct command_call *call, struct channel *channel)
{
	(void)call;
	set_pty(channel, CHANNEL_OFF);
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

/* Rows whose last word may be "on" or "off". */
static int run(struct command_call *call, char *const *words,
	void (*const each[3])(struct command_call *call, struct channel *channel))
{
	size_t count = 0;

	while (words[count + 2])
		count++;
	if (!strcmp(words[count + 1], "on"))
		return each_but_last(call, words + 1, count, each[CHANNEL_ON]);
	if (!strcmp(words[count + 1], "off"))
		return each_but_last(call, words + 1, count, each[CHANNEL_OFF]);
	return commands_each(call, words + 1, each[CHANNEL_AS_CONFIGURED]);
}

int log_run(struct command_call *call, char *const *words)
{
	static void (*const each[])(struct command_call *, struct channel *) = {
		[CHANNEL_AS_CONFIGURED] = print_log,
		[CHANNEL_ON] = log_on,
		[CHANNEL_OFF] = log_off,
	};
	int status = run(call, words, each);

	return !status && *call->message ? 1 : status;
}

int pty_run(struct command_call *call, char *const *words)
{
	static void (*const each[])(struct command_call *, struct channel *) = {
		[CHANNEL_AS_CONFIGURED] = print_pty,
		[CHANNEL_ON] = pty_on,
		[CHANNEL_OFF] = pty_off,
	};
	int status = run(call, words, each);

	if (call->mux->followers)
		followers_start(call->mux->followers);
	return status;
}
