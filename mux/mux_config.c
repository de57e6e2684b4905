/* muxd.toml: wires, and what their ports have from their first moment. */

#include "mux_config.h"

#include "history.h"
#include "mux_config_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What Linux lets an interface be called. */
const char *mux_config_interface_problem(const char *name, size_t length)
{
	if (length == 0)
		return "must not be empty";
	if (length >= IFNAMSIZ)
		return "must be at most 15 bytes long";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "must not be \".\" or \"..\"";
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~' || strchr("/:%", name[i]))
			return "must consist of printable ASCII characters without \"/\", \":\" and "
			       "\"%\"";
	return NULL;
}

static const struct config_key *key_of(const char *table, const char *name)
{
	return config_key_find(&mux_config_schema, table, name, strlen(name));
}

static bool is_port(const struct mux_config_wire *wire, const char *name)
{
	for (size_t i = 0; i < wire->port_count; i++)
		if (strcmp(wire->ports[i].name, name) == 0)
			return true;
	return strcmp(wire->uplink, name) == 0;
}

static bool same_mac(const struct mux_config_port *port, const struct mux_config_port *other)
{
	static const uint8_t any[sizeof(port->settings.mac)];
	const uint8_t *mac = port->settings.mac;

	return memcmp(mac, other->settings.mac, sizeof(any)) == 0 &&
		memcmp(mac, any, sizeof(any)) != 0;
}

static int check_port(struct config_file *file, const struct mux_config_wire *wire,
	const struct mux_config_port *port, const char *table)
{
	if (!port->name[0])
		return config_file_fail(file, port, NULL, "needs a name");
	for (const struct mux_config_port *other = wire->ports; other < port; other++) {
		if (strcmp(other->name, port->name) == 0)
			return config_file_fail(file, port, key_of(table, "name"),
				"is already that of another port");
		if (same_mac(port, other))
			return config_file_fail(file, port, key_of(table, "mac"),
				"is already that of port %s", other->name);
	}
	if (wire->uplink[0] && strcmp(wire->uplink, port->name) == 0 && port->socket)
		return config_file_fail(file, port, key_of(table, "socket"),
			"must be false: the port is the uplink's");
	for (size_t i = 0; i < port->allow.count && !wire->open; i++)
		if (!is_port(wire, port->allow.items[i]))
			return config_file_fail(file, port, key_of(table, "allow"),
				"must name ports of this switch, which is not open; \"%s\" is none",
				port->allow.items[i]);
	return 0;
}

static int check_wire(struct config_file *file, const struct mux_config_wire *wire,
	const char *table)
{
	const char *port_table = strcmp(table, "cable") == 0 ? "cable.port" : "switch.port";
	int result = 0;

	if (!wire->name[0])
		return config_file_fail(file, wire, NULL, "needs a name");
	for (size_t i = 0; i < wire->port_count && result == 0; i++)
		result = check_port(file, wire, &wire->ports[i], port_table);
	return result;
}

/* Whether one of the first count wires has the name. */
static bool taken(const struct mux_config_wire *wires, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(wires[i].name, name) == 0)
			return true;
	return false;
}

static int check_ptys(struct config_file *file, const struct mux_config *config)
{
	for (size_t i = 0; i < config->pty_count; i++) {
		const struct mux_config_pty *pty = &config->ptys[i];

		if (!pty->channel[0])
			return config_file_fail(file, pty, NULL, "needs a channel");
		for (size_t other = 0; other < i; other++)
			if (strcmp(config->ptys[other].channel, pty->channel) == 0)
				return config_file_fail(file, pty, key_of("pty", "channel"),
					"has a pty already");
	}
	return 0;
}

static int check_triggers(struct config_file *file, const struct mux_config *config)
{
	for (size_t i = 0; i < config->trigger_count; i++) {
		const struct mux_config_trigger *trigger = &config->triggers[i];

		if (!trigger->pattern)
			return config_file_fail(file, trigger, NULL, "needs what it is for");
		if (!trigger->message && !trigger->command.count)
			return config_file_fail(file, trigger, NULL,
				"needs a message or a command");
		if (trigger->command.count && trigger->command.items[0][0] != '/')
			return config_file_fail(file, trigger, key_of("trigger", "command"),
				"must begin with the whole path of a program");
	}
	return 0;
}

