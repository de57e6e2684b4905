/*
 * Ptys: a pseudo-terminal for each channel that is to have one.
 *
 * How it works. A channel is followed all the time, for its last lines; while somebody has the pty
 * open, they and then all output go there. What is typed stays in the terminal until muxd takes it:
 * somebody has to be the one who types, and muxd gives credit. Whether the pty is open is looked at
 * when inotify says that somebody opened or closed it. A terminal that is not read stops being
 * written to, and goes on where it was.
 */

#include "compiler.h"
#include "follower.h"
#include "last_lines.h"
#include "log.h"
#include "pseudo_terminal.h"
#include "runtime_dir.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINES_SHOWN 10
#define UNWRITTEN_MOST 65536
#define READ_PIECE 4096

struct ptys {
	struct follower *follower;
	int inotify; /* owned */
	struct event noticed;
	LIST_HEAD(, line) lines; /* owned */
};

/* One pty, and the channel at its other end. */
struct line {
	struct ptys *ptys;
	char name[CONSOLE_NAME_MAX + 1];
	bool configured; /* there also before its channel is */
	struct attach_client_channel *channel; /* NULL: not there */
	struct pty pty;
	int watch; /* of inotify */
	bool open; /* somebody has it open, or left something typed */
	unsigned users; /* that have it open, by what inotify said */
	bool vacant; /* nobody had, since */
	bool settled; /* whoever opened it has flushed it once, or typed */
	bool asked; /* to be the one who types */
	bool behind; /* output was left out from goes_on on, because nobody reads */
	uint64_t goes_on;
	struct winsize size; /* as muxd knows it */
	struct last_lines last;
	struct evbuffer *unwritten; /* owned */
	struct event readable, writable;
	LIST_ENTRY(line) link;
};

static void look(struct line *line);

/* Whether to wait for something typed, and for room. */
static void update(struct line *line)
{
	const struct attach_client_channel *channel = line->channel;
	bool types = channel && attach_client_types(channel);

	if (line->open && channel && (types ? attach_client_room(channel) > 0 : !line->asked))
		event_add(&line->readable, NULL);
	else
		event_del(&line->readable);
	if (line->open && evbuffer_get_length(line->unwritten))
		event_add(&line->writable, NULL);
	else
		event_del(&line->writable);
}

static void follow(struct line *line, uint64_t position)
{
	line->behind = false;
	attach_client_follow(&line->ptys->follower->client, line->channel, position,
		line->open ? FOLLOW_INPUT | FOLLOW_WATCH : 0);
}

/* The last lines, then what comes. */
static void opened(struct line *line)
{
	line->open = true;
	line->vacant = false;
	line->asked = false;
	line->settled = false;
	line->size = (struct winsize){ 0 };
	evbuffer_drain(line->unwritten, evbuffer_get_length(line->unwritten));
	last_lines_copy(&line->last, LINES_SHOWN, line->unwritten);
	if (line->channel)
		follow(line, line->channel->position);
}

static void closed(struct line *line)
{
	line->open = false;
	evbuffer_drain(line->unwritten, evbuffer_get_length(line->unwritten));
	pty_clean(&line->pty);
	if (line->channel)
		follow(line, line->channel->position);
}

/* Closed and opened before we came to look: it is somebody else. */
static void user_came_or_went(struct line *line, bool came)
{
	if (came) {
		line->users++;
		if (line->vacant && line->open)
			opened(line);
		line->vacant = false;
	} else if (!line->users || !--line->users) {
		line->vacant = true;
	}
}

