/* control.sock: a command of the table, and how its output answers a call. */

#include "control_run.h"

#include "control.h"
#include "control_bytes.h"
#include "mux.h"
#include "varlink.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 16384
#define UNSENT_MOST 65536
#define OUTPUT_MOST (VARLINK_MESSAGE_MAX / 8)
#define JSON_MOST ((size_t)2 * VARLINK_MESSAGE_MAX) /* it is shorter without its blanks */

/* One command and the output that its caller has not taken yet. */
struct run {
	struct command_call command;
	struct varlink_call *call;
	enum control_answer answer;
	const char *member;
	struct evbuffer *output; /* owned */
	struct event *again; /* owned; the next step */
	int status; /* or COMMAND_AGAIN, COMMAND_WAITING */
	unsigned *running; /* of the control */
};

static void run_free(struct run *run)
{
	(*run->running)--;
	command_end(&run->command);
	if (run->again)
		event_free(run->again);
	if (run->output)
		evbuffer_free(run->output);
	free(run);
}

static void caller_gone(void *owner)
{
	run_free(owner);
}

/* When others had their turn; an event that is made active at once leaves them none. */
static void soon(struct run *run)
{
	static const struct timeval none;

	event_add(run->again, &none);
}

static void wake(struct command_call *command)
{
	struct run *run = command->owner;

	if (run->status == COMMAND_WAITING)
		run->status = COMMAND_AGAIN;
	soon(run);
}

static void output_came(struct command_call *command, const void *bytes, size_t length)
{
	struct run *run = command->owner;

	evbuffer_add(run->output, bytes, length);
}

/* Up to most bytes of output as the parameters of a reply, which has a status if it is the last. */
static json_t *take_output(struct run *run, size_t most)
{
	size_t length = evbuffer_get_length(run->output);
	json_t *parameters = json_object();
	const uint8_t *bytes;

	if (length > most) {
		bytes = evbuffer_pullup(run->output, (ev_ssize_t)most);
		length = control_whole_characters(bytes, most);
	}
	bytes = evbuffer_pullup(run->output, (ev_ssize_t)length);
	control_add_bytes(parameters, bytes, length);
	evbuffer_drain(run->output, length);
	return parameters;
}

/* What was cut to fit may end within a character. */
static json_t *whole_text(const char *text)
{
	size_t length = control_whole_characters((const uint8_t *)text, strlen(text));

	return json_stringn(text, length);
}

void control_fail(struct varlink_call *call, const struct command_call *command, int status)
{
	json_t *message = whole_text(command->message);
	char error[64];

	if (!command->error) {
		varlink_fail(call, CONTROL_INTERFACE ".CommandFailed",
			json_pack("{s:o, s:i}", "message", message, "status", status));
		return;
	}
	snprintf(error, sizeof(error), CONTROL_INTERFACE ".%s", command->error);
	varlink_fail(call, error,
		json_pack("{s:o, s:o}", "message", message, "name",
			whole_text(command->error_name)));
}

void control_no_memory(struct varlink_call *call)
{
	const struct command_call command = { .message = "no memory" };

	control_fail(call, &command, 1);
}

/* What it printed is JSON. */
static json_t *take_json(struct run *run)
{
	size_t length = evbuffer_get_length(run->output);
	const char *text = (const char *)evbuffer_pullup(run->output, (ev_ssize_t)length);
	json_t *json = text ? json_loadb(text, length, 0, NULL) : NULL;

	return run->member ? json_pack("{s:o}", run->member, json) : json;
}

static json_t *take_line(struct run *run)
{
	size_t length = evbuffer_get_length(run->output);
	const char *text = (const char *)evbuffer_pullup(run->output, (ev_ssize_t)length);
	json_t *object = json_object();

	while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		length--;
	json_object_set_new(object, run->member, json_stringn(text ? text : "", length));
	return object;
}

static json_t *take_answer(struct run *run)
{
	json_t *last;

	switch (run->answer) {
	case CONTROL_PIECES:
		last = take_output(run, SIZE_MAX);
		json_object_set_new(last, "status", json_integer(0));
		return last;
	case CONTROL_NOTHING:
		return NULL;
	case CONTROL_LINE:
		return take_line(run);
	case CONTROL_JSON:
		return take_json(run);
	}
	return NULL;
}

static void run_end(struct run *run)
{
	if (run->answer == CONTROL_PIECES)
		run->command.error = NULL; /* who runs commands wants their status */
	if (run->status)
		control_fail(run->call, &run->command, run->status);
	else
		varlink_reply(run->call, take_answer(run));
	run_free(run);
}

static bool send_pieces(struct run *run)
{
	while (evbuffer_get_length(run->output) && varlink_unsent(run->call) < UNSENT_MOST)
		varlink_continue(run->call, take_output(run, PIECE));
	return !evbuffer_get_length(run->output);
}

/* Output goes out as fast as the caller takes it, and the command goes on when it is taken. */
static void run_progress(void *owner)
{
	struct run *run = owner;
	size_t most = run->answer == CONTROL_JSON ? JSON_MOST : OUTPUT_MOST;

	if (run->answer == CONTROL_PIECES && varlink_wants_more(run->call) && !send_pieces(run))
		return;
	if (evbuffer_get_length(run->output) > most) {
		varlink_fail(run->call, "org.varlink.service.ExpectedMore", NULL);
		run_free(run);
	} else if (run->status >= 0) {
		run_end(run);
	} else if (run->status == COMMAND_AGAIN && varlink_unsent(run->call) < UNSENT_MOST) {
		soon(run);
	}
}

static void run_again(evutil_socket_t unused, short events, void *owner)
{
	struct run *run = owner;

	(void)unused;
	(void)events;
	if (run->status == COMMAND_AGAIN)
		run->status = command_step(&run->command);
	run_progress(run);
}

static struct run *run_create(struct control *control, struct varlink_call *call)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->call = call;
	run->running = &control->running;
	control->running++;
	run->output = evbuffer_new();
	run->again = evtimer_new(control->mux->base, run_again, run);
	run->command = (struct command_call){
		.mux = control->mux,
		.output = output_came,
		.owner = run,
		.wake = wake,
	};
	if (run->output && run->again)
		return run;
	run_free(run);
	return NULL;
}

void control_run(struct varlink_call *call, char *const *words, enum control_answer answer,
	const char *member)
{
	struct run *run = run_create(varlink_owner(call), call);

	if (!run) {
		control_no_memory(call);
		return;
	}
	run->answer = answer;
	run->member = member;
	run->status = command_run(&run->command, words);
	varlink_on_gone(call, caller_gone, run);
	varlink_on_sent(call, run_progress, run);
	run_progress(run);
}

static void no_output(struct command_call *command, const void *bytes, size_t length)
{
	(void)command;
	(void)bytes;
	(void)length;
}

bool control_run_now(struct varlink_call *call, char *const *words)
{
	struct control *control = varlink_owner(call);
	struct command_call command = { .mux = control->mux, .output = no_output };
	int status = command_run(&command, words);

	command_end(&command);
	if (status)
		control_fail(call, &command, status);
	return !status;
}
