#ifndef WORKER_CONTROL_H
#define WORKER_CONTROL_H

#include "wire_control.h"

/* One message from the main process. */
struct worker_message {
	union {
		uint32_t type;
		struct wire_setup setup;
		struct wire_port port;
		struct wire_capture capture;
	};
	int fd; /* that came along, the receiver's from then on; -1: none */
};

/*
 * Take the next message: 0; -EAGAIN: there is none now; -EPIPE: the main process is gone; -EPROTO:
 * its type is none of the main process's, or its size, its descriptors or a value are not what
 * belongs to the type; other -errno of the socket. Without a message no descriptor is left open.
 */
int worker_control_receive(int control_fd, struct worker_message *message);

/* Tell the main process, without waiting: 0, -EAGAIN, or -errno. */
int worker_control_send(int control_fd, const struct wire_event *event);

#endif
