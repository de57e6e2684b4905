/*
 * Log files: what guests write, line by line with its time, in a file for each channel.
 *
 * How it works. Output is gathered until all that came was read, then written together with the
 * position it leads to (log_file.h). A log that cannot be written is left alone for a while: the
 * channel is not followed meanwhile, and then from the position that the log has. What the history
 * does not have any more by then is counted in the log.
 */

#include "follower.h"
#include "log.h"
#include "log_file.h"
#include "log_line.h"
#include "log_text.h"
#include "runtime_dir.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define GATHERED_MOST 65536
#define PAUSE_FIRST_MS 500
#define PAUSE_LONGEST_MS 30000

struct logs {
	struct follower *follower;
	const char *places; /* directory of what is known of each log */
	int lock; /* owned: who writes logs */
	uint64_t size_most;
	unsigned older;
	enum log_times times;
	bool text; /* without control sequences, whole lines */
};

/* One channel's log. */
struct channel_log {
	struct logs *logs;
	struct attach_client_channel *channel;
	struct log_file file;
	struct evbuffer *gathered; /* owned; not written yet */
	uint64_t position; /* behind what is gathered */
	bool line_open; /* behind what is gathered */
	bool waiting; /* for the next attempt */
	struct event retry;
	unsigned pause_ms;
	struct log_limit limit;
	struct log_text text;
	uint64_t line_time_ms; /* of text */
};

static void follow(struct channel_log *log)
{
	struct attach_client_channel *channel = log->channel;
	const struct log_record *record = &log->file.place.record;

	evbuffer_drain(log->gathered, evbuffer_get_length(log->gathered));
	log->text.length = 0;
	log->text.filter = (struct text_filter){ .have = 0 };
	log->line_time_ms = 0;
	log->position = record->position;
	log->line_open = record->line_open;
	attach_client_follow(&log->logs->follower->client, channel, record->position,
		log->logs->times == LOG_TIMES_OFF ? 0 : FOLLOW_TIMES);
}

static void try_later(struct channel_log *log, int error)
{
	const struct timeval pause = {
		.tv_sec = log->pause_ms / 1000,
		.tv_usec = log->pause_ms % 1000 * 1000L,
	};

	log_limited(&log->limit, "%s: %s; tried again in %u ms", log->file.path, strerror(-error),
		log->pause_ms);
	log->waiting = true;
	log->pause_ms = log->pause_ms * 2 < PAUSE_LONGEST_MS ? log->pause_ms * 2 : PAUSE_LONGEST_MS;
	attach_client_unfollow(&log->logs->follower->client, log->channel);
	evbuffer_drain(log->gathered, evbuffer_get_length(log->gathered));
	event_add(&log->retry, &pause);
}

static void retry(evutil_socket_t unused, short what, void *owner)
{
	struct channel_log *log = owner;
	int error = log_file_settle(&log->file);

	(void)unused;
	(void)what;
	if (error) {
		try_later(log, error);
		return;
	}
	log->waiting = false;
	follow(log);
}

static void write_gathered(struct channel_log *log)
{
	size_t length = evbuffer_get_length(log->gathered);
	struct log_piece piece = {
		.bytes = evbuffer_pullup(log->gathered, -1),
		.length = length,
		.position = log->position,
		.line_open = log->line_open,
	};
	int error;

	if (log->waiting || !length)
		return;
	error = piece.bytes ? log_file_write(&log->file, &piece) : -ENOMEM;
	if (error) {
		try_later(log, error);
		return;
	}
	log->pause_ms = PAUSE_FIRST_MS;
	evbuffer_drain(log->gathered, length);
}

/* Before a line begins: it may be the first of a new file. */
static void begin_line(struct channel_log *log, uint64_t time_ms)
{
	char time[LOG_LINE_TIME_MAX];
	size_t gathered = evbuffer_get_length(log->gathered);

	if (gathered >= GATHERED_MOST ||
		(log->file.rotate_at && log->file.size + gathered >= log->file.rotate_at))
		write_gathered(log);
	evbuffer_add(log->gathered, time, log_line_time(log->logs->times, time_ms, time));
}

