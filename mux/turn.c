/* Whose input is read first: who sends little before who sends much. */

#include "turn.h"

#include "monotonic.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>

#define LATE_AT_ONCE 1 /* callback before the loop looks for new events */

enum {
	SOON,
	LATE, /* and all that is no stream */
	PRIORITIES
};

struct event_base *turn_base_create(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config && !event_config_set_max_dispatch_interval(config, NULL, LATE_AT_ONCE, LATE))
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	if (base && event_base_priority_init(base, PRIORITIES)) {
		event_base_free(base);
		return NULL;
	}
	return base;
}

/* Only reading: what is written is given to the socket at once, and the rest is late. */
static void set_late(struct turn *turn, bool late)
{
	turn->late = late;
	event_priority_set(&turn->stream->ev_read, late ? LATE : SOON);
	bufferevent_set_max_single_read(turn->stream, late ? TURN_LATE_READ : TURN_SOON_READ);
}

void turn_begin(struct turn *turn, struct bufferevent *stream, size_t least)
{
	*turn = (struct turn){ .stream = stream, .since_ms = monotonic_ms(), .least = least };
	set_late(turn, false);
}

void turn_took(struct turn *turn, size_t length)
{
	uint64_t now = monotonic_ms(), passed = now - turn->since_ms;
	bool late = turn->late;

	if (passed >= TURN_WINDOW_MS) {
		late = turn->taken > TURN_SOON_BYTES && passed < (uint64_t)2 * TURN_WINDOW_MS;
		turn->since_ms = now;
		turn->taken = 0;
	}
	turn->taken += length > turn->least ? length : turn->least;
	late = late || turn->taken > TURN_SOON_BYTES;
	if (turn->late != late)
		set_late(turn, late);
}

void turn_asked(struct turn *turn)
{
	turn->taken -= turn->taken < TURN_ANSWER_BYTES ? turn->taken : TURN_ANSWER_BYTES;
}
