/* The ports of a wire as the main process knows them: names, numbers, settings, who is there. */

#include "fd.h"
#include "monotonic.h"
#include "mux.h"
#include "wires_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a port is kept for who lost it with the worker: front-ends try again within 1 s. */
#define HELD_MS 5000
/* Between lines about a name that is taken: who wants it tries again and again. */
#define REFUSAL_MS 60000

struct mux_port *wires_port_find(const struct mux_wire *wire, const char *name)
{
	for (unsigned i = 0; i < wire->ports_most; i++) {
		if (wire->port[i] && !strcmp(wire->port[i]->name, name))
			return wire->port[i];
	}
	return NULL;
}

/* Numbers stand for names in these: a port has come, or its number is another's now. */
static void lists_changed(struct mux_wire *wire)
{
	for (unsigned i = 0; i < wire->ports_most; i++) {
		if (wire->port[i] && wire->port[i]->allow_listed)
			wire->port[i]->untold = true;
	}
}

static void free_names(char **names, size_t count)
{
	while (count)
		free(names[--count]);
	free(names);
}

int wires_port_allow(struct mux_port *port, const struct config_words *words)
{
	size_t wanted = words ? words->count : 0, count = 0;
	char **names = calloc(wanted + 1, sizeof(*names));

	while (names && count < wanted && (names[count] = strdup(words->items[count])))
		count++;
	if (!names || count < wanted) {
		free_names(names, count);
		return -ENOMEM;
	}
	free_names(port->allow, port->allow_count);
	port->allow = names;
	port->allow_count = count;
	port->allow_listed = words != NULL;
	return 0;
}

void wires_port_destroy(struct mux_port *port)
{
	port->wire->port[port->number] = NULL;
	close_fd(&port->connection);
	close_fd(&port->tap);
	free_names(port->allow, port->allow_count);
	free(port);
}

/* Nobody would miss it. */
static bool makes_way(const struct mux_port *port)
{
	return !port->plug && !port->fixed && !port->changed &&
		monotonic_ms() >= port->held_until_ms;
}

/* A free number, or one of a port that makes way, the longest gone first; else ports_most. */
static unsigned find_number(struct mux_wire *wire)
{
	const struct mux_port *oldest = NULL;

	for (unsigned i = 0; i < wire->ports_most; i++) {
		const struct mux_port *port = wire->port[i];

		if (!port)
			return i;
		if (makes_way(port) && (!oldest || port->gone_ms < oldest->gone_ms))
			oldest = port;
	}
	return oldest ? oldest->number : wire->ports_most;
}

struct mux_port *wires_port_create(struct mux_wire *wire, const char *name)
{
	struct mux_port *port = wires_port_find(wire, name);
	unsigned number = port ? 0 : find_number(wire);

	if (port || number == wire->ports_most)
		return port;
	port = calloc(1, sizeof(*port));
	if (!port)
		return NULL;
	if (wire->port[number])
		wires_port_destroy(wire->port[number]);
	port->wire = wire;
	port->number = number;
	port->connection = port->tap = -1;
	strncat(port->name, name, sizeof(port->name) - 1);
	mux_config_port_init(&port->settings);
	port->base = wire->counters[number];
	wire->port[number] = port;
	lists_changed(wire);
	return port;
}

static bool is_held(const struct mux_port *port)
{
	return port->plug || monotonic_ms() < port->held_until_ms;
}

/* Plugged in, and the other end has not gone, whether or not the worker has seen it. */
static bool is_there(const struct mux_port *port)
{
	struct pollfd connection = { .fd = port->connection };

	return port->plug && poll(&connection, 1, 0) != 1;
}

/* Those without a name of their own are told apart by a number behind it. */
static void choose_name(const struct mux_wire *wire, struct wires_peer *peer)
{
	size_t length = strlen(peer->name);

	for (unsigned i = 1; !peer->named && i < wire->ports_most; i++) {
		const struct mux_port *port = wires_port_find(wire, peer->name);

		if (!port || !is_there(port))
			return;
		snprintf(peer->name + length, sizeof(peer->name) - length, ".%u", i);
	}
}

