/* A hostile vmm and two hostile viewers: the first byte says how much of the input is whose. */

#include "attach.h"
#include "attach_internal.h"
#include "channel.h"
#include "compiler.h"
#include "device.h"
#include "log.h"
#include "mux.h"

#include <assert.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TURNS 20
#define VIEWERS 2

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static const struct mux_options options = {
	.prompt = "cons",
	.history_size = HISTORY_SIZE_LEAST,
	.show_all = true,
};
static char directory[] = "/tmp/fuzz-mux-XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static struct mux mux;
static struct device_listener *listener;

static void remove_directory(void)
{
	char path[sizeof(directory) + 16];

	snprintf(path, sizeof(path), "%s/channels", directory);
	rmdir(path);
	unlink(address.sun_path);
	rmdir(directory);
}

static void start(void)
{
	char channels[sizeof(directory) + 16];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int error;

	signal(SIGPIPE, SIG_IGN);
	log_init(LOG_ERROR);
	if (!mkdtemp(directory))
		abort();
	atexit(remove_directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/device.sock", directory);
	snprintf(channels, sizeof(channels), "%s/channels", directory);
	error = bind(fd, (const struct sockaddr *)&address, sizeof(address)) || listen(fd, 8) ||
		mux_open(&mux, event_base_new(), &options, channels);
	listener = device_listener_create(&mux, fd);
	if (error || !listener)
		abort();
}

static int connect_vmm(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		abort();
	return fd;
}

static int connect_viewer(void)
{
	int pair[2];
	struct bufferevent *stream;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
		abort();
	stream = bufferevent_socket_new(mux.base, pair[0], BEV_OPT_CLOSE_ON_FREE);
	if (!stream || !attach_begin(&mux, stream, false, NULL))
		abort();
	return pair[1];
}

/* A piece of it, and what comes back is thrown away. */
static void say(int fd, const uint8_t **bytes, size_t *left, size_t piece)
{
	char back[4096];
	ssize_t sent;

	if (piece > *left)
		piece = *left;
	sent = piece ? send(fd, *bytes, piece, MSG_NOSIGNAL) : 0;
	if (sent > 0) {
		*bytes += sent;
		*left -= (size_t)sent;
	}
	while (recv(fd, back, sizeof(back), 0) > 0)
		;
}

/* One that is connected to the channel and may type, and asks no more. */
static void check_writer(const struct channel *channel)
{
	const struct follow *follow;
	bool found = !channel->writer;

	LIST_FOREACH(follow, &channel->follows, of_channel)
	{
		assert(!follow->asked || (follow->input && channel->writer));
		if (follow != channel->writer)
			continue;
		assert(follow->input && !follow->asked && !follow->peer->read_only);
		found = true;
	}
	assert(found);
}

static void check_channels(void)
{
	const struct channel *channel;
	unsigned count = 0;

	TAILQ_FOREACH(channel, &mux.channels, link)
	{
		const struct history_record *record = &channel->history.record;

		assert(record->end == channel->history.committed);
		assert(record->link_lost <= record->link_offset);
		assert(record->state <= CHANNEL_GONE);
		check_writer(channel);
		count++;
	}
	assert(count == mux.channel_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	const uint8_t *vmm_bytes = input + 1, *viewer_bytes[VIEWERS];
	size_t vmm_left, viewer_left[VIEWERS];
	int vmm, viewers[VIEWERS];

	if (!size)
		return 0;
	if (!listener)
		start();
	vmm_left = (size - 1) * input[0] / 255;
	viewer_left[0] = (size - 1 - vmm_left) / VIEWERS;
	viewer_left[1] = size - 1 - vmm_left - viewer_left[0];
	viewer_bytes[0] = vmm_bytes + vmm_left;
	viewer_bytes[1] = viewer_bytes[0] + viewer_left[0];
	mux.last_id = 0;
	vmm = connect_vmm();
	for (int i = 0; i < VIEWERS; i++)
		viewers[i] = connect_viewer();
	for (unsigned i = 0; i < TURNS; i++) {
		say(vmm, &vmm_bytes, &vmm_left, vmm_left / (TURNS - i) + 1);
		event_base_loop(mux.base, EVLOOP_NONBLOCK);
		for (int k = 0; k < VIEWERS; k++) {
			say(viewers[k], &viewer_bytes[k], &viewer_left[k],
				viewer_left[k] / (TURNS - i) + 1);
			event_base_loop(mux.base, EVLOOP_NONBLOCK);
			check_channels();
		}
	}
	close(vmm);
	for (int i = 0; i < VIEWERS; i++)
		close(viewers[i]);
	for (unsigned i = 0; i < TURNS && (mux.device_count || mux.peer_count); i++)
		event_base_loop(mux.base, EVLOOP_NONBLOCK);
	assert(!mux.device_count && !mux.peer_count);
	while (!TAILQ_EMPTY(&mux.channels))
		channel_drop(TAILQ_FIRST(&mux.channels));
	return 0;
}
