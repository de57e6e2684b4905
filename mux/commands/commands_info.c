/* The command that tells of muxd itself. */

#include "channel.h"
#include "commands.h"
#include "commands_wires.h"
#include "control.h"
#include "followers.h"
#include "mux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What is summed up of all channels. */
struct sums {
	unsigned states[CHANNEL_GONE + 1];
	unsigned channels, logs;
	uint64_t held, size; /* bytes of histories, and room for them */
};

static struct sums sum_up(const struct mux *mux)
{
	const struct channel *channel;
	struct sums sums = { .channels = 0 };

	TAILQ_FOREACH(channel, &mux->channels, link)
	{
		const struct history *history = &channel->history;

		sums.channels++;
		if (channel->is_log)
			sums.logs++;
		else
			sums.states[history->record.state]++;
		sums.held += history->committed - history_begin(history);
		sums.size += history->file_size;
	}
	return sums;
}

static json_t *states_json(const struct sums *sums)
{
	json_t *states = json_object();

	for (unsigned i = 0; i <= CHANNEL_GONE; i++)
		json_object_set_new(states, channel_state_word(i),
			json_integer((json_int_t)sums->states[i]));
	json_object_set_new(states, "log", json_integer((json_int_t)sums->logs));
	return states;
}

static json_t *wires_json(struct mux *mux, json_int_t *connected)
{
	const struct mux_wire *wire;
	json_t *names = json_array();

	*connected = 0;
	if (!mux->wires)
		return names;
	TAILQ_FOREACH(wire, &mux->wires->list, link)
	{
		json_array_append_new(names, json_string(wire->name));
		for (unsigned i = 0; i < wire->ports_most; i++)
			*connected += wire->port[i] && wire->port[i]->flags & PORT_FLAG_CONNECTED;
	}
	return names;
}

/* One that has ended may be known a little longer as one of the two. */
static unsigned viewers(const struct mux *mux)
{
	unsigned followers = followers_count(mux);

	return mux->peer_count > followers ? mux->peer_count - followers : 0;
}

json_t *commands_info_json(struct mux *mux)
{
	struct sums sums = sum_up(mux);
	json_int_t connected;
	json_t *wires = wires_json(mux, &connected);
	const char *slash = strrchr(mux->channels_path, '/');
	int length = slash ? (int)(slash - mux->channels_path) : 0;
	char directory[PATH_MAX];

	snprintf(directory, sizeof(directory), "%.*s", length, mux->channels_path);
	return json_pack(
		"{s:s, s:i, s:I, s:I, s:s, s:i, s:o, s:i, s:i, s:i, s:I, s:I, s:I, s:o, s:I}",
		"version", PROJECT_VERSION, "pid", (int)getpid(), "started",
		(json_int_t)mux->started, "uptime", (json_int_t)(time(NULL) - mux->started),
		"directory", directory, "channels", (int)sums.channels, "states",
		states_json(&sums), "guests", (int)mux->device_count, "viewers", (int)viewers(mux),
		"commands", (int)control_running(mux->control), "historyBytes",
		(json_int_t)sums.held, "historySize", (json_int_t)sums.size, "historyTotal",
		(json_int_t)mux->options->history_total, "wires", wires, "ports", connected);
}

const char *commands_uptime(char text[COMMANDS_UPTIME_MAX], int64_t seconds)
{
	int64_t days = seconds / 86400, hours = seconds / 3600 % 24;

	if (seconds < 0)
		seconds = 0;
	if (days)
		snprintf(text, COMMANDS_UPTIME_MAX, "%lldd%02lldh", (long long)days,
			(long long)hours);
	else if (hours)
		snprintf(text, COMMANDS_UPTIME_MAX, "%lldh%02lldm", (long long)hours,
			(long long)(seconds / 60 % 60));
	else
		snprintf(text, COMMANDS_UPTIME_MAX, "%lldm%02llds", (long long)(seconds / 60),
			(long long)(seconds % 60));
	return text;
}

static void print_states(struct command_call *call, const struct sums *sums)
{
	const char *before = ":";

	for (unsigned i = 0; i <= CHANNEL_GONE; i++) {
		if (sums->states[i])
			command_print(call, "%s %u %s", before, sums->states[i],
				channel_state_word(i));
		if (sums->states[i])
			before = ",";
	}
	if (sums->logs)
		command_print(call, "%s %u of wires", before, sums->logs);
	command_print(call, "\n");
}

static void print_followers(struct command_call *call)
{
	const char *title;
	int process;

	for (unsigned i = 0; (title = followers_title(call->mux, i, &process)); i++)
		command_print(call, "%s, process %d\n", title, process);
}

static void print_wires(struct command_call *call, const json_t *info)
{
	const json_t *wires = json_object_get(info, "wires");
	const json_t *wire;
	size_t i;

	command_print(call, "%zu wires", json_array_size(wires));
	json_array_foreach(wires, i, wire)
	{
		command_print(call, "%s %s", i ? "," : ":", json_string_value(wire));
	}
	command_print(call, "; %lld ports connected\n",
		(long long)json_integer_value(json_object_get(info, "ports")));
}

/* info [--json] */
int info_run(struct command_call *call, char *const *words)
{
	struct sums sums = sum_up(call->mux);
	json_t *info = commands_info_json(call->mux);
	char uptime[COMMANDS_UPTIME_MAX];

	(void)words;
	if (command_option(call, "--json") || !info)
		return commands_print_json(call, info);
	command_print(call, "muxd %s, process %d, up %s\n", PROJECT_VERSION, (int)getpid(),
		commands_uptime(uptime, time(NULL) - call->mux->started));
	command_print(call, "in %s: control.sock, device.sock, net/\n",
		json_string_value(json_object_get(info, "directory")));
	command_print(call, "%u channels", sums.channels);
	print_states(call, &sums);
	command_print(call, "%u guests connected, %u viewers, %u commands running\n",
		call->mux->device_count, viewers(call->mux), control_running(call->mux->control));
	command_print(call, "histories hold %llu bytes, in %llu bytes of files; %llu are allowed\n",
		(unsigned long long)sums.held, (unsigned long long)sums.size,
		(unsigned long long)call->mux->options->history_total);
	print_wires(call, info);
	print_followers(call);
	json_decref(info);
	return 0;
}
