/* The vmm's connection to muxd: made again for ever, and what is said on it (console_protocol.h).
 */

#include "compiler.h"
#include "console_link_internal.h"
#include "log.h"
#include "message.h"
#include "unix_socket.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DELAY_FIRST_MS 50
#define DELAY_MOST_MS 1000
#define OUTPUT_PIECE 16384
#define OUTPUT_QUEUED 32768 /* beyond it the socket must take some before more is queued */
#define ROUNDS 16 /* of sending before other events have their turn */

static const struct message_rule rules[] = {
	{ CONSOLE_WELCOME, "WELCOME", sizeof(struct console_welcome),
		sizeof(struct console_welcome) },
	{ CONSOLE_REFUSED, "REFUSED", 0, CONSOLE_REASON_MAX },
	{ CONSOLE_ACK, "ACK", sizeof(struct console_ack), sizeof(struct console_ack) },
	{ CONSOLE_INPUT, "INPUT", 1, CONSOLE_INPUT_MAX },
	{ CONSOLE_SIZE, "SIZE", sizeof(struct console_size), sizeof(struct console_size) },
	{ CONSOLE_BREAK, "BREAK", 0, 0 },
	{ CONSOLE_KICK, "KICK", 0, 0 },
};

/* After a time that grows from one failure to the next, and differs between guests. */
static void try_again(struct console_link *link)
{
	uint32_t delay_ms = link->delay_ms / 2 + arc4random_uniform(link->delay_ms / 2 + 1);
	struct timeval delay = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000L };

	event_add(&link->retry, &delay);
	link->delay_ms *= 2;
	if (link->delay_ms > DELAY_MOST_MS)
		link->delay_ms = DELAY_MOST_MS;
}

static void close_connection(struct console_link *link)
{
	if (link->fd < 0)
		return;
	event_del(&link->readable);
	event_del(&link->writable);
	close(link->fd);
	link->fd = -1;
	evbuffer_drain(link->from_muxd, evbuffer_get_length(link->from_muxd));
	evbuffer_drain(link->to_muxd, evbuffer_get_length(link->to_muxd));
	pthread_mutex_lock(&link->lock);
	link->established = false;
	link->idle = false;
	link->next = link->acked;
	pthread_mutex_unlock(&link->lock);
}

static void disconnected(struct console_link *link, const char *why)
{
	bool established = link->established;

	close_connection(link);
	if (!link->reported)
		log_warning("console: %s at %s: %s, trying again",
			established ? "lost muxd" : "no muxd", link->path, why);
	link->reported = true;
	try_again(link);
}

/* With the lock held. */
static struct console_pending_change *change_due(struct console_link *link)
{
	uint64_t number = link->changes_sent + 1;
	struct console_pending_change *change;

	if (link->changes_sent == link->changes)
		return NULL;
	if (link->changes - link->changes_sent > CONSOLE_CHANGES_KEPT)
		number = link->changes - CONSOLE_CHANGES_KEPT + 1;
	change = &link->change[number % CONSOLE_CHANGES_KEPT];
	return change;
}

static int send_change(struct console_link *link, struct console_pending_change *change)
{
	struct console_change body = { .number = change->number, .state = (uint8_t)change->state };
	struct iovec parts[] = {
		{ &body, sizeof(body) },
		{ change->reason, strlen(change->reason) },
	};

	link->changes_sent = change->number;
	return message_send(link->to_muxd, CONSOLE_STATE, parts, ARRAY_SIZE(parts));
}

/* With the lock held: up to length bytes of output. */
static int send_output(struct console_link *link, size_t length)
{
	size_t start = link->next % link->ring_size;
	size_t first = link->ring_size - start;
	struct iovec parts[] = {
		{ &link->next, sizeof(link->next) },
		{ link->ring + start, length < first ? length : first },
		{ link->ring, length < first ? 0 : length - first },
	};
	int error = message_send(link->to_muxd, CONSOLE_OUTPUT, parts, ARRAY_SIZE(parts));

	link->next += length;
	return error;
}

static int send_credit(struct console_link *link)
{
	uint64_t total;
	struct iovec part = { &total, sizeof(total) };

	link->granted = link->read + CONSOLE_INPUT_SIZE;
	total = link->granted - link->input_base;
	return message_send(link->to_muxd, CONSOLE_CREDIT, &part, 1);
}

/* With the lock held: 1 when a message was queued, 0 when there is none, or -errno. */
static int queue_next(struct console_link *link)
{
	struct console_pending_change *change = change_due(link);
	uint64_t begin = console_ring_begin(link);
	uint64_t limit = link->end;
	int error;

	if (link->next < begin) {
		link->lost += begin - link->next;
		link->next = begin;
	}
	if (change && change->offset < limit)
		limit = change->offset;
	if (limit > link->next + OUTPUT_PIECE)
		limit = link->next + OUTPUT_PIECE;

	if (console_credit_due(link))
		error = send_credit(link);
	else if (change && change->offset <= link->next)
		error = send_change(link, change);
	else if (link->next < limit)
		error = send_output(link, (size_t)(limit - link->next));
	else
		return 0;
	return error ? error : 1;
}

