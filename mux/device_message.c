/* What a vmm says on the console link (console_protocol.h), and what muxd makes of it. */

#include "attach.h"
#include "channel.h"
#include "channel_key.h"
#include "compiler.h"
#include "console_key.h"
#include "device_internal.h"
#include "message.h"
#include "timestamps.h"
#include "wires.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define OFFSET_MOST (UINT64_MAX / 8) /* nobody prints so much; keeps sums from overflowing */

const struct message_rule device_rules[] = {
	{ CONSOLE_HELLO, "HELLO", sizeof(uint32_t), sizeof(struct console_hello) + 256 },
	{ CONSOLE_OUTPUT, "OUTPUT", sizeof(uint64_t), sizeof(uint64_t) + CONSOLE_OUTPUT_MAX },
	{ CONSOLE_CREDIT, "CREDIT", sizeof(uint64_t), sizeof(uint64_t) },
	{ CONSOLE_STATE, "STATE", sizeof(struct console_change),
		sizeof(struct console_change) + CONSOLE_REASON_MAX },
};
const size_t device_rule_count = ARRAY_SIZE(device_rules);

/* With the mark of it, uncommitted. */
static void count_loss(struct channel *channel, uint64_t offset)
{
	struct history_record *record = &channel->history.record;
	uint64_t lost = offset - record->link_offset;

	channel_mark(channel, "%llu bytes of output lost", (unsigned long long)lost);
	record->lost += lost;
	record->link_lost += lost;
	record->link_offset = offset;
}

static bool is_color(char color)
{
	return color && strchr("nrgybmcwNRGYBMCW", color);
}

/* The first of these that fewest other channels have. */
static char choose_color(const struct channel *channel)
{
	static const char colors[] = "gycmbrGYCMBR";
	unsigned least = UINT_MAX;
	char best = colors[0];

	for (const char *color = colors; *color; color++) {
		const struct channel *other;
		unsigned users = 0;

		TAILQ_FOREACH(other, &channel->mux->channels, link)
		{
			if (other != channel && other->history.record.color == *color)
				users++;
		}
		if (users < least) {
			least = users;
			best = *color;
		}
	}
	return best;
}

static void claim_key(struct channel *channel, char key)
{
	const struct channel *owner = channel_key_owner(channel, key);

	if (console_key_problem(key))
		key = '\0';
	if (key && owner) {
		if (channel->key_told != key)
			attach_notice(channel->mux, "%s: the key %c belongs to %s", channel->name,
				key, owner->name);
		channel->key_told = key;
		key = '\0';
	}
	channel_take_key(channel, key);
}

static void begin_boot(struct channel *channel, const struct console_hello *hello)
{
	struct history_record *record = &channel->history.record;

	channel_discard_input(channel);
	if (record->boots)
		channel_mark(channel, "started again");
	else if (hello->flags & (CONSOLE_SHOW | CONSOLE_HIDE))
		record->shown = (hello->flags & CONSOLE_SHOW) != 0;
	if (!record->boots && hello->flags & CONSOLE_TIMESTAMPS)
		record->timestamps = TIMESTAMPS_LOCAL;
	if (hello->flags & CONSOLE_KEEP)
		record->keep = 1;
	channel->seen = record->end;
	record->boots++;
	record->boot_ms = timestamp_now();
	memcpy(record->boot_id, hello->boot_id, sizeof(record->boot_id));
	record->link_offset = 0;
	record->link_lost = 0;
	record->link_changes = 0;
	claim_key(channel, hello->key);
	if (is_color(hello->color))
		record->color = hello->color;
	else if (!record->color)
		record->color = choose_color(channel);
}

static void welcome(struct device *device)
{
	const struct history_record *record = &device->channel->history.record;
	struct console_welcome welcome = {
		.version = CONSOLE_PROTOCOL_VERSION,
		.offset = record->link_offset,
		.lost = record->link_lost,
		.changes = record->link_changes,
	};
	struct iovec part = { &welcome, sizeof(welcome) };

	message_send(bufferevent_get_output(device->stream), CONSOLE_WELCOME, &part, 1);
	device->ack_due = false;
	device->size_due = device->channel->size_known;
}