/* Bytes as they are. */
static void gather(struct channel_log *log, const struct attach_client_piece *piece)
{
	const uint8_t *next = piece->bytes, *end = next + piece->length;

	while (next < end && !log->waiting) {
		const uint8_t *line_end = memchr(next, '\n', (size_t)(end - next));
		const uint8_t *stop = line_end ? line_end + 1 : end;

		if (!log->line_open)
			begin_line(log, piece->time_ms);
		if (log->waiting)
			return;
		evbuffer_add(log->gathered, next, (size_t)(stop - next));
		log->position += (uint64_t)(stop - next);
		log->line_open = !line_end;
		next = stop;
	}
}

/* A whole line of text, with all that led to it. */
static void end_text_line(struct channel_log *log, uint64_t position)
{
	begin_line(log, log->line_time_ms);
	evbuffer_add(log->gathered, log->text.bytes, log->text.length);
	evbuffer_add(log->gathered, "\n", 1);
	log->text.length = 0;
	log->position = position;
	log->line_open = false;
}

/* The position moves with whole lines: one that was begun is read again by whoever goes on. */
static void gather_text(struct channel_log *log, const struct attach_client_piece *piece)
{
	const uint8_t *next = piece->bytes, *end = next + piece->length;
	uint64_t position = log->channel->position;

	while (next < end && !log->waiting) {
		size_t most = (size_t)(end - next);
		size_t length = most < LOG_TEXT_FEED_MOST ? most : LOG_TEXT_FEED_MOST;
		const uint8_t *line_end = memchr(next, '\n', length);

		if (line_end)
			length = (size_t)(line_end - next) + 1;
		if (!log->line_time_ms)
			log->line_time_ms = piece->time_ms;
		log_text_feed(&log->text, next, length);
		next += length;
		position += length;
		if (line_end || log->text.length >= LOG_TEXT_LINE_MOST) {
			end_text_line(log, position);
			log->line_time_ms = 0;
		}
	}
}

