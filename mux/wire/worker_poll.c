/* How long a worker looks for work before it sleeps. */

#include "worker_poll.h"

#include "wire_control.h"

static uint64_t longer(const struct worker_poll *poll)
{
	uint64_t window_ns = poll->window_ns ? poll->window_ns * 2 : WORKER_POLL_LEAST_NS;

	return window_ns < poll->most_ns ? window_ns : poll->most_ns;
}

static uint64_t shorter(const struct worker_poll *poll)
{
	return poll->window_ns / 2 < WORKER_POLL_LEAST_NS ? 0 : poll->window_ns / 2;
}

void worker_poll_init(struct worker_poll *poll, uint64_t most_ns, uint64_t now_ns)
{
	*poll = (struct worker_poll){
		.most_ns = most_ns,
		.window_ns = most_ns,
		.worked_ns = now_ns,
	};
}

void worker_poll_worked(struct worker_poll *poll, uint64_t now_ns)
{
	if (poll->slept && poll->most_ns != WIRE_POLL_ALWAYS)
		poll->window_ns = now_ns - poll->worked_ns <= poll->most_ns ? longer(poll)
									    : shorter(poll);
	poll->slept = false;
	poll->worked_ns = now_ns;
}

bool worker_poll_is_over(const struct worker_poll *poll, uint64_t now_ns)
{
	return poll->most_ns != WIRE_POLL_ALWAYS && now_ns - poll->worked_ns >= poll->window_ns;
}

void worker_poll_sleep(struct worker_poll *poll)
{
	poll->slept = true;
}
