/* The command that tells what went over the ports of wires. */

#include "commands.h"
#include "commands_wires.h"
#include "mux.h"

#include <stdlib.h>
#include <string.h>

static const char *const reasons[DROP_REASONS] = {
	[DROP_NO_ROOM] = "no-room",
	[DROP_LINK_DOWN] = "link-down",
	[DROP_TOO_LONG] = "too-long",
	[DROP_MALFORMED] = "malformed",
	[DROP_VLAN] = "vlan",
	[DROP_NOT_ALLOWED] = "not-allowed",
	[DROP_IMPAIRED] = "impaired",
	[DROP_NOT_SEGMENTED] = "not-segmented",
};

static void gather(struct command_call *call, const struct mux_port *port)
{
	struct port_counters counters;
	json_t *dropped = json_object();

	wires_port_counters(port, &counters);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		json_object_set_new(dropped, reasons[i],
			json_integer((json_int_t)counters.dropped[i]));
	json_array_append_new(call->json,
		json_pack("{s:s, s:s, s:{s:I, s:I}, s:{s:I, s:I}, s:o, s:I, s:I, s:I, s:I}", "wire",
			port->wire->name, "port", port->name, "sent", "frames",
			(json_int_t)counters.frames_sent, "bytes", (json_int_t)counters.bytes_sent,
			"received", "frames", (json_int_t)counters.frames_received, "bytes",
			(json_int_t)counters.bytes_received, "dropped", dropped,
			"checksumsCompleted", (json_int_t)counters.checksums_completed,
			"framesSegmented", (json_int_t)counters.frames_segmented, "notifications",
			(json_int_t)counters.notifications, "wakeups",
			(json_int_t)counters.wakeups));
}

static void print(struct command_call *call, const struct mux_port *port)
{
	struct port_counters counters;

	wires_port_counters(port, &counters);
	command_print(call,
		"%s/%s\n  sent %llu frames, %llu bytes; received %llu frames, %llu bytes\n",
		port->wire->name, port->name, (unsigned long long)counters.frames_sent,
		(unsigned long long)counters.bytes_sent,
		(unsigned long long)counters.frames_received,
		(unsigned long long)counters.bytes_received);
	command_print(call,
		"  completed %llu checksums, segmented %llu frames; interrupts %llu, kicks %llu\n",
		(unsigned long long)counters.checksums_completed,
		(unsigned long long)counters.frames_segmented,
		(unsigned long long)counters.notifications, (unsigned long long)counters.wakeups);
	for (unsigned i = 0; i < DROP_REASONS; i++) {
		if (counters.dropped[i])
			command_print(call, "  dropped %llu: %s\n",
				(unsigned long long)counters.dropped[i], reasons[i]);
	}
}

/* stats [--json] [WIRE|PORT] */
int stats_run(struct command_call *call, char *const *words)
{
	void (*each)(struct command_call *, const struct mux_port *) =
		command_option(call, "--json") ? gather : print;
	const struct mux_wire *wire = NULL;
	const struct mux_port *port = NULL;
	const char *what = words[1];

	if (what)
		wire = wires_find(call->mux->wires, what);
	if (what && !wire)
		port = commands_port(call, what, false);
	if (what && !wire && !port)
		return 1;
	call->json = each == gather ? json_array() : NULL;
	if (port)
		each(call, port);
	else
		commands_each_port(call, wire, each);
	return each == gather ? commands_print_json(call, call->json) : 0;
}
