/* muxd.toml: wires, and what their ports have from their first moment. */

#include "mux_config.h"

#include "guest_name.h"
#include "port_text.h"
#include "units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_KEY_OF(type, in, called, of, member, ...) \
	{ \
		.table = in, .name = called, .kind = &config_##of, \
		.offset = offsetof(type, member), __VA_ARGS__ \
	}
#define CONFIG_KEY_WIRE(in, called, of, member, ...) \
	CONFIG_KEY_OF(struct mux_config_wire, in, called, of, member, __VA_ARGS__)
#define CONFIG_KEY_PORT(in, called, of, member, ...) \
	CONFIG_KEY_OF(struct mux_config_port, in, called, of, member, __VA_ARGS__)
#define AGEING_MOST_MS (UINT64_C(24) * 3600 * 1000)
#define MTU_LEAST 68
#define MTU_MOST 65535

/* The tables of the file; then cables and switches become one array of wires. */
struct document {
	struct mux_config_wire *cables;
	size_t cable_count;
	struct mux_config_wire *switches;
	size_t switch_count;
};

static int answer(struct config_reader *reader, const struct toml_value *value, const char *problem)
{
	char shown[CONFIG_SHOWN_MAX];

	if (!problem)
		return 0;
	return config_problem(reader, "%s, not \"%s\"", problem,
		config_show(shown, &value->string));
}

static int store_vlan(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_vlan(string->bytes, string->length, field));
}

static int store_mac(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_mac(string->bytes, string->length, field));
}

static int store_poll(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_poll(string->bytes, string->length, field));
}

static int store_delay(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_delay(string->bytes, string->length, field));
}

static int store_loss(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_loss(string->bytes, string->length, field));
}

static int store_rate(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_rate(string->bytes, string->length, field));
}

static int store_ageing(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;
	uint64_t ms;

	if (!units_read_duration(string->bytes, string->length, &ms) || ms < 1000 ||
		ms > AGEING_MOST_MS || ms % 1000)
		return answer(reader, value,
			"must be a duration of whole seconds from 1s to 24h such as \"300s\"");
	*(uint32_t *)field = (uint32_t)(ms / 1000);
	return 0;
}

static int store_mtu(struct config_reader *reader, const struct toml_value *value, void *field)
{
	int64_t mtu = value->integer;

	if (mtu != 0 && (mtu < MTU_LEAST || mtu > MTU_MOST))
		return config_problem(reader, "must be 0 or %d to %d, not %lld", MTU_LEAST,
			MTU_MOST, (long long)mtu);
	*(uint32_t *)field = (uint32_t)mtu;
	return 0;
}

static const struct config_kind config_vlan = {
	.wanted = "a string such as \"access=5\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_vlan,
};

static const struct config_kind config_mac = {
	.wanted = "a string with an Ethernet address",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_mac,
};

static const struct config_kind config_poll = {
	.wanted = "a string such as \"50us\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_poll,
};

static const struct config_kind config_delay = {
	.wanted = "a duration such as \"20ms\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_delay,
};

static const struct config_kind config_loss = {
	.wanted = "a string with a percentage such as \"0.5%\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_loss,
};

static const struct config_kind config_rate = {
	.wanted = "a string with bits a second such as \"100Mbit\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_rate,
};

static const struct config_kind config_ageing = {
	.wanted = "a duration such as \"300s\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_ageing,
};

static const struct config_kind config_mtu = {
	.wanted = "an integer",
	.accepts = CONFIG_TYPE(TOML_INTEGER),
	.store = store_mtu,
};

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

