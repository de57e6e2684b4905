/* The other end of an attach stream (attach_stream.h), without a display. */

#include "attach_client.h"

#include "compiler.h"
#include "message.h"
#include "stream.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define READ_MOST ((size_t)4 * ATTACH_BYTES_MAX)

static const struct message_rule rules[] = {
	{ ATTACH_CHANNEL, "CHANNEL", 4, ATTACH_TEXT_MAX },
	{ ATTACH_GONE, "GONE", 4, 4 },
	{ ATTACH_OUTPUT, "OUTPUT", sizeof(struct attach_output),
		sizeof(struct attach_output) + ATTACH_BYTES_MAX },
	{ ATTACH_LOST, "LOST", sizeof(struct attach_lost), sizeof(struct attach_lost) },
	{ ATTACH_CREDIT, "CREDIT", sizeof(struct attach_credit), sizeof(struct attach_credit) },
	{ ATTACH_NOTICE, "NOTICE", 0, ATTACH_TEXT_MAX },
	{ ATTACH_READY, "READY", 0, 0 },
	{ ATTACH_WRITER, "WRITER", sizeof(struct attach_writer),
		sizeof(struct attach_writer) + ATTACH_TEXT_MAX },
};

static struct attach_client_channel *find(const struct attach_client *client, uint32_t id)
{
	struct attach_client_channel *channel;

	LIST_FOREACH(channel, &client->channels, link)
	{
		if (channel->id == id)
			return channel;
	}
	return NULL;
}

static uint64_t position_of(const json_t *about, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(about, key));

	return value > 0 ? (uint64_t)value : 0;
}

static void announced(struct attach_client *client, uint32_t id, const json_t *about)
{
	const char *name = json_string_value(json_object_get(about, "name"));
	struct attach_client_channel *channel = find(client, id);

	if (!name || strlen(name) > CONSOLE_NAME_MAX)
		return;
	if (!channel) {
		channel = calloc(1, sizeof(*channel));
		if (!channel)
			return;
		channel->id = id;
		strcpy(channel->name, name);
		LIST_INSERT_HEAD(&client->channels, channel, link);
	}
	channel->begin = position_of(about, "begin");
	channel->end = position_of(about, "end");
	client->events->announced(client->owner, channel, about);
}

static void read_channel(struct attach_client *client, const struct message *message)
{
	uint32_t id;
	json_t *about = json_loadb((const char *)message->body + sizeof(id),
		message->length - sizeof(id), 0, NULL);

	memcpy(&id, message->body, sizeof(id));
	if (about)
		announced(client, id, about);
	json_decref(about);
}

static void read_gone(struct attach_client *client, const struct message *message)
{
	struct attach_client_channel *channel;
	uint32_t id;

	memcpy(&id, message->body, sizeof(id));
	channel = find(client, id);
	if (!channel)
		return;
	client->events->gone(client->owner, channel);
	LIST_REMOVE(channel, link);
	free(channel);
}

static void read_output(struct attach_client *client, const struct message *message)
{
	struct attach_client_channel *channel;
	struct attach_output output;
	struct attach_client_piece piece;
	uint64_t known;

	memcpy(&output, message->body, sizeof(output));
	channel = find(client, output.id);
	if (!channel || !channel->following || output.position > channel->position)
		return;
	piece = (struct attach_client_piece){
		.bytes = message->body + sizeof(output),
		.length = message->length - sizeof(output),
		.time_ms = output.time_ms,
	};
	known = channel->position - output.position;
	if (known >= piece.length)
		return;
	piece.bytes += known;
	piece.length -= (size_t)known;
	client->events->output(client->owner, channel, &piece);
	if (channel->following)
		channel->position += piece.length;
}

static void read_lost(struct attach_client *client, const struct message *message)
{
	struct attach_client_channel *channel;
	struct attach_lost lost;
	uint64_t count;

	memcpy(&lost, message->body, sizeof(lost));
	channel = find(client, lost.id);
	if (!channel || !channel->following || lost.position <= channel->position ||
		lost.count > lost.position || lost.position - lost.count > channel->position)
		return;
	count = lost.position - channel->position;
	client->events->lost(client->owner, channel, count);
	if (channel->following)
		channel->position += count;
}

static void read_credit(struct attach_client *client, const struct message *message)
{
	struct attach_client_channel *channel;
	struct attach_credit credit;

	memcpy(&credit, message->body, sizeof(credit));
	channel = find(client, credit.id);
	if (!channel)
		return;
	channel->credit = credit.total;
	if (client->events->input_changed)
		client->events->input_changed(client->owner, channel);
}

static void read_writer(struct attach_client *client, const struct message *message)
{
	struct attach_client_channel *channel;
	struct attach_writer writer;

	memcpy(&writer, message->body, sizeof(writer));
	channel = find(client, writer.id);
	if (!channel)
		return;
	channel->writer = writer.state;
	if (client->events->input_changed)
		client->events->input_changed(client->owner, channel);
}

