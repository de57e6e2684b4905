/* The words of the commands record and replay. */

#include "record_words.h"

#include "command.h"
#include "player.h"
#include "recorder.h"
#include "units.h"

#include <string.h>

#define IDLE_SECONDS 2

static const char *option(const struct command_words *words, const char *name)
{
	for (unsigned i = 0; i < words->option_count; i++)
		if (!strcmp(words->options[i].option->name, name))
			return words->options[i].value;
	return NULL;
}

/* As for the command wait: a number of seconds, or with a unit. */
static bool is_time(const char *text, double *seconds)
{
	uint64_t ms;

	if (player_number(text, seconds))
		return true;
	*seconds = 0;
	if (units_read_duration(text, strlen(text), &ms))
		*seconds = (double)ms / 1000;
	return *seconds > 0 && *seconds <= PLAYER_NUMBER_MOST;
}

const char *record_words(const struct command_words *words, struct recorder_options *options)
{
	const char *timeout = option(words, "--timeout");
	double seconds = 0;

	options->channel = words->plain[1];
	options->file = words->plain[2];
	options->input = option(words, "-i") != NULL;
	if (timeout && !is_time(timeout, &seconds))
		return "--timeout takes a time, such as 90, 90s or 500ms";
	options->timeout_ms = (unsigned)(seconds * 1000);
	return NULL;
}

const char *replay_words(const struct command_words *words, double *speed, double *idle)
{
	const char *limit = option(words, "--idle");

	*speed = 1;
	*idle = IDLE_SECONDS;
	if (words->plain_count > 2 && !player_number(words->plain[2], speed))
		return "the speed is a factor, from 0.01 to 1000000";
	if (limit && !is_time(limit, idle))
		return "--idle takes a time, such as 2, 2s or 500ms";
	return NULL;
}
