/* control.sock: the varlink interface org.vmm.mux (control_interface.c). */

#include "control.h"

#include "attach.h"
#include "attach_stream.h"
#include "channel.h"
#include "command.h"
#include "commands.h"
#include "control_capture.h"
#include "varlink.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 256
#define PIECE 16384
#define UNSENT_MOST 65536

struct control {
	struct mux *mux;
	struct varlink_service *service; /* owned */
	unsigned running; /* commands */
};

/* One command and the output that its caller has not taken yet. */
struct run {
	struct command_call command;
	struct varlink_call *call;
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

static json_t *base64(const uint8_t *bytes, size_t length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc(length / 3 * 4 + 5);
	char *next = text;
	json_t *string;

	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		unsigned bits = (unsigned)bytes[i] << 16 |
			(left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
			(left > 2 ? (unsigned)bytes[i + 2] : 0);

		*next++ = digits[bits >> 18];
		*next++ = digits[bits >> 12 & 63];
		*next++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*next++ = left > 2 ? digits[bits & 63] : '=';
	}
	*next = '\0';
	string = json_string(text);
	free(text);
	return string;
}

/* Up to most bytes of output as the parameters of a reply, which has a status if it is the last. */
static json_t *take_output(struct run *run, size_t most)
{
	size_t length = evbuffer_get_length(run->output);
	const uint8_t *bytes;
	json_t *parameters = json_object();
	json_t *text = NULL;

	if (length > most) {
		bytes = evbuffer_pullup(run->output, (ev_ssize_t)most + 1);
		for (length = most; length > most - 3 && (bytes[length] & 0xc0) == 0x80;)
			length--;
	}
	bytes = evbuffer_pullup(run->output, (ev_ssize_t)length);
	if (length && !memchr(bytes, '\0', length))
		text = json_stringn((const char *)bytes, length);
	if (text)
		json_object_set_new(parameters, "text", text);
	else if (length)
		json_object_set_new(parameters, "bytes", base64(bytes, length));
	evbuffer_drain(run->output, length);
	return parameters;
}

static void run_end(struct run *run)
{
	json_t *last;

	if (run->status) {
		varlink_fail(run->call, CONTROL_INTERFACE ".CommandFailed",
			json_pack("{s:s, s:i}", "message", run->command.message, "status",
				run->status));
	} else {
		last = take_output(run, SIZE_MAX - 1);
		json_object_set_new(last, "status", json_integer(0));
		varlink_reply(run->call, last);
	}
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

	if (varlink_wants_more(run->call) && !send_pieces(run))
		return;
	if (evbuffer_get_length(run->output) > VARLINK_MESSAGE_MAX / 8) {
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

static void start_run(struct varlink_call *call, char *const *words)
{
	struct control *control = varlink_owner(call);
	struct run *run = run_create(control, call);

	if (!run) {
		varlink_fail(call, CONTROL_INTERFACE ".CommandFailed",
			json_pack("{s:s, s:i}", "message", "no memory", "status", 1));
		return;
	}
	run->status = command_run(&run->command, words);
	varlink_on_gone(call, caller_gone, run);
	varlink_on_sent(call, run_progress, run);
	run_progress(run);
}

/* Borrows the strings of a JSON array, or nothing; false if it is something else. */
static bool words_of(json_t *array, char *words[WORDS_MAX + 1])
{
	size_t count = json_array_size(array);

	words[0] = NULL;
	if (!array)
		return true;
	if (!json_is_array(array) || count > WORDS_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(array, i));

		if (!word)
			return false;
		words[i] = (char *)(uintptr_t)word;
	}
	words[count] = NULL;
	return true;
}

static void run_method(struct varlink_call *call, json_t *parameters)
{
	json_t *array = json_object_get(parameters, "words");
	char *words[WORDS_MAX + 1];

	if (array && words_of(array, words))
		start_run(call, words);
	else
		varlink_fail_parameter(call, "words");
}

static void add_channel(struct command_call *command, struct channel *channel)
{
	json_array_append_new(command->json, channel_json(channel));
}

static void list_method(struct varlink_call *call, json_t *parameters)
{
	json_t *array = json_object_get(parameters, "patterns");
	struct control *control = varlink_owner(call);
	char *words[WORDS_MAX + 1];
	struct command_call command = {
		.mux = control->mux,
		.command = command_find("list"),
		.json = json_array(),
	};

	if (json_is_null(array))
		array = NULL;
	if (!words_of(array, words)) {
		json_decref(command.json);
		varlink_fail_parameter(call, "patterns");
		return;
	}
	commands_each(&command, words, add_channel);
	varlink_reply(call, json_pack("{s:o}", "channels", command.json));
}

static void attach_method(struct varlink_call *call, json_t *parameters)
{
	struct control *control = varlink_owner(call);
	json_t *version = json_object_get(parameters, "version");
	bool read_only = json_is_true(json_object_get(parameters, "readOnly"));
	struct bufferevent *stream;

	if (!json_is_integer(version)) {
		varlink_fail_parameter(call, "version");
		return;
	}
	if (json_integer_value(version) != ATTACH_VERSION) {
		varlink_fail(call, CONTROL_INTERFACE ".VersionMismatch",
			json_pack("{s:i}", "version", ATTACH_VERSION));
		return;
	}
	if (!attach_has_room(control->mux, varlink_descriptor(call))) {
		varlink_fail(call, CONTROL_INTERFACE ".TooManyViewers", NULL);
		return;
	}
	stream = varlink_upgrade(call,
		json_pack("{s:i, s:s, s:I}", "version", ATTACH_VERSION, "prompt",
			control->mux->options->prompt, "serverPid", (json_int_t)getpid()));
	if (stream)
		attach_begin(control->mux, stream, read_only);
}

static void capture_method(struct varlink_call *call, json_t *parameters)
{
	struct control *control = varlink_owner(call);

	control_capture(control->mux, call, parameters);
}

static const struct varlink_method methods[] = {
	{ "List", list_method },
	{ "Run", run_method },
	{ "Attach", attach_method },
	{ "Capture", capture_method },
};

static const struct varlink_interface interface = {
	.name = CONTROL_INTERFACE,
	.description = control_description,
	.methods = methods,
	.count = ARRAY_SIZE(methods),
};

struct control *control_create(struct mux *mux, int listen_fd)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control) {
		close(listen_fd);
		return NULL;
	}
	control->mux = mux;
	control->service = varlink_service_create(mux->base, listen_fd, &interface, control);
	if (!control->service) {
		free(control);
		return NULL;
	}
	return control;
}

unsigned control_running(const struct control *control)
{
	return control->running;
}

void control_destroy(struct control *control)
{
	varlink_service_destroy(control->service);
	free(control);
}
