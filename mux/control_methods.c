/* control.sock: typed methods, each a way to a row of the command table. */

#include "control_methods.h"

#include "compiler.h"
#include "console_protocol.h"
#include "control_bytes.h"
#include "control_run.h"
#include "fd.h"
#include "varlink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words for a row: those of a table, and borrowed ones, which it does not change. */
#define WORD(text) ((char *)(uintptr_t)(text))

static bool is_missing(const json_t *value)
{
	return !value || json_typeof(value) == JSON_NULL;
}

bool control_string(struct varlink_call *call, json_t *parameters, const char *name,
	const char **value)
{
	const json_t *member = json_object_get(parameters, name);

	*value = NULL;
	if (is_missing(member))
		return true;
	*value = json_string_value(member);
	if (*value && json_string_length(member) == strlen(*value) &&
		strlen(*value) <= CONTROL_STRING_MAX)
		return true;
	varlink_fail_parameter(call, name);
	return false;
}

bool control_needed(struct varlink_call *call, json_t *parameters, const char *name,
	const char **value)
{
	if (!control_string(call, parameters, name, value))
		return false;
	if (!*value)
		varlink_fail_parameter(call, name);
	return *value;
}

bool control_integer(struct varlink_call *call, json_t *parameters, const char *name,
	json_int_t *value)
{
	const json_t *member = json_object_get(parameters, name);

	if (is_missing(member))
		return true;
	*value = json_integer_value(member);
	if (json_is_integer(member) && *value >= 0)
		return true;
	varlink_fail_parameter(call, name);
	return false;
}

bool control_flag(struct varlink_call *call, json_t *parameters, const char *name, bool *value)
{
	const json_t *member = json_object_get(parameters, name);

	if (is_missing(member))
		return true;
	*value = json_is_true(member);
	if (json_is_boolean(member))
		return true;
	varlink_fail_parameter(call, name);
	return false;
}

void control_info(struct varlink_call *call, json_t *parameters)
{
	char *const words[] = { WORD("info"), WORD("--json"), NULL };

	(void)parameters;
	control_run(call, words, CONTROL_JSON, NULL);
}

/* As send reads it; to be freed. NULL: no memory. */
static char *escape(const char *bytes, size_t length)
{
	char *text = malloc(2 * length + 1);
	char *to = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\\' || !bytes[i])
			*to++ = '\\';
		*to++ = bytes[i] ? bytes[i] : '0';
	}
	*to = '\0';
	return text;
}

/* Send(channel, text or bytes, enter) */
void control_send(struct varlink_call *call, json_t *parameters)
{
	const char *channel, *text, *bytes;
	AUTO_FREE char *copy = NULL;
	AUTO_FREE char *escaped = NULL;
	bool enter = false;
	ssize_t length;

	if (!control_needed(call, parameters, "channel", &channel) ||
		!control_string(call, parameters, "text", &text) ||
		!control_string(call, parameters, "bytes", &bytes) ||
		!control_flag(call, parameters, "enter", &enter))
		return;
	copy = strdup(text ? text : bytes ? bytes : "");
	length = !copy || text ? 0 : control_read_base64(copy);
	if (length < 0 || (text && bytes)) {
		varlink_fail_parameter(call, "bytes");
		return;
	}
	escaped = copy ? escape(copy, text ? strlen(text) : (size_t)length) : NULL;
	if (escaped) {
		char *const words[] = { WORD("send"), WORD("--enter"), WORD("--"), WORD(channel),
			escaped, NULL };
		char *const plain[] = { WORD("send"), WORD("--"), WORD(channel), escaped, NULL };

		control_run(call, enter ? words : plain, CONTROL_NOTHING, NULL);
	} else {
		control_no_memory(call);
	}
}

