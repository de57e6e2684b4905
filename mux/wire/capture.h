#ifndef CAPTURE_H
#define CAPTURE_H

#include "frame.h"

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct wire;

enum capture_direction {
	CAPTURE_RECEIVED, /* by the port's guest, as it sees it: tags and checksums as delivered */
	CAPTURE_SENT, /* by the port's guest, as it gave it */
};

/*
 * Streams of pcapng, one for each who asked, with an interface for each port. A wire is never
 * slowed by them: what a stream's reader does not take in time is left out and counted in the
 * stream. Ends when the reader closes its end.
 */
struct capture;

/*
 * Begin one more stream, of one port or WIRE_ALL_PORTS, on a descriptor, which is taken in any
 * case. Creates wire->capture for the first, destroys it with the last. 0 or -errno.
 */
int capture_start(struct wire *wire, struct event_base *base, int fd, uint32_t port,
	uint32_t snap_length);
void capture_destroy(struct capture *capture);

void capture_frame(struct capture *capture, uint32_t port, enum capture_direction direction,
	const struct frame *frame);

#endif