static int queue_messages(struct console_link *link)
{
	int queued = 1;

	while (queued == 1 && evbuffer_get_length(link->to_muxd) < OUTPUT_QUEUED) {
		pthread_mutex_lock(&link->lock);
		queued = link->established ? queue_next(link) : 0;
		link->idle = link->established && !queued;
		pthread_mutex_unlock(&link->lock);
	}
	return queued < 0 ? queued : 0;
}

/* 0 or -errno. evbuffer_write() would raise SIGPIPE. */
static int send_queued(struct console_link *link)
{
	struct evbuffer_iovec pieces[8];
	struct iovec iov[ARRAY_SIZE(pieces)];
	struct msghdr message = { .msg_iov = iov };
	ssize_t sent;
	int count = evbuffer_peek(link->to_muxd, -1, NULL, pieces, ARRAY_SIZE(pieces));

	if (count > (int)ARRAY_SIZE(pieces))
		count = ARRAY_SIZE(pieces);
	for (int i = 0; i < count; i++)
		iov[i] = (struct iovec){ pieces[i].iov_base, pieces[i].iov_len };
	message.msg_iovlen = (size_t)count;
	sent = sendmsg(link->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return -errno;
	evbuffer_drain(link->to_muxd, (size_t)sent);
	return 0;
}

/* Sending failed: muxd is gone, but what it sent before may still be there. */
static void broken(struct console_link *link, int error)
{
	for (unsigned i = 0; i < ROUNDS && link->fd >= 0 && !link->receiving; i++)
		console_connection_receive(link);
	if (link->fd >= 0)
		disconnected(link, strerror(-error));
}

void console_connection_progress(struct console_link *link)
{
	int error = 0;

	if (link->fd < 0)
		return;
	for (unsigned i = 0; !error && i < ROUNDS; i++) {
		error = queue_messages(link);
		if (error || !evbuffer_get_length(link->to_muxd))
			break;
		error = send_queued(link);
	}
	if (!error)
		error = queue_messages(link);
	if (error && error != -EAGAIN && error != -EINTR) {
		broken(link, error);
		return;
	}
	if (evbuffer_get_length(link->to_muxd))
		event_add(&link->writable, NULL);
	else
		event_del(&link->writable);
}

static int welcomed(struct console_link *link, const struct message *message)
{
	struct console_welcome welcome;
	bool sane;

	memcpy(&welcome, message->body, sizeof(welcome));
	pthread_mutex_lock(&link->lock);
	sane = !link->established && welcome.version == CONSOLE_PROTOCOL_VERSION &&
		welcome.offset <= link->end && welcome.lost <= welcome.offset &&
		welcome.changes <= link->changes;
	if (sane) {
		link->established = true;
		link->accepted = true;
		link->next = link->acked = welcome.offset;
		link->lost = welcome.lost;
		link->input_base = link->granted = link->received;
		link->changes_sent = link->changes_acked = welcome.changes;
	}
	pthread_mutex_unlock(&link->lock);
	if (!sane)
		return -EPROTO;
	if (link->reported)
		log_info("console: connected to muxd");
	link->reported = false;
	link->reason[0] = '\0';
	link->delay_ms = DELAY_FIRST_MS;
	return 0;
}

static int acknowledged(struct console_link *link, const struct message *message)
{
	struct console_ack ack;
	bool sane;

	memcpy(&ack, message->body, sizeof(ack));
	pthread_mutex_lock(&link->lock);
	sane = ack.offset >= link->acked && ack.offset <= link->next &&
		ack.changes >= link->changes_acked && ack.changes <= link->changes_sent;
	if (sane) {
		link->acked = ack.offset;
		link->changes_acked = ack.changes;
	}
	pthread_mutex_unlock(&link->lock);
	return sane ? 0 : -EPROTO;
}

static int input_came(struct console_link *link, const struct message *message)
{
	bool allowed;

	pthread_mutex_lock(&link->lock);
	allowed = message->length <= link->granted - link->received;
	for (uint32_t i = 0; allowed && i < message->length; i++)
		link->input[link->received++ % CONSOLE_INPUT_SIZE] = message->body[i];
	pthread_mutex_unlock(&link->lock);
	if (allowed && link->consumer)
		link->consumer->input_ready(link->consumer);
	return allowed ? 0 : -EPROTO;
}

/* Comes from outside and goes to a log line: nothing but printable characters. */
static int refused(struct console_link *link, const struct message *message)
{
	char reason[CONSOLE_REASON_MAX + 1] = "";

	for (uint32_t i = 0; i < message->length; i++)
		reason[i] = (char)(message->body[i] >= ' ' && message->body[i] < 0x7f
				? message->body[i]
				: '?');
	bool known = strcmp(reason, link->reason) == 0;

	memcpy(link->reason, reason, sizeof(reason));
	link->reported = true;
	if (!known && link->refused)
		link->refused(link->refused_owner, reason);
	else if (!known)
		log_error("console: muxd refuses this guest: %s", reason);
	return -ECONNREFUSED;
}

static int resized(struct console_link *link, const struct message *message)
{
	memcpy(&link->size, message->body, sizeof(link->size));
	link->size_known = true;
	if (link->consumer)
		link->consumer->resized(link->consumer, link->size);
	return 0;
}

static int handle(struct console_link *link, const struct message *message)
{
	if (message->rule->type != CONSOLE_WELCOME && message->rule->type != CONSOLE_REFUSED &&
		!link->established)
		return -EPROTO;
	switch (message->rule->type) {
	case CONSOLE_WELCOME:
		return welcomed(link, message);
	case CONSOLE_REFUSED:
		return refused(link, message);
	case CONSOLE_ACK:
		return acknowledged(link, message);
	case CONSOLE_INPUT:
		return input_came(link, message);
	case CONSOLE_SIZE:
		return resized(link, message);
	case CONSOLE_BREAK:
		if (link->consumer)
			link->consumer->break_received(link->consumer);
		return 0;
	case CONSOLE_KICK:
		if (link->consumer)
			link->consumer->kicked(link->consumer);
		return 0;
	default:
		return -EPROTO;
	}
}

void console_connection_receive(struct console_link *link)
{
	struct message message;
	int result;
	int length = evbuffer_read(link->from_muxd, link->fd, CONSOLE_INPUT_SIZE);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0) {
		disconnected(link, length ? strerror(errno) : "it closed the connection");
		return;
	}
	link->receiving = true;
	while ((result = message_next(link->from_muxd, rules, ARRAY_SIZE(rules), &message)) == 1) {
		result = handle(link, &message);
		if (result)
			break;
		message_done(link->from_muxd, &message);
	}
	link->receiving = false;
	if (result < 0)
		disconnected(link, strerror(-result));
}