static void ended(struct attach_client *client)
{
	bufferevent_free(client->stream);
	client->stream = NULL;
	client->events->ended(client->owner);
}

static void messages_came(struct bufferevent *stream, void *owner)
{
	static void (*const readers[])(struct attach_client *, const struct message *) = {
		[ATTACH_CHANNEL] = read_channel,
		[ATTACH_GONE] = read_gone,
		[ATTACH_OUTPUT] = read_output,
		[ATTACH_LOST] = read_lost,
		[ATTACH_CREDIT] = read_credit,
		[ATTACH_NOTICE] = NULL,
		[ATTACH_READY] = NULL,
		[ATTACH_WRITER] = read_writer,
	};
	struct attach_client *client = owner;
	struct evbuffer *input = bufferevent_get_input(stream);
	struct message message;
	int result;

	while ((result = message_next(input, rules, ARRAY_SIZE(rules), &message)) > 0) {
		if (readers[message.rule->type])
			readers[message.rule->type](client, &message);
		message_done(input, &message);
	}
	client->events->turn_ended(client->owner);
	if (result < 0)
		ended(client);
}

static void stream_changed(struct bufferevent *stream, short what, void *owner)
{
	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		return;
	stream_take_rest(stream);
	messages_came(stream, owner);
	if (((struct attach_client *)owner)->stream)
		ended(owner);
}

void attach_client_begin(struct attach_client *client, struct bufferevent *stream)
{
	client->stream = stream;
	LIST_INIT(&client->channels);
	bufferevent_setcb(stream, messages_came, NULL, stream_changed, client);
	bufferevent_set_max_single_read(stream, READ_MOST);
	bufferevent_setwatermark(stream, EV_READ, 0, READ_MOST);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
	bufferevent_trigger(stream, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

void attach_client_end(struct attach_client *client)
{
	struct attach_client_channel *channel;

	while ((channel = LIST_FIRST(&client->channels))) {
		LIST_REMOVE(channel, link);
		free(channel);
	}
	if (client->stream)
		bufferevent_free(client->stream);
	client->stream = NULL;
}

static void say(struct attach_client *client, enum attach_message type, const struct iovec *parts,
	unsigned count)
{
	if (!client->stream)
		return;
	message_send(bufferevent_get_output(client->stream), (uint16_t)type, parts, count);
	stream_flush(client->stream);
}

void attach_client_follow(struct attach_client *client, struct attach_client_channel *channel,
	uint64_t position, uint32_t flags)
{
	struct attach_follow follow = {
		.id = channel->id,
		.flags = flags,
		.position = position,
	};
	struct iovec part = { &follow, sizeof(follow) };

	channel->following = true;
	channel->input = flags & FOLLOW_INPUT;
	if (!channel->input)
		channel->writer = 0;
	channel->position = position;
	say(client, ATTACH_FOLLOW, &part, 1);
}

void attach_client_unfollow(struct attach_client *client, struct attach_client_channel *channel)
{
	struct iovec part = { &channel->id, sizeof(channel->id) };

	if (channel->following)
		say(client, ATTACH_UNFOLLOW, &part, 1);
	channel->following = false;
	channel->input = false;
	channel->writer = 0;
}

void attach_client_ask(struct attach_client *client, struct attach_client_channel *channel)
{
	struct attach_take take = { .id = channel->id };
	struct iovec part = { &take, sizeof(take) };

	say(client, ATTACH_TAKE, &part, 1);
}

void attach_client_announce(struct attach_client *client, struct attach_client_channel *channel,
	const char *text)
{
	struct iovec parts[] = {
		{ &channel->id, sizeof(channel->id) },
		{ (void *)(uintptr_t)text, strnlen(text, ATTACH_SAY_MAX) },
	};

	say(client, ATTACH_SAY, parts, ARRAY_SIZE(parts));
}

bool attach_client_types(const struct attach_client_channel *channel)
{
	return channel->input &&
		(channel->writer == WRITER_MINE || channel->writer == WRITER_ASKED);
}

void attach_client_resize(struct attach_client *client, struct attach_client_channel *channel,
	uint16_t columns, uint16_t rows)
{
	struct attach_size size = { .id = channel->id, .columns = columns, .rows = rows };
	struct iovec part = { &size, sizeof(size) };

	say(client, ATTACH_SIZE, &part, 1);
}

size_t attach_client_room(const struct attach_client_channel *channel)
{
	uint64_t room = channel->credit > channel->sent ? channel->credit - channel->sent : 0;

	if (!attach_client_types(channel))
		return 0;
	return room < ATTACH_BYTES_MAX ? (size_t)room : ATTACH_BYTES_MAX;
}

void attach_client_type(struct attach_client *client, struct attach_client_channel *channel,
	const void *bytes, size_t length)
{
	struct iovec parts[] = {
		{ &channel->id, sizeof(channel->id) },
		{ (void *)(uintptr_t)bytes, length },
	};

	channel->sent += length;
	say(client, ATTACH_INPUT, parts, ARRAY_SIZE(parts));
}
