#ifndef WIRES_PARTS_H
#define WIRES_PARTS_H

#include "compiler.h"
#include "log.h"
#include "mux_config.h"
#include "wires.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <limits.h>
#include <stdint.h>
#include <sys/queue.h>

/* What the files of the wires share; wires.h is for others. */

struct channel;
struct listener;
struct wires_process;

#define WIRES_CAPTURES_MAX 16 /* that a worker has not been told of */

struct wires {
	struct mux *mux;
	const struct wires_options *options;
	TAILQ_HEAD(mux_wire_list, mux_wire) list; /* owned; in the order of their creation */
	unsigned count;
	LIST_HEAD(wires_process_list, wires_process) processes; /* owned; until they are reaped */
};

/* Who connects: its name, as far as it can be known, and who it is for the kernel. */
struct wires_peer {
	char name[WIRE_PORT_NAME_MAX + 1];
	bool named; /* it chose the name; else the name is made of its command and its process */
	uid_t uid;
	pid_t pid;
};

/*
 * One end of a wire, by name. Owned by its wire, from the first time somebody of that name comes or
 * somebody speaks of it. Its number stays; without settings of its own it makes room for others
 * when nobody is plugged in.
 */
struct mux_port {
	struct mux_wire *wire;
	char name[WIRE_PORT_NAME_MAX + 1];
	unsigned number;
	bool fixed; /* stands in muxd.toml, or is the uplink */
	bool changed; /* by an operator: settings are not those of the beginning */
	struct port_settings settings; /* .allowed is made of allow before it is told */
	char **allow; /* owned, as its strings: who it may send to */
	size_t allow_count;
	bool allow_listed; /* false: all, and allow is empty */
	struct port_counters base; /* what the counters showed when the port was created */

	uint32_t plug; /* number of what is plugged in; 0: nothing */
	int connection; /* owned; what is plugged in: kept to see its other end go; or -1 */
	bool connection_untold; /* the worker has to get it */
	int tap; /* owned; of an uplink: kept for the next worker; or -1 */
	bool tap_untold;
	bool untold; /* the worker does not know the settings yet */
	bool unplugged; /* the worker has to close what it has there */
	uint32_t flags; /* enum port_flag, as the worker said */
	uint64_t features;
	uid_t uid; /* of who is or was plugged in */
	pid_t pid;
	uint64_t held_until_ms; /* it lost its worker: who was plugged in will be back at once */
	uint64_t gone_ms; /* when nobody was plugged in any more */
	uint64_t refusal_said_ms; /* when the log last heard that somebody else wants the name */
};

/* A listening socket: of a wire, or of one port of it. */
struct wires_socket {
	struct mux_wire *wire;
	char port[WIRE_PORT_NAME_MAX + 1]; /* "": who connects says which */
	char path[PATH_MAX];
	bool ours; /* to be removed at the end */
	struct listener *listener; /* owned */
	LIST_ENTRY(wires_socket) link;
};

struct wires_capture {
	struct wire_capture message;
	int fd; /* owned */
};

/* A wire, as the main process sees it. */
struct mux_wire {
	struct wires *wires;
	TAILQ_ENTRY(mux_wire) link;
	char name[WIRE_NAME_MAX + 1];
	enum wire_kind kind;
	uint64_t poll_ns;
	uint32_t ageing_s;
	uint32_t mtu;
	char uplink[IFNAMSIZ]; /* the TAP interface; "": none */
	bool open; /* others than the fixed ports may be plugged in */
	LIST_HEAD(, wires_socket) sockets; /* owned */

	struct mux_port *port[WIRE_PORTS_MAX]; /* owned; by number, NULL: free */
	unsigned ports_most;
	uint32_t last_plug;
	int counters_fd; /* owned: what the worker maps and writes */
	const struct port_counters *counters; /* owned mapping: what we read */

	struct wires_process *process; /* NULL: none, the next one is on its way */
	int control; /* owned, -1 without a process */
	struct event readable, writable;
	struct event timer; /* the next start, or the end of patience for WIRE_READY */
	struct event later; /* descriptors can be sent again, perhaps */
	bool ready; /* the worker has set itself up */
	bool setup_untold, poll_untold;
	struct wires_capture captures[WIRES_CAPTURES_MAX]; /* owned; not yet handed over */
	unsigned capture_count;
	unsigned pause_ms; /* before the next start */
	uint64_t started_ms;
	unsigned starts;

	struct channel *channel; /* of its log, from the first line on; or NULL */
	bool without_channel; /* a guest has its name */
	uint64_t said_since_ms; /* the lines of one second are limited */
	unsigned said, unsaid;
};

/* wires_process.c: a worker's process, from its start until it is reaped. */

/* NULL with -errno in *error; *control is our end of the control sockets. */
struct wires_process *wires_process_start(struct mux_wire *wire, int *control, int *error);
void wires_process_kill(struct wires_process *process);
/* The wire does not want to hear of it any more: killed if it does not end by itself soon. */
void wires_process_leave(struct wires_process *process);
void wires_processes_wait(struct wires *wires); /* for all that were left */
pid_t wires_process_id(const struct wires_process *process); /* 0: none */

/* wires_worker.c: what the worker is told, and what it says. */
void wires_worker_start(struct mux_wire *wire); /* now, or later after a log line */
void wires_worker_end(struct mux_wire *wire);
void wires_worker_ended(struct mux_wire *wire, const char *how); /* the process has */
bool wires_can_capture(const struct mux_wire *wire);
/* Takes the descriptor: pcapng is written there until it closes. Only if it can. */
void wires_capture(struct mux_wire *wire, uint32_t port, uint32_t snap_length, int fd);
void wires_tell(struct mux_wire *wire); /* all that is untold, as far as the worker takes it */

/* wires_sockets.c */
int wires_listen(struct mux_wire *wire, const char *port, char message[WIRES_MESSAGE_MAX]);
void wires_sockets_unlink(struct mux_wire *wire);
void wires_sockets_close(struct mux_wire *wire);

/* wires_ports.c */
struct mux_port *wires_port_find(const struct mux_wire *wire, const char *name); /* or NULL */
/* The port of that name, made if there is room; NULL: the wire is full, or memory is short. */
struct mux_port *wires_port_create(struct mux_wire *wire, const char *name);
void wires_port_destroy(struct mux_port *port);
/* Takes the connection in any case. */
void wires_port_connect(struct mux_wire *wire, const struct wires_peer *peer, int connection);
/* One more is plugged in: its number. */
uint32_t wires_port_plug(struct mux_port *port);
void wires_port_gone(struct mux_port *port, const char *reason);
void wires_ports_lost(struct mux_wire *wire); /* the worker is gone, and all connections */
void wires_port_changed(struct mux_port *port); /* settings: the worker is told */
void wires_port_settings(const struct mux_port *port, struct port_settings *settings);
/* Who it may send to, copied; NULL: all. 0, or -ENOMEM and all is as it was. */
int wires_port_allow(struct mux_port *port, const struct config_words *words);
/* Of the port, since it was created. */
void wires_port_counters(const struct mux_port *port, struct port_counters *counters);

/* wires_uplink.c: the TAP interface of a switch, as one of its ports. 0 or -errno with a message.
 */
int wires_uplink_open(struct mux_wire *wire, const char *interface,
	char message[WIRES_MESSAGE_MAX]);

/* wires_log.c: one line for people, in the log and in the wire's channel; at a limited rate. */
void wires_say(struct mux_wire *wire, const char *format, ...) PRINTF_LIKE(2, 3);
void wires_log_open(struct mux_wire *wire);
void wires_log_close(struct mux_wire *wire);

#endif
