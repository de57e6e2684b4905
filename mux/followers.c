/* The processes that follow channels, seen from the main process. */

#include "followers.h"

#include "attach.h"
#include "channel.h"
#include "child_process.h"
#include "follower.h"
#include "log.h"
#include "monotonic.h"
#include "mux_config.h"
#include "person.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_FIRST_MS 100
#define PAUSE_LONGEST_MS 10000
#define PROVEN_MS 10000 /* whoever has lived so long is followed by the next at once */
#define PATIENCE_MS 2000 /* with one whose stream has ended */
#define KILLED_MS 200 /* with one that was killed: a disk that hangs does not let it go */

/* A kind of followers; at most one process is there of each. */
struct kind {
	const char *title;
	/* What it is told first; NULL: it is not needed. */
	json_t *(*settings)(const struct followers *followers);
};

static json_t *settings_of_logs(const struct followers *followers);
static json_t *settings_of_ptys(const struct followers *followers);
static json_t *settings_of_triggers(const struct followers *followers);

static const struct kind kinds[] = {
	{ "muxd: logs", settings_of_logs },
	{ "muxd: ptys", settings_of_ptys },
	{ "muxd: triggers", settings_of_triggers },
};

struct process {
	struct followers *followers;
	const struct kind *kind;
	pid_t id; /* 0: there is none */
	int life; /* owned: a pidfd */
	struct event ended;
	struct event pause; /* before the next start */
	unsigned pause_ms;
	uint64_t started_ms;
};

struct followers {
	struct mux *mux;
	const struct mux_config *config;
	const char *directory;
	char log_places[FOLLOWERS_PATH_MAX]; /* what is known of each log */
	bool triggered; /* somebody has looked for triggers */
	struct process process[ARRAY_SIZE(kinds)];
};

static json_t *settings_of_logs(const struct followers *followers)
{
	const struct mux_config_log *log = &followers->config->log;

	if (!log->directory)
		return NULL;
	return json_pack("{s:s, s:s, s:I, s:i, s:i, s:b}", "kind", "logs", "places",
		followers->log_places, "size", (json_int_t)log->size, "files", (int)log->files,
		"times", (int)log->times, "text", log->text);
}

static const char *pty_path(const struct followers *followers, const char *name,
	const char *configured, char path[static FOLLOWERS_PATH_MAX])
{
	char file[CHANNEL_FILE_MAX];
	int length;

	channel_file_name(name, file);
	if (configured)
		length = snprintf(path, FOLLOWERS_PATH_MAX, "%s", configured);
	else
		length =
			snprintf(path, FOLLOWERS_PATH_MAX, "%s/pty/%s", followers->directory, file);
	return length < FOLLOWERS_PATH_MAX ? path : NULL;
}

static json_t *settings_of_ptys(const struct followers *followers)
{
	const struct mux_config *config = followers->config;
	bool wanted = config->pty_count;
	const struct channel *channel;
	char path[FOLLOWERS_PATH_MAX];
	json_t *ptys;

	TAILQ_FOREACH(channel, &followers->mux->channels, link)
	{
		wanted = wanted || followers_pty_path(channel, path);
	}
	if (!wanted)
		return NULL;
	ptys = json_array();
	for (size_t i = 0; i < config->pty_count; i++) {
		const struct mux_config_pty *pty = &config->ptys[i];

		if (pty_path(followers, pty->channel, pty->path, path))
			json_array_append_new(ptys,
				json_pack("{s:s, s:s}", "channel", pty->channel, "path", path));
	}
	snprintf(path, sizeof(path), "%s/pty", followers->directory);
	return json_pack("{s:s, s:s, s:o}", "kind", "ptys", "directory", path, "ptys", ptys);
}

static json_t *array_of(const struct config_words *words)
{
	json_t *array = json_array();

	for (size_t i = 0; i < words->count; i++)
		json_array_append_new(array, json_string(words->items[i]));
	return array;
}

