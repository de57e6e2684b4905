#ifndef WIRES_H
#define WIRES_H

#include "wire_control.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mux;
struct mux_config;
struct mux_config_wire;
struct mux_wire;
struct wires;

#define WIRES_MAX 128
#define WIRES_MESSAGE_MAX 256

/* What wires need of the world. Borrowed while there are wires. */
struct wires_options {
	const char *directory; /* of the sockets; created if need be */
	/* A listening socket the service manager passed under a name: taken, or -1. NULL: none. */
	int (*passed)(void *owner, const char *name);
	void *owner; /* of passed */
	/*
	 * Start a worker for the wire of this name. A descriptor that becomes readable when the
	 * worker has ended, or -errno; *control is our end of its control sockets, *process its
	 * process, or 0 if there is nothing to kill and to wait for. NULL: a process of muxd.
	 */
	int (*start)(const char *name, int *control, pid_t *process);
};

/*
 * The wires of a muxd, seen from its main process: the truth about them, their sockets, and the
 * processes that serve them (wire_control.h). All belongs to the mux's thread. NULL if memory is
 * short.
 */
struct wires *wires_create(struct mux *mux, const struct wires_options *options);

/* Every worker ends, or is killed; waits for that. NULL is accepted. */
void wires_destroy(struct wires *wires);

/* The files of the sockets go; connections stay until wires_destroy(). */
void wires_unlink(struct wires *wires);

/*
 * One more wire, listening and with a worker on its way. 0, or -errno with one line in message:
 * "lan: ...". What config says is copied.
 */
int wires_add(struct wires *wires, const struct mux_config_wire *config,
	char message[WIRES_MESSAGE_MAX]);
void wires_remove(struct mux_wire *wire);

struct mux_wire *wires_find(const struct wires *wires, const char *name); /* or NULL */

#endif
