/*
 * usage: link-flood SOCKET NAME MIB
 *
 * A console link without a guest behind it, so that muxd is what limits it: when a byte was typed,
 * so many MiB of lines, never more of them unacknowledged than a vmm's ring holds.
 */

#include "compiler.h"
#include "console_protocol.h"
#include "flood.h"
#include "message.h"

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RING (256 * 1024)
#define MOST 16384

static const struct message_rule rules[] = {
	{ CONSOLE_WELCOME, "WELCOME", sizeof(struct console_welcome),
		sizeof(struct console_welcome) },
	{ CONSOLE_REFUSED, "REFUSED", 0, 4096 },
	{ CONSOLE_ACK, "ACK", sizeof(struct console_ack), sizeof(struct console_ack) },
	{ CONSOLE_INPUT, "INPUT", 1, CONSOLE_INPUT_MAX },
	{ CONSOLE_SIZE, "SIZE", sizeof(struct console_size), sizeof(struct console_size) },
	{ CONSOLE_BREAK, "BREAK", 0, 0 },
};

struct source {
	int fd;
	struct evbuffer *input;
	struct evbuffer *output;
	uint64_t sent;
	uint64_t stored; /* as muxd says */
	bool typed;
};

static void fail(const char *what)
{
	fprintf(stderr, "link-flood: %s\n", what);
	exit(1);
}

static void flush(struct source *source)
{
	while (evbuffer_get_length(source->output))
		if (evbuffer_write(source->output, source->fd) < 0)
			fail("muxd does not read");
}

static void send_message(struct source *source, uint16_t type, const struct iovec *parts,
	unsigned count)
{
	if (message_send(source->output, type, parts, count) < 0)
		fail("no memory");
	flush(source);
}

/* Waits for something from muxd and handles all of it. */
static void take(struct source *source)
{
	struct message message;
	struct console_ack ack;

	if (evbuffer_read(source->input, source->fd, -1) <= 0)
		fail("muxd hung up");
	while (message_next(source->input, rules, ARRAY_SIZE(rules), &message) == 1) {
		if (message.rule->type == CONSOLE_REFUSED)
			fail("muxd refuses");
		if (message.rule->type == CONSOLE_INPUT)
			source->typed = true;
		if (message.rule->type == CONSOLE_ACK) {
			memcpy(&ack, message.body, sizeof(ack));
			source->stored = ack.offset;
		}
		message_done(source->input, &message);
	}
}

static void print(struct source *source, char *bytes, size_t length)
{
	struct iovec parts[] = { { &source->sent, sizeof(source->sent) }, { bytes, length } };

	while (source->sent + length > source->stored + RING)
		take(source);
	send_message(source, CONSOLE_OUTPUT, parts, 2);
	source->sent += length;
}

static void say_hello(struct source *source, char *name)
{
	struct console_hello hello = {
		.version = CONSOLE_PROTOCOL_VERSION,
		.state = CONSOLE_RUNNING,
		.pid = (uint64_t)getpid(),
	};
	uint64_t credit = 4096;

	memcpy(hello.boot_id, &hello.pid, sizeof(hello.pid));
	send_message(source, CONSOLE_HELLO,
		(struct iovec[]){ { &hello, sizeof(hello) }, { name, strlen(name) } }, 2);
	take(source); /* the WELCOME */
	send_message(source, CONSOLE_CREDIT, &(struct iovec){ &credit, sizeof(credit) }, 1);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("no muxd");
	return fd;
}

int main(int argc, char **argv)
{
	static char bytes[MOST], ready[] = FLOOD_READY, done[] = FLOOD_DONE;
	struct source source = { .input = evbuffer_new(), .output = evbuffer_new() };

	if (argc != 4)
		return 2;
	fill_with_lines(bytes, sizeof(bytes));
	source.fd = connect_to(argv[1]);
	say_hello(&source, argv[2]);
	print(&source, ready, strlen(ready));
	while (!source.typed)
		take(&source);
	for (long i = strtol(argv[3], NULL, 10) * (1 << 20) / MOST; i > 0; i--)
		print(&source, bytes, sizeof(bytes));
	print(&source, done, strlen(done));
	for (;;)
		take(&source);
}