static json_t *settings_of_triggers(const struct followers *followers)
{
	const struct mux_config *config = followers->config;
	json_t *triggers;

	if (!config->trigger_count)
		return NULL;
	triggers = json_array();
	for (size_t i = 0; i < config->trigger_count; i++) {
		const struct mux_config_trigger *trigger = &config->triggers[i];

		json_array_append_new(triggers,
			json_pack("{s:o, s:s, s:s*, s:o, s:I}", "channels",
				array_of(&trigger->channels), "for", trigger->pattern, "message",
				trigger->message, "command", array_of(&trigger->command), "pause",
				(json_int_t)trigger->pause_ms));
	}
	return json_pack("{s:s, s:b, s:o}", "kind", "triggers", "first", !followers->triggered,
		"triggers", triggers);
}

static void later(struct process *process)
{
	const struct timeval pause = {
		.tv_sec = process->pause_ms / 1000,
		.tv_usec = process->pause_ms % 1000 * 1000L,
	};

	process->pause_ms *= 2;
	if (process->pause_ms > PAUSE_LONGEST_MS)
		process->pause_ms = PAUSE_LONGEST_MS;
	event_add(&process->pause, &pause);
}

static void forget(struct process *process)
{
	event_del(&process->ended);
	close(process->life);
	process->id = 0;
}

static void process_ended(evutil_socket_t fd, short what, void *owner)
{
	struct process *process = owner;
	char how[96];

	(void)fd;
	(void)what;
	log_warning("%s: ended: %s", process->kind->title,
		child_process_reap(process->id, how, sizeof(how)));
	forget(process);
	if (monotonic_ms() - process->started_ms >= PROVEN_MS)
		process->pause_ms = PAUSE_FIRST_MS;
	later(process);
}

/* Takes the settings; 0 or -errno. */
static int serve(struct process *process, int fd, json_t *settings)
{
	struct mux *mux = process->followers->mux;
	char *text = json_dumps(settings, JSON_COMPACT);
	struct bufferevent *stream = NULL;
	struct person person = { .pid = process->id, .uid = getuid() };
	bool begun;

	json_decref(settings);
	strncat(person.user, process->kind->title, sizeof(person.user) - 1);
	if (text && !evutil_make_socket_nonblocking(fd))
		stream = bufferevent_socket_new(mux->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!stream)
		close(fd);
	begun = stream && !bufferevent_write(stream, text, strlen(text) + 1) &&
		attach_begin(mux, stream, false, &person);
	free(text);
	return begun ? 0 : -ENOMEM;
}

/* Nothing if it is there, or not needed. */
static void start(struct process *process)
{
	json_t *settings = process->id ? NULL : process->kind->settings(process->followers);
	int ours, error;

	if (!settings)
		return;
	process->started_ms = monotonic_ms();
	process->life = child_process_start(process->kind->title, FOLLOWER_WORD, SOCK_STREAM, &ours,
		&process->id);
	if (process->life < 0) {
		log_error("%s: cannot be started: %s", process->kind->title,
			strerror(-process->life));
		process->id = 0;
		json_decref(settings);
		later(process);
		return;
	}
	event_assign(&process->ended, process->followers->mux->base, process->life, EV_READ,
		process_ended, process);
	process->followers->triggered |= process->kind->settings == settings_of_triggers;
	error = serve(process, ours, settings);
	if (error)
		log_error("%s: %s", process->kind->title, strerror(-error));
	event_add(&process->ended, NULL); /* without a stream it ends at once */
}

static void pause_ended(evutil_socket_t fd, short what, void *owner)
{
	(void)fd;
	(void)what;
	start(owner);
}

struct followers *followers_create(struct mux *mux, const struct mux_config *config,
	const char *directory)
{
	struct followers *followers = calloc(1, sizeof(*followers));

	if (!followers)
		return NULL;
	followers->mux = mux;
	followers->config = config;
	followers->directory = directory;
	if (snprintf(followers->log_places, FOLLOWERS_PATH_MAX, "%s/logs", directory) >=
		FOLLOWERS_PATH_MAX) {
		free(followers);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct process *process = &followers->process[i];

		process->followers = followers;
		process->kind = &kinds[i];
		process->pause_ms = PAUSE_FIRST_MS;
		event_assign(&process->pause, mux->base, -1, 0, pause_ended, process);
	}
	return followers;
}

