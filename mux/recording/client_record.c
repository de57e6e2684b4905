/* The command record, from a shell: until Ctrl-C, or for a time. */

#include "client_record.h"

#include "command.h"
#include "log.h"
#include "record_words.h"
#include "recorder.h"

#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct recording {
	struct event_base *base;
	struct recorder *recorder; /* owned */
	int status;
};

static void finish(struct recording *recording, int status)
{
	recording->status = status;
	event_base_loopbreak(recording->base);
}

static void ended(void *owner, struct recorder *recorder, const char *why)
{
	if (why)
		log_error("record: %s: %s", recorder_channel(recorder), why);
	finish(owner, why ? 1 : 0);
}

static void signal_came(evutil_socket_t number, short events, void *owner)
{
	(void)number;
	(void)events;
	finish(owner, 0);
}

/* The exit status. */
static int run(struct recording *recording, const struct recorder_options *options)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct event *signals[ARRAY_SIZE(numbers)];
	int result;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		signals[i] = evsignal_new(options->base, numbers[i], signal_came, recording);
		if (signals[i])
			event_add(signals[i], NULL);
	}
	recording->recorder = recorder_create(options);
	if (recording->recorder)
		event_base_dispatch(options->base);
	result = recorder_destroy(recording->recorder);
	if (result && !recording->status) {
		log_error("record: %s: %s", options->file, strerror(-result));
		recording->status = 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (signals[i])
			event_free(signals[i]);
	return recording->status;
}

int client_record(const char *control_path, const struct command_words *words)
{
	struct recording recording = { .base = event_base_new(), .status = 1 };
	struct recorder_options options = {
		.base = recording.base,
		.control_path = control_path,
		.ended = ended,
		.owner = &recording,
	};
	struct winsize size = { 0 };
	const char *problem = record_words(words, &options);
	int status = 2;

	if (!problem && !strcmp(options.file, "off"))
		problem = "off is for the prompt: end this with Ctrl-C";
	if (!problem && !strcmp(options.file, "-") && isatty(STDOUT_FILENO))
		problem = "a recording is nothing for a terminal: give a file, or a pipe";
	if (!problem && options.input)
		problem = "-i is for the prompt: nothing is typed here";
	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size)) {
		options.columns = size.ws_col;
		options.rows = size.ws_row;
	}
	if (problem)
		log_error("record: %s", problem);
	else if (recording.base)
		status = run(&recording, &options);
	if (recording.base)
		event_base_free(recording.base);
	return status;
}
