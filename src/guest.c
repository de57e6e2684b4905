/* The guest of this process: its life over reboots, and what its operator can do to it. */

#include "guest.h"

#include "arch.h"
#include "guest_events.h"
#include "log.h"
#include "monotonic.h"
#include "notify.h"
#include "panic.h"
#include "runtime_dir.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAST_WORDS 16384 /* a panic's call trace is as long as that */

uint64_t guest_uptime_ms(const struct guest *guest)
{
	return monotonic_ms() - guest->started_ms;
}

const char *guest_state_name(enum console_state state)
{
	static const char *const names[CONSOLE_STATE_COUNT] = {
		[CONSOLE_STARTING] = "starting",
		[CONSOLE_RUNNING] = "running",
		[CONSOLE_PAUSED] = "paused",
		[CONSOLE_REBOOTING] = "rebooting",
		[CONSOLE_POWERED_OFF] = "powered off",
		[CONSOLE_CRASHED] = "crashed",
	};

	return names[state];
}

void guest_set_state(struct guest *guest, enum console_state state, const char *reason)
{
	guest->state = state;
	console_link_set_state(guest->link, state, reason);
	notify_send("STATUS=%s", guest_state_name(state));
}

/* Why it is over, for the log, the console and the manager; then the loop ends. */
static void end(struct guest *guest, enum exit_status status, const char *reason)
{
	bool fine = status == EXIT_POWERED_OFF || status == EXIT_REBOOT;
	enum console_state state = CONSOLE_CRASHED;

	if (status == EXIT_REBOOT)
		state = CONSOLE_REBOOTING;
	else if (fine)
		state = CONSOLE_POWERED_OFF;
	if (fine)
		log_info("%s: %s", guest->config->name, reason);
	else
		log_error("%s: %s%s", guest->config->name,
			status == EXIT_CRASHED ? "crashed: " : "", reason);
	guest->status = status;
	guest->ended = true;
	machine_stop(&guest->machine);
	guest_set_state(guest, state, reason);
	notify_send("STOPPING=1\nSTATUS=%s", reason);
	event_base_loopexit(guest->base, NULL);
}

static int start_machine(struct guest *guest)
{
	const struct machine_host host = {
		.config = guest->config,
		.base = guest->base,
		.link = guest->link,
		.mux_dir = guest->dir->mux,
		.kvm_fd = guest->kvm_fd,
	};
	struct console_link_status console;
	int result = machine_create(&guest->machine, &host);

	if (result < 0)
		return result;
	console_link_status(guest->link, &console);
	guest->boot_output = console.output;
	return guest_watch_machine(guest);
}

int guest_boot(struct guest *guest)
{
	int result = start_machine(guest);

	if (result == 0)
		result = machine_start(&guest->machine);
	if (result == 0)
		guest_set_state(guest, CONSOLE_RUNNING, NULL);
	return result;
}

/* In place: the console, the control socket and the process go on. */
static void reboot(struct guest *guest)
{
	log_limited(&guest->reboot_limit, "%s: rebooting", guest->config->name);
	guest_set_state(guest, CONSOLE_REBOOTING, NULL);
	guest_unwatch_machine(guest);
	machine_destroy(&guest->machine);
	guest->reboots++;

	int result = guest_boot(guest);

	if (result < 0)
		end(guest, result == -EINVAL ? EXIT_OPERATOR_ERROR : EXIT_HOST_FAILURE,
			"cannot be started again");
}

static bool panicked(const struct guest *guest, char *reason, size_t length)
{
	struct console_link_status console;
	char *text = malloc(LAST_WORDS);
	bool found;

	if (!text)
		return false;
	console_link_status(guest->link, &console);

	uint64_t since_boot = console.output - guest->boot_output;
	size_t wanted = since_boot < LAST_WORDS ? (size_t)since_boot : LAST_WORDS;

	found = panic_find(text, console_link_tail(guest->link, text, wanted), reason, length);
	free(text);
	return found;
}

/* What the kernel itself said is the better reason, where it said something. */
static void crash(struct guest *guest, const char *cause)
{
	char panic[MACHINE_REASON], reason[MACHINE_REASON + 32];

	if (panicked(guest, panic, sizeof(panic)))
		snprintf(reason, sizeof(reason), "kernel panic: %s", panic);
	else
		snprintf(reason, sizeof(reason), "%s", cause);
	end(guest, EXIT_CRASHED, reason);
}

/* The guest was reset, by itself or as its kernel's answer to a panic. */
static void reset_requested(struct guest *guest)
{
	char panic[MACHINE_REASON];

	if (panicked(guest, panic, sizeof(panic))) {
		crash(guest, panic);
	} else if (guest->stopping) {
		end(guest, EXIT_POWERED_OFF, "powered off instead of rebooting, as asked");
	} else if (guest->config->on_reboot == ON_REBOOT_EXIT) {
		end(guest, EXIT_REBOOT, "asked for a reboot");
	} else {
		reboot(guest);
	}
}

void guest_handle_request(struct guest *guest)
{
	char cause[MACHINE_REASON];

	if (guest->ended)
		return;
	switch (machine_requested(&guest->machine, cause, sizeof(cause))) {
	case MACHINE_RUN:
		break;
	case MACHINE_POWER_OFF:
		end(guest, EXIT_POWERED_OFF, "powered off");
		break;
	case MACHINE_REBOOT:
		reset_requested(guest);
		break;
	case MACHINE_CRASH:
		crash(guest, cause);
		break;
	case MACHINE_FAIL:
		end(guest, EXIT_HOST_FAILURE, cause);
		break;
	}
}

void guest_stop(struct guest *guest)
{
	if (guest->ended)
		return;
	if (guest->state == CONSOLE_PAUSED)
		guest_resume(guest);
	if (!guest->stopping)
		guest_start_stop_timer(guest);
	guest->stopping = true;
	log_info("%s: power button pressed", guest->config->name);
	notify_send("STATUS=power button pressed");
	arch_press_power_button(&guest->machine);
}

void guest_stop_timed_out(struct guest *guest)
{
	char reason[128];

	if (guest->ended)
		return;
	snprintf(reason, sizeof(reason), "powered off by force, %.6g s after the power button",
		(double)guest->config->stop_timeout_ms / 1000);
	end(guest, EXIT_POWERED_OFF, reason);
}

void guest_refused(struct guest *guest, const char *why)
{
	struct console_link_status console;
	char reason[MACHINE_REASON];

	console_link_status(guest->link, &console);
	if (console.accepted) {
		log_error("%s: muxd refuses the console: %s", guest->config->name, why);
	} else if (!guest->ended) {
		snprintf(reason, sizeof(reason), "muxd refuses the console: %s", why);
		end(guest, EXIT_OPERATOR_ERROR, reason);
	}
}

void guest_kill(struct guest *guest)
{
	if (!guest->ended)
		end(guest, EXIT_POWERED_OFF, "powered off by force");
}

void guest_reset(struct guest *guest)
{
	if (!guest->ended)
		reboot(guest);
}

bool guest_pause(struct guest *guest)
{
	if (guest->ended || guest->state != CONSOLE_RUNNING)
		return false;
	machine_pause(&guest->machine);
	guest_set_state(guest, CONSOLE_PAUSED, NULL);
	return true;
}

bool guest_resume(struct guest *guest)
{
	if (guest->ended || guest->state != CONSOLE_PAUSED)
		return false;
	machine_resume(&guest->machine);
	guest_set_state(guest, CONSOLE_RUNNING, NULL);
	return true;
}
