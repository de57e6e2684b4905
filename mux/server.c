/* The server: sockets, signals, the loop, and the viewer where muxd was started on a terminal. */

#include "server.h"

#include "fd.h"
#include "followers.h"
#include "log.h"
#include "mux_config.h"
#include "notify.h"
#include "server_sockets.h"
#include "viewer.h"
#include "wires.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct server {
	const struct server_options *options;
	struct server_sockets sockets;
	struct mux mux;
	struct wires_options wires;
	char wires_directory[PATH_MAX + 16];
	struct event_base *base;
	struct event *signals[4];
	pid_t viewer; /* 0: none */
	int status;
	sigset_t mask; /* of signals, as we were started with */
};

/* Every guest and every viewer is one descriptor. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void stop_asked(evutil_socket_t number, short what, void *owner)
{
	struct server *server = owner;

	(void)number;
	(void)what;
	notify_send("STOPPING=1");
	event_base_loopbreak(server->base);
}

/* The terminal went away. Without one, log files are to be opened anew. */
static void hung_up(evutil_socket_t number, short what, void *owner)
{
	struct server *server = owner;

	if (server->options->viewer)
		stop_asked(number, what, owner);
	else if (server->mux.followers)
		followers_reopen(server->mux.followers);
}

static void viewer_ended(evutil_socket_t number, short what, void *owner)
{
	struct server *server = owner;
	int status;

	(void)number;
	(void)what;
	if (!server->viewer ||
		waitpid(server->viewer, &status, WNOHANG | WUNTRACED) != server->viewer)
		return;
	if (WIFSTOPPED(status)) {
		raise(SIGTSTP); /* the shell that waits for us gets its terminal */
		return;
	}
	server->viewer = 0;
	server->status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	event_base_loopbreak(server->base);
}

/* It may have ended before anybody listened. From the loop, which forgets what broke it before. */
static void look_for_viewer(struct server *server)
{
	event_base_once(server->base, -1, EV_TIMEOUT, viewer_ended, server, NULL);
}

/*
 * All of it: what a killed viewer leaves behind is our child too, and still has the terminal. One
 * that is stopped has to go on to hear of its end.
 */
