/* The process around a guest: its event loop, signals, sockets, and the order of their end. */

#include "control.h"
#include "fd.h"
#include "guest.h"
#include "guest_events.h"
#include "kvm.h"
#include "log.h"
#include "notify.h"
#include "runtime_dir.h"
#include "sandbox.h"
#include "vcpu.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

#define DRAIN_MS 2000 /* for muxd to take a guest's last words */

static struct timeval timeval_of(uint64_t us)
{
	return (struct timeval){
		.tv_sec = (time_t)(us / 1000000),
		.tv_usec = (suseconds_t)(us % 1000000),
	};
}

static void request_due(evutil_socket_t fd, short events, void *owner)
{
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		guest_handle_request(owner);
}

int guest_watch_machine(struct guest *guest)
{
	guest->request_event = event_new(guest->base, guest->machine.request_fd,
		EV_READ | EV_PERSIST, request_due, guest);
	if (guest->request_event && event_add(guest->request_event, NULL) == 0)
		return 0;
	log_error("%s: the event loop takes no more events", guest->config->name);
	return -ENOMEM;
}

void guest_unwatch_machine(struct guest *guest)
{
	if (guest->request_event)
		event_free(guest->request_event);
	guest->request_event = NULL;
}

static void stop_time_over(evutil_socket_t fd, short events, void *owner)
{
	(void)fd;
	(void)events;
	guest_stop_timed_out(owner);
}

void guest_start_stop_timer(struct guest *guest)
{
	struct timeval timeout = timeval_of(guest->config->stop_timeout_ms * 1000);

	evtimer_add(guest->stop_timer, &timeout);
}

/* The first asks, the second insists; but a terminal and its shell both send SIGHUP when it goes.
 */
static void signalled(evutil_socket_t fd, short events, void *owner)
{
	struct guest *guest = owner;
	struct signalfd_siginfo info;

	(void)events;
	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		log_set_level(LOG_DEBUG);
		log_debug("%s: says everything from now on", guest->config->name);
	} else if (!guest->stopping) {
		guest_stop(guest);
	} else if (info.ssi_signo != SIGHUP) {
		guest_kill(guest);
	}
}

/*
 * vCPU threads and libraries inherit the mask; only the loop hears these signals. What nohup or a
 * shell without job control had ignored, stays so.
 */
static int watch_signals(struct guest *guest)
{
	static const int heard[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct sigaction before;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++)
		if (sigaction(heard[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaddset(&set, heard[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	vcpu_prepare_kicks();

	guest->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (guest->signal_fd < 0)
		return -errno;
	guest->signal_event =
		event_new(guest->base, guest->signal_fd, EV_READ | EV_PERSIST, signalled, guest);
	if (!guest->signal_event || event_add(guest->signal_event, NULL) < 0)
		return -ENOMEM;
	return 0;
}

static void watchdog_due(evutil_socket_t fd, short events, void *owner)
{
	(void)fd;
	(void)events;
	(void)owner;
	notify_send("WATCHDOG=1");
}

static int create_timers(struct guest *guest)
{
	struct timeval interval = timeval_of(notify_watchdog_us() / 2);

	guest->stop_timer = evtimer_new(guest->base, stop_time_over, guest);
	if (!guest->stop_timer)
		return -ENOMEM;
	if (!timerisset(&interval))
		return 0;
	guest->watchdog_timer = event_new(guest->base, -1, EV_PERSIST, watchdog_due, guest);
	if (!guest->watchdog_timer || evtimer_add(guest->watchdog_timer, &interval) < 0)
		return -ENOMEM;
	return 0;
}

struct event_base *guest_create_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
	if (evthread_use_pthreads() == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

/* muxd does not want this console: without it the guest would be mute, and mending is easy. */
static void refused(void *owner, const char *reason)
{
	guest_refused(owner, reason);
}

static int create_link(struct guest *guest, const struct runtime_dir *dir)
{
	const struct config_console *console = &guest->config->console;
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/device.sock", dir->mux) >= sizeof(path))
		return -ENAMETOOLONG;
	guest->link = console_link_create(guest->base,
		&(struct console_link_options){
			.name = guest->config->name,
			.path = path,
			.key = console->key,
			.color = console->color,
			.flags = console->flags,
			.ring_size = console->ring_size,
			.history_size = console->history_size,
		});
	if (!guest->link)
		return -ENOMEM;
	console_link_on_refused(guest->link, refused, guest);
	return 0;
}

static int prepare(struct guest *guest, const struct runtime_dir *dir)
{
	int result = -ENOMEM;

	guest->base = guest_create_base();
	if (guest->base)
		result = watch_signals(guest);
	if (result == 0)
		result = create_timers(guest);
	if (result == 0)
		result = create_link(guest, dir);
	if (result < 0)
		log_error("%s: cannot start: %s", guest->config->name, strerror(-result));
	return result;
}

static int start(struct guest *guest, const struct runtime_dir *dir)
{
	int result;

	guest->kvm_fd = kvm_open();
	if (guest->kvm_fd < 0)
		return guest->kvm_fd;
	result = prepare(guest, dir);
	if (result == 0)
		result = control_create(&guest->control, guest, dir->vmm);
	if (result == 0)
		result = sandbox_enter();
	if (result == 0)
		result = guest_boot(guest);
	return result;
}

/* Last words first; then nothing is left that could call back. */
static void release(struct guest *guest)
{
	if (guest->ended)
		console_link_drain(guest->link, DRAIN_MS);
	control_destroy(guest->control);
	guest_unwatch_machine(guest);
	machine_destroy(&guest->machine);
	if (guest->link)
		console_link_destroy(guest->link);
	if (guest->signal_event)
		event_free(guest->signal_event);
	if (guest->stop_timer)
		event_free(guest->stop_timer);
	if (guest->watchdog_timer)
		event_free(guest->watchdog_timer);
	if (guest->base)
		event_base_free(guest->base);
	close_fd(&guest->signal_fd);
	close_fd(&guest->kvm_fd);
}

static void loop(struct guest *guest)
{
	notify_send("READY=1\nSTATUS=%s", guest_state_name(guest->state));
	while (!guest->ended)
		if (event_base_dispatch(guest->base) < 0) {
			log_error("%s: the event loop failed", guest->config->name);
			guest->status = EXIT_HOST_FAILURE;
			break;
		}
}

enum exit_status guest_run(const struct vmm_config *config, const struct runtime_dir *dir)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	enum exit_status status;

	if (!guest)
		return EXIT_HOST_FAILURE;
	guest->config = config;
	guest->dir = dir;
	guest->started_ms = guest_uptime_ms(guest); /* the time now, as it was 0 */
	guest->kvm_fd = -1;
	guest->signal_fd = -1;

	int result = start(guest, dir);

	if (result == 0)
		loop(guest);
	else
		guest->status = result == -EINVAL ? EXIT_OPERATOR_ERROR : EXIT_HOST_FAILURE;
	status = guest->status;
	release(guest);
	free(guest);
	return status;
}
