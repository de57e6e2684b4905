/* The commands that list the ports of wires and set them. */

#include "commands.h"
#include "commands_wires.h"
#include "fd.h"
#include "guest_name.h"
#include "mux.h"
#include "port_text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mux_port *port_of_wire(struct command_call *call, const char *word, const char *slash,
	bool make)
{
	char name[WIRE_NAME_MAX + 1] = "";
	const char *port_name = slash + 1;
	const char *problem = guest_name_problem(port_name, strlen(port_name));
	struct mux_wire *wire;
	struct mux_port *port;

	snprintf(name, sizeof(name), "%.*s", (int)(slash - word), word);
	wire = commands_wire(call, name);
	if (!wire)
		return NULL;
	if (problem) {
		command_fail(call, 1, "%s: the name of a port %s", call->command->name, problem);
		return NULL;
	}
	port = make ? wires_port_create(wire, port_name) : wires_port_find(wire, port_name);
	if (!port)
		command_fail(call, 1, "%s: %s has no %sport named \"%s\"", call->command->name,
			wire->name, make ? "room for a " : "", port_name);
	return port;
}

struct mux_port *commands_port(struct command_call *call, const char *word, bool make)
{
	const char *slash = strchr(word, '/');
	const struct mux_wire *wire;
	struct mux_port *found = NULL;

	if (slash)
		return port_of_wire(call, word, slash, make);
	TAILQ_FOREACH(wire, &call->mux->wires->list, link)
	{
		struct mux_port *port = wires_port_find(wire, word);

		if (port && found) {
			command_fail(call, 1, "%s: which one? %s/%s, %s/%s", call->command->name,
				found->wire->name, word, wire->name, word);
			return NULL;
		}
		if (port)
			found = port;
	}
	if (!found)
		command_error(call,
			command_fail(call, 1, "%s: no port named \"%s\"", call->command->name,
				word),
			"PortNotFound", word);
	return found;
}

void commands_each_port(struct command_call *call, const struct mux_wire *wire,
	void (*each)(struct command_call *call, const struct mux_port *port))
{
	const struct mux_wire *next;

	TAILQ_FOREACH(next, &call->mux->wires->list, link)
	{
		if (wire && next != wire)
			continue;
		for (unsigned i = 0; i < next->ports_most; i++) {
			if (next->port[i])
				each(call, next->port[i]);
		}
	}
}

static const char *state_name(const struct mux_port *port)
{
	if (!port->plug)
		return "absent";
	if (!(port->flags & PORT_FLAG_CONNECTED))
		return "connecting";
	return port->flags & PORT_FLAG_SENDS && port->flags & PORT_FLAG_RECEIVES ? "running"
										 : "connected";
}

static json_t *allow_json(const struct mux_port *port)
{
	json_t *list = json_array();

	for (size_t i = 0; i < port->allow_count; i++)
		json_array_append_new(list, json_string(port->allow[i]));
	return list;
}

static void gather_port(struct command_call *call, const struct mux_port *port)
{
	const struct port_settings *settings = &port->settings;
	char vlan[PORT_TEXT_MAX], delay[PORT_TEXT_MAX], loss[PORT_TEXT_MAX], rate[PORT_TEXT_MAX];
	char mac[PORT_TEXT_MAX];
	json_t *json =
		json_pack("{s:s, s:s, s:i, s:s, s:b, s:s, s:s, s:b, s:b, s:s, s:s, s:s, s:I, "
			  "s:i, s:i}",
			"wire", port->wire->name, "name", port->name, "number", (int)port->number,
			"state", state_name(port), "link", settings->link, "vlan",
			port_write_vlan(vlan, settings), "mac", port_write_mac(mac, settings->mac),
			"isolated", settings->isolated, "monitor", settings->monitor, "delay",
			port_write_delay(delay, settings->delay_us), "loss",
			port_write_loss(loss, settings->loss_per_10000), "rate",
			port_write_rate(rate, settings->rate), "features",
			(json_int_t)port->features, "uid", (int)port->uid, "pid",
			port->plug ? (int)port->pid : 0);

	if (port->allow_listed)
		json_object_set_new(json, "allow", allow_json(port));
	json_array_append_new(call->json, json);
}