/* The port for it, or NULL and why it has none. */
static struct mux_port *port_for(struct mux_wire *wire, const struct wires_peer *peer,
	const char **problem)
{
	struct mux_port *port = wires_port_find(wire, peer->name);

	*problem = NULL;
	if (port && port->tap >= 0)
		*problem = "this is the name of the uplink";
	else if (port && is_held(port) && port->uid != peer->uid)
		*problem = "a process of another user is plugged in under this name";
	else if (port && is_there(port))
		*problem = "somebody is plugged in under this name already";
	else if (!port && !wire->open)
		*problem = "only the ports of muxd.toml may be plugged in here";
	if (*problem)
		return NULL;
	if (!port)
		port = wires_port_create(wire, peer->name);
	if (!port)
		*problem = wire->kind == WIRE_CABLE ? "both ends of the cable are taken"
						    : "there are no ports left";
	return port;
}

static void refuse(struct mux_wire *wire, const char *name, const char *problem)
{
	struct mux_port *port = wires_port_find(wire, name);
	uint64_t now_ms = monotonic_ms();

	if (port && port->refusal_said_ms && now_ms - port->refusal_said_ms < REFUSAL_MS)
		return;
	if (port)
		port->refusal_said_ms = now_ms;
	wires_say(wire, "port %s: refused: %s", name, problem);
}

uint32_t wires_port_plug(struct mux_port *port)
{
	if (!++port->wire->last_plug)
		port->wire->last_plug++; /* 0 is no plug */
	port->flags = 0;
	port->features = 0;
	port->refusal_said_ms = 0;
	return port->plug = port->wire->last_plug;
}

void wires_port_connect(struct mux_wire *wire, const struct wires_peer *peer, int connection)
{
	AUTO_CLOSE int fd = connection;
	struct wires_peer known = *peer;
	struct mux_port *port;
	const char *problem;

	choose_name(wire, &known);
	port = port_for(wire, &known, &problem);
	if (!port) {
		refuse(wire, known.name, problem);
		return;
	}
	if (port->plug && port->flags & PORT_FLAG_CONNECTED)
		wires_say(wire, "port %s: gone: connected anew", port->name);
	close_fd(&port->connection);
	port->connection = take_fd(&fd);
	port->connection_untold = true;
	wires_port_plug(port);
	port->uid = known.uid;
	port->pid = known.pid;
	wires_tell(wire);
}

static void unplug(struct mux_port *port)
{
	close_fd(&port->connection);
	port->connection = -1;
	port->connection_untold = false;
	port->plug = 0;
	port->flags = 0;
	port->features = 0;
	port->gone_ms = monotonic_ms();
}

void wires_port_gone(struct mux_port *port, const char *reason)
{
	wires_say(port->wire, "port %s: gone%s%s", port->name, *reason ? ": " : "", reason);
	if (port->tap >= 0)
		close(take_fd(&port->tap));
	unplug(port);
}

/* What the worker never got stays for the next one. */
void wires_ports_lost(struct mux_wire *wire)
{
	for (unsigned i = 0; i < wire->ports_most; i++) {
		struct mux_port *port = wire->port[i];

		if (!port)
			continue;
		port->unplugged = false;
		port->flags = 0;
		port->tap_untold = port->tap >= 0;
		if (!port->plug || port->connection_untold || port->tap >= 0)
			continue;
		unplug(port);
		port->held_until_ms = monotonic_ms() + HELD_MS;
	}
}

void wires_port_changed(struct mux_port *port)
{
	port->untold = true;
	wires_tell(port->wire);
}

static void allow(struct port_settings *settings, unsigned number)
{
	settings->allowed[number / 8] |= (uint8_t)(1U << number % 8);
}

void wires_port_settings(const struct mux_port *port, struct port_settings *settings)
{
	*settings = port->settings;
	memset(settings->allowed, port->allow_listed ? 0 : 0xff, sizeof(settings->allowed));
	for (size_t i = 0; i < port->allow_count; i++) {
		const struct mux_port *other = wires_port_find(port->wire, port->allow[i]);

		if (other)
			allow(settings, other->number);
	}
}

void wires_port_counters(const struct mux_port *port, struct port_counters *counters)
{
	const struct port_counters *now = &port->wire->counters[port->number];

	*counters = (struct port_counters){
		.frames_sent = now->frames_sent - port->base.frames_sent,
		.bytes_sent = now->bytes_sent - port->base.bytes_sent,
		.frames_received = now->frames_received - port->base.frames_received,
		.bytes_received = now->bytes_received - port->base.bytes_received,
		.checksums_completed = now->checksums_completed - port->base.checksums_completed,
		.frames_segmented = now->frames_segmented - port->base.frames_segmented,
		.notifications = now->notifications - port->base.notifications,
		.wakeups = now->wakeups - port->base.wakeups,
	};
	for (unsigned i = 0; i < DROP_REASONS; i++)
		counters->dropped[i] = now->dropped[i] - port->base.dropped[i];
}
