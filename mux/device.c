/* device.sock: the connections of vmm processes (console_protocol.h). */

#include "device.h"

#include "attach.h"
#include "channel.h"
#include "device_internal.h"
#include "listener.h"
#include "message.h"
#include "person.h"
#include "stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES_MAX (CHANNELS_MAX + 64)
#define DEVICES_OF_USER_MAX (CHANNELS_OF_USER_MAX + 16)
#define HELLO_TIMEOUT_S 10
#define UNSENT_MOST 16384 /* beyond it nothing more is queued until the vmm reads */

struct device_listener {
	struct mux *mux;
	struct listener *listener; /* owned */
	struct log_limit limit;
};

void device_destroy(struct device *device)
{
	struct channel *channel = device->channel;

	LIST_REMOVE(device, link);
	device->mux->device_count--;
	event_del(&device->timeout);
	bufferevent_free(device->stream);
	if (channel) {
		channel->device = NULL;
		if (channel->history.record.state < CONSOLE_POWERED_OFF)
			channel_set_state(channel, CHANNEL_GONE, "", 0);
		else
			channel_changed(channel);
	}
	free(device);
}

/* Its guest may now be one dead too many. */
static void device_gone(struct device *device)
{
	struct mux *mux = device->mux;

	device_destroy(device);
	channel_limit(mux);
}

static size_t unsent(const struct device *device)
{
	return evbuffer_get_length(bufferevent_get_output(device->stream));
}

static void queue_message(struct device *device, uint16_t type, const void *body, size_t length)
{
	uint8_t copy[64];
	struct iovec part = { copy, length };

	memcpy(copy, body, length);
	message_send(bufferevent_get_output(device->stream), type, &part, 1);
}

static void send_ack(struct device *device)
{
	const struct history_record *record = &device->channel->history.record;
	struct console_ack ack = { record->link_offset, record->link_changes };

	queue_message(device, CONSOLE_ACK, &ack, sizeof(ack));
	device->ack_due = false;
}

static void send_size(struct device *device)
{
	queue_message(device, CONSOLE_SIZE, &device->channel->size, sizeof(struct console_size));
	device->size_due = false;
}

/* As far as the vmm allows. A guest that has ended takes none: it is for viewers to hear of. */
static bool send_input(struct device *device)
{
	struct evbuffer *output = bufferevent_get_output(device->stream);
	struct evbuffer *input = device->channel->input;
	struct message_header header = { .type = CONSOLE_INPUT };
	uint64_t allowed = device->credit - device->sent;
	size_t length = evbuffer_get_length(input);

	if (length > allowed)
		length = (size_t)allowed;
	if (length > UNSENT_MOST)
		length = UNSENT_MOST;
	if (!length || device->channel->history.record.state >= CONSOLE_POWERED_OFF)
		return false;
	header.length = (uint32_t)length;
	evbuffer_add(output, &header, sizeof(header));
	evbuffer_remove_buffer(input, output, length);
	device->sent += length;
	turn_asked(&device->turn);
	return true;
}

void device_progress(struct device *device)
{
	bool took_input = false;

	while (device->channel && unsent(device) < UNSENT_MOST) {
		if (device->ack_due)
			send_ack(device);
		else if (device->size_due)
			send_size(device);
		else if (send_input(device))
			took_input = true;
		else
			break;
	}
	stream_flush(device->stream);
	if (took_input)
		attach_channel_took_input(device->channel);
}

void device_resize(struct device *device)
{
	device->size_due = true;
	device_progress(device);
}

void device_break(struct device *device)
{
	if (unsent(device) < UNSENT_MOST)
		queue_message(device, CONSOLE_BREAK, "", 0);
}

bool device_kick(struct device *device)
{
	if (device->kicks && unsent(device) < UNSENT_MOST)
		queue_message(device, CONSOLE_KICK, "", 0);
	return device->kicks;
}

void device_refuse(struct device *device, const char *reason)
{
	char copy[CONSOLE_REASON_MAX];
	struct iovec part = { copy, strnlen(reason, sizeof(copy)) };

	memcpy(copy, reason, part.iov_len);
	message_send(bufferevent_get_output(device->stream), CONSOLE_REFUSED, &part, 1);
	bufferevent_disable(device->stream, EV_READ);
	device->closing = true;
	log_limited(device->limit, "device.sock: refused a guest: %s", reason);
}