/* Wait(channel, pattern or state, timeoutMs) -> (line) */
void control_wait(struct varlink_call *call, json_t *parameters)
{
	const char *channel, *pattern, *state;
	json_int_t timeout_ms = -1;
	char *words[16] = { WORD("wait") };
	char timeout[32];
	size_t count = 1;

	if (!control_needed(call, parameters, "channel", &channel) ||
		!control_string(call, parameters, "pattern", &pattern) ||
		!control_string(call, parameters, "state", &state) ||
		!control_integer(call, parameters, "timeoutMs", &timeout_ms))
		return;
	if (pattern) {
		words[count++] = WORD("--for");
		words[count++] = WORD(pattern);
	}
	if (state) {
		words[count++] = WORD("--state");
		words[count++] = WORD(state);
	}
	if (timeout_ms >= 0) {
		snprintf(timeout, sizeof(timeout), "%lldms", (long long)timeout_ms);
		words[count++] = WORD("--timeout");
		words[count++] = timeout;
	}
	words[count++] = WORD("--");
	words[count++] = WORD(channel);
	control_run(call, words, CONTROL_LINE, "line");
}

/* A pattern that means the channel of this name and no other. */
#define EXACT_MAX (2 * CONSOLE_NAME_MAX + 1)
static const char *exact(char pattern[EXACT_MAX], const char *name)
{
	size_t length = 0;

	for (; *name && length < EXACT_MAX - 2; name++) {
		if (strchr("*?[\\", *name))
			pattern[length++] = '\\';
		pattern[length++] = *name;
	}
	pattern[length] = '\0';
	return pattern;
}

/* A setting of one word: NULL is none. False: the call has failed. */
static bool set(struct varlink_call *call, const char *command, const char *channel,
	const char *value)
{
	char pattern[EXACT_MAX];
	bool is_key = !strcmp(command, "key");
	char *const words[] = { WORD(command), WORD("--"),
		WORD(is_key ? channel : exact(pattern, channel)), WORD(value), NULL };

	return control_run_now(call, words);
}

/* Set(channel, shown, keep, key, timestamps, log): what is missing stays as it is. */
void control_set(struct varlink_call *call, json_t *parameters)
{
	static const struct {
		const char *member, *command;
	} strings[] = { { "key", "key" }, { "timestamps", "timestamp" } };
	static const struct {
		const char *member, *command_on, *command_off, *on, *off;
	} flags[] = {
		{ "shown", "show", "hide", NULL, NULL },
		{ "keep", "keep", "unkeep", NULL, NULL },
		{ "log", "log", "log", "on", "off" },
	};
	const char *channel, *value;

	if (!control_needed(call, parameters, "channel", &channel))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		if (!control_string(call, parameters, strings[i].member, &value))
			return;
		if (value && !set(call, strings[i].command, channel, *value ? value : "none"))
			return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		bool on = false;

		if (!control_flag(call, parameters, flags[i].member, &on))
			return;
		if (!is_missing(json_object_get(parameters, flags[i].member)) &&
			!set(call, on ? flags[i].command_on : flags[i].command_off, channel,
				on ? flags[i].on : flags[i].off))
			return;
	}
	varlink_reply(call, NULL);
}

void control_drop(struct varlink_call *call, json_t *parameters)
{
	const char *channel;

	if (control_needed(call, parameters, "channel", &channel) &&
		set(call, "drop", channel, NULL))
		varlink_reply(call, NULL);
}

void control_say(struct varlink_call *call, json_t *parameters)
{
	const char *text;

	if (control_needed(call, parameters, "text", &text)) {
		char *const words[] = { WORD("say"), WORD(text), NULL };

		control_run(call, words, CONTROL_NOTHING, NULL);
	}
}

void control_list_wires(struct varlink_call *call, json_t *parameters)
{
	char *const words[] = { WORD("wire"), WORD("--json"), WORD("list"), NULL };

	(void)parameters;
	control_run(call, words, CONTROL_JSON, "wires");
}

void control_list_ports(struct varlink_call *call, json_t *parameters)
{
	const char *wire;

	if (control_string(call, parameters, "wire", &wire)) {
		char *const words[] = { WORD("port"), WORD("--json"), WORD("list"), WORD(wire),
			NULL };

		control_run(call, words, CONTROL_JSON, "ports");
	}
}

/* Stats(of): a wire or a port; without it all. */
void control_stats(struct varlink_call *call, json_t *parameters)
{
	const char *of;

	if (control_string(call, parameters, "of", &of)) {
		char *const words[] = { WORD("stats"), WORD("--json"), WORD(of), NULL };

		control_run(call, words, CONTROL_JSON, "ports");
	}
}
