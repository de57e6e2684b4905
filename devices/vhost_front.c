/* The front-end of vhost-user: its connection, made again for ever, and who moves it on. */

#include "vhost_front.h"

#include "compiler.h"
#include "fd.h"
#include "guest_memory.h"
#include "monotonic.h"
#include "unix_socket.h"
#include "vhost_front_internal.h"
#include "virtio_device.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>

#define DELAY_FIRST_MS 10
#define DELAY_MOST_MS 1000
#define PATIENCE_MS 5000
#define STOP_PATIENCE_MS 1000
#define QUESTIONS_A_VISIT 16

/* Another thread may be waiting for our lock in the event's callback, which looks again then. */
static void forget(struct event *event)
{
	if (event_initialized(event))
		event_del_noblock(event);
}

/* Whether the main loop hears what the back-end says. */
static void watch(struct vhost_front *front, bool watched)
{
	struct event *events[] = { &front->readable, &front->asked, &front->complained };

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (!watched)
			forget(events[i]);
		else if (event_initialized(events[i]))
			event_add(events[i], NULL);
}

static void set_timer(struct vhost_front *front, unsigned delay_ms)
{
	struct timeval delay = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000L };

	front->timer_ms = monotonic_ms() + delay_ms;
	event_add(&front->timer, &delay);
}

/* A connection that lasted for a while is no reason to wait for the next. */
static void try_again(struct vhost_front *front)
{
	if (front->connected_ms && monotonic_ms() - front->connected_ms > DELAY_MOST_MS)
		front->delay_ms = DELAY_FIRST_MS;
	front->connected_ms = 0;
	set_timer(front, front->delay_ms / 2 + arc4random_uniform(front->delay_ms / 2 + 1));
	front->delay_ms *= 2;
	if (front->delay_ms > DELAY_MOST_MS)
		front->delay_ms = DELAY_MOST_MS;
}

static void close_connection(struct vhost_front *front)
{
	watch(front, false);
	forget(&front->timer);
	close_fd(&front->fd);
	close_fd(&front->channel_fd);
	close_fd(&front->channel_far_fd);
	close_fd(&front->error_fd);
	front->fd = front->channel_fd = front->channel_far_fd = front->error_fd = -1;
	vhost_reader_next(&front->answer);
	vhost_reader_next(&front->question);
	front->script = NULL;
	front->waiting = false;
	front->abandoned = false;
	front->why[0] = '\0';
	front->protocol = 0;
	front->introduced = false;
	front->ready = false;
	front->unfit = false;
	front->handed = 0;
	front->config_known = false;
	front->config_stale = false;
}

static bool has_complained(const struct vhost_front *front)
{
	struct pollfd poll_fd = { .fd = front->error_fd, .events = POLLIN };

	return front->error_fd >= 0 && poll(&poll_fd, 1, 0) == 1;
}

/* A driver whose queues make no sense gets nobody to serve them before it resets the device. */
static void blame_driver(struct vhost_front *front)
{
	front->wanted = false;
	front->device->queue[0].broken = "the back-end found a queue that makes no sense";
}

static void disconnected(struct vhost_front *front, const char *why)
{
	bool was_ready = front->ready, was_there = front->introduced;

	if (front->wanted && has_complained(front))
		blame_driver(front);
	close_connection(front);
	if (!front->reported || was_there)
		log_limited(&front->complaints, "%s: %s back-end at %s: %s, trying again",
			front->subject, was_there ? "lost the" : "no", front->path, why);
	front->reported = true;
	try_again(front);
	if (was_ready)
		front->settings.changed(front->device);
}

static void failed(struct vhost_front *front, int error)
{
	char why[VHOST_WHY_MAX];

	if (error == -ECONNRESET)
		snprintf(why, sizeof(why), "it closed the connection");
	else if (error == -EPROTO)
		snprintf(why, sizeof(why), "%s",
			front->why[0] ? front->why : "it does not keep to the protocol");
	else
		snprintf(why, sizeof(why), "%s", strerror(-error));
	disconnected(front, why);
}

/* Nothing is expected now. */
static int expect_silence(struct vhost_front *front)
{
	int result = vhost_read(&front->answer, front->fd);

	if (result == 0 && front->answer.have == 0)
		return 0;
	if (result < 0)
		return result;
	snprintf(front->why, sizeof(front->why), "it talks without being asked");
	return -EPROTO;
}

