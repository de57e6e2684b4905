/* The process of a follower: its settings, then the attach stream, until that ends. */

#include "follower.h"

#include "compiler.h"
#include "log.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SETTINGS_MAX ((size_t)16 << 20) /* more than muxd.toml can say */

struct process {
	struct follower follower;
	struct bufferevent *stream; /* owned until the client has it */
	struct event *signals[2]; /* owned */
	json_t *settings; /* owned; NULL before they came */
	int status;
};

static const struct follower_kind *const kinds[] = {
	&follower_logs,
	&follower_ptys,
	&follower_triggers,
};

static void fail(struct process *process, const char *why)
{
	log_error("%s: %s", program_invocation_name, why);
	process->status = 1;
	event_base_loopbreak(process->follower.base);
}

static void stream_ended(struct bufferevent *stream, short what, void *owner)
{
	struct process *process = owner;

	(void)stream;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		event_base_loopbreak(process->follower.base);
}

static const struct follower_kind *find_kind(const json_t *settings)
{
	const char *name = json_string_value(json_object_get(settings, "kind"));

	for (size_t i = 0; name && i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	}
	return NULL;
}

static void settings_came(struct bufferevent *stream, void *owner)
{
	struct process *process = owner;
	struct follower *follower = &process->follower;
	struct evbuffer *input = bufferevent_get_input(stream);
	struct evbuffer_ptr end = evbuffer_search(input, "", 1, NULL);

	if (end.pos < 0) {
		if (evbuffer_get_length(input) > SETTINGS_MAX)
			fail(process, "there is no end to its settings");
		return;
	}
	process->settings =
		json_loadb((const char *)evbuffer_pullup(input, end.pos), (size_t)end.pos, 0, NULL);
	evbuffer_drain(input, (size_t)end.pos + 1);
	follower->kind = find_kind(process->settings);
	if (!follower->kind) {
		fail(process, "its settings make no sense");
		return;
	}
	follower->client.events = &follower->kind->events;
	follower->client.owner = follower;
	if (follower->kind->begin(follower, process->settings)) {
		process->status = 1;
		event_base_loopbreak(follower->base);
		return;
	}
	process->stream = NULL;
	attach_client_begin(&follower->client, stream);
}

void follower_stream_ended(void *owner)
{
	struct follower *follower = owner;

	event_base_loopbreak(follower->base);
}

static void reopen_asked(evutil_socket_t number, short what, void *owner)
{
	struct process *process = owner;

	(void)number;
	(void)what;
	if (process->follower.client.stream && process->follower.kind->reopen)
		process->follower.kind->reopen(&process->follower);
}

static void end_asked(evutil_socket_t number, short what, void *owner)
{
	struct process *process = owner;

	(void)number;
	(void)what;
	event_base_loopbreak(process->follower.base);
}

static int open_loop(struct process *process, int fd)
{
	struct event_base *base = event_base_new();

	process->follower.base = base;
	if (!base)
		return -ENOMEM;
	process->signals[0] = evsignal_new(base, SIGHUP, reopen_asked, process);
	process->signals[1] = evsignal_new(base, SIGTERM, end_asked, process);
	process->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!process->signals[0] || !process->signals[1] || !process->stream)
		return -ENOMEM;
	event_add(process->signals[0], NULL);
	event_add(process->signals[1], NULL);
	bufferevent_setcb(process->stream, settings_came, NULL, stream_ended, process);
	bufferevent_enable(process->stream, EV_READ | EV_WRITE);
	return 0;
}

static void close_loop(struct process *process)
{
	struct follower *follower = &process->follower;

	if (follower->kind)
		follower->kind->end(follower);
	attach_client_end(&follower->client);
	if (process->stream)
		bufferevent_free(process->stream);
	for (size_t i = 0; i < ARRAY_SIZE(process->signals); i++) {
		if (process->signals[i])
			event_free(process->signals[i]);
	}
	json_decref(process->settings);
	if (follower->base)
		event_base_free(follower->base);
}

int follower_main(int fd)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTOU, SIGXFSZ };
	struct process process = { .status = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	log_init(LOG_INFO);
	setlocale(LC_CTYPE, "C.UTF-8"); /* output is UTF-8, wherever we are */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		syscall(SYS_close_range, (unsigned)fd + 1, ~0U, 0) ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETFL, O_NONBLOCK)) {
		log_error("%s: %s", program_invocation_name, strerror(errno));
		return 1;
	}
	if (open_loop(&process, fd))
		process.status = 1;
	else
		event_base_dispatch(process.follower.base);
	close_loop(&process);
	return process.status;
}
