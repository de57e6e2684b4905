#ifndef LINK_SOURCE_H
#define LINK_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

/* A console link without a guest behind it, as vmm's end of it. What goes wrong ends the program.
 */
#define LINK_RING (256 * 1024) /* never more unacknowledged */
#define LINK_PIECE 16384

struct link_source {
	int fd;
	struct evbuffer *input; /* owned */
	struct evbuffer *output;
	uint64_t sent;
	uint64_t stored; /* as muxd says */
	size_t typed; /* bytes not yet looked at */
	char typed_bytes[4096];
	uint64_t credit;
};

/* Connected and welcome. */
void link_source_open(struct link_source *source, const char *path, const char *name);

/* Waits for something from muxd and handles all of it; from a socket that does not wait, as it is.
 */
void link_source_take(struct link_source *source);

/* All of it, once the ring has room. */
void link_source_print(struct link_source *source, const char *bytes, size_t length);

/* So that nothing waits: queue a piece if the ring has room, and send what the socket takes. */
void link_source_unblock(struct link_source *source);
bool link_source_has_room(const struct link_source *source, size_t length);
void link_source_queue(struct link_source *source, const char *bytes, size_t length);
bool link_source_send(struct link_source *source); /* true: all is sent */

/* What was typed is used up, and as much more may come. */
void link_source_allow(struct link_source *source);

#endif
