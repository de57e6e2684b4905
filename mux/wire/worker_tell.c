/*
 * What a wire's worker tells the main process. How it works: news of a port are states, not a
 * queue: as long as the main process takes nothing, a newer state replaces an older one.
 */

#include "worker_parts.h"

#include <errno.h>
#include <stdio.h>

/* Whether it is told; otherwise the rest waits until there is room, or nobody is left to listen. */
static bool tell(struct worker *worker, const struct wire_event *event)
{
	int error = worker_control_send(worker->control_fd, event);

	if (error == -EAGAIN)
		event_add(worker->untold, NULL);
	return !error;
}

static bool tell_gone(struct worker *worker, uint32_t number, const struct worker_plug *plug)
{
	struct wire_event event = {
		.type = WIRE_PORT_GONE,
		.port = number,
		.plug = plug->gone_id,
	};

	snprintf(event.text, sizeof(event.text), "%s", plug->gone_reason);
	return tell(worker, &event);
}

static bool tell_state(struct worker *worker, uint32_t number, const struct worker_plug *plug)
{
	const struct wire_event event = {
		.type = WIRE_PORT_STATE,
		.port = number,
		.plug = plug->id,
		.features = plug->features,
		.flags = plug->flags,
	};

	return tell(worker, &event);
}

void worker_tell(struct worker *worker)
{
	for (uint32_t i = 0; i < WIRE_PORTS_MAX; i++) {
		struct worker_plug *plug = &worker->plug[i];

		if (plug->gone_untold) {
			if (!tell_gone(worker, i, plug))
				return;
			plug->gone_untold = false;
		}
		if (plug->state_untold) {
			if (!tell_state(worker, i, plug))
				return;
			plug->state_untold = false;
		}
	}
}

void worker_tell_ready(struct worker *worker)
{
	tell(worker, &(struct wire_event){ .type = WIRE_READY });
}

void worker_tell_note(struct worker *worker, const char *text)
{
	struct wire_event event = { .type = WIRE_NOTE };

	snprintf(event.text, sizeof(event.text), "%s", text);
	tell(worker, &event);
}
