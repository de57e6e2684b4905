#ifndef GUEST_H
#define GUEST_H

#include "console_protocol.h"
#include "exit_status.h"
#include "log.h"
#include "machine.h"

#include <stdbool.h>
#include <stdint.h>

struct control;
struct event;
struct event_base;
struct runtime_dir;

/*
 * The guest this process runs, from the start to the exit status, over any number of reboots.
 * Owned by main(); everything here happens on the main thread.
 */
struct guest {
	const struct vmm_config *config; /* borrowed, as dir */
	const struct runtime_dir *dir;
	struct event_base *base;
	struct console_link *link;
	struct control *control;
	struct machine machine;
	int kvm_fd;
	int signal_fd;
	struct event *signal_event;
	struct event *request_event; /* the machine asks for its end */
	struct event *stop_timer; /* the guest had its time to power off */
	struct event *watchdog_timer;
	enum console_state state;
	bool stopping; /* somebody wants it powered off */
	uint64_t started_ms;
	unsigned reboots;
	struct log_limit reboot_limit;
	uint64_t boot_output; /* where on the console the latest boot began */
	bool ended; /* status is final, the loop is to be left */
	enum exit_status status;
};

/* Run to the end; one line says why it ended. */
enum exit_status guest_run(const struct vmm_config *config, const struct runtime_dir *dir);

/* Commands of the operator. False where the guest's state forbids it. */
void guest_stop(struct guest *guest); /* power button, and force after stop_timeout */
void guest_kill(struct guest *guest);
void guest_reset(struct guest *guest);
bool guest_pause(struct guest *guest);
bool guest_resume(struct guest *guest);

const char *guest_state_name(enum console_state state);
uint64_t guest_uptime_ms(const struct guest *guest);

#endif
