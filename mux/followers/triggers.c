/*
 * Triggers: something is said, or a program is run, when a guest prints a line that an operator
 * waits for.
 *
 * How it works. Each channel's output becomes lines of text. A line is looked at when it ends, and
 * what there is of an unfinished one when all that came was read; each trigger takes a line once.
 */

#include "compiler.h"
#include "follower.h"
#include "line_text.h"
#include "log.h"
#include "log_line.h"
#include "monotonic.h"
#include "pattern.h"
#include "trigger_command.h"

#include <errno.h>
#include <event2/event.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define TRIGGERS_MOST 64 /* the bits of a mask */

struct trigger {
	struct triggers *triggers;
	const json_t *channels; /* patterns; the settings' as the rest */
	struct pattern *pattern; /* owned */
	const char *message; /* or NULL */
	uint64_t pause_ms; /* with one channel */
	char *words[TRIGGER_WORDS_MAX + 1]; /* up to NULL */
	struct trigger_command command;
	struct log_limit limit;
};

struct triggers {
	struct follower *follower;
	bool first; /* nobody has looked at what this muxd got so far */
	struct trigger list[TRIGGERS_MOST];
	size_t count;
	struct log_limit limit;
};

/* A channel that some triggers mean. */
struct watched {
	struct triggers *triggers;
	struct attach_client_channel *channel;
	uint64_t meant; /* a bit for each trigger */
	uint64_t done; /* those that have taken the line */
	uint64_t time_ms; /* when the newest bytes came */
	bool changed;
	uint64_t quiet_until_ms[TRIGGERS_MOST]; /* by trigger */
	struct line_text line;
};

static void run_command(struct trigger *trigger, const struct watched *watched)
{
	char time[LOG_LINE_TIME_MAX + 1] = "";
	const struct trigger_reason reason = {
		.guest = watched->channel->name,
		.line = watched->line.text,
		.time = time,
	};
	size_t length = log_line_time(LOG_TIMES_UTC, watched->time_ms, time);
	int error;

	time[length ? length - 1 : 0] = '\0'; /* without the blank */
	error = trigger_command_run(&trigger->command, &reason);
	if (error)
		log_limited(&trigger->limit, "%s: %s: not run: %s", watched->channel->name,
			trigger->words[0], error == -EBUSY ? "it runs already" : strerror(-error));
}

static void fire(struct trigger *trigger, struct watched *watched)
{
	const char *name = watched->channel->name;

	if (trigger->message) {
		log_limited(&trigger->limit, "%s: %s: %s", name, trigger->message,
			watched->line.text);
		attach_client_announce(&trigger->triggers->follower->client, watched->channel,
			trigger->message);
	}
	if (trigger->words[0])
		run_command(trigger, watched);
}

static void look(struct watched *watched)
{
	struct triggers *triggers = watched->triggers;
	const struct line_text *line = &watched->line;
	uint64_t now = monotonic_ms();

	for (size_t i = 0; i < triggers->count; i++) {
		struct trigger *trigger = &triggers->list[i];
		uint64_t bit = UINT64_C(1) << i;
		int found;

		if (!(watched->meant & ~watched->done & bit) || now < watched->quiet_until_ms[i])
			continue;
		found = pattern_find(trigger->pattern, line->text, line->length, 0, NULL);
		if (found < 0)
			log_limited(&trigger->limit, "%s: a line takes too long to look at",
				watched->channel->name);
		if (found <= 0)
			continue;
		watched->done |= bit;
		watched->quiet_until_ms[i] = now + trigger->pause_ms;
		fire(trigger, watched);
	}
}

static void line_ended(struct line_text *line)
{
	struct watched *watched = CONTAINER_OF(line, struct watched, line);

	look(watched);
	watched->done = 0;
}

static void output_came(void *owner, struct attach_client_channel *channel,
	const struct attach_client_piece *piece)
{
	struct watched *watched = channel->own;

	(void)owner;
	if (!watched)
		return;
	watched->time_ms = piece->time_ms;
	line_text_feed(&watched->line, piece->bytes, piece->length);
	watched->changed = true;
}

static void bytes_lost(void *owner, struct attach_client_channel *channel, uint64_t count)
{
	struct follower *follower = owner;
	struct triggers *triggers = follower->state;

	log_limited(&triggers->limit, "%s: %llu bytes of output came too fast for triggers",
		channel->name, (unsigned long long)count);
}