/* 0, or -EPROTO if a guest that muxd knows denies what it sent. */
static int adopt(struct device *device, struct channel *channel, const struct console_hello *hello)
{
	struct history_record *record = &channel->history.record;
	bool known = !memcmp(record->boot_id, hello->boot_id, sizeof(record->boot_id)) &&
		record->boots;

	if (known && hello->end < record->link_offset)
		return -EPROTO;
	if (!known)
		begin_boot(channel, hello);
	if (hello->begin > record->link_offset)
		count_loss(channel, hello->begin);
	record->pid = hello->pid;
	channel_own(channel, device->uid);
	device->channel = channel;
	channel->device = device;
	if (!known || record->state != hello->state)
		channel_set_state(channel, hello->state, "", 0);
	channel_commit(channel);
	channel_changed(channel);
	welcome(device);
	return 0;
}

/* The vmm has closed its end, which was not noticed yet. */
static bool ends_if_dead(struct device *device)
{
	struct pollfd poll_fd = { .fd = bufferevent_getfd(device->stream), .events = POLLRDHUP };

	if (poll(&poll_fd, 1, 0) <= 0)
		return false;
	device_end(device);
	return true;
}

/*
 * The guest of this name is connected already. If that vmm is dead and its end was not noticed
 * yet, or if it is the same one on a new connection, the old connection ends; else it stays.
 */
static bool makes_way(struct device *old, const struct console_hello *hello)
{
	const struct history_record *record = &old->channel->history.record;

	if (memcmp(record->boot_id, hello->boot_id, sizeof(record->boot_id)) != 0)
		return ends_if_dead(old);
	device_destroy(old);
	return true;
}

/* Where the file system is full, dead ones make room. */
static struct channel *create_channel(const struct device *device, const char *name, int *error)
{
	struct mux *mux = device->mux;
	struct channel *channel = channel_create_sized(mux, name, device->history_size, error);

	while (!channel && *error == -ENOSPC && channel_drop_dead(mux))
		channel = channel_create_sized(mux, name, device->history_size, error);
	return channel;
}

/* The channel for a guest that comes; NULL and the reason for refusing it. */
static struct channel *channel_for(const struct device *device, const char *name,
	const struct console_hello *hello, char reason[CONSOLE_REASON_MAX])
{
	struct mux *mux = device->mux;
	struct channel *channel = channel_find(mux, name);
	int error = -EUSERS;

	if (wires_find(mux->wires, name) || (channel && channel->is_log)) {
		snprintf(reason, CONSOLE_REASON_MAX, "a wire is called %s", name);
		return NULL;
	}
	if (channel && !channel_may_be_of(channel, device->uid)) {
		snprintf(reason, CONSOLE_REASON_MAX, "the channel %s is another user's", name);
		return NULL;
	}
	if (channel && channel->device && !makes_way(channel->device, hello)) {
		snprintf(reason, CONSOLE_REASON_MAX, "a guest called %s is running already", name);
		return NULL;
	}
	channel = channel_find(mux, name); /* one that has just died may have been dropped */
	if (!channel && channel_make_room_of_user(mux, device->uid) && channel_make_room(mux))
		channel = create_channel(device, name, &error);
	if (!channel)
		snprintf(reason, CONSOLE_REASON_MAX, "no channel for %s: %s", name,
			strerror(-error));
	return channel;
}

static void refuse_version(struct device *device, unsigned version)
{
	char reason[CONSOLE_REASON_MAX];

	snprintf(reason, sizeof(reason),
		"it speaks version %u of the console link, this muxd version %d", version,
		CONSOLE_PROTOCOL_WISHES);
	device_refuse(device, reason);
}

/* Where the name begins in a HELLO; 0: nothing of it makes sense. */
static size_t read_hello(struct device *device, const struct message *message,
	struct console_hello *hello)
{
	struct console_wishes wishes = { .history_size = 0 };
	size_t length = sizeof(*hello);

