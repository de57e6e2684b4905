/* The operator's terminal: raw mode, size, input, and output that never waits. */

#include "terminal.h"

#include "compiler.h"
#include "fd.h"
#include "terminal_guard.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAIN_MS 500

/*
 * Open files are shared with whoever started us: one of our own can be non-blocking without making
 * theirs so.
 */
static int open_again(int fd, int flags)
{
	char path[PATH_MAX] = "";
	int own = -1;

	if (tcgetsid(fd) == getsid(0))
		own = open("/dev/tty", flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (own < 0 && !ttyname_r(fd, path, sizeof(path)))
		own = open(path, flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return own < 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : own;
}

static void choose_abilities(struct terminal *terminal)
{
	const char *type = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");
	bool able = type && *type && strcmp(type, "dumb") != 0;

	terminal->moves = able && terminal->interactive;
	terminal->colors = able && isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

static void input_came(evutil_socket_t fd, short events, void *owner)
{
	struct terminal *terminal = owner;
	uint8_t bytes[TERMINAL_READ];
	ssize_t length = read((int)fd, bytes, sizeof(bytes));

	(void)events;
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0) {
		event_del(terminal->readable);
		length = 0;
	}
	terminal->typed(terminal->owner, bytes, (size_t)length);
}

static void output_possible(evutil_socket_t fd, short events, void *owner)
{
	struct terminal *terminal = owner;

	(void)fd;
	(void)events;
	terminal_flush(terminal);
	if (!terminal_full(terminal))
		terminal->drained(terminal->owner);
}

int terminal_open(struct terminal *terminal, struct event_base *base,
	const struct terminal_guard *guard)
{
	struct stat status;

	terminal->guard = guard;
	terminal->interactive = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	terminal->input_fd = -1;
	terminal->output_fd = -1;
	choose_abilities(terminal);
	if (isatty(STDOUT_FILENO))
		terminal->output_fd = open_again(STDOUT_FILENO, O_WRONLY);
	else
		terminal->output_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (terminal->output_fd < 0 || fstat(terminal->output_fd, &status))
		return -errno;
	terminal->synchronous = S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
	terminal->out = evbuffer_new();
	if (!terminal->out)
		return -ENOMEM;
	if (!terminal->synchronous) {
		terminal->writable =
			event_new(base, terminal->output_fd, EV_WRITE, output_possible, terminal);
		if (!terminal->writable)
			return -ENOMEM;
	}
	if (!terminal->interactive)
		return 0;
	terminal->input_fd = open_again(STDIN_FILENO, O_RDONLY);
	if (terminal->input_fd < 0)
		return -errno;
	terminal->readable =
		event_new(base, terminal->input_fd, EV_READ | EV_PERSIST, input_came, terminal);
	return terminal->readable ? 0 : -ENOMEM;
}

void terminal_close(struct terminal *terminal)
{
	if (terminal->readable)
		event_free(terminal->readable);
	if (terminal->writable)
		event_free(terminal->writable);
	if (terminal->out)
		evbuffer_free(terminal->out);
	close_fd(&terminal->input_fd);
	close_fd(&terminal->output_fd);
}

void terminal_take(struct terminal *terminal)
{
	if (terminal->interactive)
		terminal_guard_take(terminal->guard);
}

void terminal_give_back(struct terminal *terminal)
{
	terminal_drain(terminal);
	terminal_guard_restore(terminal->guard);
}

void terminal_listen(struct terminal *terminal, bool on)
{
	if (!terminal->readable)
		return;
	if (on)
		event_add(terminal->readable, NULL);
	else
		event_del(terminal->readable);
}

void terminal_drop_typed(struct terminal *terminal)
{
	if (terminal->interactive)
		tcflush(terminal->input_fd, TCIFLUSH);
}

/* A pipe that is ready takes this much without blocking, whoever else holds it. */
static int write_some(struct terminal *terminal)
{
	struct pollfd poll_fd = { .fd = terminal->output_fd, .events = POLLOUT };

	if (!terminal->synchronous && poll(&poll_fd, 1, 0) < 1)
		return 0;
	return evbuffer_write_atmost(terminal->out, terminal->output_fd, PIPE_BUF);
}

void terminal_flush(struct terminal *terminal)
{
	while (evbuffer_get_length(terminal->out)) {
		int written = write_some(terminal);

		if (written > 0)
			continue;
		if (written < 0 && errno != EAGAIN && errno != EINTR) {
			evbuffer_drain(terminal->out, evbuffer_get_length(terminal->out));
			terminal->typed(terminal->owner, NULL, 0);
			return;
		}
		if (terminal->writable)
			event_add(terminal->writable, NULL);
		return;
	}
	terminal->soon = false;
}

bool terminal_full(const struct terminal *terminal)
{
	size_t full = terminal->soon ? TERMINAL_FULL_SOON : TERMINAL_FULL;

	return evbuffer_get_length(terminal->out) >= full;
}

void terminal_drain(struct terminal *terminal)
{
	struct pollfd poll_fd = { .fd = terminal->output_fd, .events = POLLOUT };

	while (evbuffer_get_length(terminal->out) && poll(&poll_fd, 1, DRAIN_MS) > 0)
		if (evbuffer_write_atmost(terminal->out, terminal->output_fd, PIPE_BUF) < 0 &&
			errno != EAGAIN)
			return;
}

void terminal_size(const struct terminal *terminal, uint16_t *columns, uint16_t *rows)
{
	struct winsize size = { 0 };

	ioctl(terminal->output_fd, TIOCGWINSZ, &size);
	*columns = size.ws_col;
	*rows = size.ws_row;
}