static int say_hello(struct console_link *link)
{
	struct console_hello hello = {
		.version = link->history_size ? CONSOLE_PROTOCOL_WISHES : CONSOLE_PROTOCOL_VERSION,
		.state = (uint8_t)link->state,
		.flags = link->flags | CONSOLE_KICKS,
		.key = link->key,
		.color = link->color,
		.pid = (uint64_t)getpid(),
	};
	struct console_wishes wishes = { .history_size = link->history_size };
	struct iovec parts[] = {
		{ &hello, sizeof(hello) },
		{ &wishes, link->history_size ? sizeof(wishes) : 0 },
		{ link->name, strlen(link->name) },
	};

	memcpy(hello.boot_id, link->boot_id, sizeof(hello.boot_id));
	pthread_mutex_lock(&link->lock);
	hello.begin = console_ring_begin(link);
	hello.end = link->end;
	pthread_mutex_unlock(&link->lock);
	return message_send(link->to_muxd, CONSOLE_HELLO, parts, ARRAY_SIZE(parts));
}

static void connection_readable(evutil_socket_t fd, short what, void *owner)
{
	struct console_link *link = owner;

	(void)fd;
	(void)what;
	console_connection_receive(link);
	console_connection_progress(link);
}

static void connection_writable(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	console_connection_progress(owner);
}

void console_connection_connect(struct console_link *link)
{
	int fd = unix_connect(link->path);
	int error;

	event_del(&link->retry);
	if (fd < 0) {
		disconnected(link, strerror(-fd));
		return;
	}
	link->fd = fd;
	event_assign(&link->readable, link->base, fd, EV_READ | EV_PERSIST, connection_readable,
		link);
	event_assign(&link->writable, link->base, fd, EV_WRITE | EV_PERSIST, connection_writable,
		link);
	event_add(&link->readable, NULL);
	error = say_hello(link);
	if (error)
		disconnected(link, strerror(-error));
	else
		console_connection_progress(link);
}

static void time_to_connect(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	console_connection_connect(owner);
}

int console_connection_init(struct console_link *link)
{
	const struct timeval now = { 0 };

	link->delay_ms = DELAY_FIRST_MS;
	event_assign(&link->retry, link->base, -1, 0, time_to_connect, link);
	return event_add(&link->retry, &now) ? -ENOMEM : 0;
}

void console_connection_destroy(struct console_link *link)
{
	close_connection(link);
	if (event_initialized(&link->retry))
		event_del(&link->retry);
}
