/* A muxd for one viewer in the same process: for the fuzzer of the viewer. */

#include "fake_viewer_mux.h"

#include "attach_stream.h"
#include "compiler.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROOM 3000 /* input bytes a guest takes ahead */
#define PIECE 16384

static const struct message_rule rules[] = {
	{ ATTACH_FOLLOW, "FOLLOW", sizeof(struct attach_follow), sizeof(struct attach_follow) },
	{ ATTACH_UNFOLLOW, "UNFOLLOW", 4, 4 },
	{ ATTACH_INPUT, "INPUT", 4, 4 + ATTACH_BYTES_MAX },
	{ ATTACH_BREAK, "BREAK", 4, 4 },
	{ ATTACH_SIZE, "SIZE", sizeof(struct attach_size), sizeof(struct attach_size) },
	{ ATTACH_TAKE, "TAKE", sizeof(struct attach_take), sizeof(struct attach_take) },
	{ ATTACH_YIELD, "YIELD", 4, 4 },
};

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "fake_viewer_mux: %s: %s\n", what, strerror(errno));
	abort();
}

void fake_viewer_mux_open(struct fake_viewer_mux *mux, const char *path, int master)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*mux = (struct fake_viewer_mux){ .master = master, .stream = -1 };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	mux->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(mux->listener >= 0 &&
			!bind(mux->listener, (struct sockaddr *)&address, sizeof(address)) &&
			!listen(mux->listener, 16),
		path);
	for (size_t i = 0; i < FAKE_CALLS; i++)
		mux->calls[i] = -1;
	mux->in = evbuffer_new();
	mux->out = evbuffer_new();
	mux->screen = evbuffer_new();
	for (unsigned i = 0; i < FAKE_GUESTS; i++)
		mux->guests[i] = (struct fake_viewer_guest){
			.id = i + 1,
			.history = evbuffer_new(),
			.typed = evbuffer_new(),
		};
}

void fake_viewer_mux_close(struct fake_viewer_mux *mux)
{
	for (unsigned i = 0; i < FAKE_GUESTS; i++) {
		evbuffer_free(mux->guests[i].history);
		evbuffer_free(mux->guests[i].typed);
	}
	for (size_t i = 0; i < FAKE_CALLS; i++)
		if (mux->calls[i] >= 0)
			close(mux->calls[i]);
	if (mux->stream >= 0)
		close(mux->stream);
	close(mux->listener);
	evbuffer_free(mux->in);
	evbuffer_free(mux->out);
	evbuffer_free(mux->screen);
}

static void send_message(struct fake_viewer_mux *mux, uint16_t type, struct iovec *parts,
	unsigned count)
{
	message_send(mux->out, type, parts, count);
}

static void announce(struct fake_viewer_mux *mux, struct fake_viewer_guest *guest)
{
	char text[256];
	struct iovec parts[] = { { &guest->id, sizeof(guest->id) }, { text, 0 } };

	parts[1].iov_len = (size_t)snprintf(text, sizeof(text),
		"{\"name\":\"vm%u\",\"key\":\"%u\",\"color\":\"\",\"state\":\"running\","
		"\"reason\":\"\",\"shown\":true,\"begin\":0,\"end\":%zu,\"opened\":0}",
		guest->id, guest->id, evbuffer_get_length(guest->history));
	send_message(mux, ATTACH_CHANNEL, parts, ARRAY_SIZE(parts));
}

static void read_message(struct fake_viewer_mux *mux, const struct message *message)
{
	struct fake_viewer_guest *guest;
	struct attach_follow follow;
	uint32_t id;

	memcpy(&id, message->body, sizeof(id));
	must(id >= 1 && id <= FAKE_GUESTS, "a message about no channel");
	guest = &mux->guests[id - 1];
	if (message->rule->type == ATTACH_FOLLOW) {
		memcpy(&follow, message->body, sizeof(follow));
		announce(mux, guest);
		guest->streaming = true;
		guest->input = (follow.flags & FOLLOW_INPUT) != 0;
		guest->position = follow.position;
		if (guest->position > evbuffer_get_length(guest->history))
			guest->position = evbuffer_get_length(guest->history);
	} else if (message->rule->type == ATTACH_UNFOLLOW) {
		guest->streaming = false;
		guest->input = false;
	} else if (message->rule->type == ATTACH_INPUT) {
		guest->received += message->length - sizeof(id);
		must(guest->received <= guest->granted, "input beyond the credit");
		evbuffer_add(guest->typed, message->body + sizeof(id),
			message->length - sizeof(id));
	}
}

