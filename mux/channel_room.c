/* Which channels make room for others: limits of their number and of all histories together. */

#include "channel.h"
#include "log.h"
#include "person.h"

#include <time.h>

#define GRACE_S 60 /* a guest that vanished, or that muxd left, may come back so long */

/* In the order in which they go, the longest dead first. */
enum going {
	GOING_DEAD,
	GOING_KEPT, /* dead, but to be kept */
	GOING_AWAY, /* its guest may come back any moment */
	GOING_NEVER,
};

static enum going going_of(const struct channel *channel, uint64_t now)
{
	const struct history_record *record = &channel->history.record;

	if (!channel_is_dead(channel) || channel->is_log)
		return GOING_NEVER;
	if (record->state == CHANNEL_GONE && now - record->since < GRACE_S)
		return GOING_AWAY;
	return record->keep ? GOING_KEPT : GOING_DEAD;
}

/* The first to go, of one owner or of all (owner 0), from earliest to latest. */
static struct channel *first_to_go(const struct mux *mux, uint32_t owner, enum going earliest,
	enum going latest)
{
	uint64_t now = (uint64_t)time(NULL);
	struct channel *channel, *found = NULL;
	enum going found_going = GOING_NEVER;

	TAILQ_FOREACH(channel, &mux->channels, link)
	{
		enum going going = going_of(channel, now);

		if (going < earliest || going > latest ||
			(owner && channel->history.record.owner != owner))
			continue;
		if (found &&
			(going > found_going ||
				(going == found_going &&
					channel->history.record.since >=
						found->history.record.since)))
			continue;
		found = channel;
		found_going = going;
	}
	return found;
}

static bool drop(struct channel *channel)
{
	if (!channel)
		return false;
	log_info("%s: dropped, to make room", channel->name);
	channel_drop(channel);
	return true;
}

static bool drop_first(struct mux *mux, uint32_t owner, enum going latest)
{
	return drop(first_to_go(mux, owner, GOING_DEAD, latest));
}

static unsigned count_going(const struct mux *mux, enum going going)
{
	uint64_t now = (uint64_t)time(NULL);
	const struct channel *channel;
	unsigned count = 0;

	TAILQ_FOREACH(channel, &mux->channels, link)
	{
		count += going_of(channel, now) == going;
	}
	return count;
}

void channel_budget(const struct mux *mux, struct channel_budget *budget)
{
	const struct channel *channel;

	*budget = (struct channel_budget){ .total = mux->options->history_total };
	TAILQ_FOREACH(channel, &mux->channels, link)
	{
		budget->used += channel->history.file_size;
		budget->channels++;
		budget->dead += channel_is_dead(channel) && !channel->is_log;
	}
}

/* All histories together, and one of this size more. */
static bool fits(const struct mux *mux, size_t more)
{
	struct channel_budget budget;

	channel_budget(mux, &budget);
	return !budget.total || budget.used + more <= budget.total;
}

static void limit_dead(struct mux *mux)
{
	unsigned dead = count_going(mux, GOING_DEAD);

	while (dead-- > CHANNELS_DEAD_MAX)
		drop_first(mux, 0, GOING_DEAD);
	for (unsigned kept = count_going(mux, GOING_KEPT); kept > CHANNELS_KEPT_MAX; kept--)
		drop(first_to_go(mux, 0, GOING_KEPT, GOING_KEPT));
}

void channel_limit(struct mux *mux)
{
	limit_dead(mux);
	while (!fits(mux, 0) && drop_first(mux, 0, GOING_KEPT))
		;
}

bool channel_make_room(struct mux *mux)
{
	size_t size = history_file_size(mux->options->history_size);

	limit_dead(mux);
	while (mux->channel_count >= CHANNELS_MAX && drop_first(mux, 0, GOING_AWAY))
		;
	while (!fits(mux, size) && drop_first(mux, 0, GOING_KEPT))
		;
	return mux->channel_count < CHANNELS_MAX;
}

size_t channel_history_size(const struct mux *mux, size_t wished)
{
	size_t wanted = wished ? wished : mux->options->history_size;
	size_t size = wanted;

	while (size > CHANNEL_HISTORY_LEAST && !fits(mux, history_file_size(size)))
		size /= 2;
	if (size < CHANNEL_HISTORY_LEAST && wanted >= CHANNEL_HISTORY_LEAST)
		size = CHANNEL_HISTORY_LEAST;
	return size;
}

bool channel_drop_dead(struct mux *mux)
{
	return drop_first(mux, 0, GOING_KEPT);
}

/* How the record has it: 0 is nobody. */
static uint32_t owner_of(uid_t uid)
{
	return (uint32_t)uid + 1;
}

void channel_own(struct channel *channel, uid_t uid)
{
	channel->history.record.owner = owner_of(uid);
}

bool channel_may_be_of(const struct channel *channel, uid_t uid)
{
	uint32_t owner = channel->history.record.owner;

	return person_is_ours(uid) || !owner || owner == owner_of(uid);
}

bool channel_make_room_of_user(struct mux *mux, uid_t uid)
{
	const struct channel *channel;
	unsigned count = 0;

	if (person_is_ours(uid))
		return true;
	TAILQ_FOREACH(channel, &mux->channels, link)
	{
		count += channel->history.record.owner == owner_of(uid);
	}
	return count < CHANNELS_OF_USER_MAX || drop_first(mux, owner_of(uid), GOING_AWAY);
}
