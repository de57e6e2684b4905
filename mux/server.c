/* The server: sockets, signals, the loop, and the viewer where muxd was started on a terminal. */

#include "server.h"

#include "fd.h"
#include "followers.h"
#include "log.h"
#include "mux_config.h"
#include "notify.h"
#include "server_sockets.h"
#include "turn.h"
#include "viewer.h"
#include "wires.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	struct event *signals[3];
	int tie; /* to the process that has the terminal; -1: none */
	struct event *told; /* owned */
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

/* Log files are to be opened anew. */
static void hung_up(evutil_socket_t number, short what, void *owner)
{
	struct server *server = owner;

	(void)number;
	(void)what;
	if (server->mux.followers)
		followers_reopen(server->mux.followers);
}

/* From the process that has the terminal: it ended, or it detached. */
static void told(evutil_socket_t fd, short what, void *owner)
{
	struct server *server = owner;
	char byte;

	if (read(fd, &byte, sizeof(byte)) == sizeof(byte))
		event_del(server->told);
	else
		stop_asked(0, what, owner);
}

/* The terminal is another process's: what the server has to say goes to a file. */
static void leave_terminal(const struct server_options *options)
{
	char path[PATH_MAX + 16];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), log;

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close_fd(&null);
	snprintf(path, sizeof(path), "%s/muxd.log", options->directory.mux);
	log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (log < 0)
		log_warning("%s: %s", path, strerror(errno));
	else
		dup2(log, STDERR_FILENO);
	close_fd(&log);
}

/* What the server came to, which ends now unless it was told to stay. */
static int await_server(pid_t id)
{
	int status;

	while (waitpid(id, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int be_viewer(struct server *server, pid_t id, int tie)
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
	int status, of_server;

	sigprocmask(SIG_SETMASK, &server->mask, NULL);
	for (int i = 0; i < SERVER_SOCKETS; i++)
		server->sockets.socket[i].ours = false; /* but the server's */
	server_sockets_close(&server->sockets);
	status = viewer_main(&options);
	if (status == VIEWER_DETACHED && write(tie, "", 1) == 1) {
		printf("muxd goes on as process %d; muxd attach console comes back to it\n",
			(int)id);
		return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	close(tie);
	of_server = await_server(id);
	return status && status < 128 ? status : of_server; /* asked to end, it ended well */
}

/*
 * On a terminal the shell waits for the process that has it, the viewer's. The server is a child in
 * a session of its own. A pipe ties it to the viewer: when the viewer ends, however that happens,
 * the server ends too, unless it was sent a byte. 0 in the server, 1 in the other with the exit
 * status in *status.
 */
static int part(struct server *server, int *status)
{
	int tie[2];
	pid_t id;

	if (pipe2(tie, O_CLOEXEC)) {
		log_error("muxd: pipe: %s", strerror(errno));
		*status = EXIT_FAILURE;
		return 1;
	}
	fflush(NULL);
	id = fork();
	if (!id) {
		close(tie[1]);
		server->tie = tie[0];
		leave_terminal(server->options);
		return 0;
	}
	close(tie[0]);
	*status = EXIT_FAILURE;
	if (id < 0)
		log_error("muxd: fork: %s", strerror(errno));
	else
		*status = be_viewer(server, id, tie[1]);
	return 1;
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
	};

	server->base = turn_base_create();
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
	if (server->tie < 0)
		return 0;
	server->told = event_new(server->base, server->tie, EV_READ | EV_PERSIST, told, server);
	return server->told && !event_add(server->told, NULL) ? 0 : -ENOMEM;
}

static void close_loop(struct server *server)
{
	for (size_t i = 0; i < ARRAY_SIZE(server->signals); i++) {
		if (server->signals[i])
			event_free(server->signals[i]);
	}
	if (server->told)
		event_free(server->told);
	close_fd(&server->tie);
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

/* Whoever sees the sockets may send signals before the loop is ready for them: they wait so long.
 */
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
		(!server->options->viewer || !part(server, &status)))
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
	server->tie = -1;
	status = run(server);
	free(server);
	return status;
}
