#ifndef VHOST_PORT_H
#define VHOST_PORT_H

#include "guest_memory.h"
#include "port.h"
#include "virtqueue.h"

#include <stdbool.h>
#include <stdint.h>

struct vhost_batch;

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
	bool receive_enabled; /* a queue that runs and is not enabled: nothing is received, */
	bool transmit_enabled; /* what is sent is thrown away */
	const char *broken; /* its memory went away, as a signal handler may find out at any time */
	struct vhost_batch *batch; /* owned: what was looked at in the queues */
};

int vhost_port_init(struct vhost_port *vhost); /* 0 or -ENOMEM */
void vhost_port_release(struct vhost_port *vhost);

/*
 * Features are negotiated, the memory or a queue's addresses changed, or a queue was started,
 * stopped, enabled or disabled: to be called before anybody else touches the port. Interrupts the
 * driver of each queue that runs, since whoever served it before may have died about to do that.
 */
void vhost_port_update(struct vhost_port *vhost, uint64_t features);

/* Why the port is of no use any more: what a queue's driver did wrong; NULL if nothing. */
const char *vhost_port_broken(const struct vhost_port *vhost);

#endif
