#ifndef MUX_CONFIG_H
#define MUX_CONFIG_H

#include "config_file.h"
#include "console_protocol.h"
#include "wire_control.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/if.h>

#define MUX_CONFIG_WIRES_MAX 64 /* of each kind */
#define MUX_CONFIG_AUTOCONNECT_MAX 64
#define MUX_CONFIG_PROMPT_MAX 23 /* bytes */
#define MUX_CONFIG_PROMPT "cons"
#define MUX_CONFIG_TRIGGERS_MAX 64
#define MUX_CONFIG_PTYS_MAX 256
#define MUX_CONFIG_POLL_DEFAULT_NS 50000
#define MUX_CONFIG_AGEING_DEFAULT_S 300

/* One [[cable.port]] or [[switch.port]]: what a port of that name has from its first moment. */
struct mux_config_port {
	char name[WIRE_PORT_NAME_MAX + 1]; /* never empty; once on a wire */
	bool socket; /* listen on net/WIRE.PORT.sock for it, too */
	struct port_settings settings; /* .allowed has all bits; allow says what is meant */
	struct config_words allow; /* names of the ports it may send to */
	bool allow_listed; /* false: all, and allow is empty */
};

/* One [[cable]] or [[switch]]. */
struct mux_config_wire {
	enum wire_kind kind;
	char name[WIRE_NAME_MAX + 1]; /* once among all wires */
	uint64_t poll_ns; /* WIRE_POLL_ALWAYS; 0: off */
	uint32_t ageing_s; /* of a switch */
	uint32_t mtu; /* 0: none */
	char uplink[IFNAMSIZ]; /* of a switch: a TAP interface; "": none */
	bool open; /* false: only the ports below may be connected */
	struct mux_config_port *ports;
	size_t port_count; /* at most 2 on a cable, WIRE_PORTS_MAX on a switch */
};

/* [log]: where the output of channels is written to. */
struct mux_config_log {
	char *directory; /* NULL: nothing is logged */
	struct config_words channels; /* patterns: which are logged without a word about it */
	uint64_t size; /* of a file, before the next one is begun; 0: never */
	unsigned files; /* older ones that are kept */
	unsigned times; /* enum log_times */
	bool text; /* without control sequences */
};

/* [console]: the prompt and keys of a terminal. */
struct mux_config_console {
	char prompt[MUX_CONFIG_PROMPT_MAX + 1];
	int escape; /* as in viewer.h */
	unsigned keys; /* enum keys_mode */
	unsigned timestamps; /* enum timestamps, of new channels */
	struct config_words autoconnect;
};

/* One [[pty]]: a pseudo-terminal that is there before its channel is. */
struct mux_config_pty {
	char channel[CONSOLE_NAME_MAX + 1]; /* never empty; once */
	char *path; /* of the link to it; NULL: in the runtime directory */
};

/* One [[trigger]]: what happens when a guest prints something. */
struct mux_config_trigger {
	struct config_words channels; /* patterns */
	char *pattern; /* of the text; there, and one that compiles */
	char *message; /* to all viewers; or NULL */
	struct config_words command; /* a path and what follows it; or none */
	uint64_t pause_ms; /* before it happens again for the same channel */
};

/* muxd.toml, checked. Owns all it points to. Constant once loaded. */
struct mux_config {
	size_t history_size; /* of a new channel */
	uint64_t history_total; /* of all histories' files together */
	struct mux_config_wire *wires;
	size_t wire_count;
	struct mux_config_log log;
	struct mux_config_console console;
	struct mux_config_pty *ptys;
	size_t pty_count;
	struct mux_config_trigger *triggers;
	size_t trigger_count;
};

/* What muxd does without a file: the cable "cable0". 0 or -ENOMEM. */
int mux_config_default(struct mux_config *config);

/*
 * Reads path. 0, or -EINVAL with *error filled ("muxd.toml:3:1: ...") and nothing logged. A file
 * that names no wire means that there is none. Destroying is due in either case.
 */
int mux_config_load(struct mux_config *config, const char *path, struct config_error *error);
void mux_config_destroy(struct mux_config *config); /* a zeroed one is accepted */

/* A wire as it is without a word about it but its kind and name, as "wire add" makes it. */
void mux_config_wire_init(struct mux_config_wire *wire, enum wire_kind kind);

/* Why a prompt cannot have this name, or NULL. */
const char *mux_config_prompt_problem(const char *prompt, size_t length);

/* Why an uplink cannot have this name, or NULL. */
const char *mux_config_interface_problem(const char *name, size_t length);

/* The settings of a port about which nothing is said. */
void mux_config_port_init(struct port_settings *settings);

#endif