/* A row begins with its table and its name: scripts read them there. */
static const struct config_key keys[] = {
	CONFIG_KEY_WIRE("cable", "name", name, name, .problem = wire_name_problem,
		.help = "what the cable is called"),
	CONFIG_KEY_WIRE("cable", "poll", poll, poll_ns, .initial = "50us",
		.help = "how long to look for work before sleeping"),
	CONFIG_KEY_WIRE("cable", "mtu", mtu, mtu, .initial = "0", .help = "largest packet, or 0"),
	CONFIG_KEY_WIRE("cable", "open", boolean, open, .initial = "true",
		.help = "whether ports without a table may be connected"),
	CONFIG_KEY_PORT("cable.port", "name", name, name, .problem = guest_name_problem,
		.help = "what the port is called"),
	CONFIG_KEY_PORT("cable.port", "socket", boolean, socket, .initial = "false",
		.help = "whether it has a socket of its own"),
	CONFIG_KEY_PORT("cable.port", "link", flag, settings.link, .when_true = 1,
		.initial = "true", .help = "whether it is plugged in"),
	CONFIG_KEY_PORT("cable.port", "delay", delay, settings.delay_us, .initial = "none",
		.help = "how late frames come to it"),
	CONFIG_KEY_PORT("cable.port", "loss", loss, settings.loss_per_10000, .initial = "none",
		.help = "how many frames to it are lost"),
	CONFIG_KEY_PORT("cable.port", "rate", rate, settings.rate, .initial = "none",
		.help = "how much may go to it"),
	CONFIG_KEY_WIRE("switch", "name", name, name, .problem = wire_name_problem,
		.help = "what the switch is called"),
	CONFIG_KEY_WIRE("switch", "poll", poll, poll_ns, .initial = "50us",
		.help = "how long to look for work before sleeping"),
	CONFIG_KEY_WIRE("switch", "mtu", mtu, mtu, .initial = "0", .help = "largest packet, or 0"),
	CONFIG_KEY_WIRE("switch", "open", boolean, open, .initial = "true",
		.help = "whether ports without a table may be connected"),
	CONFIG_KEY_WIRE("switch", "ageing", ageing, ageing_s, .initial = "300s",
		.help = "how long a learned address is remembered"),
	CONFIG_KEY_WIRE("switch", "uplink", name, uplink, .problem = mux_config_interface_problem,
		.help = "a TAP interface of the host"),
	CONFIG_KEY_PORT("switch.port", "name", name, name, .problem = guest_name_problem,
		.help = "what the port is called"),
	CONFIG_KEY_PORT("switch.port", "socket", boolean, socket, .initial = "false",
		.help = "whether it has a socket of its own"),
	CONFIG_KEY_PORT("switch.port", "vlan", vlan, settings, .initial = "none",
		.help = "the VLANs it belongs to"),
	CONFIG_KEY_PORT("switch.port", "mac", mac, settings.mac, .initial = "any",
		.help = "the one address it may send from"),
	CONFIG_KEY_PORT("switch.port", "isolated", flag, settings.isolated, .when_true = 1,
		.initial = "false", .help = "whether it reaches only ports that are not"),
	CONFIG_KEY_PORT("switch.port", "monitor", flag, settings.monitor, .when_true = 1,
		.initial = "false", .help = "whether it receives a copy of all"),
	CONFIG_KEY_PORT("switch.port", "allow", words, allow, .problem = guest_name_problem,
		.elements = WIRE_PORTS_MAX, .help = "the ports it may send to"),
	CONFIG_KEY_PORT("switch.port", "link", flag, settings.link, .when_true = 1,
		.initial = "true", .help = "whether it is plugged in"),
	CONFIG_KEY_PORT("switch.port", "delay", delay, settings.delay_us, .initial = "none",
		.help = "how late frames come to it"),
	CONFIG_KEY_PORT("switch.port", "loss", loss, settings.loss_per_10000, .initial = "none",
		.help = "how many frames to it are lost"),
	CONFIG_KEY_PORT("switch.port", "rate", rate, settings.rate, .initial = "none",
		.help = "how much may go to it"),
};

static const struct config_list lists[] = {
	{
		.name = "cable",
		.item_size = sizeof(struct mux_config_wire),
		.items = offsetof(struct document, cables),
		.count = offsetof(struct document, cable_count),
		.maximum = MUX_CONFIG_WIRES_MAX,
	},
	{
		.name = "cable.port",
		.item_size = sizeof(struct mux_config_port),
		.items = offsetof(struct mux_config_wire, ports),
		.count = offsetof(struct mux_config_wire, port_count),
		.maximum = 2,
	},
	{
		.name = "switch",
		.item_size = sizeof(struct mux_config_wire),
		.items = offsetof(struct document, switches),
		.count = offsetof(struct document, switch_count),
		.maximum = MUX_CONFIG_WIRES_MAX,
	},
	{
		.name = "switch.port",
		.item_size = sizeof(struct mux_config_port),
		.items = offsetof(struct mux_config_wire, ports),
		.count = offsetof(struct mux_config_wire, port_count),
		.maximum = WIRE_PORTS_MAX,
	},
};

static const struct config_schema schema = {
	.keys = keys,
	.key_count = ARRAY_SIZE(keys),
	.lists = lists,
	.list_count = ARRAY_SIZE(lists),
};

static const struct config_key *key_of(const char *table, const char *name)
{
	return config_key_find(&schema, table, name, strlen(name));
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

/* What no key can say alone. */
static int check_document(struct config_file *file, const struct document *document)
{
	const struct mux_config_wire *cables = document->cables;
	const struct mux_config_wire *switches = document->switches;
	int result = 0;

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

/* The wires of both kinds become the configuration's. */
static int take_wires(struct mux_config *config, struct document *document)
{
	size_t cables = document->cable_count;
	size_t count = cables + document->switch_count;

	config->wires = calloc(count + 1, sizeof(*config->wires));
	if (!config->wires)
		return -ENOMEM;
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
	struct config_file file = { .schema = &schema, .path = path, .error = error };
	struct document document = { 0 };
	int result;

	*config = (struct mux_config){ 0 };
	result = config_file_read(&file, &document, NULL, 0);
	if (result == 0)
		result = check_document(&file, &document);
	if (result == 0 && take_wires(config, &document) < 0)
		result = config_file_fail(&file, &document, NULL, "cannot be kept: out of memory");
	config_file_end(&file);
	config_clear(&schema, &document, sizeof(document));
	return result;
}

int mux_config_default(struct mux_config *config)
{
	*config = (struct mux_config){ 0 };
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
	struct document document = {
		.switches = config->wires,
		.switch_count = config->wire_count,
	};

	config_clear(&schema, &document, sizeof(document));
	*config = (struct mux_config){ 0 };
}