static void pump(struct fake_viewer_mux *mux, struct fake_viewer_guest *guest)
{
	size_t end = evbuffer_get_length(guest->history);
	struct attach_credit credit = { .id = guest->id };
	struct iovec part = { &credit, sizeof(credit) };

	while (guest->streaming && guest->position < end &&
		evbuffer_get_length(mux->out) < (size_t)4 * PIECE) {
		struct attach_output output = { .id = guest->id, .position = guest->position };
		size_t length = end - guest->position < PIECE ? end - guest->position : PIECE;
		struct iovec parts[] = {
			{ &output, sizeof(output) },
			{ evbuffer_pullup(guest->history, -1) + guest->position, length },
		};

		send_message(mux, ATTACH_OUTPUT, parts, ARRAY_SIZE(parts));
		guest->position += length;
	}
	if (!guest->input || guest->granted - guest->received > ROOM / 2)
		return;
	guest->granted = guest->received + ROOM;
	credit.total = guest->granted;
	send_message(mux, ATTACH_CREDIT, &part, 1);
}

static void read_stream(struct fake_viewer_mux *mux)
{
	struct message message;
	int result;

	while ((result = message_next(mux->in, rules, ARRAY_SIZE(rules), &message)) == 1) {
		read_message(mux, &message);
		message_done(mux->in, &message);
	}
	must(!result, "a message that no rule allows");
}

static void attached(struct fake_viewer_mux *mux, int fd)
{
	static const char reply[] = "{\"parameters\":{\"version\":2,\"prompt\":\"cons\"}}";

	if (mux->stream >= 0)
		close(mux->stream);
	mux->stream = fd;
	evbuffer_drain(mux->in, evbuffer_get_length(mux->in));
	evbuffer_drain(mux->out, evbuffer_get_length(mux->out));
	evbuffer_add(mux->out, reply, sizeof(reply));
	for (unsigned i = 0; i < FAKE_GUESTS; i++) {
		mux->guests[i].streaming = mux->guests[i].input = false;
		mux->guests[i].received = mux->guests[i].granted = 0;
		announce(mux, &mux->guests[i]);
	}
	send_message(mux, ATTACH_READY, NULL, 0);
	mux->upgraded = true;
}

/* One call, whole: its words do not matter. True: the connection is no call's any more. */
static bool read_call(struct fake_viewer_mux *mux, int fd)
{
	static const char reply[] = "{\"parameters\":{\"text\":\"done\\n\"},\"continues\":true}\0"
				    "{\"parameters\":{\"status\":0}}";
	char text[6000];
	ssize_t length = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (length < 0 && errno == EAGAIN)
		return false;
	if (length > 0) {
		text[length] = '\0';
		if (strstr(text, ".Attach")) {
			attached(mux, fd);
			return true;
		}
		if (*mux->awaited && strstr(text, mux->awaited))
			mux->awaited_came = true;
		if (send(fd, reply, sizeof(reply), MSG_NOSIGNAL) > 0)
			return false; /* until the viewer closes it */
	}
	close(fd);
	return true;
}

static void let_in(struct fake_viewer_mux *mux)
{
	int fd = accept4(mux->listener, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < FAKE_CALLS; i++) {
		if (mux->calls[i] >= 0)
			continue;
		mux->calls[i] = fd;
		return;
	}
	if (fd >= 0)
		close(fd);
}

