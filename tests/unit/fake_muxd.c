/* A muxd for the vmm's end of the console link. */

#include "fake_muxd.h"

#include "compiler.h"
#include "message.h"
#include "unix_socket.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct message_rule rules[] = {
	{ CONSOLE_HELLO, "HELLO", sizeof(struct console_hello) + 1,
		sizeof(struct console_hello) + CONSOLE_NAME_MAX },
	{ CONSOLE_OUTPUT, "OUTPUT", 9, 8 + CONSOLE_OUTPUT_MAX },
	{ CONSOLE_CREDIT, "CREDIT", 8, 8 },
	{ CONSOLE_STATE, "STATE", sizeof(struct console_change),
		sizeof(struct console_change) + CONSOLE_REASON_MAX },
};

bool fake_muxd_start(struct fake_muxd *muxd, const char *path)
{
	if (!muxd->from_vmm) {
		muxd->from_vmm = evbuffer_new();
		muxd->to_vmm = evbuffer_new();
	}
	snprintf(muxd->path, sizeof(muxd->path), "%s", path);
	muxd->fd = -1;
	muxd->listen_fd = unix_listen(path, 0600);
	return muxd->listen_fd >= 0;
}

static void hang_up(struct fake_muxd *muxd)
{
	if (muxd->fd >= 0)
		close(muxd->fd);
	muxd->fd = -1;
	muxd->welcomed = false;
	evbuffer_drain(muxd->from_vmm, evbuffer_get_length(muxd->from_vmm));
	evbuffer_drain(muxd->to_vmm, evbuffer_get_length(muxd->to_vmm));
}

void fake_muxd_kill(struct fake_muxd *muxd)
{
	if (muxd->listen_fd >= 0)
		close(muxd->listen_fd);
	muxd->listen_fd = -1;
	hang_up(muxd);
}

void fake_muxd_destroy(struct fake_muxd *muxd)
{
	fake_muxd_kill(muxd);
	unlink(muxd->path);
	evbuffer_free(muxd->from_vmm);
	evbuffer_free(muxd->to_vmm);
}

void fake_muxd_send(struct fake_muxd *muxd, uint16_t type, const void *body, size_t length)
{
	uint8_t copy[CONSOLE_INPUT_MAX / 16];
	struct iovec part = { copy, length };

	memcpy(copy, body, length);
	message_send(muxd->to_vmm, type, &part, 1);
}

static void hello_came(struct fake_muxd *muxd, const struct message *message)
{
	struct console_welcome welcome = { .version = CONSOLE_PROTOCOL_VERSION };
	size_t length = message->length - sizeof(muxd->hello);

	memcpy(&muxd->hello, message->body, sizeof(muxd->hello));
	memcpy(muxd->name, message->body + sizeof(muxd->hello), length);
	muxd->name[length] = '\0';
	if (muxd->refuse) {
		fake_muxd_send(muxd, CONSOLE_REFUSED, muxd->refuse, strlen(muxd->refuse));
		return;
	}
	if (muxd->hello.begin > muxd->have) {
		muxd->lost += muxd->hello.begin - muxd->have;
		muxd->have = muxd->hello.begin;
	}
	if (muxd->hello.end < muxd->have)
		muxd->complaint = "HELLO ends before what was sent";
	welcome.offset = muxd->have;
	welcome.lost = muxd->lost;
	welcome.changes = muxd->changes;
	fake_muxd_send(muxd, CONSOLE_WELCOME, &welcome, sizeof(welcome));
	muxd->welcomed = true;
	muxd->credit = 0;
	muxd->input_sent = 0;
}

static void acknowledge(struct fake_muxd *muxd)
{
	struct console_ack ack = { .offset = muxd->have, .changes = muxd->changes };

	if (!muxd->silent)
		fake_muxd_send(muxd, CONSOLE_ACK, &ack, sizeof(ack));
}

static void output_came(struct fake_muxd *muxd, const struct message *message)
{
	const uint8_t *bytes = message->body + 8;
	size_t length = message->length - 8;
	uint64_t offset;

	memcpy(&offset, message->body, sizeof(offset));
	if (offset < muxd->have) {
		muxd->complaint = "OUTPUT comes twice";
		return;
	}
	muxd->lost += offset - muxd->have;
	if (muxd->check && !muxd->check(offset, bytes, length))
		muxd->complaint = "OUTPUT is not what was written";
	if (muxd->output && offset + length <= muxd->output_size)
		memcpy(muxd->output + offset, bytes, length);
	muxd->have = offset + length;
	acknowledge(muxd);
}

static void change_came(struct fake_muxd *muxd, const struct message *message)
{
	struct console_change change;
	size_t length = message->length - sizeof(change);

	memcpy(&change, message->body, sizeof(change));
	if (change.number <= muxd->changes)
		muxd->complaint = "STATE comes twice";
	muxd->changes = change.number;
	muxd->state = change.state;
	muxd->change_count++;
	muxd->change_offset = muxd->have;
	memcpy(muxd->reason, message->body + sizeof(change), length);
	muxd->reason[length] = '\0';
	acknowledge(muxd);
}

static void handle(struct fake_muxd *muxd, const struct message *message)
{
	if (message->rule->type == CONSOLE_HELLO) {
		hello_came(muxd, message);
		return;
	}
	if (!muxd->welcomed) {
		muxd->complaint = "the first message is no HELLO";
		return;
	}
	if (message->rule->type == CONSOLE_OUTPUT)
		output_came(muxd, message);
	else if (message->rule->type == CONSOLE_STATE)
		change_came(muxd, message);
	else
		memcpy(&muxd->credit, message->body, sizeof(muxd->credit));
}

static void handle_all(struct fake_muxd *muxd)
{
	struct message message;
	int result;

	while ((result = message_next(muxd->from_vmm, rules, ARRAY_SIZE(rules), &message)) == 1) {
		handle(muxd, &message);
		message_done(muxd->from_vmm, &message);
	}
	if (result < 0)
		muxd->complaint = "a message outside the protocol";
}

void fake_muxd_turn(struct fake_muxd *muxd, size_t most)
{
	int length;

	if (muxd->listen_fd < 0)
		return;
	if (muxd->fd < 0) {
		muxd->fd = accept4(muxd->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (muxd->fd < 0)
			return;
		muxd->connections++;
	}
	length = evbuffer_read(muxd->from_vmm, muxd->fd, (int)most);
	if (length == 0 || (length < 0 && errno != EAGAIN)) {
		hang_up(muxd);
		return;
	}
	handle_all(muxd);
	if (evbuffer_get_length(muxd->to_vmm))
		evbuffer_write(muxd->to_vmm, muxd->fd);
	if (muxd->refuse && !evbuffer_get_length(muxd->to_vmm))
		hang_up(muxd);
}

size_t fake_muxd_type(struct fake_muxd *muxd, const uint8_t *bytes, size_t length)
{
	uint64_t allowed = muxd->credit - muxd->input_sent;

	if (!muxd->welcomed)
		return 0;
	if (length > allowed)
		length = (size_t)allowed;
	if (length > CONSOLE_INPUT_MAX / 16)
		length = CONSOLE_INPUT_MAX / 16;
	if (length)
		fake_muxd_send(muxd, CONSOLE_INPUT, bytes, length);
	muxd->input_sent += length;
	return length;
}