static void read_inotify(struct ptys *ptys)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} events;
	ssize_t length;

	while ((length = read(ptys->inotify, &events, sizeof(events))) > 0) {
		ssize_t next = 0;

		while (next < length) {
			const struct inotify_event *event = (const void *)(events.bytes + next);
			struct line *line;

			LIST_FOREACH(line, &ptys->lines, link)
			{
				if (line->watch == event->wd)
					user_came_or_went(line, event->mask & IN_OPEN);
			}
			next += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}

/* Terminal programs flush what they open: then our first lines are to be said once more. */
static struct pty_look look_once(struct line *line)
{
	struct pty_look seen = pty_look(&line->pty);

	if (seen.flushed && line->open && !line->settled) {
		line->settled = true;
		evbuffer_drain(line->unwritten, evbuffer_get_length(line->unwritten));
		last_lines_copy(&line->last, LINES_SHOWN, line->unwritten);
		if (line->behind && line->channel)
			follow(line, line->channel->position);
	}
	return seen;
}

static void look(struct line *line)
{
	struct pty_look seen;

	read_inotify(line->ptys);
	seen = look_once(line);
	if (line->open && !seen.open && !seen.readable) {
		closed(line);
		seen = pty_look(&line->pty); /* by the next one, at once */
	}
	if (!line->open && (seen.open || seen.readable))
		opened(line);
	update(line);
}

static void tell_size(struct line *line)
{
	struct winsize size;

	if (ioctl(line->pty.master, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row ||
		(size.ws_col == line->size.ws_col && size.ws_row == line->size.ws_row))
		return;
	line->size = size;
	attach_client_resize(&line->ptys->follower->client, line->channel, size.ws_col,
		size.ws_row);
}

static void master_readable(evutil_socket_t fd, short what, void *owner)
{
	struct line *line = owner;
	struct attach_client *client = &line->ptys->follower->client;
	size_t room = attach_client_room(line->channel);
	char bytes[READ_PIECE];
	ssize_t count;

	(void)fd;
	(void)what;
	if (!look_once(line).readable) {
		look(line);
		return;
	}
	if (!room) {
		if (!attach_client_types(line->channel) && !line->asked)
			attach_client_ask(client, line->channel);
		line->asked = true;
		update(line);
		return;
	}
	tell_size(line);
	count = pty_read(&line->pty, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	line->settled = true;
	if (count > 0)
		attach_client_type(client, line->channel, bytes, (size_t)count);
	update(line);
}

/* Nobody is there: what is written now would be read by whoever comes next. */
static void master_writable(evutil_socket_t fd, short what, void *owner)
{
	struct line *line = owner;

	(void)what;
	if (!look_once(line).open)
		evbuffer_drain(line->unwritten, evbuffer_get_length(line->unwritten));
	else
		evbuffer_write(line->unwritten, fd);
	if (line->behind && line->channel && !evbuffer_get_length(line->unwritten))
		follow(line, line->goes_on);
	look(line);
}

/* Bytes that end at this position of the channel. */
static void show(struct line *line, const void *bytes, size_t length, uint64_t end)
{
	if (!line->open || line->behind)
		return;
	evbuffer_add(line->unwritten, bytes, length);
	if (evbuffer_get_length(line->unwritten) > UNWRITTEN_MOST) {
		line->behind = true;
		line->goes_on = end;
	}
	update(line);
}

static void output_came(void *owner, struct attach_client_channel *channel,
	const struct attach_client_piece *piece)
{
	struct line *line = channel->own;

	(void)owner;
	if (!line)
		return;
	last_lines_add(&line->last, channel->position, piece->bytes, piece->length);
	show(line, piece->bytes, piece->length, channel->position + piece->length);
}

static void bytes_lost(void *owner, struct attach_client_channel *channel, uint64_t count)
{
	struct line *line = channel->own;
	char mark[CONSOLE_NAME_MAX + 64];
	int length;

	(void)owner;
	if (!line)
		return;
	length = snprintf(mark, sizeof(mark), "\r\n--- %s: %llu bytes lost ---\r\n", channel->name,
		(unsigned long long)count);
	show(line, mark, (size_t)length, channel->position + count);
}

static void input_changed(void *owner, struct attach_client_channel *channel)
{
	struct line *line = channel->own;

	(void)owner;
	if (!line)
		return;
	line->asked = false;
	update(line);
}

static struct line *find(const struct ptys *ptys, const char *name)
{
	struct line *line;

	LIST_FOREACH(line, &ptys->lines, link)
	{
		if (!strcmp(line->name, name))
			return line;
	}
	return NULL;
}

static void line_destroy(struct line *line)
{
	if (line->pty.master >= 0) {
		inotify_rm_watch(line->ptys->inotify, line->watch);
		event_del(&line->readable);
		event_del(&line->writable);
	}
	pty_close(&line->pty);
	if (line->channel) {
		attach_client_unfollow(&line->ptys->follower->client, line->channel);
		line->channel->own = NULL;
	}
	last_lines_release(&line->last);
	if (line->unwritten)
		evbuffer_free(line->unwritten);
	LIST_REMOVE(line, link);
	free(line);
}

static int line_open(struct line *line, const char *path)
{
	struct ptys *ptys = line->ptys;
	int error = last_lines_init(&line->last);

	line->unwritten = evbuffer_new();
	if (!line->unwritten)
		error = -ENOMEM;
	if (!error)
		error = pty_open(&line->pty, path);
	if (error)
		return error;
	line->watch = inotify_add_watch(ptys->inotify, line->pty.slave, IN_OPEN | IN_CLOSE);
	event_assign(&line->readable, ptys->follower->base, line->pty.master, EV_READ,
		master_readable, line);
	event_assign(&line->writable, ptys->follower->base, line->pty.master, EV_WRITE,
		master_writable, line);
	return line->watch < 0 ? -errno : 0;
}

/* NULL after a log line. */
static struct line *line_create(struct ptys *ptys, const char *name, const char *path)
{
	struct line *line = calloc(1, sizeof(*line));
	int error;

	if (!line || strlen(name) > CONSOLE_NAME_MAX) {
		free(line);
		return NULL;
	}
	line->ptys = ptys;
	line->pty.master = -1;
	strcpy(line->name, name);
	LIST_INSERT_HEAD(&ptys->lines, line, link);
	error = line_open(line, path);
	if (!error) {
		look(line); /* the link was there before anybody looked */
		return line;
	}
	log_error("%s: no pty: %s: %s", name, path, strerror(-error));
	line_destroy(line);
	return NULL;
}

static void attach(struct line *line, struct attach_client_channel *channel)
{
	uint64_t begin = channel->begin;

	if (channel->end > begin + LAST_LINES_BYTES)
		begin = channel->end - LAST_LINES_BYTES;
	line->channel = channel;
	channel->own = line;
	follow(line, begin);
	look(line);
}

static void announced(void *owner, struct attach_client_channel *channel, const json_t *about)
{
	struct ptys *ptys = ((struct follower *)owner)->state;
	const char *path = json_string_value(json_object_get(about, "pty"));
	struct line *line = find(ptys, channel->name);

	if (!path) {
		if (line)
			line_destroy(line);
		return;
	}
	if (!line)
		line = line_create(ptys, channel->name, path);
	if (line && line->channel != channel)
		attach(line, channel);
}

static void gone(void *owner, struct attach_client_channel *channel)
{
	struct line *line = channel->own;

	(void)owner;
	if (!line)
		return;
	if (!line->configured) {
		line_destroy(line);
		return;
	}
	line->channel = NULL;
	line->last.end = 0;
	evbuffer_drain(line->last.bytes, evbuffer_get_length(line->last.bytes));
	update(line);
}

static void turn_ended(void *owner)
{
	(void)owner;
}

static void noticed(evutil_socket_t fd, short what, void *owner)
{
	struct ptys *ptys = owner;
	struct line *line;

	(void)fd;
	(void)what;
	LIST_FOREACH(line, &ptys->lines, link)
	{
		look(line);
	}
}

/* Those there are to be before anybody comes. */
static void create_configured(struct ptys *ptys, const json_t *configured)
{
	size_t i;
	json_t *one;

	json_array_foreach(configured, i, one)
	{
		const char *name = json_string_value(json_object_get(one, "channel"));
		const char *path = json_string_value(json_object_get(one, "path"));
		struct line *line = name && path ? line_create(ptys, name, path) : NULL;

		if (line)
			line->configured = true;
	}
}

static int begin(struct follower *follower, const json_t *settings)
{
	struct ptys *ptys = calloc(1, sizeof(*ptys));
	const char *directory = json_string_value(json_object_get(settings, "directory"));
	int error;

	if (!ptys)
		return -ENOMEM;
	follower->state = ptys;
	ptys->follower = follower;
	LIST_INIT(&ptys->lines);
	ptys->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	error = ptys->inotify < 0 ? -errno : 0;
	if (!error)
		error = directory ? runtime_dir_create(directory, 0755) : -EINVAL;
	if (error) {
		log_error("%s: no ptys: %s", directory ? directory : "", strerror(-error));
		return error;
	}
	event_assign(&ptys->noticed, follower->base, ptys->inotify, EV_READ | EV_PERSIST, noticed,
		ptys);
	event_add(&ptys->noticed, NULL);
	create_configured(ptys, json_object_get(settings, "ptys"));
	return 0;
}

static void end(struct follower *follower)
{
	struct ptys *ptys = follower->state;

	if (!ptys)
		return;
	while (!LIST_EMPTY(&ptys->lines))
		line_destroy(LIST_FIRST(&ptys->lines));
	if (event_initialized(&ptys->noticed))
		event_del(&ptys->noticed);
	if (ptys->inotify >= 0)
		close(ptys->inotify);
	free(ptys);
}

const struct follower_kind follower_ptys = {
	.name = "ptys",
	.events = {
		.announced = announced,
		.gone = gone,
		.output = output_came,
		.lost = bytes_lost,
		.input_changed = input_changed,
		.turn_ended = turn_ended,
		.ended = follower_stream_ended,
	},
	.begin = begin,
	.end = end,
};