static void print_impairments(struct command_call *call, const struct port_settings *settings)
{
	char text[PORT_TEXT_MAX];

	if (settings->delay_us)
		command_print(call, " delay=%s", port_write_delay(text, settings->delay_us));
	if (settings->loss_per_10000)
		command_print(call, " loss=%s", port_write_loss(text, settings->loss_per_10000));
	if (settings->rate)
		command_print(call, " rate=%s", port_write_rate(text, settings->rate));
}

static void print_port(struct command_call *call, const struct mux_port *port)
{
	const struct port_settings *settings = &port->settings;
	char text[PORT_TEXT_MAX];

	command_print(call, "%14s %-20s %-10s link %s", port->wire->name, port->name,
		state_name(port), settings->link ? "up" : "down");
	if (settings->vlan_mode != PORT_VLAN_NONE)
		command_print(call, " %s", port_write_vlan(text, settings));
	if (strcmp(port_write_mac(text, settings->mac), "any") != 0)
		command_print(call, " mac %s", text);
	if (settings->isolated)
		command_print(call, " isolated");
	if (settings->monitor)
		command_print(call, " monitor");
	if (port->allow_listed)
		command_print(call, " allow%s", port->allow_count ? "" : " none");
	for (size_t i = 0; i < port->allow_count; i++)
		command_print(call, "%c%s", i ? ',' : ' ', port->allow[i]);
	print_impairments(call, settings);
	command_print(call, "\n");
}

/* port list [--json] [WIRE] */
int port_run(struct command_call *call, char *const *words)
{
	const struct mux_wire *wire = NULL;
	bool as_json = command_option(call, "--json");

	if (strcmp(words[1], "list") != 0)
		return command_fail(call, 2, "port: \"%s\" is not list", words[1]);
	if (words[2])
		wire = commands_wire(call, words[2]);
	if (words[2] && !wire)
		return 1;
	call->json = as_json ? json_array() : NULL;
	commands_each_port(call, wire, as_json ? gather_port : print_port);
	return as_json ? commands_print_json(call, call->json) : 0;
}

/* What stands there anew is told, and kept although nobody may be plugged in. */
static int port_set(struct mux_port *port)
{
	struct port_settings beginning;

	mux_config_port_init(&beginning);
	port->changed = port->allow_listed ||
		memcmp(&beginning, &port->settings, sizeof(beginning)) != 0;
	wires_port_changed(port);
	return 0;
}

/* A port of a switch: the others mean nothing on a cable. NULL with the message set. */
static struct mux_port *switch_port(struct command_call *call, const char *word)
{
	struct mux_port *port = commands_port(call, word, true);

	if (port && port->wire->kind == WIRE_CABLE) {
		command_fail(call, 1, "%s: %s is a cable: this is for ports of a switch",
			call->command->name, port->wire->name);
		return NULL;
	}
	return port;
}

/* "on" or "off", or what the two are called. False with the message set. */
static bool read_switch(struct command_call *call, const char *word, const char *const names[2],
	uint8_t *on)
{
	if (strcmp(word, names[0]) != 0 && strcmp(word, names[1]) != 0) {
		command_fail(call, 2, "%s: \"%s\" is not %s or %s", call->command->name, word,
			names[0], names[1]);
		return false;
	}
	*on = !strcmp(word, names[1]);
	return true;
}

int link_run(struct command_call *call, char *const *words)
{
	static const char *const names[] = { "down", "up" };
	struct mux_port *port;
	uint8_t up;

	if (!read_switch(call, words[2], names, &up))
		return 2;
	port = commands_port(call, words[1], true);
	if (!port)
		return 1;
	if (port->settings.link != up)
		wires_say(port->wire, "port %s: link %s", port->name, names[up]);
	port->settings.link = up;
	return port_set(port);
}

static const char *const off_on[] = { "off", "on" };

/* Another port of the wire that has the address, or NULL. */
static const struct mux_port *owner(const struct mux_port *port, const uint8_t mac[6])
{
	static const uint8_t any[6];

	for (unsigned i = 0; i < port->wire->ports_most; i++) {
		const struct mux_port *other = port->wire->port[i];

		if (other && other != port && memcmp(mac, any, sizeof(any)) != 0 &&
			memcmp(mac, other->settings.mac, sizeof(any)) == 0)
			return other;
	}
	return NULL;
}

