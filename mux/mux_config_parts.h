#ifndef MUX_CONFIG_PARTS_H
#define MUX_CONFIG_PARTS_H

#include "mux_config.h"

/* What the files that read muxd.toml share; mux_config.h is for others. */

/* The tables of the file; then cables and switches become one array of wires. */
struct mux_config_document {
	struct mux_config config; /* what needs no more than its rows */
	struct mux_config_wire *cables;
	size_t cable_count;
	struct mux_config_wire *switches;
	size_t switch_count;
};

/* mux_config_keys.c: of a document */
extern const struct config_schema mux_config_schema;

/* mux_config_kinds.c */
extern const struct config_kind config_expression; /* char *, owned: a pattern (pattern.h) */
extern const struct config_kind config_vlan; /* struct port_settings */
extern const struct config_kind config_mac;
extern const struct config_kind config_poll; /* uint64_t, in ns */
extern const struct config_kind config_delay;
extern const struct config_kind config_loss;
extern const struct config_kind config_rate;
extern const struct config_kind config_ageing;
extern const struct config_kind config_mtu;
extern const struct config_kind config_escape;

#endif
