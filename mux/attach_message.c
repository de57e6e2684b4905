/* What a viewer says on the attach stream (attach_stream.h). */

#include "attach_internal.h"
#include "attach_stream.h"
#include "channel.h"
#include "device.h"
#include "message.h"
#include "utf8.h"

#include <errno.h>
#include <string.h>

const struct message_rule attach_rules[] = {
	{ ATTACH_FOLLOW, "FOLLOW", sizeof(struct attach_follow), sizeof(struct attach_follow) },
	{ ATTACH_UNFOLLOW, "UNFOLLOW", sizeof(uint32_t), sizeof(uint32_t) },
	{ ATTACH_INPUT, "INPUT", sizeof(uint32_t), sizeof(uint32_t) + ATTACH_BYTES_MAX },
	{ ATTACH_BREAK, "BREAK", sizeof(uint32_t), sizeof(uint32_t) },
	{ ATTACH_SIZE, "SIZE", sizeof(struct attach_size), sizeof(struct attach_size) },
	{ ATTACH_TAKE, "TAKE", sizeof(struct attach_take), sizeof(struct attach_take) },
	{ ATTACH_YIELD, "YIELD", sizeof(uint32_t), sizeof(uint32_t) },
	{ ATTACH_SAY, "SAY", sizeof(uint32_t), sizeof(uint32_t) + ATTACH_SAY_MAX },
};
const size_t attach_rule_count = ARRAY_SIZE(attach_rules);

/* What the flags say of typing. Who is connected already does not become the writer by them. */
static void connect_follow(struct follow *follow, uint32_t flags)
{
	bool was_connected = follow->input;

	attach_connect(follow, flags & FOLLOW_INPUT);
	if (!follow->input)
		attach_writer_leave(follow);
	else if (!was_connected)
		follow->writer_due = true;
	if (!was_connected && !(flags & FOLLOW_WATCH))
		attach_writer_claim(follow);
}

static int follow(struct follow *follow, const struct message *message)
{
	const struct history *history = &follow->channel->history;
	struct attach_follow request;

	memcpy(&request, message->body, sizeof(request));
	follow->streaming = true;
	follow->times = request.flags & FOLLOW_TIMES;
	follow->position = request.position < history->committed ? request.position
								 : history->committed;
	follow->announce = true;
	connect_follow(follow, request.flags);
	attach_allow(follow);
	follow->credit = follow->channel->writer == follow;
	attach_wake(follow);
	return 0;
}

static int input(struct follow *follow, const struct message *message)
{
	size_t length = message->length - sizeof(uint32_t);

	if (length > follow->granted - follow->received)
		return -EPROTO;
	follow->received += length;
	if (follow->channel->writer != follow) {
		follow->discarded += length;
		follow->writer_due = follow->input;
		attach_wake(follow);
		return 0;
	}
	channel_type(follow->channel, message->body + sizeof(uint32_t), length);
	attach_allow(follow);
	return 0;
}

static int resize(struct follow *follow, const struct message *message)
{
	struct channel *channel = follow->channel;
	struct attach_size size;

	memcpy(&size, message->body, sizeof(size));
	channel->size = (struct console_size){ size.columns, size.rows };
	channel->size_known = true;
	if (channel->device)
		device_resize(channel->device);
	return 0;
}

static void take(struct follow *follow, const struct message *message)
{
	struct attach_take request;

	memcpy(&request, message->body, sizeof(request));
	attach_writer_take(follow, request.force);
}

static void announce(const struct follow *follow, const struct message *message)
{
	const char *text = (const char *)message->body + sizeof(uint32_t);
	size_t length = message->length - sizeof(uint32_t);
	char shown[ATTACH_SAY_MAX * 2];

	if (follow->peer->read_only)
		return;
	utf8_for_message(shown, sizeof(shown), text, length);
	attach_notice(follow->peer->mux, "%s: %s", follow->channel->name, shown);
}

static int handle(struct follow *of, const struct message *message)
{
	switch (message->rule->type) {
	case ATTACH_FOLLOW:
		return follow(of, message);
	case ATTACH_UNFOLLOW:
		of->streaming = false;
		attach_connect(of, false);
		attach_writer_leave(of);
		return 0;
	case ATTACH_INPUT:
		return input(of, message);
	case ATTACH_BREAK:
		if (of->channel->device && of->channel->writer == of)
			device_break(of->channel->device);
		return 0;
	case ATTACH_SIZE:
		return of->channel->writer == of ? resize(of, message) : 0;
	case ATTACH_TAKE:
		take(of, message);
		return 0;
	case ATTACH_SAY:
		announce(of, message);
		return 0;
	case ATTACH_YIELD:
		attach_writer_yield(of);
		return 0;
	default:
		return -EPROTO;
	}
}

int attach_handle(struct attach_peer *peer, const struct message *message)
{
	struct follow *follow;
	uint32_t id;

	memcpy(&id, message->body, sizeof(id));
	LIST_FOREACH(follow, &peer->follows, of_peer)
	{
		/* The viewer may not know yet that a channel was dropped. */
		if (follow->id == id)
			return follow->channel ? handle(follow, message) : 0;
	}
	return id && id <= peer->mux->last_id ? 0 : -EPROTO;
}