static void serve_stream(struct fake_viewer_mux *mux)
{
	int length = evbuffer_read(mux->in, mux->stream, 65536);

	if (length > 0)
		read_stream(mux);
	for (unsigned i = 0; i < FAKE_GUESTS; i++)
		pump(mux, &mux->guests[i]);
	if (evbuffer_get_length(mux->out))
		evbuffer_write(mux->out, mux->stream);
	if (length == 0 || (length < 0 && errno != EAGAIN)) {
		close(mux->stream);
		mux->stream = -1;
		mux->upgraded = false;
	}
}

void fake_viewer_mux_serve(struct fake_viewer_mux *mux, int timeout_ms)
{
	struct pollfd polled[FAKE_CALLS + 3] = {
		{ .fd = mux->listener, .events = POLLIN },
		{ .fd = mux->master, .events = POLLIN },
		{ .fd = mux->stream, .events = POLLIN },
	};

	if (evbuffer_get_length(mux->out))
		polled[2].events |= POLLOUT;
	for (size_t i = 0; i < FAKE_CALLS; i++)
		polled[i + 3] = (struct pollfd){ .fd = mux->calls[i], .events = POLLIN };
	poll(polled, ARRAY_SIZE(polled), timeout_ms);
	if (polled[1].revents & POLLIN)
		evbuffer_read(mux->screen, mux->master, 65536);
	if (polled[0].revents)
		let_in(mux);
	for (size_t i = 0; i < FAKE_CALLS; i++)
		if (mux->calls[i] >= 0 && polled[i + 3].fd == mux->calls[i] &&
			polled[i + 3].revents && read_call(mux, mux->calls[i]))
			mux->calls[i] = -1;
	if (mux->stream >= 0) {
		fcntl(mux->stream, F_SETFL, O_NONBLOCK);
		serve_stream(mux);
	}
}

void fake_viewer_mux_wait(struct fake_viewer_mux *mux, const char *text)
{
	struct evbuffer_ptr place;

	while ((place = evbuffer_search(mux->screen, text, strlen(text), NULL)).pos < 0)
		fake_viewer_mux_serve(mux, 100);
	evbuffer_drain(mux->screen, (size_t)place.pos + strlen(text));
}

void fake_viewer_mux_settle(struct fake_viewer_mux *mux)
{
	char text[32];
	struct iovec part = { text, 0 };

	while (!mux->upgraded)
		fake_viewer_mux_serve(mux, 100);
	part.iov_len = (size_t)snprintf(text, sizeof(text), "mark %u.", ++mux->marks);
	send_message(mux, ATTACH_NOTICE, &part, 1);
	fake_viewer_mux_wait(mux, text);
}

void fake_viewer_mux_type(struct fake_viewer_mux *mux, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;

	while (length) {
		ssize_t written = write(mux->master, next, length < 2048 ? length : 2048);

		fake_viewer_mux_serve(mux, written > 0 ? 0 : 20);
		if (written > 0) {
			next += written;
			length -= (size_t)written;
		}
	}
}

void fake_viewer_mux_print(struct fake_viewer_mux *mux, unsigned guest, const void *bytes,
	size_t length)
{
	evbuffer_add(mux->guests[guest].history, bytes, length);
	fake_viewer_mux_serve(mux, 0);
}

void fake_viewer_mux_lose(struct fake_viewer_mux *mux)
{
	if (mux->stream < 0)
		return;
	mux->upgraded = false;
	evbuffer_drain(mux->out, evbuffer_get_length(mux->out));
	shutdown(mux->stream, SHUT_WR);
	fcntl(mux->stream, F_SETFL, O_NONBLOCK);
	for (;;) {
		struct pollfd polled = { .fd = mux->stream, .events = POLLIN };
		int length = evbuffer_read(mux->in, mux->stream, 65536);

		if (length == 0 || (length < 0 && errno != EAGAIN))
			break;
		if (length < 0)
			poll(&polled, 1, 100);
	}
	read_stream(mux);
	evbuffer_drain(mux->in, evbuffer_get_length(mux->in));
	evbuffer_drain(mux->out, evbuffer_get_length(mux->out));
	close(mux->stream);
	mux->stream = -1;
}
