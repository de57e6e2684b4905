/* control.sock: the varlink interface org.vmm.mux (control_interface.c). */

#include "control.h"

#include "attach.h"
#include "attach_stream.h"
#include "channel.h"
#include "command.h"
#include "commands.h"
#include "control_capture.h"
#include "control_methods.h"
#include "control_run.h"
#include "varlink.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 256

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
		control_run(call, words, CONTROL_PIECES, NULL);
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
		attach_begin(control->mux, stream, read_only, NULL);
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
	{ "Info", control_info },
	{ "Read", control_read },
	{ "Send", control_send },
	{ "Wait", control_wait },
	{ "Set", control_set },
	{ "Drop", control_drop },
	{ "Say", control_say },
	{ "ListWires", control_list_wires },
	{ "ListPorts", control_list_ports },
	{ "Stats", control_stats },
};

struct control *control_create(struct mux *mux, int listen_fd)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control) {
		close(listen_fd);
		return NULL;
	}
	control->mux = mux;
	control->interface = (struct varlink_interface){
		.name = CONTROL_INTERFACE,
		.description = control_describe(),
		.methods = methods,
		.count = ARRAY_SIZE(methods),
	};
	if (control->interface.description)
		control->service =
			varlink_service_create(mux->base, listen_fd, &control->interface, control);
	else
		close(listen_fd);
	if (control->service)
		return control;
	free((char *)(uintptr_t)control->interface.description);
	free(control);
	return NULL;
}

unsigned control_running(const struct control *control)
{
	return control->running;
}

void control_destroy(struct control *control)
{
	varlink_service_destroy(control->service);
	free((char *)(uintptr_t)control->interface.description);
	free(control);
}