/* What no key can say alone. */
static int check_document(struct config_file *file, const struct mux_config_document *document)
{
	const struct mux_config_wire *cables = document->cables;
	const struct mux_config_wire *switches = document->switches;
	int result = check_ptys(file, &document->config);

	if (result == 0)
		result = check_triggers(file, &document->config);

	for (size_t i = 0; i < document->cable_count && result == 0; i++) {
		if (taken(cables, i, cables[i].name))
			return config_file_fail(file, &cables[i], key_of("cable", "name"),
				"is already that of another cable");
		result = check_wire(file, &cables[i], "cable");
	}
	for (size_t i = 0; i < document->switch_count && result == 0; i++) {
		if (taken(switches, i, switches[i].name) ||
			taken(cables, document->cable_count, switches[i].name))
			return config_file_fail(file, &switches[i], key_of("switch", "name"),
				"is already that of another wire");
		result = check_wire(file, &switches[i], "switch");
	}
	return result;
}

void mux_config_port_init(struct port_settings *settings)
{
	*settings = (struct port_settings){ .link = 1 };
	memset(settings->allowed, 0xff, sizeof(settings->allowed));
}

void mux_config_wire_init(struct mux_config_wire *wire, enum wire_kind kind)
{
	*wire = (struct mux_config_wire){
		.kind = kind,
		.poll_ns = MUX_CONFIG_POLL_DEFAULT_NS,
		.ageing_s = MUX_CONFIG_AGEING_DEFAULT_S,
		.open = true,
	};
}

/* What no row fills in. */
static void complete(struct mux_config_wire *wire, enum wire_kind kind)
{
	wire->kind = kind;
	if (kind == WIRE_CABLE)
		wire->ageing_s = MUX_CONFIG_AGEING_DEFAULT_S;
	for (size_t i = 0; i < wire->port_count; i++) {
		struct mux_config_port *port = &wire->ports[i];

		memset(port->settings.allowed, 0xff, sizeof(port->settings.allowed));
		port->allow_listed = port->allow.items;
	}
}

/* All becomes the configuration's; wires of both kinds are one array there. */
static int take(struct mux_config *config, struct mux_config_document *document)
{
	size_t cables = document->cable_count;
	size_t count = cables + document->switch_count;

	struct mux_config_wire *wires = calloc(count + 1, sizeof(*wires));

	if (!wires)
		return -ENOMEM;
	*config = document->config;
	document->config = (struct mux_config){ 0 };
	config->wires = wires;
	config->wire_count = count;
	for (size_t i = 0; i < count; i++) {
		config->wires[i] = i < cables ? document->cables[i]
					      : document->switches[i - cables];
		complete(&config->wires[i], i < cables ? WIRE_CABLE : WIRE_SWITCH);
	}
	document->cable_count = 0;
	document->switch_count = 0;
	return 0;
}

int mux_config_load(struct mux_config *config, const char *path, struct config_error *error)
{
	struct config_file file = { .schema = &mux_config_schema, .path = path, .error = error };
	struct mux_config_document document = { 0 };
	int result;

	*config = (struct mux_config){ 0 };
	result = config_file_read(&file, &document, NULL, 0);
	if (result == 0)
		result = check_document(&file, &document);
	if (result == 0 && take(config, &document) < 0)
		result = config_file_fail(&file, &document, NULL, "cannot be kept: out of memory");
	config_file_end(&file);
	config_clear(&mux_config_schema, &document, sizeof(document));
	return result;
}

int mux_config_default(struct mux_config *config)
{
	*config = (struct mux_config){
		.history_size = HISTORY_SIZE_DEFAULT,
		.history_total = HISTORY_TOTAL_DEFAULT,
		.console.prompt = MUX_CONFIG_PROMPT,
	};
	config->wires = calloc(1, sizeof(*config->wires));
	if (!config->wires)
		return -ENOMEM;
	config->wire_count = 1;
	mux_config_wire_init(&config->wires[0], WIRE_CABLE);
	strcpy(config->wires[0].name, "cable0");
	return 0;
}

/* The rows of a switch have all that a wire owns. */
void mux_config_destroy(struct mux_config *config)
{
	struct mux_config_document document = {
		.config = *config,
		.switches = config->wires,
		.switch_count = config->wire_count,
	};

	config_clear(&mux_config_schema, &document, sizeof(document));
	*config = (struct mux_config){ 0 };
}