int mac_run(struct command_call *call, char *const *words)
{
	struct mux_port *port = switch_port(call, words[1]);
	const struct mux_port *other;
	const char *problem;
	uint8_t mac[6];

	if (!port)
		return 1;
	problem = port_read_mac(words[2], strlen(words[2]), mac);
	if (problem)
		return command_fail(call, 2, "mac: \"%s\" %s", words[2], problem);
	other = owner(port, mac);
	if (other)
		return command_fail(call, 1, "mac: %s is already that of port %s", words[2],
			other->name);
	memcpy(port->settings.mac, mac, sizeof(mac));
	return port_set(port);
}

/* A setting of a port of a switch, at that place among them, is turned on or off. */
static int turn_run(struct command_call *call, char *const *words, size_t setting)
{
	struct mux_port *port;
	uint8_t on;

	if (!read_switch(call, words[2], off_on, &on))
		return 2;
	port = switch_port(call, words[1]);
	if (!port)
		return 1;
	((uint8_t *)&port->settings)[setting] = on;
	return port_set(port);
}

int isolate_run(struct command_call *call, char *const *words)
{
	return turn_run(call, words, offsetof(struct port_settings, isolated));
}

int monitor_run(struct command_call *call, char *const *words)
{
	return turn_run(call, words, offsetof(struct port_settings, monitor));
}

/* vlan PORT access ID|trunk LIST|trunk all|none */
int vlan_run(struct command_call *call, char *const *words)
{
	struct mux_port *port = switch_port(call, words[1]);
	AUTO_FREE char *text = NULL;
	const char *problem;

	if (!port)
		return 1;
	if (asprintf(&text, "%s%s%s", words[2], words[3] ? "=" : "", words[3] ? words[3] : "") <
		0) {
		text = NULL;
		return command_fail(call, 1, "vlan: no memory");
	}
	problem = port_read_vlan(text, strlen(text), &port->settings);
	if (problem)
		return command_fail(call, 2, "vlan: \"%s\" %s", text, problem);
	return port_set(port);
}

/* delay=10ms loss=1% rate=10Mbit, or off. False with the message set. */
static bool impair_one(struct command_call *call, const char *word, struct port_settings *settings)
{
	const char *delay = commands_option(word, "delay");
	const char *loss = commands_option(word, "loss");
	const char *rate = commands_option(word, "rate");
	const char *problem = NULL;

	if (!strcmp(word, "off")) {
		settings->delay_us = 0;
		settings->loss_per_10000 = 0;
		settings->rate = 0;
	} else if (delay) {
		problem = port_read_delay(delay, strlen(delay), &settings->delay_us);
	} else if (loss) {
		problem = port_read_loss(loss, strlen(loss), &settings->loss_per_10000);
	} else if (rate) {
		problem = port_read_rate(rate, strlen(rate), &settings->rate);
	} else {
		problem = "is not delay=TIME, loss=PERCENTAGE, rate=BITS or off";
	}
	if (problem)
		command_fail(call, 2, "impair: \"%s\" %s", word, problem);
	return !problem;
}

int impair_run(struct command_call *call, char *const *words)
{
	struct mux_port *port = commands_port(call, words[1], true);
	struct port_settings settings;

	if (!port)
		return 1;
	settings = port->settings;
	for (words += 2; *words; words++) {
		if (!impair_one(call, *words, &settings))
			return 2;
	}
	port->settings = settings;
	return port_set(port);
}

static int allow_these(struct command_call *call, struct mux_port *port, char *const *names)
{
	struct config_words words = { .items = (char **)(uintptr_t)names };

	for (; names[words.count]; words.count++) {
		const char *name = names[words.count];
		const char *problem = guest_name_problem(name, strlen(name));

		if (problem)
			return command_fail(call, 2, "allow: the name of a port %s: \"%s\"",
				problem, name);
	}
	if (wires_port_allow(port, &words))
		return command_fail(call, 1, "allow: no memory");
	return port_set(port);
}

/* allow PORT all|none|NAME ... */
int allow_run(struct command_call *call, char *const *words)
{
	struct mux_port *port = switch_port(call, words[1]);
	bool all = !strcmp(words[2], "all");

	if (!port)
		return 1;
	if ((all || !strcmp(words[2], "none")) && !words[3]) {
		wires_port_allow(port, NULL);
		port->allow_listed = !all;
		return port_set(port);
	}
	return allow_these(call, port, words + 2);
}
