#ifndef WIRES_FIXTURE_H
#define WIRES_FIXTURE_H

#include "channel.h"
#include "fd.h"
#include "mux.h"
#include "mux_config.h"
#include "unix_socket.h"
#include "vhost_user.h"
#include "wires.h"
#include "wires_parts.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Wires as muxd's main process sees them: a real loop, real sockets, and a worker played by the
 * test. For tests only: it uses Check.
 */

#define PATIENCE 20000 /* turns of the loop, a millisecond each when nothing happens */

static char directory[] = "/tmp/test_wires.XXXXXX";
static char path[128];
static const struct mux_options mux_options = {
	.prompt = "cons",
	.history_size = HISTORY_SIZE_DEFAULT,
	.show_all = true,
};
static struct mux mux;
static struct wires_options options;
static struct mux_wire *wire;

/* The worker's end: of the control sockets, and of its life. */
static int worker, life;
static unsigned starts;
static bool fails_to_start;

union told {
	uint32_t type;
	struct wire_setup setup;
	struct wire_port port;
	struct wire_capture capture;
};

static inline int start_worker(const char *name, int *control, pid_t *process)
{
	int pair[2], lives[2];

	ck_assert_str_eq(name, "lan");
	starts++;
	if (fails_to_start)
		return -EAGAIN;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(pipe(lives), 0);
	worker = pair[1];
	life = lives[1];
	*control = pair[0];
	*process = 0;
	return lives[0];
}

static inline void turn(void)
{
	event_base_loop(mux.base, EVLOOP_NONBLOCK);
}

static inline void turns(void)
{
	for (int i = 0; i < 20; i++)
		turn();
}

#define UNTIL(condition) \
	do { \
		int left = PATIENCE; \
\
		while (!(condition) && left-- > 0) { \
			turn(); \
			poll(NULL, 0, 1); \
		} \
		ck_assert_msg(condition, "it never came: %s", #condition); \
	} while (0)

/* The next message to the worker, with its descriptor or -1: false when there is none. */
static inline bool hear(union told *told, int *fd)
{
	struct iovec iov = { told, sizeof(*told) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} ancillary;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof(ancillary.bytes),
	};
	const struct cmsghdr *header;

	*fd = -1;
	memset(told, 0, sizeof(*told));
	if (recvmsg(worker, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return true;
}

static inline union told expect(uint32_t type, int *fd)
{
	union told told;
	bool heard = false;

	UNTIL(heard || (heard = hear(&told, fd)));
	ck_assert_uint_eq(told.type, type);
	return told;
}

static inline union told expect_without(uint32_t type)
{
	int fd;
	union told told = expect(type, &fd);

	ck_assert_int_eq(fd, -1);
	return told;
}

static inline void hears_nothing(void)
{
	union told told;
	int fd;

	turns();
	ck_assert(!hear(&told, &fd));
}

static inline void say_all(struct wire_event event)
{
	ck_assert_int_eq(send(worker, &event, sizeof(event), MSG_NOSIGNAL), sizeof(event));
	turns();
}

static inline void say(uint32_t type)
{
	say_all((struct wire_event){ .type = type });
}

static inline void worker_dies(void)
{
	close(worker);
	close(life);
}

static inline void take_setup(void)
{
	int fd;

	expect(WIRE_SETUP, &fd);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static inline void worker_gets_ready(void)
{
	take_setup();
	say(WIRE_READY);
}

static inline void begin_wire(enum wire_kind kind, bool open)
{
	const struct mux_config_wire config = {
		.kind = kind,
		.name = "lan",
		.poll_ns = 50000,
		.ageing_s = 300,
		.open = open,
	};
	char message[WIRES_MESSAGE_MAX] = "";

	ck_assert_msg(!wires_add(mux.wires, &config, message), "%s", message);
	wire = wires_find(mux.wires, "lan");
	ck_assert_ptr_nonnull(wire);
}

static inline void begin(void)
{
	char channels[64];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(channels, sizeof(channels), "%s/channels", directory);
	snprintf(path, sizeof(path), "%s/lan.sock", directory);
	options = (struct wires_options){ .directory = directory, .start = start_worker };
	ck_assert_int_eq(mux_open(&mux, event_base_new(), &mux_options, channels), 0);
	mux.wires = wires_create(&mux, &options);
	ck_assert_ptr_nonnull(mux.wires);
}

static inline void begin_cable(void)
{
	begin();
	begin_wire(WIRE_CABLE, true);
	worker_gets_ready();
}

static inline void begin_switch(void)
{
	begin();
	begin_wire(WIRE_SWITCH, true);
	worker_gets_ready();
}

static inline void end(void)
{
	struct event_base *base = mux.base;
	char command[64];

	mux_close(&mux);
	event_base_free(base);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

/* A front-end's connection; name NULL: it says none. */
static inline int plug(const char *name)
{
	static unsigned unique;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (name) {
		int length = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
			VHOST_USER_NAME_PREFIX "%s/%d-%u", name, getpid(), unique++);

		ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
					 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
						 (size_t)length)),
			0);
		memset(&address, 0, sizeof(address));
		address.sun_family = AF_UNIX;
	}
	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	turns();
	return fd;
}

static inline bool is_closed(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	turns();
	return poll(&readable, 1, 0) == 1 && readable.revents & POLLHUP;
}

/* What the worker is told when somebody is plugged in; it keeps nothing. */
static inline struct wire_port take_plug(void)
{
	int fd;
	union told told = expect(WIRE_PLUG, &fd);

	ck_assert_int_ge(fd, 0);
	close(fd);
	return told.port;
}

/* How often it is in the log. */
static inline unsigned log_count(const char *text)
{
	struct iovec pieces[2];
	static char all[HISTORY_PIECE + 1];
	unsigned count = 0;
	size_t length;

	if (!wire->channel)
		return 0;
	length = history_look(&wire->channel->history, 0, HISTORY_PIECE, pieces);
	memcpy(all, pieces[0].iov_base, pieces[0].iov_len);
	memcpy(all + pieces[0].iov_len, pieces[1].iov_base, pieces[1].iov_len);
	all[length] = '\0';
	for (const char *next = all; (next = strstr(next, text)); next++)
		count++;
	return count;
}

static inline bool log_has(const char *text)
{
	return log_count(text);
}

static inline unsigned open_descriptors(void)
{
	DIR *all = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(all))
		count++;
	closedir(all);
	return count;
}

#endif