static void turn_ended(void *owner)
{
	struct follower *follower = owner;
	struct attach_client_channel *channel;

	LIST_FOREACH(channel, &follower->client.channels, link)
	{
		struct watched *watched = channel->own;

		if (!watched || !watched->changed)
			continue;
		watched->changed = false;
		if (watched->line.length)
			look(watched);
	}
}

static bool means(const struct trigger *trigger, const char *name)
{
	size_t i;
	json_t *pattern;

	json_array_foreach(trigger->channels, i, pattern)
	{
		if (!fnmatch(json_string_value(pattern), name, 0))
			return true;
	}
	return false;
}

/* The first one looks at all that this muxd got; another one only at what comes now. */
static void announced(void *owner, struct attach_client_channel *channel, const json_t *about)
{
	struct follower *follower = owner;
	struct triggers *triggers = follower->state;
	json_int_t opened = json_integer_value(json_object_get(about, "opened"));
	struct watched *watched;
	uint64_t meant = 0;

	for (size_t i = 0; i < triggers->count; i++) {
		if (means(&triggers->list[i], channel->name))
			meant |= UINT64_C(1) << i;
	}
	if (channel->own || !meant)
		return;
	watched = calloc(1, sizeof(*watched));
	if (!watched) {
		log_error("%s: no triggers: %s", channel->name, strerror(ENOMEM));
		return;
	}
	watched->triggers = triggers;
	watched->channel = channel;
	watched->meant = meant;
	watched->line.ended = line_ended;
	channel->own = watched;
	attach_client_follow(&follower->client, channel,
		triggers->first && opened >= 0 ? (uint64_t)opened : channel->end, FOLLOW_TIMES);
}

static void gone(void *owner, struct attach_client_channel *channel)
{
	(void)owner;
	free(channel->own);
	channel->own = NULL;
}

/* What makes no sense was an error of the configuration before. */
static int set_up(struct trigger *trigger, const json_t *settings)
{
	const char *text = json_string_value(json_object_get(settings, "for"));
	const json_t *words = json_object_get(settings, "command");
	char problem[128];

	trigger->channels = json_object_get(settings, "channels");
	trigger->message = json_string_value(json_object_get(settings, "message"));
	trigger->pause_ms = (uint64_t)json_integer_value(json_object_get(settings, "pause"));
	trigger->pattern = text ? pattern_create(text, 0, problem, sizeof(problem)) : NULL;
	for (size_t i = 0; i < json_array_size(words) && i < TRIGGER_WORDS_MAX; i++)
		trigger->words[i] = (char *)(uintptr_t)json_string_value(json_array_get(words, i));
	trigger->command.name = program_invocation_name;
	trigger->command.words = trigger->words;
	trigger_command_init(&trigger->command, trigger->triggers->follower->base);
	return trigger->pattern ? 0 : -EINVAL;
}

static int begin(struct follower *follower, const json_t *settings)
{
	const json_t *list = json_object_get(settings, "triggers");
	struct triggers *triggers = calloc(1, sizeof(*triggers));
	int error = 0;

	if (!triggers)
		return -ENOMEM;
	follower->state = triggers;
	triggers->follower = follower;
	triggers->first = json_is_true(json_object_get(settings, "first"));
	for (size_t i = 0; i < json_array_size(list) && i < TRIGGERS_MOST && !error; i++) {
		triggers->list[i].triggers = triggers;
		error = set_up(&triggers->list[i], json_array_get(list, i));
		triggers->count++;
	}
	if (error)
		log_error("%s: a trigger makes no sense", program_invocation_name);
	return error;
}

static void end(struct follower *follower)
{
	struct triggers *triggers = follower->state;
	struct attach_client_channel *channel;

	if (!triggers)
		return;
	for (size_t i = 0; i < triggers->count; i++) {
		trigger_command_end(&triggers->list[i].command);
		pattern_destroy(triggers->list[i].pattern);
	}
	LIST_FOREACH(channel, &follower->client.channels, link)
	{
		free(channel->own);
	}
	free(triggers);
}

const struct follower_kind follower_triggers = {
	.name = "triggers",
	.events = {
		.announced = announced,
		.gone = gone,
		.output = output_came,
		.lost = bytes_lost,
		.turn_ended = turn_ended,
		.ended = follower_stream_ended,
	},
	.begin = begin,
	.end = end,
};
