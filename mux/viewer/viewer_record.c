/* The prompt's commands record and replay. */

#include "command.h"
#include "log.h"
#include "record_words.h"
#include "recorder.h"
#include "terminal_guard.h"
#include "viewer_parts.h"

#include <event2/buffer.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static struct recorder **recorder_of(struct viewer *viewer, const char *channel)
{
	for (size_t i = 0; i < VIEWER_RECORDINGS_MAX; i++)
		if (viewer->recorders[i] &&
			!strcmp(recorder_channel(viewer->recorders[i]), channel))
			return &viewer->recorders[i];
	return NULL;
}

static struct recorder **free_place(struct viewer *viewer)
{
	for (size_t i = 0; i < VIEWER_RECORDINGS_MAX; i++)
		if (!viewer->recorders[i])
			return &viewer->recorders[i];
	return NULL;
}

/* why is the recorder's own. */
static void end(struct viewer *viewer, struct recorder **recorder, const char *why)
{
	char channel[VIEW_NAME_MAX], file[PATH_MAX], reason[256];
	int result;

	snprintf(channel, sizeof(channel), "%s", recorder_channel(*recorder));
	snprintf(file, sizeof(file), "%s", recorder_file(*recorder));
	snprintf(reason, sizeof(reason), "%s", why ? why : "");
	result = recorder_destroy(*recorder);
	*recorder = NULL;
	if (!*reason && result)
		snprintf(reason, sizeof(reason), "%s", strerror(-result));
	viewer_message(viewer, "%s: recording to %s ended%s%s", channel, file, *reason ? ": " : "",
		reason);
}

static void begun(void *owner, struct recorder *recorder)
{
	viewer_message(owner, "%s: recording to %s", recorder_channel(recorder),
		recorder_file(recorder));
}

static void ended(void *owner, struct recorder *recorder, const char *why)
{
	struct recorder **place = recorder_of(owner, recorder_channel(recorder));

	if (place)
		end(owner, place, why);
}

static const char *start(struct viewer *viewer, struct recorder_options *options)
{
	struct recorder **place = free_place(viewer);
	uint16_t columns, rows;

	if (!strcmp(options->file, "-"))
		return "- is for a shell: give a file";
	if (recorder_of(viewer, options->channel))
		return "it is being recorded already";
	if (!place)
		return "there are too many recordings";
	terminal_size(&viewer->terminal, &columns, &rows);
	options->columns = columns;
	options->rows = rows;
	*place = recorder_create(options);
	return *place ? NULL : "no memory";
}

void viewer_record(struct viewer *viewer, char *const *words)
{
	struct recorder_options options = {
		.base = viewer->base,
		.control_path = viewer->options->control_path,
		.begun = begun,
		.ended = ended,
		.owner = viewer,
	};
	const struct command *command;
	struct command_words sorted;
	char message[512];
	const char *problem;

	if (!command_sort(words, &command, &sorted, message, sizeof(message)))
		return; /* whoever calls has checked them */
	problem = record_words(&sorted, &options);
	if (!problem && !strcmp(options.file, "off")) {
		struct recorder **recorder = recorder_of(viewer, options.channel);

		if (recorder)
			end(viewer, recorder, NULL);
		else
			problem = "it is not being recorded";
	} else if (!problem) {
		problem = start(viewer, &options);
	}
	if (problem)
		viewer_message(viewer, "record: %s: %s", options.channel, problem);
}

void viewer_recordings_typed(struct viewer *viewer, const char *channel, const void *bytes,
	size_t length)
{
	struct recorder **recorder = recorder_of(viewer, channel);

	if (recorder)
		recorder_typed(*recorder, bytes, length);
}

void viewer_recordings_resized(struct viewer *viewer)
{
	uint16_t columns, rows;

	terminal_size(&viewer->terminal, &columns, &rows);
	for (size_t i = 0; i < VIEWER_RECORDINGS_MAX; i++)
		if (viewer->recorders[i])
			recorder_resized(viewer->recorders[i], columns, rows);
}

void viewer_recordings_close(struct viewer *viewer)
{
	for (size_t i = 0; i < VIEWER_RECORDINGS_MAX; i++) {
		int result = recorder_destroy(viewer->recorders[i]);

		viewer->recorders[i] = NULL;
		if (result)
			log_error("viewer: a recording: %s", strerror(-result));
	}
}

/* Back to whatever was on the terminal before. */
static void played(void *owner, const char *message)
{
	struct viewer *viewer = owner;

	viewer->playing = false;
	viewer_message(viewer, "%s%s", *message ? "replay: " : "the recording has ended", message);
	viewer_stream_pause(&viewer->stream, false);
}

void viewer_play(struct viewer *viewer, char *const *words)
{
	const struct command *command;
	struct command_words sorted;
	char message[512];
	double speed, idle;
	const char *problem;

	if (!command_sort(words, &command, &sorted, message, sizeof(message)))
		return; /* whoever calls has checked them */
	problem = replay_words(&sorted, &speed, &idle);
	if (!viewer->terminal.interactive)
		problem = "a recording is played on a terminal";
	viewer->player = (struct player){
		.base = viewer->base,
		.terminal = &viewer->terminal,
		.modes = viewer->guard->modes,
		.ended = played,
		.owner = viewer,
	};
	if (!problem && player_open(&viewer->player, sorted.plain[1], speed, idle))
		problem = viewer->player.reader.error;
	if (problem) {
		viewer_message(viewer, "replay: %s", problem);
		return;
	}
	viewer->playing = true;
	viewer_stream_pause(&viewer->stream, true);
}
