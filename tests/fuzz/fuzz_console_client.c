/* A hostile muxd against the vmm's end of the console link. */

#include "console_link.h"
#include "log.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TURNS 20
#define RING 4096

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static char directory[] = "/tmp/fuzz-link-XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static struct console_link *link_under_test;
static int listen_fd = -1;
static uint64_t taken;

static void input_ready(struct console_consumer *consumer)
{
	char bytes[100];

	(void)consumer;
	taken += console_link_read(link_under_test, bytes, sizeof(bytes));
}

static void resized(struct console_consumer *consumer, struct console_size size)
{
	(void)consumer;
	(void)size;
}

static void kicked(struct console_consumer *consumer)
{
	(void)consumer;
}

static void break_received(struct console_consumer *consumer)
{
	(void)consumer;
}

static void remove_directory(void)
{
	unlink(address.sun_path);
	rmdir(directory);
}

static void start(void)
{
	log_init(LOG_ERROR);
	if (!mkdtemp(directory))
		abort();
	atexit(remove_directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/device.sock", directory);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(listen_fd, (const struct sockaddr *)&address, sizeof(address)) ||
		listen(listen_fd, 8))
		abort();
}

static int accept_link(struct event_base *base)
{
	int fd = -1;

	while (fd < 0) {
		event_base_loop(base, EVLOOP_ONCE);
		fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
	}
	return fd;
}

static void turn(struct event_base *base, int fd)
{
	char back[4096];

	console_link_write(link_under_test, "output\r\n", 8);
	console_link_set_state(link_under_test, CONSOLE_CRASHED, "reason");
	event_base_loop(base, EVLOOP_NONBLOCK);
	while (recv(fd, back, sizeof(back), 0) > 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct console_consumer consumer = { input_ready, resized, break_received, kicked };
	struct console_link_options options = {
		.name = "guest",
		.path = address.sun_path,
		.ring_size = RING,
	};
	struct event_base *base = event_base_new();
	struct console_link_status status;
	int fd;

	if (listen_fd < 0)
		start();
	taken = 0;
	link_under_test = console_link_create(base, &options);
	console_link_set_consumer(link_under_test, &consumer);
	fd = accept_link(base);
	for (size_t i = 0; i < TURNS; i++) {
		size_t begin = size * i / TURNS, end = size * (i + 1) / TURNS;

		if (send(fd, input + begin, end - begin, MSG_NOSIGNAL) < 0)
			break;
		turn(base, fd);
	}
	close(fd);
	event_base_loop(base, EVLOOP_NONBLOCK);
	console_link_status(link_under_test, &status);
	assert(status.output % 8 == 0);
	assert(status.lost <= status.output);
	assert(status.input == taken);
	console_link_destroy(link_under_test);
	event_base_free(base);
	while ((fd = accept(listen_fd, NULL, NULL)) >= 0)
		close(fd);
	return 0;
}
