#ifndef ATTACH_INTERNAL_H
#define ATTACH_INTERNAL_H

#include "attach.h"
#include "log.h"
#include "message.h"
#include "person.h"
#include "turn.h"

#include <stdint.h>

/*
 * How it works. What a viewer must be told is never queued ahead, it is kept as facts in its
 * follows: announce, credit, a position. A follow with something to tell stands in the ready
 * queue, and whenever the stream has little unsent, the first of them tells one thing and goes to
 * the end. So a viewer that does not read costs one buffer, and channels take turns. The one that
 * the viewer is connected to has every second turn, and little of others is on its way: an echo
 * does not wait for all of them.
 */
struct attach_peer {
	struct mux *mux;
	struct bufferevent *stream; /* owned */
	bool read_only;
	struct person person; /* at the other end */
	struct turn turn;
	bool doomed; /* ended by the loop */
	bool ready_told;
	unsigned unannounced; /* channels to be announced before READY */
	unsigned gone; /* follows whose channel was dropped */
	unsigned connected; /* follows with input */
	bool crowded; /* and since then it was told what others print */
	bool behind; /* there was more of the connected one than fitted in its last piece */

	LIST_HEAD(, follow) follows; /* owned; one for every channel */
	TAILQ_HEAD(follow_queue, follow) ready, ready_connected;
	bool others_turn; /* of the two queues, while both have something */
	LIST_ENTRY(attach_peer) link;
};

/* What one viewer knows of one channel. */
struct follow {
	struct attach_peer *peer;
	struct channel *channel; /* NULL: dropped */
	uint32_t id;
	bool announced; /* once at least */
	bool announce; /* is due */
	bool streaming;
	bool input; /* connected: it types, or watches who does */
	bool times; /* pieces of output are each of one time */
	bool credit; /* is due */
	bool writer_due; /* who the writer is */
	bool asker_due; /* to the writer: who asks */
	uint64_t asked; /* to become the writer: the lower the earlier; 0: did not */
	uint64_t discarded; /* input of a former writer, untold */
	bool queued; /* in a ready queue: */
	bool queued_connected; /* in which one */
	uint64_t position;
	uint64_t granted; /* input bytes in all */
	uint64_t received;
	LIST_ENTRY(follow) of_peer;
	LIST_ENTRY(follow) of_channel;
	TAILQ_ENTRY(follow) of_ready;
};

/* There may be something to tell: queue it, and tell it if there is room. */
void attach_wake(struct follow *follow);

/* The viewer is connected to the channel, or not any more. */
void attach_connect(struct follow *follow, bool connected);

/* More input may come, if there is room for it. */
void attach_allow(struct follow *follow);

/* attach_writer.c: who types at a channel. */
void attach_writer_claim(struct follow *follow); /* unless there is a writer */
void attach_writer_leave(struct follow *follow); /* no more, and it does not ask */
void attach_writer_take(struct follow *follow, bool force);
void attach_writer_yield(struct follow *follow);
void attach_writer_tell(struct follow *follow); /* what is due */

/* A message, or the end of a viewer if memory is short. */
void attach_tell(struct attach_peer *peer, uint16_t type, const struct iovec *parts,
	unsigned count);

/* Give up on this viewer, from the loop. */
void attach_doom(struct attach_peer *peer);

/* From the viewer: 0 or -EPROTO. */
int attach_handle(struct attach_peer *peer, const struct message *message);

extern const struct message_rule attach_rules[];
extern const size_t attach_rule_count;

#endif
