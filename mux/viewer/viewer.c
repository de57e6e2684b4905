/* The viewer: an operator's terminal attached to muxd. */

#include "viewer.h"

#include "fd.h"
#include "log.h"
#include "terminal_guard.h"
#include "viewer_parts.h"

#include <errno.h>
#include <event2/event.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void viewer_end(struct viewer *viewer, int status)
{
	if (viewer->done)
		return;
	viewer->done = true;
	viewer->status = status;
	if (viewer->prompt)
		prompt_leave(viewer->prompt);
}

void viewer_detach(struct viewer *viewer)
{
	viewer_end(viewer, viewer->options->owns_mux ? VIEWER_DETACHED : 0);
}

/* Stopped by somebody else: the terminal is not ours until we are continued. */
static void stop_asked(struct viewer *viewer)
{
	if (terminal_guard_in_foreground())
		terminal_drain(&viewer->terminal);
	terminal_guard_suspend(viewer->guard);
}

static void continued(struct viewer *viewer)
{
	terminal_guard_continued(viewer->guard);
	if (!viewer->terminal.interactive)
		return;
	if (!terminal_guard_in_foreground()) {
		terminal_guard_suspend(viewer->guard);
		return;
	}
	terminal_take(&viewer->terminal);
	atomic_store(viewer->guard->modes, viewer->screen.modes);
	if (viewer_at_guest(viewer))
		screen_redraw(&viewer->screen, viewer->terminal.out);
	else
		prompt_erase(viewer->prompt);
	viewer_size_changed(viewer);
	prompt_draw(viewer->prompt);
	terminal_flush(&viewer->terminal);
}

static void signal_came(evutil_socket_t number, short events, void *owner)
{
	struct viewer *viewer = owner;

	(void)events;
	switch ((int)number) {
	case SIGWINCH:
		if (viewer->terminal.interactive)
			viewer_size_changed(viewer);
		break;
	case SIGTSTP:
		stop_asked(viewer);
		break;
	case SIGCONT:
		continued(viewer);
		break;
	default:
		viewer_end(viewer, 128 + (int)number);
		break;
	}
}

static int open_signals(struct viewer *viewer)
{
	static const int numbers[VIEWER_SIGNALS] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH,
		SIGTSTP, SIGCONT };

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < VIEWER_SIGNALS; i++) {
		viewer->signals[i] = evsignal_new(viewer->base, numbers[i], signal_came, viewer);
		if (!viewer->signals[i] || event_add(viewer->signals[i], NULL))
			return -ENOMEM;
	}
	return 0;
}

/* Characters are UTF-8 for us, whatever the locale says about messages. */
static void choose_locale(void)
{
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static int open_viewer(struct viewer *viewer)
{
	int result;

	viewer->base = event_base_new();
	if (!viewer->base)
		return -ENOMEM;
	result = terminal_open(&viewer->terminal, viewer->base, viewer->guard);
	if (result)
		return result;
	viewer->terminal.typed = viewer_typed;
	viewer->terminal.owner = viewer;
	if (viewer_output_open(viewer) || viewer_keys_open(viewer) ||
		viewer_commands_open(viewer) || viewer_broadcast_open(viewer))
		return -ENOMEM;
	viewer->stream = (struct viewer_stream){
		.base = viewer->base,
		.path = viewer->options->control_path,
		.events = &viewer_stream_handlers,
		.owner = viewer,
		.read_only = viewer->options->read_only,
	};
	if (open_signals(viewer) || viewer_stream_start(&viewer->stream))
		return -ENOMEM;
	return 0;
}

static void close_viewer(struct viewer *viewer)
{
	viewer_recordings_close(viewer);
	free(viewer->last);
	viewer_broadcast_close(viewer);
	viewer_forget_channels(viewer);
	viewer_stream_stop(&viewer->stream);
	viewer_commands_close(viewer);
	viewer_keys_close(viewer);
	viewer_output_close(viewer);
	for (size_t i = 0; i < VIEWER_SIGNALS; i++)
		if (viewer->signals[i])
			event_free(viewer->signals[i]);
	if (viewer->base) {
		terminal_close(&viewer->terminal);
		event_base_free(viewer->base);
	}
}

static void run(struct viewer *viewer)
{
	terminal_take(&viewer->terminal);
	terminal_listen(&viewer->terminal, true);
	if (viewer->terminal.interactive)
		viewer_size_changed(viewer);
	while (!viewer->done) {
		bool busy;

		viewer_process(viewer);
		busy = viewer_at_guest(viewer) || viewer->broadcasting || viewer->running ||
			viewer->dropping || viewer->playing;

		if (viewer->commanding && viewer->commanded && !viewer->running && !viewer->playing)
			viewer_command_end(viewer);
		else if (viewer->prompt && !busy && !viewer_autoconnect(viewer))
			viewer_prompt(viewer);
		else
			event_base_loop(viewer->base, EVLOOP_ONCE);
	}
	if (viewer->playing)
		player_close(&viewer->player);
	viewer->playing = false;
	if (viewer->connected)
		viewer_leave(viewer);
	viewer_show(viewer);
	terminal_give_back(&viewer->terminal);
}

int viewer_work(struct terminal_guard *guard, void *owner)
{
	const struct viewer_options *options = owner;
	struct viewer *viewer = calloc(1, sizeof(*viewer));
	int result, status = EXIT_FAILURE;

	choose_locale();
	if (!viewer)
		return EXIT_FAILURE;
	viewer->options = options;
	viewer->guard = guard;
	viewer->wanted = strcmp(options->what, "console") != 0 ? options->what : NULL;
	viewer->terminal.input_fd = viewer->terminal.output_fd = -1;
	result = open_viewer(viewer);
	if (!result) {
		run(viewer);
		status = viewer->status;
	} else {
		log_error("viewer: %s", strerror(-result));
	}
	close_viewer(viewer);
	free(viewer);
	return status;
}

int viewer_main(const struct viewer_options *options)
{
	bool guest = strcmp(options->what, "console") != 0;
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	if (options->broadcast && !terminal) {
		log_error("broadcast: needs a terminal; send is for scripts");
		return 2;
	}
	if (guest && !options->read_only && !terminal) {
		log_error("attach: typing into \"%s\" needs a terminal; "
			  "without one use --read-only, or attach console",
			options->what);
		return 2;
	}
	return terminal_guard_run(viewer_work, (void *)(uintptr_t)options);
}
