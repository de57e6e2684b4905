/* The commands that list, add and remove wires, and say how they poll. */

#include "commands_wires.h"

#include "commands.h"
#include "fd.h"
#include "mux.h"
#include "port_text.h"
#include "wires_parts.h"

#include <stdlib.h>
#include <string.h>

struct mux_wire *commands_wire(struct command_call *call, const char *name)
{
	struct mux_wire *wire = wires_find(call->mux->wires, name);

	if (!wire)
		command_error(call,
			command_fail(call, 1, "%s: no wire named \"%s\"", call->command->name,
				name),
			"WireNotFound", name);
	return wire;
}

const char *commands_option(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

int commands_print_json(struct command_call *call, json_t *json)
{
	AUTO_FREE char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	json_decref(json);
	if (!text)
		return command_fail(call, 1, "no memory");
	command_print(call, "%s\n", text);
	return 0;
}

const char *commands_kind_name(enum wire_kind kind)
{
	return kind == WIRE_CABLE ? "cable" : "switch";
}

static unsigned plugged(const struct mux_wire *wire)
{
	unsigned count = 0;

	for (unsigned i = 0; i < wire->ports_most; i++)
		count += wire->port[i] && wire->port[i]->flags & PORT_FLAG_CONNECTED;
	return count;
}

static json_t *wire_json(const struct mux_wire *wire)
{
	char poll[PORT_TEXT_MAX];
	const struct mux_port *uplink = wires_port_find(wire, wire->uplink);

	return json_pack("{s:s, s:s, s:b, s:s, s:i, s:i, s:i, s:s, s:b, s:i}", "name", wire->name,
		"kind", commands_kind_name(wire->kind), "open", wire->open, "poll",
		port_write_poll(poll, wire->poll_ns), "mtu", (int)wire->mtu, "connected",
		(int)plugged(wire), "workerPid", (int)wires_process_id(wire->process), "uplink",
		uplink && uplink->tap >= 0 ? wire->uplink : "", "ready", wire->ready,
		"workersStarted", (int)wire->starts);
}

static void print_wire(struct command_call *call, const struct mux_wire *wire)
{
	char poll[PORT_TEXT_MAX];

	command_print(call, "%14s %-6s %u connected, poll %s, %s", wire->name,
		commands_kind_name(wire->kind), plugged(wire), port_write_poll(poll, wire->poll_ns),
		wire->ready ? "worker" : "no worker yet");
	if (wire->ready)
		command_print(call, " %d", (int)wires_process_id(wire->process));
	if (*wire->uplink)
		command_print(call, ", uplink %s", wire->uplink);
	command_print(call, "\n");
}

static int wire_list(struct command_call *call, char *const *words)
{
	const struct mux_wire *wire;
	bool as_json = command_option(call, "--json");
	json_t *json;

	if (words[0])
		return command_fail(call, 2, "wire list: knows --json and nothing else");
	json = as_json ? json_array() : NULL;
	TAILQ_FOREACH(wire, &call->mux->wires->list, link)
	{
		if (as_json)
			json_array_append_new(json, wire_json(wire));
		else
			print_wire(call, wire);
	}
	return as_json ? commands_print_json(call, json) : 0;
}

/* "poll=50us", "uplink=tap0". False: the message is set. */
static bool take_option(struct command_call *call, const char *word, struct mux_config_wire *config)
{
	const char *poll = commands_option(word, "poll");
	const char *uplink = commands_option(word, "uplink");
	const char *problem = NULL;

	if (poll)
		problem = port_read_poll(poll, strlen(poll), &config->poll_ns);
	else if (uplink && config->kind == WIRE_CABLE)
		problem = "is for a switch";
	else if (uplink)
		problem = mux_config_interface_problem(uplink, strlen(uplink));
	else
		problem = "is no option: poll=TIME, uplink=TAP";
	if (uplink && !problem)
		strcpy(config->uplink, uplink);
	if (problem)
		command_fail(call, 2, "wire add: %s %s", word, problem);
	return !problem;
}

static int wire_add(struct command_call *call, char *const *words)
{
	bool is_cable = words[0] && !strcmp(words[0], "cable");
	struct mux_config_wire config;
	char message[WIRES_MESSAGE_MAX];
	const char *problem;

	if (!words[0] || !words[1] || (!is_cable && strcmp(words[0], "switch") != 0))
		return command_fail(call, 2, "wire add cable|switch NAME [poll=TIME] [uplink=TAP]");
	mux_config_wire_init(&config, is_cable ? WIRE_CABLE : WIRE_SWITCH);
	problem = wire_name_problem(words[1], strlen(words[1]));
	if (problem)
		return command_fail(call, 2, "wire add: the name of a wire %s", problem);
	strcpy(config.name, words[1]);
	for (words += 2; *words; words++) {
		if (!take_option(call, *words, &config))
			return 2;
	}
	if (wires_add(call->mux->wires, &config, message))
		return command_fail(call, 1, "wire add: %s", message);
	return 0;
}

static int wire_remove(struct command_call *call, char *const *words)
{
	struct mux_wire *wire;

	if (!words[0] || words[1])
		return command_fail(call, 2, "wire remove NAME");
	wire = commands_wire(call, words[0]);
	if (!wire)
		return 1;
	wires_say(wire, "removed by an operator");
	wires_remove(wire);
	return 0;
}

int wire_run(struct command_call *call, char *const *words)
{
	if (!strcmp(words[1], "list"))
		return wire_list(call, words + 2);
	if (!strcmp(words[1], "add"))
		return wire_add(call, words + 2);
	if (!strcmp(words[1], "remove"))
		return wire_remove(call, words + 2);
	return command_fail(call, 2, "wire: \"%s\" is not list, add or remove", words[1]);
}

int poll_run(struct command_call *call, char *const *words)
{
	struct mux_wire *wire = commands_wire(call, words[1]);
	const char *problem;

	if (!wire)
		return 1;
	problem = port_read_poll(words[2], strlen(words[2]), &wire->poll_ns);
	if (problem)
		return command_fail(call, 2, "poll: \"%s\" %s", words[2], problem);
	wire->poll_untold = true;
	wires_tell(wire);
	return 0;
}
