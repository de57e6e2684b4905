/* The vmm's end of the console link: the rings of output and input (console_protocol.h). */

#include "console_link.h"

#include "console_link_internal.h"
#include "log.h"
#include "monotonic.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define DRAIN_TURN_MS 20

/* Copy into or out of a ring of size bytes at its byte number position. */
static void ring_put(uint8_t *ring, size_t size, uint64_t position, const void *bytes,
	size_t length)
{
	size_t start = position % size;
	size_t first = length < size - start ? length : size - start;

	memcpy(ring + start, bytes, first);
	memcpy(ring, (const uint8_t *)bytes + first, length - first);
}

static void ring_get(const uint8_t *ring, size_t size, uint64_t position, void *bytes,
	size_t length)
{
	size_t start = position % size;
	size_t first = length < size - start ? length : size - start;

	memcpy(bytes, ring + start, first);
	memcpy((uint8_t *)bytes + first, ring, length - first);
}

uint64_t console_ring_begin(const struct console_link *link)
{
	return link->end > link->ring_size ? link->end - link->ring_size : 0;
}

bool console_credit_due(const struct console_link *link)
{
	return link->established &&
		link->read + CONSOLE_INPUT_SIZE - link->granted >= CONSOLE_INPUT_SIZE / 2;
}

static void wake(struct console_link *link)
{
	uint64_t one = 1;

	if (pthread_equal(pthread_self(), link->loop_thread))
		event_active(&link->wake, EV_READ, 0);
	else if (write(link->wake_fd, &one, sizeof(one)) < 0)
		return; /* its counter is full: the loop is awake already */
}

static void woken(evutil_socket_t fd, short what, void *owner)
{
	struct console_link *link = owner;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("console: eventfd: %s", strerror(errno));
	console_connection_progress(link);
}

