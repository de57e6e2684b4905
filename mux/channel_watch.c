/* Who hears of what happens to channels, besides viewers. */

#include "channel_watch.h"

#include "channel.h"

static void begin(struct channel_watch_list *list, struct channel_watch *watch)
{
	channel_unwatch(watch);
	LIST_INSERT_HEAD(list, watch, link);
	watch->watching = true;
}

void channel_watch(struct channel *channel, struct channel_watch *watch)
{
	begin(&channel->watches, watch);
}

void channel_watch_all(struct mux *mux, struct channel_watch *watch)
{
	begin(&mux->watches, watch);
}

void channel_unwatch(struct channel_watch *watch)
{
	if (watch->watching)
		LIST_REMOVE(watch, link);
	watch->watching = false;
}

/* Each may end itself. */
static void tell(const struct channel_watch_list *list, struct channel *channel,
	enum channel_event event)
{
	struct channel_watch *watch = LIST_FIRST(list);

	while (watch) {
		struct channel_watch *next = LIST_NEXT(watch, link);

		watch->happened(watch, channel, event);
		watch = next;
	}
}

void channel_tell(struct channel *channel, enum channel_event event)
{
	tell(&channel->watches, channel, event);
	tell(&channel->mux->watches, channel, event);
	while (event == CHANNEL_DROPPED && !LIST_EMPTY(&channel->watches))
		channel_unwatch(LIST_FIRST(&channel->watches));
}
