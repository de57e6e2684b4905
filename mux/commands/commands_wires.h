#ifndef COMMANDS_WIRES_H
#define COMMANDS_WIRES_H

#include "command.h"
#include "wires_parts.h"

/* What the commands about wires and ports share. */

/* NULL with the message set if there is none. */
struct mux_wire *commands_wire(struct command_call *call, const char *name);

/*
 * The port that "PORT" or "WIRE/PORT" means; NULL with the message set. With its wire it need not
 * be there: then it is made, if make says so, for the settings to wait for it.
 */
struct mux_port *commands_port(struct command_call *call, const char *word, bool make);

/* The value of a word "NAME=VALUE"; NULL if it is another's. */
const char *commands_option(const char *word, const char *name);

/* The document is taken. Returns the command's exit status. */
int commands_print_json(struct command_call *call, json_t *json);

const char *commands_kind_name(enum wire_kind kind);

/* For each port of the wire, or of all if it is NULL, in the order of wires and numbers. */
void commands_each_port(struct command_call *call, const struct mux_wire *wire,
	void (*each)(struct command_call *call, const struct mux_port *port));

#endif
