/* The keys of muxd.toml. */

#include "attach_stream.h"
#include "channel.h"
#include "guest_name.h"
#include "history.h"
#include "keys.h"
#include "log_file.h"
#include "log_line.h"
#include "mux_config_parts.h"
#include "timestamps.h"
#include "trigger_command.h"

#include <stddef.h>
#include <string.h>

#define PATTERN_MAX 255
#define PATTERNS_MAX 64
#define WORD_MAX 4095
#define LOG_SIZE_MOST (UINT64_C(1) << 40)
#define CONFIG_KEY_OF(type, in, called, of, member, ...) \
	{ \
		.table = in, .name = called, .kind = &config_##of, \
		.offset = offsetof(type, member), __VA_ARGS__ \
	}
#define CONFIG_KEY_WIRE(in, called, of, member, ...) \
	CONFIG_KEY_OF(struct mux_config_wire, in, called, of, member, __VA_ARGS__)
#define CONFIG_KEY_PORT(in, called, of, member, ...) \
	CONFIG_KEY_OF(struct mux_config_port, in, called, of, member, __VA_ARGS__)

#define CONFIG_KEY_TRIGGER(in, called, of, member, ...) \
	CONFIG_KEY_OF(struct mux_config_trigger, in, called, of, member, __VA_ARGS__)
#define CONFIG_KEY_PTY(in, called, of, member, ...) \
	CONFIG_KEY_OF(struct mux_config_pty, in, called, of, member, __VA_ARGS__)
#define CONFIG_KEY(in, called, of, member, ...) \
	CONFIG_KEY_OF(struct mux_config_document, in, called, of, config.member, __VA_ARGS__)

/* Which channels are meant, as in "list guest*". */
static const char *pattern_problem(const char *pattern, size_t length)
{
	if (length == 0 || length > PATTERN_MAX)
		return "must be 1 to 255 bytes long";
	return strlen(pattern) == length ? NULL : "must not contain NUL";
}

const char *mux_config_prompt_problem(const char *prompt, size_t length)
{
	if (length == 0 || length > MUX_CONFIG_PROMPT_MAX)
		return "must be 1 to 23 bytes long";
	return strlen(prompt) == length ? NULL : "must not contain NUL";
}

/* Of a command that is run. */
static const char *word_problem(const char *word, size_t length)
{
	if (length > WORD_MAX)
		return "must be at most 4095 bytes long";
	return strlen(word) == length ? NULL : "must not contain NUL";
}

/* A row begins with its table and its name: scripts read them there. */
static const struct config_key keys[] = {
	CONFIG_KEY("console", "prompt", name, console.prompt, .problem = mux_config_prompt_problem,
		.initial = "\"" MUX_CONFIG_PROMPT "\"", .help = "the name before the prompt's >"),
	CONFIG_KEY("console", "escape", escape, console.escape, .help = "the escape key"),
	CONFIG_KEY("console", "keys", choice, console.keys, .choices = KEYS_MODE_CHOICES,
		.initial = "cons", .help = "whose keys there are"),
	CONFIG_KEY("console", "timestamps", choice, console.timestamps,
		.choices = TIMESTAMPS_CHOICES, .initial = "off",
		.help = "how new channels show the times of lines"),
	CONFIG_KEY("console", "autoconnect", words, console.autoconnect,
		.problem = channel_name_error, .elements = MUX_CONFIG_AUTOCONNECT_MAX,
		.help = "guests the terminal is connected to when they come"),
	CONFIG_KEY("history", "size", size, history_size, .minimum = HISTORY_SIZE_LEAST,
		.maximum = HISTORY_SIZE_MOST, .initial = "256K",
		.help = "how much is kept of a channel"),
	CONFIG_KEY("history", "total", size, history_total, .minimum = 1U << 20,
		.maximum = UINT64_C(1) << 40, .initial = "256M",
		.help = "how much is kept of all channels together"),
	CONFIG_KEY("log", "directory", path, log.directory,
		.help = "where the logs of channels are written"),
	CONFIG_KEY("log", "channels", words, log.channels, .problem = pattern_problem,
		.elements = PATTERNS_MAX, .initial = "[\"*\"]", .help = "which are logged"),
	CONFIG_KEY("log", "size", size, log.size, .maximum = LOG_SIZE_MOST, .initial = "16M",
		.help = "how large a log becomes, or 0"),
	CONFIG_KEY("log", "files", count, log.files, .minimum = 1, .maximum = LOG_FILE_OLDER_MAX,
		.initial = "5", .help = "how many older ones are kept"),
	CONFIG_KEY("log", "times", choice, log.times, .choices = LOG_TIMES_CHOICES,
		.initial = "utc", .help = "the time in front of each line"),
	CONFIG_KEY("log", "text", boolean, log.text, .initial = "false",
		.help = "whether control sequences are left out"),
	CONFIG_KEY_PTY("pty", "channel", name, channel, .problem = channel_name_error,
		.help = "which channel has one"),
	CONFIG_KEY_PTY("pty", "path", path, path, .help = "where the link to it is"),
	CONFIG_KEY_TRIGGER("trigger", "channels", words, channels, .problem = pattern_problem,
		.elements = PATTERNS_MAX, .initial = "[\"*\"]",
		.help = "whose output is looked at"),
	CONFIG_KEY_TRIGGER("trigger", "for", expression, pattern, .maximum = WORD_MAX,
		.help = "what is looked for"),
	CONFIG_KEY_TRIGGER("trigger", "message", text, message, .minimum = 1,
		.maximum = ATTACH_SAY_MAX, .help = "what all viewers are told"),
	CONFIG_KEY_TRIGGER("trigger", "command", words, command, .problem = word_problem,
		.elements = TRIGGER_WORDS_MAX, .help = "a program to run, and its arguments"),
	CONFIG_KEY_TRIGGER("trigger", "pause", duration, pause_ms, .minimum = 0,
		.maximum = UINT64_C(24) * 3600 * 1000, .initial = "1s",
		.help = "how long not again for the same channel"),
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
		.name = "trigger",
		.item_size = sizeof(struct mux_config_trigger),
		.items = offsetof(struct mux_config_document, config.triggers),
		.count = offsetof(struct mux_config_document, config.trigger_count),
		.maximum = MUX_CONFIG_TRIGGERS_MAX,
	},
	{
		.name = "pty",
		.item_size = sizeof(struct mux_config_pty),
		.items = offsetof(struct mux_config_document, config.ptys),
		.count = offsetof(struct mux_config_document, config.pty_count),
		.maximum = MUX_CONFIG_PTYS_MAX,
	},
	{
		.name = "cable",
		.item_size = sizeof(struct mux_config_wire),
		.items = offsetof(struct mux_config_document, cables),
		.count = offsetof(struct mux_config_document, cable_count),
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
		.items = offsetof(struct mux_config_document, switches),
		.count = offsetof(struct mux_config_document, switch_count),
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

const struct config_schema mux_config_schema = {
	.keys = keys,
	.key_count = ARRAY_SIZE(keys),
	.lists = lists,
	.list_count = ARRAY_SIZE(lists),
};
