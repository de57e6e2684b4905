/*
 * muxd's main process between hostile front-ends and a hostile worker: each byte of the input says
 * who does what next.
 */

#include "channel.h"
#include "compiler.h"
#include "log.h"
#include "mux.h"
#include "wires_parts.h"

#include <assert.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAMES 5 /* of front-ends: more than a cable has ends */

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static const struct mux_options options = {
	.prompt = "cons",
	.history_size = HISTORY_SIZE_LEAST,
	.show_all = true,
};
static char directory[] = "/tmp/fuzz-wires-XXXXXX";
static struct mux mux;
static int worker = -1, life = -1; /* the worker's end of both */

static int start_worker(const char *name, int *control, pid_t *process)
{
	int pair[2], lives[2];

	(void)name;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) || pipe(lives))
		abort();
	worker = pair[1];
	life = lives[1];
	*control = pair[0];
	*process = 0;
	return lives[0];
}

static const struct wires_options wires_options = { .directory = directory, .start = start_worker };

static void remove_directory(void)
{
	char path[sizeof(directory) + 16];

	snprintf(path, sizeof(path), "%s/channels", directory);
	rmdir(path);
	rmdir(directory);
}

static void start(void)
{
	char channels[sizeof(directory) + 16];

	signal(SIGPIPE, SIG_IGN);
	log_init(LOG_ERROR);
	if (!mkdtemp(directory))
		abort();
	atexit(remove_directory);
	snprintf(channels, sizeof(channels), "%s/channels", directory);
	if (mux_open(&mux, event_base_new(), &options, channels))
		abort();
	mux.wires = wires_create(&mux, &wires_options);
	if (!mux.wires)
		abort();
}

static struct mux_wire *add_wire(enum wire_kind kind)
{
	const struct mux_config_wire config = { .kind = kind, .name = "lan", .open = true };
	char message[WIRES_MESSAGE_MAX];

	if (wires_add(mux.wires, &config, message))
		abort();
	return wires_find(mux.wires, "lan");
}

static void worker_dies(void)
{
	if (worker >= 0)
		close(worker);
	if (life >= 0)
		close(life);
	worker = life = -1;
}

/* What main says is taken; descriptors that come along end here. */
static void worker_hears(void)
{
	char bytes[2048];

	while (worker >= 0 && recv(worker, bytes, sizeof(bytes), 0) > 0)
		;
}

static void plug(struct mux_wire *wire, uint8_t who)
{
	struct wires_peer peer = { .named = who & 0x80, .uid = who >> 4 & 1, .pid = 1 };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		abort();
	snprintf(peer.name, sizeof(peer.name), "guest%u", who % NAMES);
	close(pair[1]);
	wires_port_connect(wire, &peer, pair[0]);
}

static void set(struct mux_wire *wire, uint8_t how)
{
	struct mux_port *port = wire->port[how % wire->ports_most];
	char name[] = "guest0";
	char *names[] = { name };
	const struct config_words words = { .items = names, .count = how >> 7 };

	if (!port)
		return;
	name[5] = (char)('0' + how % NAMES);
	port->settings.link = how & 1;
	port->changed = how & 2;
	if (wires_port_allow(port, how & 4 ? &words : NULL))
		abort();
	wires_port_changed(port);
}

/* An event whose numbers are often right, or bytes as they are. */
static size_t say(const struct mux_wire *wire, const uint8_t *input, size_t size)
{
	struct wire_event event = { 0 };
	const struct mux_port *port;
	size_t length = size < 6 ? size : 6;

	if (worker < 0 || size < 6)
		return length;
	if (input[0] & 0x80) {
		length = size < 40 ? size : 40;
		send(worker, input, length, MSG_NOSIGNAL);
		return length;
	}
	event.type = (uint32_t)WIRE_READY + input[0] % 5U;
	event.port = input[1];
	event.port = event.port & 0x80 ? ~event.port : event.port % 4;
	port = event.port < wire->ports_most ? wire->port[event.port] : NULL;
	event.plug = port && input[2] & 1 ? port->plug : input[2];
	event.flags = input[3];
	event.features = (uint64_t)input[4] << 56;
	memset(event.text, input[5], sizeof(event.text));
	send(worker, &event, sizeof(event), MSG_NOSIGNAL);
	return length;
}

static void check(const struct mux_wire *wire)
{
	for (unsigned i = 0; i < WIRE_PORTS_MAX; i++) {
		const struct mux_port *port = wire->port[i];

		if (!port)
			continue;
		assert(i < wire->ports_most && port->number == i && port->wire == wire);
		assert(wires_port_find(wire, port->name) == port);
		assert(port->plug || (port->connection < 0 && !port->flags));
		assert(!(port->flags & ~7U));
	}
	assert(wire->capture_count <= WIRES_CAPTURES_MAX);
}

/* One thing that happens; how many bytes of the input said it. */
static size_t happen(struct mux_wire *wire, const uint8_t *input, size_t size)
{
	uint8_t value = size > 1 ? input[1] : 0;

	switch (input[0] % 8) {
	case 0:
	case 1:
		plug(wire, value);
		return 2;
	case 2:
		set(wire, value);
		return 2;
	case 3:
		worker_hears();
		return 1;
	case 4:
		worker_dies();
		return 1;
	case 5:
		if (wires_can_capture(wire))
			wires_capture(wire, value, 0, dup(STDERR_FILENO));
		return 2;
	default:
		return 1 + say(wire, input + 1, size - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct mux_wire *wire;
	int lowest;

	if (!size)
		return 0;
	if (!mux.wires)
		start();
	lowest = dup(STDERR_FILENO);
	close(lowest);
	wire = add_wire(input[0] & 1 ? WIRE_SWITCH : WIRE_CABLE);
	for (size_t at = 1; at < size;) {
		size_t step = happen(wire, input + at, size - at);

		at = step < size - at ? at + step : size;
		event_base_loop(mux.base, EVLOOP_NONBLOCK);
		check(wire);
	}
	wires_remove(wire);
	worker_dies();
	event_base_loop(mux.base, EVLOOP_NONBLOCK);
	assert(LIST_EMPTY(&mux.wires->processes));
	while (!TAILQ_EMPTY(&mux.channels))
		channel_drop(TAILQ_FIRST(&mux.channels));
	assert(dup(STDERR_FILENO) == lowest); /* nothing is left open below */
	close(lowest);
	return 0;
}
