#ifndef VHOST_PORT_H
#define VHOST_PORT_H

#include "guest_memory.h"
#include "port.h"
#include "virtqueue.h"

#include <stdbool.h>
#include <stdint.h>

/* What is offered to front-ends. */
uint64_t vhost_port_features(void);

/*
 * A front-end's network card: the two queues of its guest, in its memory, mapped here. Fields but
 * the port's belong to the session (vhost_session.h), which fills them in while the queue is off
 * and says when it runs.
 */
struct vhost_port {
	struct port port;
	struct guest_memory memory;
	struct virtqueue receive; /* the guest receives: queue 0 */
	struct virtqueue transmit; /* the guest sends: queue 1 */
	uint32_t header_size; /* 12, or 10 without VERSION_1 and MRG_RXBUF */
	bool mergeable;
	bool discards; /* the rings are started but not enabled: what it sends is thrown away */
	void *batch; /* owned: what peek() has looked at */
};

int vhost_port_init(struct vhost_port *port); /* 0 or -ENOMEM */
void vhost_port_release(struct vhost_port *port);

/* Features are negotiated, or a queue was started, stopped, enabled or disabled. */
void vhost_port_update(struct vhost_port *port, uint64_t features);

/* Why the port is of no use any more: what a queue's driver did wrong; NULL if nothing. */
const char *vhost_port_broken(const struct vhost_port *port);

#endif
