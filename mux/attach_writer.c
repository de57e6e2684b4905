/* Who types at a channel: one viewer, while others watch and may ask (attach_stream.h). */

#include "attach_internal.h"
#include "attach_stream.h"
#include "channel.h"

#include <string.h>

const struct person *attach_writer(const struct channel *channel)
{
	return channel->writer ? &channel->writer->peer->person : NULL;
}

unsigned attach_watchers(const struct channel *channel)
{
	const struct follow *follow;
	unsigned count = 0;

	LIST_FOREACH(follow, &channel->follows, of_channel)
	{
		count += follow->input && follow != channel->writer;
	}
	return count;
}

/* Of those that ask: the first, or the last. */
static struct follow *find_asker(const struct channel *channel, bool last)
{
	struct follow *follow, *found = NULL;

	LIST_FOREACH(follow, &channel->follows, of_channel)
	{
		if (follow->asked && (!found || (follow->asked > found->asked) == last))
			found = follow;
	}
	return found;
}

/* NULL: nobody. All that are connected to the channel are told. */
static void set_writer(struct channel *channel, struct follow *writer)
{
	struct follow *follow;

	channel->writer = writer;
	if (writer) {
		writer->asked = 0;
		writer->credit = true;
		writer->asker_due = find_asker(channel, true) != NULL;
		attach_allow(writer);
	}
	LIST_FOREACH(follow, &channel->follows, of_channel)
	{
		follow->writer_due = follow->input;
		attach_wake(follow);
	}
}

static bool may_type(const struct follow *follow)
{
	return follow->input && !follow->peer->read_only;
}

void attach_writer_claim(struct follow *follow)
{
	if (!follow->channel->writer && may_type(follow))
		set_writer(follow->channel, follow);
}

void attach_writer_leave(struct follow *follow)
{
	struct channel *channel = follow->channel;

	follow->asked = 0;
	follow->writer_due = false;
	follow->asker_due = false;
	if (!channel || channel->writer != follow)
		return;
	if (channel->mux->closing)
		channel->writer = NULL;
	else
		set_writer(channel, find_asker(channel, false));
}

void attach_writer_take(struct follow *follow, bool force)
{
	struct channel *channel = follow->channel;

	if (!may_type(follow) || channel->writer == follow)
		return;
	if (!channel->writer || force) {
		set_writer(channel, follow);
		return;
	}
	if (!follow->asked) {
		follow->asked = ++channel->mux->last_ask;
		channel->writer->asker_due = true;
		attach_wake(channel->writer);
	}
}

void attach_writer_yield(struct follow *follow)
{
	struct channel *channel = follow->channel;

	if (channel->writer == follow)
		set_writer(channel, find_asker(channel, false));
}

static void tell(struct follow *follow, enum attach_writer_state state, const struct person *who)
{
	struct attach_writer writer = {
		.id = follow->id,
		.state = state,
		.discarded = follow->discarded,
	};
	char text[PERSON_TEXT_MAX] = "";
	struct iovec parts[] = { { &writer, sizeof(writer) }, { text, 0 } };

	if (who)
		person_text(who, text);
	parts[1].iov_len = strlen(text);
	follow->discarded = 0;
	attach_tell(follow->peer, ATTACH_WRITER, parts, ARRAY_SIZE(parts));
}

void attach_writer_tell(struct follow *follow)
{
	const struct follow *writer = follow->channel->writer;
	const struct follow *asker;

	if (follow->writer_due) {
		follow->writer_due = false;
		if (writer == follow)
			tell(follow, WRITER_MINE, NULL);
		else if (writer)
			tell(follow, WRITER_OTHER, &writer->peer->person);
		else
			tell(follow, WRITER_FREE, NULL);
		return;
	}
	follow->asker_due = false;
	asker = writer == follow ? find_asker(follow->channel, true) : NULL;
	if (asker)
		tell(follow, WRITER_ASKED, &asker->peer->person);
}
