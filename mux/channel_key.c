/* The keys of channels: each means one. */

#include "channel_key.h"

#include "channel.h"

const struct channel *channel_key_owner(const struct channel *channel, char key)
{
	const struct channel *other;

	TAILQ_FOREACH(other, &channel->mux->channels, link)
	{
		if (other != channel && other->device && other->history.record.key == key)
			return other;
	}
	return NULL;
}

void channel_take_key(struct channel *channel, char key)
{
	struct channel *other;

	TAILQ_FOREACH(other, &channel->mux->channels, link)
	{
		if (!key || other == channel || other->history.record.key != key)
			continue;
		other->history.record.key = '\0';
		channel_commit(other);
		channel_changed(other);
	}
	channel->history.record.key = key;
}