static void end_viewer(struct server *server)
{
	if (server->viewer) {
		kill(server->viewer, SIGTERM);
		kill(server->viewer, SIGCONT);
	}
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/* The child: it ends when the server does, however that happens. */
static int be_viewer(struct server *server, pid_t parent)
{
	const struct viewer_options options = {
		.control_path = server->sockets.socket[SERVER_CONTROL].path,
		.what = "console",
		.prompt = server->options->mux.prompt,
		.escape = server->options->escape,
		.keys = server->options->keys,
		.autoconnect = server->options->autoconnect,
		.owns_mux = true,
	};

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return 1;
	for (int i = 0; i < SERVER_SOCKETS; i++)
		close(server->sockets.socket[i].fd);
	return viewer_main(&options);
}

/* The terminal belongs to the viewer: what the server has to say goes to a file. */
static void leave_terminal(const struct server_options *options)
{
	char path[PATH_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/muxd.log", options->directory.mux);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		log_warning("%s: %s", path, strerror(errno));
		return;
	}
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static int start_viewer(struct server *server)
{
	pid_t parent = getpid();

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	server->viewer = fork();
	if (server->viewer < 0) {
		server->viewer = 0;
		log_error("muxd: fork: %s", strerror(errno));
		return -EAGAIN;
	}
	if (!server->viewer) {
		sigprocmask(SIG_SETMASK, &server->mask, NULL);
		_exit(be_viewer(server, parent));
	}
	leave_terminal(server->options);
	return 0;
}

/* By whoever started us, such as nohup: it stays so. */
static bool is_ignored(int number)
{
	struct sigaction action;

	return !sigaction(number, NULL, &action) && action.sa_handler == SIG_IGN;
}

static int open_loop(struct server *server)
{
	static const struct {
		int number;
		event_callback_fn came;
	} signals[] = {
		{ SIGTERM, stop_asked },
		{ SIGINT, stop_asked },
		{ SIGHUP, hung_up },
		{ SIGCHLD, viewer_ended },
	};

	server->base = event_base_new();
	if (!server->base)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (is_ignored(signals[i].number))
			continue;
		server->signals[i] =
			evsignal_new(server->base, signals[i].number, signals[i].came, server);
		if (!server->signals[i] || event_add(server->signals[i], NULL))
			return -ENOMEM;
	}
	return 0;
}

static void close_loop(struct server *server)
{
	for (size_t i = 0; i < ARRAY_SIZE(server->signals); i++) {
		if (server->signals[i])
			event_free(server->signals[i]);
	}
	if (!server->base)
		return;
	event_base_loop(server->base, EVLOOP_NONBLOCK); /* deferred callbacks hold freed streams */
	event_base_free(server->base);
}

static int passed(void *owner, const char *name)
{
	return server_sockets_take(owner, name);
}

/* 0, or -errno after a log line. */
static int begin_wires(struct server *server)
{
	const struct mux_config *config = server->options->config;
	char message[WIRES_MESSAGE_MAX];
	int error = 0;

	snprintf(server->wires_directory, sizeof(server->wires_directory), "%s/net",
		server->options->directory.mux);
	server->wires = (struct wires_options){
		.directory = server->wires_directory,
		.passed = passed,
		.owner = &server->sockets,
	};
	server->mux.wires = wires_create(&server->mux, &server->wires);
	if (!server->mux.wires) {
		log_error("muxd: no memory");
		return -ENOMEM;
	}
	for (size_t i = 0; !error && i < config->wire_count; i++) {
		error = wires_add(server->mux.wires, &config->wires[i], message);
		if (error)
			log_error("%s", message);
	}
	return error;
}

/* 0, or -errno after a log line. */
static int begin_followers(struct server *server)
{
	struct mux *mux = &server->mux;

	mux->followers =
		followers_create(mux, server->options->config, server->options->directory.mux);
	if (!mux->followers) {
		log_error("muxd: no memory");
		return -ENOMEM;
	}
	followers_start(mux->followers);
	return 0;
}

/* 0, or -errno after a log line. */
static int begin(struct server *server)
{
	struct server_sockets *sockets = &server->sockets;
	char channels[PATH_MAX + 16];
	int error = open_loop(server);

	sigprocmask(SIG_SETMASK, &server->mask, NULL);
	snprintf(channels, sizeof(channels), "%s/channels", server->options->directory.mux);
	if (!error) {
		error = mux_open(&server->mux, server->base, &server->options->mux, channels);
		if (error)
			return error; /* it has said why */
		error = mux_listen(&server->mux, take_fd(&sockets->socket[SERVER_DEVICE].fd),
			take_fd(&sockets->socket[SERVER_CONTROL].fd));
	}
	if (error)
		log_error("muxd: cannot start: %s", strerror(-error));
	if (!error)
		error = begin_wires(server);
	return error ? error : begin_followers(server);
}

/* The sockets' files go while they still are our sockets: another muxd may come at once. */
static int serve(struct server *server)
{
	if (begin(server)) {
		server->status = 2;
	} else {
		notify_send("READY=1\nSTATUS=serving %s", server->options->directory.mux);
		look_for_viewer(server);
		event_base_dispatch(server->base);
	}
	server_sockets_close(&server->sockets);
	if (server->mux.wires)
		wires_unlink(server->mux.wires);
	if (server->mux.base)
		mux_close(&server->mux);
	close_loop(server);
	return server->status;
}

/* The viewer shows its prompt before the loop is ready for signals: they wait so long. */
static void hold_signals(struct server *server)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_BLOCK, &held, &server->mask);
}

static int run(struct server *server)
{
	int status = 2;

	hold_signals(server);
	if (!server_sockets_open(&server->sockets, &server->options->directory) &&
		(!server->options->viewer || !start_viewer(server)))
		status = serve(server);
	server_sockets_close(&server->sockets);
	return status;
}

int server_run(const struct server_options *options)
{
	int status = runtime_dir_create(options->directory.mux, 0755);
	struct server *server = calloc(1, sizeof(*server));

	if (status || !server) {
		log_error("%s: %s", options->directory.mux, strerror(server ? -status : ENOMEM));
		free(server);
		return 2;
	}
	server->options = options;
	allow_descriptors();
	signal(SIGPIPE, SIG_IGN);
	status = run(server);
	end_viewer(server);
	free(server);
	return status;
}
