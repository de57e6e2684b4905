#ifndef IMPAIR_H
#define IMPAIR_H

#include "port.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A bad line on purpose: frames to a port are lost at random, come late or at a limited rate. What
 * is under way is a bounded copy, owned here. Order is kept.
 */
struct impairment;

struct impairment *impairment_create(const struct port_settings *settings); /* NULL: no memory */
void impairment_destroy(struct impairment *impairment); /* what is under way is lost */
/* For frames from now on; those under way are due at once. */
void impairment_set(struct impairment *impairment, const struct port_settings *settings);

/* Do these settings ask for any? */
bool impairment_wanted(const struct port_settings *settings);
/* Is nothing under way? */
bool impairment_empty(const struct impairment *impairment);

/*
 * PORT_DELIVERED: it is under way. PORT_NO_ROOM: too much is already; room is made by time alone,
 * impairment_run() says when. PORT_DROPPED: it is lost, which the caller counts.
 */
enum port_result impairment_take(struct impairment *impairment, const struct frame *frame,
	uint64_t now_ns);

/*
 * Deliver what is due by deliver(), until that finds no room; done is as for wire_deliver(). When
 * to come again: monotonic nanoseconds, or UINT64_MAX when nothing is under way or what is due has
 * to wait for the port's room.
 */
uint64_t impairment_run(struct impairment *impairment, uint64_t now_ns, struct port *to,
	enum port_result (*deliver)(struct port *to, const struct frame *frame, unsigned *done));

#endif
