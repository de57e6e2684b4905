/* What stands in muxd.toml about wires and ports, value by value. */

#include "keys.h"
#include "mux_config_parts.h"
#include "pattern.h"
#include "port_text.h"
#include "units.h"

#include <errno.h>
#include <string.h>

#define AGEING_MOST_MS (UINT64_C(24) * 3600 * 1000)
#define MTU_LEAST 68
#define MTU_MOST 65535

static int answer(struct config_reader *reader, const struct toml_value *value, const char *problem)
{
	char shown[CONFIG_SHOWN_MAX];

	if (!problem)
		return 0;
	return config_problem(reader, "%s, not \"%s\"", problem,
		config_show(shown, &value->string));
}

static int store_vlan(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_vlan(string->bytes, string->length, field));
}

static int store_mac(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_mac(string->bytes, string->length, field));
}

static int store_poll(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_poll(string->bytes, string->length, field));
}

static int store_delay(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_delay(string->bytes, string->length, field));
}

static int store_loss(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_loss(string->bytes, string->length, field));
}

static int store_rate(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	return answer(reader, value, port_read_rate(string->bytes, string->length, field));
}

static int store_ageing(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;
	uint64_t ms;

	if (!units_read_duration(string->bytes, string->length, &ms) || ms < 1000 ||
		ms > AGEING_MOST_MS || ms % 1000)
		return answer(reader, value,
			"must be a duration of whole seconds from 1s to 24h such as \"300s\"");
	*(uint32_t *)field = (uint32_t)(ms / 1000);
	return 0;
}

static int store_escape(struct config_reader *reader, const struct toml_value *value, void *field)
{
	const struct toml_string *string = &value->string;

	if (strlen(string->bytes) == string->length && keys_parse(string->bytes, field))
		return 0;
	return answer(reader, value, "must be a key such as \"Ctrl-E\", \"^E\", \"@\" or \"none\"");
}

const struct config_kind config_escape = {
	.wanted = "a string such as \"Ctrl-E\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_escape,
};

static int store_mtu(struct config_reader *reader, const struct toml_value *value, void *field)
{
	int64_t mtu = value->integer;

	if (mtu != 0 && (mtu < MTU_LEAST || mtu > MTU_MOST))
		return config_problem(reader, "must be 0 or %d to %d, not %lld", MTU_LEAST,
			MTU_MOST, (long long)mtu);
	*(uint32_t *)field = (uint32_t)mtu;
	return 0;
}

/* It is compiled to see whether it can be. */
static int store_expression(struct config_reader *reader, const struct toml_value *value,
	void *field)
{
	const struct toml_string *string = &value->string;
	struct pattern *pattern;
	char problem[128];

	if (!string->length || strlen(string->bytes) != string->length)
		return config_problem(reader, "must not be empty or contain NUL");
	pattern = pattern_create(string->bytes, 0, problem, sizeof(problem));
	if (!pattern)
		return config_problem(reader, "is no regular expression: %s", problem);
	pattern_destroy(pattern);
	return config_text.store(reader, value, field);
}

const struct config_kind config_vlan = {
	.wanted = "a string such as \"access=5\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_vlan,
};

const struct config_kind config_mac = {
	.wanted = "a string with an Ethernet address",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_mac,
};

const struct config_kind config_poll = {
	.wanted = "a string such as \"50us\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_poll,
};

const struct config_kind config_delay = {
	.wanted = "a duration such as \"20ms\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_delay,
};

const struct config_kind config_loss = {
	.wanted = "a string with a percentage such as \"0.5%\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_loss,
};

const struct config_kind config_rate = {
	.wanted = "a string with bits a second such as \"100Mbit\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_rate,
};

const struct config_kind config_ageing = {
	.wanted = "a duration such as \"300s\"",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_ageing,
};

const struct config_kind config_mtu = {
	.wanted = "an integer",
	.accepts = CONFIG_TYPE(TOML_INTEGER),
	.store = store_mtu,
};

static void release_expression(void *field)
{
	config_text.release(field);
}

const struct config_kind config_expression = {
	.wanted = "a string with a regular expression",
	.accepts = CONFIG_TYPE(TOML_STRING),
	.store = store_expression,
	.release = release_expression,
};
