/* A console link without a guest behind it. */

#include "link_source.h"

#include "compiler.h"
#include "console_protocol.h"
#include "message.h"

#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct message_rule rules[] = {
	{ CONSOLE_WELCOME, "WELCOME", sizeof(struct console_welcome),
		sizeof(struct console_welcome) },
	{ CONSOLE_REFUSED, "REFUSED", 0, 4096 },
	{ CONSOLE_ACK, "ACK", sizeof(struct console_ack), sizeof(struct console_ack) },
	{ CONSOLE_INPUT, "INPUT", 1, CONSOLE_INPUT_MAX },
	{ CONSOLE_SIZE, "SIZE", sizeof(struct console_size), sizeof(struct console_size) },
	{ CONSOLE_BREAK, "BREAK", 0, 0 },
};

static void fail(const char *what)
{
	fprintf(stderr, "link: %s\n", what);
	exit(1);
}

bool link_source_send(struct link_source *source)
{
	while (evbuffer_get_length(source->output)) {
		if (evbuffer_write(source->output, source->fd) >= 0)
			continue;
		if (errno != EAGAIN)
			fail("muxd does not read");
		return false;
	}
	return true;
}

static void queue(struct link_source *source, uint16_t type, const struct iovec *parts,
	unsigned count)
{
	if (message_send(source->output, type, parts, count) < 0)
		fail("no memory");
}

static void handle(struct link_source *source, const struct message *message)
{
	struct console_ack ack;

	if (message->rule->type == CONSOLE_REFUSED)
		fail("muxd refuses");
	if (message->rule->type == CONSOLE_ACK) {
		memcpy(&ack, message->body, sizeof(ack));
		source->stored = ack.offset;
	}
	if (message->rule->type != CONSOLE_INPUT)
		return;
	if (source->typed + message->length > sizeof(source->typed_bytes))
		fail("input beyond the credit");
	memcpy(source->typed_bytes + source->typed, message->body, message->length);
	source->typed += message->length;
}

void link_source_take(struct link_source *source)
{
	struct message message;
	int count = evbuffer_read(source->input, source->fd, -1);

	if (count < 0 && errno == EAGAIN)
		return;
	if (count <= 0)
		fail("muxd hung up");
	while (message_next(source->input, rules, ARRAY_SIZE(rules), &message) == 1) {
		handle(source, &message);
		message_done(source->input, &message);
	}
}

bool link_source_has_room(const struct link_source *source, size_t length)
{
	return source->sent + length <= source->stored + LINK_RING;
}

void link_source_queue(struct link_source *source, const char *bytes, size_t length)
{
	struct iovec parts[] = { { &source->sent, sizeof(source->sent) },
		{ (void *)(uintptr_t)bytes, length } };

	queue(source, CONSOLE_OUTPUT, parts, ARRAY_SIZE(parts));
	source->sent += length;
}

void link_source_print(struct link_source *source, const char *bytes, size_t length)
{
	while (!link_source_has_room(source, length))
		link_source_take(source);
	link_source_queue(source, bytes, length);
	link_source_send(source);
}

void link_source_allow(struct link_source *source)
{
	source->credit += source->typed;
	source->typed = 0;
	queue(source, CONSOLE_CREDIT, &(struct iovec){ &source->credit, sizeof(source->credit) },
		1);
	link_source_send(source);
}

void link_source_unblock(struct link_source *source)
{
	fcntl(source->fd, F_SETFL, O_NONBLOCK);
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

void link_source_open(struct link_source *source, const char *path, const char *name)
{
	struct console_hello hello = {
		.version = CONSOLE_PROTOCOL_VERSION,
		.state = CONSOLE_RUNNING,
		.pid = (uint64_t)getpid(),
	};
	struct iovec parts[] = { { &hello, sizeof(hello) },
		{ (void *)(uintptr_t)name, strlen(name) } };

	*source = (struct link_source){
		.fd = connect_to(path),
		.input = evbuffer_new(),
		.output = evbuffer_new(),
		.credit = sizeof(source->typed_bytes),
	};
	memcpy(hello.boot_id, &hello.pid, sizeof(hello.pid));
	queue(source, CONSOLE_HELLO, parts, ARRAY_SIZE(parts));
	link_source_send(source);
	link_source_take(source); /* the WELCOME */
	link_source_allow(source);
}
