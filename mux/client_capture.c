/* The command capture, from a shell: what the wire's worker writes goes to a file of our own. */

#include "client_capture.h"

#include "control.h"
#include "fd.h"
#include "log.h"
#include "unix_socket.h"
#include "varlink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define PIECE 65536

static bool write_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN) {
			struct pollfd writable = { .fd = fd, .events = POLLOUT };

			poll(&writable, 1, -1);
			continue;
		}
		if (written < 0)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

/* SIGINT and SIGTERM as something to read, for an end between two pieces; or -errno. */
static int catch_signals(void)
{
	sigset_t mask;
	int fd;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &mask, NULL))
		return -errno;
	fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* The exit status. */
static int copy(int stream, int file, const char *name)
{
	AUTO_CLOSE int signals = catch_signals();
	struct pollfd watched[2] = {
		{ .fd = stream, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	static uint8_t piece[PIECE]; /* mutable: too large for the stack */

	for (;;) {
		ssize_t length;

		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (watched[1].revents)
			return 0;
		length = read(stream, piece, sizeof(piece));
		if (length < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (length <= 0) {
			log_error("capture: muxd, the wire or its worker has ended");
			return 1;
		}
		if (!write_all(file, piece, (size_t)length)) {
			log_error("capture: %s: %s", name, strerror(errno));
			return 1;
		}
	}
}

/* 0, or the exit status after saying what is wrong. */
static int begin(int stream, const char *wire, const char *port)
{
	json_t *parameters = port ? json_pack("{s:s, s:s}", "wire", wire, "port", port)
				  : json_pack("{s:s}", "wire", wire);
	json_t *reply = NULL;
	bool continues;
	int result;

	if (!parameters) {
		log_error("capture: words must be UTF-8");
		return 2;
	}
	result = varlink_request(stream, CONTROL_INTERFACE ".Capture", parameters, VARLINK_UPGRADE);
	if (!result)
		result = varlink_response(stream, &reply, &continues);
	if (result == -EREMOTEIO) {
		const json_t *why = json_object_get(reply, "parameters");
		const char *message = json_string_value(json_object_get(why, "message"));
		const char *error = json_string_value(json_object_get(reply, "error"));

		log_error("muxd: %s", message ? message : error ? error : "it refuses");
	} else if (result) {
		log_error("muxd: it went away: %s", strerror(-result));
	}
	json_decref(reply);
	return result ? 1 : 0;
}

/* What is there is lost only once muxd has agreed. */
static int open_file(const char *name)
{
	return strcmp(name, "-") != 0 ? open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)
				      : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
}

int client_capture(const char *control_path, char *const *words)
{
	const char *port = words[3] ? words[2] : NULL;
	const char *name = words[3] ? words[3] : words[2];
	AUTO_CLOSE int stream = -1;
	AUTO_CLOSE int file = -1;
	int status;

	if (!strcmp(name, "-") && isatty(STDOUT_FILENO)) {
		log_error("capture: frames are nothing for a terminal: give a file, or a pipe");
		return 2;
	}
	stream = unix_connect(control_path);
	if (stream < 0) {
		log_error("muxd is not there");
		return 1;
	}
	status = begin(stream, words[1], port);
	if (status)
		return status;
	file = open_file(name);
	if (file < 0) {
		log_error("capture: %s: %s", name, strerror(errno));
		return 1;
	}
	return copy(stream, file, name);
}
