/* The commands that list, show and hide channels. */

#include "attach.h"
#include "channel.h"
#include "commands.h"
#include "keys.h"
#include "person.h"

#include <event2/buffer.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool is_meant(const struct channel *channel, const char *pattern)
{
	return !strcmp(pattern, channel->name) || !fnmatch(pattern, channel->name, 0);
}

static bool is_meant_by_any(const struct channel *channel, char *const *patterns)
{
	for (size_t i = 0; patterns[i]; i++) {
		if (is_meant(channel, patterns[i]))
			return true;
	}
	return !patterns[0];
}

static bool means_any(const struct mux *mux, const char *pattern)
{
	const struct channel *channel;

	TAILQ_FOREACH(channel, &mux->channels, link)
	{
		if (is_meant(channel, pattern))
			return true;
	}
	return false;
}

static int no_channel(struct command_call *call, const char *name)
{
	command_fail(call, 1, "%s: no channel named \"%s\"", call->command->name, name);
	return command_error(call, 1, "ChannelNotFound", name);
}

int commands_each(struct command_call *call, char *const *patterns,
	void (*each)(struct command_call *call, struct channel *channel))
{
	struct channel *channel, *next;

	for (size_t i = 0; patterns[i]; i++) {
		if (!means_any(call->mux, patterns[i]))
			return no_channel(call, patterns[i]);
	}
	for (channel = TAILQ_FIRST(&call->mux->channels); channel; channel = next) {
		next = TAILQ_NEXT(channel, link);
		if (is_meant_by_any(channel, patterns))
			each(call, channel);
	}
	return 0;
}

struct channel *commands_channel(struct command_call *call, const char *name)
{
	struct channel *channel = channel_find(call->mux, name);

	if (!channel)
		no_channel(call, name);
	return channel;
}

static void print_key(struct command_call *call, const struct channel *channel)
{
	char key = channel->history.record.key;

	if (key)
		command_print(call, "(%c) ", key);
	else
		command_print(call, "    ");
}

static void list_one(struct command_call *call, struct channel *channel)
{
	const struct history_record *record = &channel->history.record;

	command_print(call, "%14s ", channel->name);
	print_key(call, channel);
	command_print(call, "[%8.8s] out:%5llu/%6llu in:%5llu/%5llu %s",
		record->shown ? call->mux->options->prompt : "",
		(unsigned long long)record->output_lines, (unsigned long long)record->end,
		(unsigned long long)record->input_lines, (unsigned long long)record->input_bytes,
		channel_state_name(channel));
	if (record->lost)
		command_print(call, " lost:%llu", (unsigned long long)record->lost);
	if (channel_is_dead(channel))
		command_print(call, " [X]");
}

static void list_short(struct command_call *call, struct channel *channel)
{
	list_one(call, channel);
	command_print(call, "\n");
}

static void list_long(struct command_call *call, struct channel *channel)
{
	const struct history_record *record = &channel->history.record;
	const struct person *writer = attach_writer(channel);
	char text[PERSON_TEXT_MAX] = "";
	time_t since = (time_t)record->since;
	struct tm broken_down;
	char when[32] = "?";
	char how_long[COMMANDS_UPTIME_MAX];

	if (localtime_r(&since, &broken_down))
		strftime(when, sizeof(when), "%F %T", &broken_down);
	list_one(call, channel);
	command_print(call, " since %s (%s) pid:%llu pending:%zu watchers:%u%s%s%s", when,
		commands_uptime(how_long, time(NULL) - since), (unsigned long long)record->pid,
		evbuffer_get_length(channel->input), attach_watchers(channel),
		record->keep ? " keep" : "", *record->reason ? " " : "", record->reason);
	if (writer)
		person_text(writer, text);
	if (record->timestamps)
		command_print(call, " timestamps:%s",
			timestamps_name((enum timestamps)record->timestamps));
	command_print(call, "%s%s\n", writer ? " writer: " : "", text);
}

static void list_json(struct command_call *call, struct channel *channel)
{
	json_array_append_new(call->json, channel_json(channel));
}

static int list_as_json(struct command_call *call, char *const *patterns)
{
	char *text = NULL;
	int status;

	call->json = json_array();
	status = commands_each(call, patterns, list_json);
	if (!status)
		text = json_dumps(call->json, JSON_INDENT(2));
	if (text)
		command_print(call, "%s\n", text);
	free(text);
	json_decref(call->json);
	return status;
}

int list_run(struct command_call *call, char *const *words)
{
	if (command_option(call, "--json"))
		return list_as_json(call, words + 1);
	return commands_each(call, words + 1, command_option(call, "-l") ? list_long : list_short);
}

static void set_shown(struct channel *channel, bool shown)
{
	if (channel->history.record.shown == shown)
		return;
	channel->history.record.shown = shown;
	channel_commit(channel);
	channel_changed(channel);
}

static void show_one(struct command_call *call, struct channel *channel)
{
	(void)call;
	set_shown(channel, true);
}

static void hide_one(struct command_call *call, struct channel *channel)
{
	(void)call;
	set_shown(channel, false);
}

int show_run(struct command_call *call, char *const *words)
{
	return commands_each(call, words + 1, show_one);
}

int hide_run(struct command_call *call, char *const *words)
{
	return commands_each(call, words + 1, hide_one);
}

int showall_run(struct command_call *call, char *const *words)
{
	return commands_each(call, words + 1, show_one);
}

int hideall_run(struct command_call *call, char *const *words)
{
	return commands_each(call, words + 1, hide_one);
}
