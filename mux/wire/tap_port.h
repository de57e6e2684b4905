#ifndef TAP_PORT_H
#define TAP_PORT_H

#include "vhost_session.h"

struct event_base;
struct port;
struct tap_port;

/*
 * The host's end of a switch: a TAP interface that was opened with IFF_VNET_HDR. The descriptor is
 * taken in any case; its mode, header size and offloads are set here. The owner hears wake() and
 * closed() (the interface is gone), as of a front-end; changed() once, soon; both from the loop.
 * NULL if memory is short or the descriptor is no such interface.
 */
struct tap_port *tap_port_create(struct event_base *base, int fd,
	const struct vhost_session_owner *owner);
void tap_port_destroy(struct tap_port *tap); /* or NULL */

struct port *tap_port_port(struct tap_port *tap);

#endif
