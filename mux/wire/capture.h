#ifndef CAPTURE_H
#define CAPTURE_H

#include "frame.h"

#include <stdint.h>

struct event_base;
struct wire;

#define CAPTURE_STREAMS 8 /* of one wire */

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
 * Begin one more stream, of one port or WIRE_ALL_PORTS, on a stream socket, which is taken in any
 * case. Frames are cut to snap_length, unless that is 0. Creates wire->capture for the first,
 * destroys it with the last. 0 or -errno: -EBUSY if there are CAPTURE_STREAMS already.
 */
int capture_start(struct wire *wire, struct event_base *base, int fd, uint32_t port,
	uint32_t snap_length);
void capture_destroy(struct capture *capture); /* writes what can be written at once; or NULL */

/*
 * A frame is as the port's guest knows it: with a checksum that was left to others completed, and
 * whole, where segmentation was left to others.
 */
void capture_frame(struct capture *capture, uint32_t port, enum capture_direction direction,
	const struct frame *frame);

#endif
