/* A prompt's command from a shell. */

#include "client.h"

#include "client_capture.h"
#include "client_record.h"
#include "command.h"
#include "completion.h"
#include "log.h"
#include "request.h"

#include <assert.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void output_came(void *owner, const void *bytes, size_t length)
{
	(void)owner;
	fwrite(bytes, 1, length, stdout);
	fflush(stdout); /* there may be no more for long */
}

static void done(void *owner, const char *message)
{
	if (*message)
		log_error("muxd: %s", message);
	event_base_loopbreak(owner);
}

static void print_output(struct command_call *call, const void *bytes, size_t length)
{
	(void)call;
	fwrite(bytes, 1, length, stdout);
}

/* Help about one command needs no muxd. */
static int client_help(char *const *words)
{
	struct command_call call = { .output = print_output };
	int status = command_run(&call, words);

	if (status)
		log_error("muxd: %s", call.message);
	return fflush(stdout) ? 1 : status;
}

static int client_completion(const struct command_words *words)
{
	assert(words->plain[1]);
	if (strcmp(words->plain[1], "bash") != 0) {
		log_error("muxd: completion: \"%s\" is not bash", words->plain[1]);
		return 2;
	}
	completion_script();
	return fflush(stdout) ? 1 : 0;
}

int client_run(const char *control_path, char *const *words)
{
	struct request request = { .output = output_came, .done = done };
	const struct command *command;
	struct command_words sorted;
	char message[512];

	if (!command_sort(words, &command, &sorted, message, sizeof(message))) {
		log_error("muxd: %s", message);
		return 2;
	}
	if (command->flags & COMMAND_LOCAL) {
		log_error("muxd: %s is for the prompt: try muxd attach console", command->name);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(command->name, "capture"))
		return client_capture(control_path, words);
	if (!strcmp(command->name, "help") && sorted.plain[1])
		return client_help(words);
	if (!strcmp(command->name, "completion"))
		return client_completion(&sorted);
	if (!strcmp(command->name, "record"))
		return client_record(control_path, &sorted);
	if (!strcmp(command->name, "replay"))
		return client_replay(&sorted);
	request.owner = event_base_new();
	if (!request.owner) {
		log_error("muxd: no memory");
		return 1;
	}
	request_start(&request, request.owner, control_path, words);
	if (request.stream)
		event_base_dispatch(request.owner);
	event_base_free(request.owner);
	if (fflush(stdout) || ferror(stdout)) {
		log_error("muxd: cannot write the output");
		return 1;
	}
	return request.status;
}
