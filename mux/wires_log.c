/* The log of a wire: lines for people, which are also the output of a channel of its name. */

#include "channel.h"
#include "log.h"
#include "monotonic.h"
#include "mux.h"
#include "wires_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WINDOW_MS 1000
#define LINES_MOST 20 /* in one window: front-ends that come and go cannot fill the history */

/* A channel that was a guest's is not taken. */
static void find_channel(struct mux_wire *wire)
{
	struct mux *mux = wire->wires->mux;
	struct channel *channel = channel_find(mux, wire->name);
	int error = -EUSERS;

	if (channel && (channel->device || channel->history.record.boots)) {
		log_warning("%s: a guest has a channel of this name: the wire's log has none",
			wire->name);
		wire->without_channel = true;
		return;
	}
	if (!channel && channel_make_room(mux))
		channel = channel_create(mux, wire->name, &error);
	if (!channel) {
		log_warning("%s: no channel for its log: %s", wire->name, strerror(-error));
		wire->without_channel = true;
		return;
	}
	channel->is_log = true;
	channel_set_state(channel, CONSOLE_RUNNING, "", 0);
	wire->channel = channel;
}

static void say(struct mux_wire *wire, const char *line)
{
	log_info("%s: %s", wire->name, line);
	if (!wire->channel && !wire->without_channel)
		find_channel(wire);
	if (wire->channel)
		channel_line(wire->channel, line);
}

/* False: not this one. Those left out are counted, and told of before the next. */
static bool may_say(struct mux_wire *wire)
{
	uint64_t now = monotonic_ms();
	char line[64];

	if (!wire->said || now - wire->said_since_ms >= WINDOW_MS) {
		unsigned unsaid = wire->unsaid;

		wire->said_since_ms = now;
		wire->said = wire->unsaid = 0;
		if (unsaid) {
			snprintf(line, sizeof(line), "%u lines left out", unsaid);
			say(wire, line);
		}
	}
	if (wire->said == LINES_MOST) {
		wire->unsaid++;
		return false;
	}
	wire->said++;
	return true;
}

void wires_say(struct mux_wire *wire, const char *format, ...)
{
	char line[512];
	va_list arguments;

	if (!may_say(wire))
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	say(wire, line);
}

/* A log that is there from an earlier muxd goes on. */
void wires_log_open(struct mux_wire *wire)
{
	if (channel_find(wire->wires->mux, wire->name))
		find_channel(wire);
}

void wires_log_close(struct mux_wire *wire)
{
	if (!wire->channel)
		return;
	wire->channel->is_log = false;
	channel_set_state(wire->channel, CHANNEL_GONE, "", 0);
	wire->channel = NULL;
}