/* 1 when the answer came, 0 when it has to be waited for, or -errno. */
static int take_answer(struct vhost_front *front)
{
	int result = vhost_read(&front->answer, front->fd);

	if (result <= 0)
		return result;
	result = vhost_script_answered(front);
	vhost_reader_next(&front->answer);
	front->waiting = false;
	return result < 0 ? result : 1;
}

/* As far as it goes without waiting; 0 or -errno. */
static int progress(struct vhost_front *front)
{
	for (;;) {
		int result;

		if (front->waiting) {
			result = take_answer(front);
			if (result <= 0)
				return result;
			vhost_script_advance(front);
			continue;
		}
		if (!front->script) {
			front->script = vhost_script_due(front);
			front->position = 0;
			front->queue = 0;
		}
		if (!front->script)
			return expect_silence(front);
		result = vhost_script_step_due(front) ? vhost_script_send(front) : 0;
		if (result < 0)
			return result;
		if (!front->waiting)
			vhost_script_advance(front);
	}
}

/* There is a deadline while an answer is due, and none while there is nothing to wait for. */
static void move_on(struct vhost_front *front)
{
	bool was_introduced = front->introduced;
	int error;

	if (front->fd < 0)
		return;
	error = progress(front);
	if (error) {
		failed(front, error);
		return;
	}
	if (front->introduced && !was_introduced) {
		if (front->reported)
			log_info("%s: connected to the back-end at %s", front->subject,
				front->path);
		front->reported = false;
	}
	if (front->waiting)
		set_timer(front, front->settings.patience_ms);
	else
		forget(&front->timer);
}

static void readable(evutil_socket_t fd, short events, void *owner)
{
	struct vhost_front *front = owner;

	(void)fd;
	(void)events;
	virtio_device_lock(front->device);
	move_on(front);
	virtio_device_unlock(front->device);
}

static void take_questions(struct vhost_front *front)
{
	int result = 1;

	for (unsigned i = 0; result > 0 && i < QUESTIONS_A_VISIT; i++) {
		result = vhost_read(&front->question, front->channel_fd);
		if (result > 0) {
			int error = vhost_script_asked(front);

			vhost_reader_next(&front->question);
			result = error ? error : 1;
		}
	}
	if (result < 0)
		failed(front, result);
	else
		move_on(front);
}

static void asked(evutil_socket_t fd, short events, void *owner)
{
	struct vhost_front *front = owner;

	(void)fd;
	(void)events;
	virtio_device_lock(front->device);
	if (front->channel_fd >= 0)
		take_questions(front);
	virtio_device_unlock(front->device);
}

static void complained(evutil_socket_t fd, short events, void *owner)
{
	struct vhost_front *front = owner;

	(void)fd;
	(void)events;
	virtio_device_lock(front->device);
	if (has_complained(front))
		disconnected(front, "a queue makes no sense to it");
	virtio_device_unlock(front->device);
}

static int open_error(struct vhost_front *front)
{
	front->error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (front->error_fd < 0)
		return -errno;
	event_assign(&front->complained, front->base, front->error_fd, EV_READ, complained, front);
	event_add(&front->complained, NULL);
	return 0;
}

/* The back-end may want to ask us things, on a channel of their own. */
static int open_channel(struct vhost_front *front)
{
	int pair[2];

	if (!front->settings.config_size)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	front->channel_fd = pair[0];
	front->channel_far_fd = pair[1];
	event_assign(&front->asked, front->base, pair[0], EV_READ | EV_PERSIST, asked, front);
	event_add(&front->asked, NULL);
	return 0;
}

/* Who we are, with something that no other connection has. */
static int connect_as_named(const struct vhost_front *front)
{
	char address[UNIX_NAME_MAX + 1];
	uint64_t unique = 0;

	if (!front->name || getrandom(&unique, sizeof(unique), GRND_NONBLOCK) < 0)
		return unix_connect(front->path);
	snprintf(address, sizeof(address), VHOST_USER_NAME_PREFIX "%s/%016llx", front->name,
		(unsigned long long)unique);
	return unix_connect_from(address, front->path);
}

static void connect_back_end(struct vhost_front *front)
{
	int fd = connect_as_named(front), result;

	if (fd < 0) {
		disconnected(front, strerror(-fd));
		return;
	}
	front->fd = fd;
	front->connected_ms = monotonic_ms();
	event_assign(&front->readable, front->base, fd, EV_READ | EV_PERSIST, readable, front);
	event_add(&front->readable, NULL);
	result = open_error(front);
	if (result == 0)
		result = open_channel(front);
	if (result < 0)
		disconnected(front, strerror(-result));
	else
		move_on(front);
}

