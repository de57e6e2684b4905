#ifndef PORT_H
#define PORT_H

#include "frame.h"
#include "wire_control.h"

#include <stdbool.h>
#include <stdint.h>

struct port;
struct wire;

#define PORT_BATCH 64 /* frames looked at in one turn */

/* What became of a frame at the port it was meant for. */
enum port_result {
	PORT_DELIVERED,
	PORT_NO_ROOM, /* the other end has no buffers now: the frame may be tried again */
	PORT_DROPPED, /* it will never go; already counted with its reason */
};

/* A kind of port: a front-end's queues, a TAP interface. All are called by the worker's thread. */
struct port_ops {
	/*
	 * The oldest frames the other end has sent and nobody has consumed yet, at most PORT_BATCH,
	 * looked at without taking them; how many. Frames that make no sense are consumed and
	 * counted here. The frames belong to the port, and are good until its next peek or consume.
	 * Those not consumed come again, unchanged but for what their sender does to their bytes.
	 */
	unsigned (*peek)(struct port *port, const struct frame **frames);
	/* The first count of those peeked are done with: their buffers go back. wire_touch()es. */
	void (*consume)(struct port *port, unsigned count);
	/*
	 * Copy a frame to the other end, as it is: the caller has seen to it that the header asks
	 * for nothing the other end has not accepted.
	 */
	enum port_result (*deliver)(struct port *port, const struct frame *frame);
	/*
	 * Optional: the same for many, one after the other, until one finds no room; how many went
	 * before it. Those delivered are counted here.
	 */
	unsigned (*deliver_many)(struct port *port, const struct frame *frame, unsigned count);
	/* End of a batch: tell the other end about everything consumed and delivered since. */
	void (*flush)(struct port *port);
	/*
	 * Before sleep: have the worker woken when there is something to peek (to_send) or, after
	 * PORT_NO_ROOM, when there is room (room). True if there already is; then nobody sleeps.
	 */
	bool (*arm)(struct port *port, bool to_send, bool room);
};

/*
 * One end of a wire. Embedded first in what is plugged in, which owns it; lives from its plugging
 * to its unplugging.
 */
struct port {
	const struct port_ops *ops;
	struct wire *wire;
	uint16_t number; /* its place on the wire: index of counters, bit of allow-lists */
	bool sends; /* the other end is there and may have sent something */
	bool receives; /* the other end is there and takes frames */
	bool starved; /* a frame waits for its room */
	bool blocked; /* forward() left its frames there: another port has to have room, or to come,
			 before a look at it is of use */
	bool touched; /* something was delivered or consumed since the last flush */
	bool sent; /* its oldest frame went through wire_sent() */
	unsigned done; /* segments of its oldest frame that are delivered */
	uint64_t accepted; /* feature bits the other end negotiated: VIRTIO_NET_F_GUEST_* count */
	struct port_settings settings;
	struct port_counters *counters; /* in memory shared with muxd's main process */
	struct impairment *impairment; /* owned by the wire; NULL: none */
	char name[WIRE_PORT_NAME_MAX + 1]; /* for people, in captures */
};

#endif
