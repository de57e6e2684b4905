/* Capturing a wire: a connection of control.sock is handed to the wire's worker. */

#include "control_capture.h"

#include "control.h"
#include "mux.h"
#include "stream.h"
#include "varlink.h"
#include "wires_parts.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <stdio.h>

#define SNAP_LENGTH_MOST 262144

static void refuse(struct varlink_call *call, const char *name, const char *why)
{
	char message[256];

	snprintf(message, sizeof(message), "capture: %.80s: %s", name, why);
	varlink_fail(call, CONTROL_INTERFACE ".CommandFailed",
		json_pack("{s:s, s:i}", "message", message, "status", 1));
}

/* Answers, then gives up the connection; a descriptor, or -1 when that cannot be. */
static int take_connection(struct varlink_call *call)
{
	struct bufferevent *stream = varlink_upgrade(call, NULL);
	int fd = -1;

	if (!stream)
		return -1;
	stream_flush(stream);
	if (!evbuffer_get_length(bufferevent_get_output(stream))) /* a caller that reads */
		fd = fcntl(bufferevent_getfd(stream), F_DUPFD_CLOEXEC, 0);
	bufferevent_free(stream);
	return fd;
}

void control_capture(struct mux *mux, struct varlink_call *call, json_t *parameters)
{
	const char *name = json_string_value(json_object_get(parameters, "wire"));
	const char *port_name = json_string_value(json_object_get(parameters, "port"));
	json_int_t snap_length = json_integer_value(json_object_get(parameters, "snapLength"));
	struct mux_wire *wire = name ? wires_find(mux->wires, name) : NULL;
	const struct mux_port *port = wire && port_name ? wires_port_find(wire, port_name) : NULL;
	int fd;

	if (!name)
		varlink_fail_parameter(call, "wire");
	else if (snap_length < 0 || snap_length > SNAP_LENGTH_MOST)
		varlink_fail_parameter(call, "snapLength");
	else if (!wire)
		refuse(call, name, "there is no wire of this name");
	else if (port_name && !port)
		refuse(call, port_name, "the wire has no port of this name");
	else if (!wires_can_capture(wire))
		refuse(call, name, "its worker is just being started: try again");
	else if ((fd = take_connection(call)) >= 0)
		wires_capture(wire, port ? port->number : WIRE_ALL_PORTS, (uint32_t)snap_length,
			fd);
}
