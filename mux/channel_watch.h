#ifndef CHANNEL_WATCH_H
#define CHANNEL_WATCH_H

#include <stdbool.h>
#include <sys/queue.h>

struct channel;
struct mux;

enum channel_event {
	CHANNEL_CREATED, /* only those who watch all channels hear of it */
	CHANNEL_OUTPUT, /* committed; perhaps nothing new */
	CHANNEL_CHANGED, /* its state, or what else it shows of itself */
	CHANNEL_DROPPED, /* for the last time: it is being freed */
};

/*
 * Whoever in muxd wants to hear what happens to one channel, or to all. Embedded in its owner.
 * The call comes in the midst of other work: do no more than note it, wake a command
 * (command_wake()), or end this watch and no other.
 */
struct channel_watch {
	void (*happened)(struct channel_watch *watch, struct channel *channel,
		enum channel_event event);
	bool watching;
	LIST_ENTRY(channel_watch) link;
};
LIST_HEAD(channel_watch_list, channel_watch);

/* Of one channel, until it is dropped. Whoever watches already, is moved. */
void channel_watch(struct channel *channel, struct channel_watch *watch);
void channel_watch_all(struct mux *mux, struct channel_watch *watch);
void channel_unwatch(struct channel_watch *watch); /* also one that does not watch */

/* For channel.c: it happened. */
void channel_tell(struct channel *channel, enum channel_event event);

#endif
