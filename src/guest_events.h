#ifndef GUEST_EVENTS_H
#define GUEST_EVENTS_H

#include "console_protocol.h"

struct event_base;
struct guest;

/* A loop that vCPU threads may add events to while it waits. NULL if memory is short. */
struct event_base *guest_create_base(void);

/* What the main loop tells a guest. int results are 0 or -errno, logged. */
int guest_watch_machine(struct guest *guest);
void guest_unwatch_machine(struct guest *guest);
void guest_start_stop_timer(struct guest *guest);

/* For the events: the machine wants an end; the time to power off is over. */
void guest_handle_request(struct guest *guest);
void guest_stop_timed_out(struct guest *guest);

/*
 * For the console link: muxd does not want this console. At the start that is for the operator to
 * mend; a guest that muxd has had before goes on without it.
 */
void guest_refused(struct guest *guest, const char *why);

/* For guest_run(): build the machine and let it run. */
int guest_boot(struct guest *guest);
void guest_set_state(struct guest *guest, enum console_state state, const char *reason);

#endif
