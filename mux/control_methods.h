#ifndef CONTROL_METHODS_H
#define CONTROL_METHODS_H

#include <jansson.h>
#include <stdbool.h>

struct varlink_call;

/* Methods of the interface (control_interface.c), each a way to a row of the command table. */
void control_info(struct varlink_call *call, json_t *parameters);
void control_send(struct varlink_call *call, json_t *parameters);
void control_wait(struct varlink_call *call, json_t *parameters);
void control_set(struct varlink_call *call, json_t *parameters);
void control_drop(struct varlink_call *call, json_t *parameters);
void control_say(struct varlink_call *call, json_t *parameters);
void control_list_wires(struct varlink_call *call, json_t *parameters);
void control_list_ports(struct varlink_call *call, json_t *parameters);
void control_stats(struct varlink_call *call, json_t *parameters);

/* Read: a channel's history, and what comes. */
void control_read(struct varlink_call *call, json_t *parameters);

/* For all of them: a string that may be missing; false: the call has failed. */
#define CONTROL_STRING_MAX 8192
bool control_string(struct varlink_call *call, json_t *parameters, const char *name,
	const char **value);
/* One that may not. */
bool control_needed(struct varlink_call *call, json_t *parameters, const char *name,
	const char **value);
/* An integer from 0 on; *value stays as it is if it is missing. */
bool control_integer(struct varlink_call *call, json_t *parameters, const char *name,
	json_int_t *value);
bool control_flag(struct varlink_call *call, json_t *parameters, const char *name, bool *value);

#endif