void followers_start(struct followers *followers)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!event_pending(&followers->process[i].pause, EV_TIMEOUT, NULL))
			start(&followers->process[i]);
	}
}

void followers_destroy(struct followers *followers)
{
	uint64_t end = monotonic_ms() + PATIENCE_MS;

	for (size_t i = 0; followers && i < ARRAY_SIZE(kinds); i++) {
		if (followers->process[i].id)
			kill(followers->process[i].id, SIGTERM);
	}
	for (size_t i = 0; followers && i < ARRAY_SIZE(kinds); i++) {
		struct process *process = &followers->process[i];
		struct pollfd life = { .fd = process->life, .events = POLLIN };
		uint64_t now = monotonic_ms();
		char how[96];

		event_del(&process->pause);
		if (!process->id)
			continue;
		if (poll(&life, 1, now < end ? (int)(end - now) : 0) > 0 ||
			(!kill(process->id, SIGKILL) && poll(&life, 1, KILLED_MS) > 0))
			child_process_reap(process->id, how, sizeof(how));
		forget(process);
	}
	free(followers);
}

const char *followers_title(const struct mux *mux, unsigned index, int *process)
{
	for (size_t i = 0; mux->followers && i < ARRAY_SIZE(kinds); i++) {
		*process = (int)mux->followers->process[i].id;
		if (*process && !index--)
			return kinds[i].title;
	}
	return NULL;
}

unsigned followers_count(const struct mux *mux)
{
	unsigned count = 0;
	int process;

	while (followers_title(mux, count, &process))
		count++;
	return count;
}

void followers_reopen(struct followers *followers)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (followers->process[i].id)
			kill(followers->process[i].id, SIGHUP);
	}
}

static bool is_meant(const struct config_words *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->count; i++) {
		if (!fnmatch(patterns->items[i], name, 0))
			return true;
	}
	return false;
}

bool followers_can_log(const struct mux *mux)
{
	return mux->followers && mux->followers->config->log.directory;
}

const char *followers_log_path(const struct channel *channel, char path[static FOLLOWERS_PATH_MAX])
{
	unsigned choice = channel->history.record.log;
	const struct mux_config_log *log;
	char file[CHANNEL_FILE_MAX];

	if (!followers_can_log(channel->mux))
		return NULL;
	log = &channel->mux->followers->config->log;
	if (choice == CHANNEL_OFF ||
		(choice == CHANNEL_AS_CONFIGURED && !is_meant(&log->channels, channel->name)))
		return NULL;
	channel_file_name(channel->name, file);
	if (snprintf(path, FOLLOWERS_PATH_MAX, "%s/%s.log", log->directory, file) >=
		FOLLOWERS_PATH_MAX)
		return NULL;
	return path;
}

const char *followers_pty_path(const struct channel *channel, char path[static FOLLOWERS_PATH_MAX])
{
	const struct followers *followers = channel->mux->followers;
	unsigned choice = channel->history.record.pty;
	const struct mux_config_pty *found = NULL;

	for (size_t i = 0; followers && i < followers->config->pty_count; i++) {
		if (!strcmp(followers->config->ptys[i].channel, channel->name))
			found = &followers->config->ptys[i];
	}
	if (!followers || choice == CHANNEL_OFF || (choice == CHANNEL_AS_CONFIGURED && !found))
		return NULL;
	return pty_path(followers, channel->name, found ? found->path : NULL, path);
}

void followers_channel_dropped(const struct channel *channel)
{
	const struct followers *followers = channel->mux->followers;
	char file[CHANNEL_FILE_MAX], path[FOLLOWERS_PATH_MAX];

	if (!followers)
		return;
	channel_file_name(channel->name, file);
	if (snprintf(path, FOLLOWERS_PATH_MAX, "%s/%s.log", followers->log_places, file) <
		FOLLOWERS_PATH_MAX)
		unlink(path);
}