static void closed_because(struct device *device, int error)
{
	log_limited(device->limit, "%s: closed the connection: %s",
		device->channel ? device->channel->name : "device.sock",
		error == -EPROTO ? "it does not keep to the protocol" : strerror(-error));
	device_gone(device);
}

bool device_receive(struct device *device)
{
	struct evbuffer *input = bufferevent_get_input(device->stream);
	struct message message;
	int result = 0;

	while (!device->closing &&
		(result = message_next(input, device_rules, device_rule_count, &message)) == 1) {
		result = device_handle(device, &message);
		if (result)
			break;
		message_done(input, &message);
	}
	if (result < 0) {
		closed_because(device, result);
		return false;
	}
	device_progress(device);
	return true;
}

static void device_readable(struct bufferevent *stream, void *owner)
{
	struct device *device = owner;
	struct evbuffer *input = bufferevent_get_input(stream);
	size_t length;

	if (device->turn.late)
		stream_read_more(stream, TURN_LATE_READ);
	length = evbuffer_get_length(input);
	if (device_receive(device))
		turn_took(&device->turn, length - evbuffer_get_length(input));
}

static void device_written(struct bufferevent *stream, void *owner)
{
	struct device *device = owner;

	(void)stream;
	if (device->closing)
		device_destroy(device);
	else
		device_progress(device);
}

void device_end(struct device *device)
{
	stream_take_rest(device->stream);
	if (device_receive(device))
		device_gone(device);
}

static void device_event(struct bufferevent *stream, short what, void *owner)
{
	(void)stream;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		device_end(owner);
}

static void no_hello(evutil_socket_t fd, short what, void *owner)
{
	struct device *device = owner;

	(void)fd;
	(void)what;
	closed_because(device, -ETIMEDOUT);
}

static struct device *device_create(struct device_listener *listener, int fd)
{
	const struct timeval timeout = { .tv_sec = HELLO_TIMEOUT_S };
	struct mux *mux = listener->mux;
	struct device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->stream = bufferevent_socket_new(mux->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!device->stream) {
		free(device);
		return NULL;
	}
	device->mux = mux;
	device->uid = person_uid_at(fd);
	device->limit = &listener->limit;
	LIST_INSERT_HEAD(&mux->devices, device, link);
	mux->device_count++;
	event_assign(&device->timeout, mux->base, -1, 0, no_hello, device);
	event_add(&device->timeout, &timeout);
	bufferevent_setcb(device->stream, device_readable, device_written, device_event, device);
	turn_begin(&device->turn, device->stream, TURN_LINK_BYTES);
	bufferevent_setwatermark(device->stream, EV_READ, 0, 2 * TURN_LATE_READ);
	bufferevent_enable(device->stream, EV_READ | EV_WRITE);
	return device;
}

static bool has_room(const struct mux *mux, uid_t uid)
{
	const struct device *device;
	unsigned count = 0;

	LIST_FOREACH(device, &mux->devices, link)
	{
		count += device->uid == uid;
	}
	return mux->device_count < DEVICES_MAX &&
		(count < DEVICES_OF_USER_MAX || person_is_ours(uid));
}

static void device_accepted(void *owner, int fd)
{
	struct device_listener *listener = owner;

	if (!has_room(listener->mux, person_uid_at(fd)) || !device_create(listener, fd)) {
		log_limited(&listener->limit, "device.sock: refused a connection: there are %u",
			listener->mux->device_count);
		evutil_closesocket(fd);
	}
}

static void accept_failed(void *owner, int error)
{
	struct device_listener *listener = owner;

	log_limited(&listener->limit, "device.sock: cannot accept a connection: %s",
		strerror(error));
}

struct device_listener *device_listener_create(struct mux *mux, int listen_fd)
{
	struct device_listener *listener = calloc(1, sizeof(*listener));

	if (!listener) {
		evutil_closesocket(listen_fd);
		return NULL;
	}
	listener->mux = mux;
	listener->listener =
		listener_create(mux->base, listen_fd, device_accepted, accept_failed, listener);
	if (listener->listener)
		return listener;
	free(listener);
	return NULL;
}

void device_listener_destroy(struct device_listener *listener)
{
	if (!listener)
		return;
	listener_destroy(listener->listener);
	free(listener);
}