static int link_init(struct console_link *link, const struct console_link_options *options)
{
	link->name = strdup(options->name);
	link->path = strdup(options->path);
	link->from_muxd = evbuffer_new();
	link->to_muxd = evbuffer_new();
	link->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	link->ring = mmap(NULL, options->ring_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (link->ring == MAP_FAILED)
		link->ring = NULL;
	if (!link->name || !link->path || !link->from_muxd || !link->to_muxd || !link->ring ||
		link->wake_fd < 0)
		return -1;

	arc4random_buf(link->boot_id, sizeof(link->boot_id));
	link->ring_size = options->ring_size;
	link->history_size = options->history_size;
	link->key = options->key;
	link->color = options->color;
	link->flags = options->flags;
	event_assign(&link->wake, link->base, link->wake_fd, EV_READ | EV_PERSIST, woken, link);
	if (event_add(&link->wake, NULL))
		return -1;
	return console_connection_init(link);
}

struct console_link *console_link_create(struct event_base *base,
	const struct console_link_options *options)
{
	struct console_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	pthread_mutex_init(&link->lock, NULL);
	link->base = base;
	link->loop_thread = pthread_self();
	link->fd = -1;
	if (link_init(link, options)) {
		console_link_destroy(link);
		return NULL;
	}
	return link;
}

void console_link_destroy(struct console_link *link)
{
	if (!link)
		return;
	console_connection_destroy(link);
	if (event_initialized(&link->wake))
		event_del(&link->wake);
	if (link->wake_fd >= 0)
		close(link->wake_fd);
	if (link->from_muxd)
		evbuffer_free(link->from_muxd);
	if (link->to_muxd)
		evbuffer_free(link->to_muxd);
	if (link->ring)
		munmap(link->ring, link->ring_size);
	pthread_mutex_destroy(&link->lock);
	free(link->name);
	free(link->path);
	free(link);
}

void console_link_on_refused(struct console_link *link,
	void (*refused)(void *owner, const char *reason), void *owner)
{
	link->refused = refused;
	link->refused_owner = owner;
}

void console_link_write(struct console_link *link, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	bool must_wake;

	if (!length)
		return;
	pthread_mutex_lock(&link->lock);
	if (length > link->ring_size) {
		link->end += length - link->ring_size;
		from += length - link->ring_size;
		length = link->ring_size;
	}
	ring_put(link->ring, link->ring_size, link->end, from, length);
	link->end += length;
	must_wake = link->idle;
	link->idle = false;
	pthread_mutex_unlock(&link->lock);
	if (must_wake)
		wake(link);
}

size_t console_link_read(struct console_link *link, void *bytes, size_t length)
{
	uint64_t waiting;
	bool was_due, due;

	pthread_mutex_lock(&link->lock);
	was_due = console_credit_due(link);
	waiting = link->received - link->read;
	if (length > waiting)
		length = (size_t)waiting;
	ring_get(link->input, sizeof(link->input), link->read, bytes, length);
	link->read += length;
	due = console_credit_due(link);
	pthread_mutex_unlock(&link->lock);
	if (due && !was_due)
		wake(link);
	return length;
}

static bool input_waits(struct console_link *link)
{
	bool waits;

	pthread_mutex_lock(&link->lock);
	waits = link->received != link->read;
	pthread_mutex_unlock(&link->lock);
	return waits;
}

void console_link_set_consumer(struct console_link *link, struct console_consumer *consumer)
{
	link->consumer = consumer;
	if (consumer && link->size_known)
		consumer->resized(consumer, link->size);
	if (consumer && input_waits(link))
		consumer->input_ready(consumer);
}

void console_link_set_state(struct console_link *link, enum console_state state, const char *reason)
{
	struct console_pending_change *change;

	if (state == link->state && !reason)
		return;
	link->state = state;
	link->changes++;
	change = &link->change[link->changes % CONSOLE_CHANGES_KEPT];
	*change = (struct console_pending_change){ .number = link->changes, .state = state };
	if (reason)
		strncat(change->reason, reason, CONSOLE_REASON_MAX);
	pthread_mutex_lock(&link->lock);
	change->offset = link->end;
	pthread_mutex_unlock(&link->lock);
	console_connection_progress(link);
}

size_t console_link_tail(struct console_link *link, char *text, size_t length)
{
	uint64_t begin;

	pthread_mutex_lock(&link->lock);
	begin = console_ring_begin(link);
	if (length > link->end - begin)
		length = (size_t)(link->end - begin);
	ring_get(link->ring, link->ring_size, link->end - length, text, length);
	pthread_mutex_unlock(&link->lock);
	return length;
}

void console_link_status(struct console_link *link, struct console_link_status *status)
{
	uint64_t begin;

	pthread_mutex_lock(&link->lock);
	begin = console_ring_begin(link);
	*status = (struct console_link_status){
		.connected = link->established,
		.accepted = link->accepted,
		.output = link->end,
		.lost = link->lost + (begin > link->next ? begin - link->next : 0),
		.input = link->read,
	};
	pthread_mutex_unlock(&link->lock);
}

static bool all_delivered(struct console_link *link)
{
	bool delivered;

	pthread_mutex_lock(&link->lock);
	delivered = link->established && link->acked == link->end;
	pthread_mutex_unlock(&link->lock);
	return delivered && link->changes_acked == link->changes;
}

static void drain_some(struct console_link *link, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = link->fd, .events = POLLIN };

	if (evbuffer_get_length(link->to_muxd))
		poll_fd.events |= POLLOUT;
	if (poll(&poll_fd, 1, timeout_ms) <= 0)
		return;
	if (poll_fd.revents & ~POLLOUT)
		console_connection_receive(link);
	if (link->fd >= 0)
		console_connection_progress(link);
}

/* Without the loop, which may be the caller or may have ended. */
void console_link_drain(struct console_link *link, unsigned timeout_ms)
{
	uint64_t deadline = monotonic_ms() + timeout_ms;

	for (uint64_t now = monotonic_ms(); now < deadline && !all_delivered(link);
		now = monotonic_ms()) {
		int left = deadline - now < DRAIN_TURN_MS ? (int)(deadline - now) : DRAIN_TURN_MS;

		if (link->fd < 0 && link->reason[0]) /* muxd does not want it */
			return;
		if (link->fd < 0)
			console_connection_connect(link);
		if (link->fd >= 0)
			drain_some(link, left);
		else if (link->accepted)
			poll(NULL, 0, left);
		else
			return;
	}
}
