#ifndef WORKER_POLL_H
#define WORKER_POLL_H

#include <stdbool.h>
#include <stdint.h>

#define WORKER_POLL_LEAST_NS 5000 /* a shorter look is not worth its while */

/*
 * How long the worker goes on looking for work before it sleeps. No clock of its own, no memory:
 * all times are told.
 *
 * How it works. Looking costs processor time, being woken costs latency. Had a look of the longest
 * time allowed found what came next, looking pays: the time is doubled. Had it not, it was in
 * vain: the time is halved, and below a least time it is none at all. So a wire with frames at
 * short intervals is looked at all the time, and one with a frame now and then is not.
 */
struct worker_poll {
	uint64_t most_ns; /* as configured: 0: never, WIRE_POLL_ALWAYS: never sleep */
	uint64_t window_ns; /* how long it looks at present */
	uint64_t worked_ns; /* when there was work last */
	bool slept; /* since then */
};

void worker_poll_init(struct worker_poll *poll, uint64_t most_ns, uint64_t now_ns);

/* There was something to do. */
void worker_poll_worked(struct worker_poll *poll, uint64_t now_ns);

/* It is time to sleep: nothing to do was found for long enough. */
bool worker_poll_is_over(const struct worker_poll *poll, uint64_t now_ns);

/* It sleeps now. */
void worker_poll_sleep(struct worker_poll *poll);

#endif