	if (hello->version == CONSOLE_PROTOCOL_WISHES)
		length += sizeof(wishes);
	if (message->length < length)
		return 0;
	memcpy(hello, message->body, sizeof(*hello));
	memcpy(&wishes, message->body + sizeof(*hello), length - sizeof(*hello));
	if (hello->begin > hello->end || hello->end > OFFSET_MOST ||
		hello->state >= CONSOLE_STATE_COUNT)
		return 0;
	device->kicks = hello->flags & CONSOLE_KICKS;
	if (wishes.history_size > CONSOLE_HISTORY_MOST)
		wishes.history_size = CONSOLE_HISTORY_MOST;
	if (wishes.history_size >= HISTORY_SIZE_LEAST)
		device->history_size = (size_t)wishes.history_size;
	return length;
}

int device_hello(struct device *device, const struct message *message)
{
	struct console_hello hello;
	struct channel *channel = NULL;
	char reason[CONSOLE_REASON_MAX];
	char copy[CONSOLE_NAME_MAX + 1] = "";
	const char *name, *wrong;
	size_t begin;

	memcpy(&hello.version, message->body, sizeof(hello.version));
	if (hello.version != CONSOLE_PROTOCOL_VERSION && hello.version != CONSOLE_PROTOCOL_WISHES) {
		refuse_version(device, hello.version);
		return 0;
	}
	begin = read_hello(device, message, &hello);
	if (!begin)
		return -EPROTO;
	name = (const char *)message->body + begin;
	wrong = channel_name_error(name, message->length - begin);
	if (wrong) {
		snprintf(reason, sizeof(reason), "the guest's name %s", wrong);
	} else {
		memcpy(copy, name, message->length - begin);
		channel = channel_for(device, copy, &hello, reason);
	}
	if (!channel) {
		device_refuse(device, reason);
		return 0;
	}
	event_del(&device->timeout);
	return adopt(device, channel, &hello);
}

static int output(struct device *device, const struct message *message)
{
	struct channel *channel = device->channel;
	uint64_t offset;
	size_t length = message->length - sizeof(offset);

	memcpy(&offset, message->body, sizeof(offset));
	if (offset < channel->history.record.link_offset || offset > OFFSET_MOST)
		return -EPROTO;
	if (offset > channel->history.record.link_offset) {
		count_loss(channel, offset);
		channel_commit(channel);
	}
	channel_output(channel, message->body + sizeof(offset), length);
	device->ack_due = true;
	return 0;
}

static int credit(struct device *device, const struct message *message)
{
	uint64_t total;

	memcpy(&total, message->body, sizeof(total));
	if (total < device->credit || total > device->sent + (1U << 30))
		return -EPROTO;
	device->credit = total;
	return 0;
}

static void mark_change(struct channel *channel, unsigned state, const char *reason, size_t length)
{
	char text[CONSOLE_REASON_MAX + 1] = "";

	for (size_t i = 0; i < length; i++)
		text[i] = reason[i] >= ' ' && reason[i] < 0x7f ? reason[i] : '?';
	if (state == CONSOLE_REBOOTING)
		channel_mark(channel, "rebooted");
	else if (state == CONSOLE_POWERED_OFF)
		channel_mark(channel, "powered off");
	else if (state == CONSOLE_CRASHED)
		channel_mark(channel, "crashed: %s", *text ? text : "no reason given");
}

static int change(struct device *device, const struct message *message)
{
	struct history_record *record = &device->channel->history.record;
	struct console_change change;
	const char *reason = (const char *)message->body + sizeof(change);
	size_t length = message->length - sizeof(change);

	memcpy(&change, message->body, sizeof(change));
	if (change.number <= record->link_changes || change.number > OFFSET_MOST ||
		change.state >= CONSOLE_STATE_COUNT)
		return -EPROTO;
	record->link_changes = change.number;
	mark_change(device->channel, change.state, reason, length);
	channel_set_state(device->channel, change.state, reason, length);
	if (change.state >= CONSOLE_POWERED_OFF)
		channel_discard_input(device->channel);
	device->ack_due = true;
	return 0;
}

int device_handle(struct device *device, const struct message *message)
{
	if (!device->channel)
		return message->rule->type == CONSOLE_HELLO ? device_hello(device, message)
							    : -EPROTO;
	switch (message->rule->type) {
	case CONSOLE_OUTPUT:
		return output(device, message);
	case CONSOLE_CREDIT:
		return credit(device, message);
	case CONSOLE_STATE:
		return change(device, message);
	default:
		return -EPROTO;
	}
}