static void output_came(void *owner, struct attach_client_channel *channel,
	const struct attach_client_piece *piece)
{
	struct channel_log *log = channel->own;

	(void)owner;
	if (!log || log->waiting)
		return;
	if (log->logs->text)
		gather_text(log, piece);
	else
		gather(log, piece);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void bytes_lost(void *owner, struct attach_client_channel *channel, uint64_t count)
{
	struct channel_log *log = channel->own;

	(void)owner;
	if (!log || log->waiting)
		return;
	if (log->text.length)
		end_text_line(log, channel->position);
	if (log->line_open)
		evbuffer_add(log->gathered, "\r\n", 2);
	log->line_open = false;
	begin_line(log, now_ms());
	evbuffer_add_printf(log->gathered,
		"--- %s: %llu bytes of output are not in this log ---\r\n", channel->name,
		(unsigned long long)count);
	log->position = channel->position + count;
}

static void close_log(struct channel_log *log)
{
	if (log->gathered)
		write_gathered(log);
	if (event_initialized(&log->retry))
		event_del(&log->retry);
	log_file_close(&log->file);
	if (log->gathered)
		evbuffer_free(log->gathered);
	log->channel->own = NULL;
	free(log);
}

static bool make_place(const struct logs *logs, const char *path, char place[PATH_MAX])
{
	const char *name = strrchr(path, '/');

	return snprintf(place, PATH_MAX, "%s%s", logs->places, name ? name : "") < PATH_MAX;
}

/* The first time: all that the history has. After it was turned off: from now on. */
static void choose_beginning(struct channel_log *log, bool fresh)
{
	const struct attach_client_channel *channel = log->channel;
	struct log_record record = log->file.place.record;

	if (fresh || record.position > channel->end)
		record.position = channel->begin;
	else if (record.off)
		record.position = channel->end;
	else
		return;
	record.off = false;
	record.next_position = record.position;
	log_position_store(&log->file.place, &record);
}

/* 0 or -errno. */
static int open_log(struct channel_log *log, const char *path)
{
	char place[PATH_MAX];
	bool fresh = false;
	int error = -ENOMEM;

	if (log->gathered)
		error = make_place(log->logs, path, place) ? 0 : -ENAMETOOLONG;
	if (!error)
		error = log_file_open(&log->file, path, place, &fresh);
	if (error)
		return error;
	error = log_file_settle(&log->file);
	choose_beginning(log, fresh);
	if (error)
		try_later(log, error);
	else
		follow(log);
	return 0;
}

static void begin_log(struct logs *logs, struct attach_client_channel *channel, const char *path)
{
	struct channel_log *log = calloc(1, sizeof(*log));
	int error;

	if (!log) {
		log_error("%s: not logged: %s", channel->name, strerror(ENOMEM));
		return;
	}
	log->logs = logs;
	log->channel = channel;
	log->pause_ms = PAUSE_FIRST_MS;
	log->gathered = evbuffer_new();
	log_file_init(&log->file, logs->size_most, logs->older);
	event_assign(&log->retry, logs->follower->base, -1, 0, retry, log);
	channel->own = log;
	error = open_log(log, path);
	if (error) {
		log_error("%s: not logged: %s: %s", channel->name, path, strerror(-error));
		close_log(log);
	}
}

static void turn_off(struct logs *logs, struct attach_client_channel *channel)
{
	struct channel_log *log = channel->own;
	struct log_record record;

	write_gathered(log);
	attach_client_unfollow(&logs->follower->client, channel);
	record = log->file.place.record;
	record.off = true;
	log_position_store(&log->file.place, &record);
	close_log(log);
}

static void announced(void *owner, struct attach_client_channel *channel, const json_t *about)
{
	struct follower *follower = owner;
	const char *path = json_string_value(json_object_get(about, "log"));

	if (path && !channel->own)
		begin_log(follower->state, channel, path);
	else if (!path && channel->own)
		turn_off(follower->state, channel);
}

static void gone(void *owner, struct attach_client_channel *channel)
{
	struct follower *follower = owner;
	struct channel_log *log = channel->own;
	char place[PATH_MAX];

	if (!log)
		return;
	if (make_place(follower->state, log->file.path, place))
		unlink(place);
	close_log(log);
}

static void turn_ended(void *owner)
{
	struct follower *follower = owner;
	struct attach_client_channel *channel;

	LIST_FOREACH(channel, &follower->client.channels, link)
	{
		if (channel->own)
			write_gathered(channel->own);
	}
}

static void reopen_log(struct channel_log *log)
{
	int error;

	write_gathered(log);
	if (log->waiting)
		return;
	error = log_file_settle(&log->file);
	if (error)
		try_later(log, error);
}

static void reopen(struct follower *follower)
{
	struct attach_client_channel *channel;

	LIST_FOREACH(channel, &follower->client.channels, link)
	{
		if (channel->own)
			reopen_log(channel->own);
	}
}

/* A former one may not have ended yet: it has the lock until then. */
static int take_lock(struct logs *logs)
{
	int error = runtime_dir_create(logs->places, 0700);

	if (error)
		return error;
	logs->lock = open(logs->places, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (logs->lock < 0)
		return -errno;
	while (flock(logs->lock, LOCK_EX)) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int begin(struct follower *follower, const json_t *settings)
{
	struct logs *logs = calloc(1, sizeof(*logs));
	json_int_t size;
	int older, times, text, error;

	if (!logs)
		return -ENOMEM;
	logs->follower = follower;
	logs->lock = -1;
	follower->state = logs;
	if (json_unpack((json_t *)(uintptr_t)settings, "{s:s, s:I, s:i, s:i, s:b}", "places",
		    &logs->places, "size", &size, "files", &older, "times", &times, "text", &text))
		return -EINVAL;
	logs->size_most = (uint64_t)size;
	logs->older = (unsigned)older;
	logs->times = (enum log_times)times;
	logs->text = text;
	error = take_lock(logs);
	if (error)
		log_error("%s: %s", logs->places, strerror(-error));
	return error;
}

static void end(struct follower *follower)
{
	struct logs *logs = follower->state;
	struct attach_client_channel *channel;

	if (!logs)
		return;
	LIST_FOREACH(channel, &follower->client.channels, link)
	{
		if (channel->own)
			close_log(channel->own);
	}
	if (logs->lock >= 0)
		close(logs->lock);
	free(logs);
}

const struct follower_kind follower_logs = {
	.name = "logs",
	.events = {
		.announced = announced,
		.gone = gone,
		.output = output_came,
		.lost = bytes_lost,
		.turn_ended = turn_ended,
		.ended = follower_stream_ended,
	},
	.begin = begin,
	.reopen = reopen,
	.end = end,
};
