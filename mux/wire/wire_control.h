#ifndef WIRE_CONTROL_H
#define WIRE_CONTROL_H

#include "wire_name.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What muxd's main process and the worker of a wire say to each other, over a pair of
 * SOCK_SEQPACKET sockets: one message a datagram, its type first, with at most one descriptor. The
 * main process keeps the truth (which ports there are and how they are set) and tells it again to a
 * new worker; the worker maps guests and moves frames. The worker is not trusted: what it says is
 * checked. When its socket closes, the worker ends.
 */
#define WIRE_PORTS_MAX 256
#define WIRE_PORT_NAME_MAX 79
#define WIRE_REASON_MAX 159
#define WIRE_POLL_ALWAYS UINT64_MAX

enum wire_kind {
	WIRE_CABLE, /* two ports, loses nothing */
	WIRE_SWITCH,
};

enum wire_message_type {
	/* From main. */
	WIRE_SETUP = 1, /* struct wire_setup; descriptor: memfd of struct
			   port_counters[WIRE_PORTS_MAX] */
	WIRE_POLL, /* struct wire_setup: how it polls from now on */
	WIRE_PLUG, /* struct wire_port; descriptor: a vhost-user front-end's connection.
		      Replaces what is plugged in there, without an event about that */
	WIRE_PLUG_TAP, /* struct wire_port; descriptor: a TAP interface with virtio-net headers */
	WIRE_SET, /* struct wire_port: its settings from now on */
	WIRE_UNPLUG, /* struct wire_port: close what is plugged in there */
	WIRE_CAPTURE, /* struct wire_capture; descriptor: the socket that gets pcapng until it
			 closes */

	/* From the worker. */
	WIRE_READY = 64, /* struct wire_event, as all that follow: it has set itself up */
	WIRE_PORT_STATE, /* flags tell what the port is now */
	WIRE_PORT_GONE, /* the other end went away, or misbehaved: text says why */
	WIRE_NOTE, /* a line for people: text */
};

struct wire_setup {
	uint32_t type;
	uint32_t kind; /* enum wire_kind */
	uint64_t poll_ns; /* how long to look for work before sleeping; WIRE_POLL_ALWAYS */
	uint32_t ageing_s; /* of learned addresses */
	uint32_t mtu; /* told to front-ends that ask; 0: none */
	char name[WIRE_NAME_MAX + 1];
};

enum port_vlan {
	PORT_VLAN_NONE, /* frames pass as they are, tagged or not */
	PORT_VLAN_ACCESS, /* untagged outside, one VLAN inside; tagged frames are dropped */
	PORT_VLAN_TRUNK, /* tagged, of the VLANs listed; others are dropped */
};

/* Of one port. Only link and impairments mean something on a cable. */
struct port_settings {
	uint8_t link; /* 0: the cable is pulled */
	uint8_t isolated; /* reaches, and is reached by, only ports that are not */
	uint8_t monitor; /* receives a copy of all that is forwarded, and sends nothing */
	uint8_t vlan_mode; /* enum port_vlan */
	uint16_t vlan; /* of an access port */
	uint16_t loss_per_10000; /* frames lost on the way to this port */
	uint64_t rate; /* to this port, bytes a second; 0: no limit */
	uint32_t delay_us; /* on the way to this port */
	uint8_t trunk[4096 / 8]; /* bit of each VLAN that a trunk carries */
	uint8_t allowed[WIRE_PORTS_MAX / 8]; /* bit of each port this one may send to */
	uint8_t mac[6]; /* the one address it may send from, and no other port; zero: any */
	uint8_t reserved[6]; /* nothing between the members: they are compared as bytes */
};

struct wire_port {
	uint32_t type;
	uint32_t port; /* number, below WIRE_PORTS_MAX; two ports of a cable: 0 and 1 */
	uint32_t plug; /* which WIRE_PLUG or WIRE_PLUG_TAP this is or is about: never twice */
	uint32_t reserved;
	char name[WIRE_PORT_NAME_MAX + 1];
	struct port_settings settings;
};

#define WIRE_ALL_PORTS UINT32_MAX

struct wire_capture {
	uint32_t type;
	uint32_t port; /* number, or WIRE_ALL_PORTS */
	uint32_t snap_length; /* bytes of each frame that are kept; 0: all */
	uint32_t reserved;
};

enum port_flag {
	PORT_FLAG_CONNECTED = 1, /* features are negotiated */
	PORT_FLAG_SENDS = 2, /* its transmit queue runs */
	PORT_FLAG_RECEIVES = 4, /* its receive queue runs */
};

struct wire_event {
	uint32_t type;
	uint32_t port;
	uint64_t features; /* accepted by the other end */
	uint32_t flags; /* enum port_flag */
	uint32_t plug; /* of the port: lest news of the one before be taken for its successor's */
	char text[WIRE_REASON_MAX + 1];
};

/* Why a frame did not arrive. */
enum port_drop {
	DROP_NO_ROOM, /* the receiver had no buffers */
	DROP_LINK_DOWN, /* the receiver's cable is pulled, or nobody is there */
	DROP_TOO_LONG, /* does not fit into the receiver's buffers */
	DROP_MALFORMED, /* the sender's header or length makes no sense */
	DROP_VLAN, /* of a VLAN that the port does not carry */
	DROP_NOT_ALLOWED, /* isolation, allow-list, another's address, reserved ones, or a monitor
			     port that sends */
	DROP_IMPAIRED, /* lost because it was asked for */
	DROP_NOT_SEGMENTED, /* offloads of a kind the receiver lacks and software cannot complete */
	DROP_REASONS,
};

/*
 * One port's counters, written by the worker, read by the main process while they change: each is
 * one aligned word. From the guest's side: sent by it, received by it. They outlive the worker.
 */
struct port_counters {
	uint64_t frames_sent;
	uint64_t bytes_sent;
	uint64_t frames_received;
	uint64_t bytes_received;
	uint64_t dropped[DROP_REASONS]; /* frames that did not reach this port, or that it sent in
					   vain */
	uint64_t checksums_completed; /* in software, for frames to this port */
	uint64_t frames_segmented;
	uint64_t notifications; /* interrupts sent to it */
	uint64_t wakeups; /* kicks heard from it */
} __attribute__((aligned(64)));

#endif