/* It may have been set anew while this waited for the lock, and clocks differ a little. */
static void timer_due(evutil_socket_t fd, short events, void *owner)
{
	struct vhost_front *front = owner;
	uint64_t now = monotonic_ms();

	(void)fd;
	(void)events;
	virtio_device_lock(front->device);
	if (now < front->timer_ms)
		set_timer(front, (unsigned)(front->timer_ms - now));
	else if (front->fd < 0)
		connect_back_end(front);
	else if (front->waiting)
		disconnected(front, "it does not answer");
	virtio_device_unlock(front->device);
}

/* Wait for what done() tells, or for the end of the connection or of the time. */
static void wait_until(struct vhost_front *front, bool (*done)(const struct vhost_front *front),
	unsigned timeout_ms)
{
	uint64_t end = monotonic_ms() + timeout_ms;

	for (move_on(front); front->fd >= 0 && !done(front); move_on(front)) {
		struct pollfd poll_fd = { .fd = front->fd, .events = POLLIN };
		uint64_t now = monotonic_ms();

		if (now >= end)
			break;
		if (poll(&poll_fd, 1, (int)(end - now)) == 0)
			break;
	}
}

static bool is_introduced(const struct vhost_front *front)
{
	return front->introduced;
}

bool vhost_front_introduce(struct vhost_front *front, unsigned timeout_ms, uint64_t *features)
{
	if (front->fd < 0)
		connect_back_end(front);
	wait_until(front, is_introduced, timeout_ms);
	*features = front->features;
	return front->introduced;
}

/* A complaint that is there already is about the driver before, which has gone. */
void vhost_front_start(struct vhost_front *front)
{
	if (has_complained(front))
		disconnected(front, "a queue made no sense to it");
	front->wanted = true;
	move_on(front);
}

static bool is_stopped(const struct vhost_front *front)
{
	return front->handed == 0;
}

/* The main loop is not to wait for our lock because the back-end says something. */
void vhost_front_stop(struct vhost_front *front)
{
	bool had_to_wait = front->handed != 0;

	front->wanted = false;
	front->ready = false;
	front->unfit = false;
	vhost_script_abandon(front);
	if (front->fd < 0)
		return;
	if (had_to_wait) {
		watch(front, false);
		wait_until(front, is_stopped, STOP_PATIENCE_MS);
	}
	if (front->handed != 0)
		disconnected(front, "it does not stop");
	else if (had_to_wait && front->fd >= 0)
		watch(front, true);
}

bool vhost_front_connected(const struct vhost_front *front)
{
	return front->introduced;
}

bool vhost_front_ready(const struct vhost_front *front)
{
	return front->ready;
}

const uint8_t *vhost_front_config(const struct vhost_front *front)
{
	return front->config_known ? front->config : NULL;
}

struct vhost_front *vhost_front_create(struct virtio_device *device,
	const struct device_context *context, const struct vhost_front_settings *settings)
{
	struct vhost_front *front = calloc(1, sizeof(*front));

	if (!front)
		return NULL;
	*front = (struct vhost_front){
		.device = device,
		.base = context->base,
		.memory_fd = context->memory_fd,
		.new_kick = context->new_kick,
		.owner = context->owner,
		.call_fd = context->interrupt_fd,
		.path = strdup(settings->path),
		.name = settings->name ? strdup(settings->name) : NULL,
		.settings = *settings,
		.fd = -1,
		.channel_fd = -1,
		.channel_far_fd = -1,
		.error_fd = -1,
		.delay_ms = DELAY_FIRST_MS,
	};
	snprintf(front->subject, sizeof(front->subject), "%s", settings->subject);
	if (!front->settings.patience_ms)
		front->settings.patience_ms = PATIENCE_MS;
	event_assign(&front->timer, front->base, -1, 0, timer_due, front);
	set_timer(front, 0);
	if (!front->path || (settings->name && !front->name) ||
		context->memory->count > VHOST_USER_REGIONS_MAX ||
		settings->config_size > VHOST_USER_CONFIG_MAX) {
		vhost_front_destroy(front);
		return NULL;
	}
	return front;
}

void vhost_front_destroy(struct vhost_front *front)
{
	if (!front)
		return;
	close_connection(front);
	free(front->path);
	free(front->name);
	free(front);
}
