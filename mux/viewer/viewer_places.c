/* Going from one guest to another by a key, and the command line while connected. */

#include "terminal_guard.h"
#include "viewer_parts.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_guest(const struct viewer_channel *channel)
{
	return channel->present && !viewer_is_log(channel);
}

struct viewer_channel *viewer_find_number(const struct viewer *viewer, unsigned number)
{
	struct viewer_channel *channel = viewer->channels;

	while (channel && (!is_guest(channel) || number-- > 0))
		channel = channel->next;
	return channel;
}

void viewer_remember(struct viewer *viewer, const struct viewer_channel *channel)
{
	char *name = strdup(channel->name);

	if (!name)
		return;
	free(viewer->last);
	viewer->last = name;
}

/* Where "next" and "previous" count from. */
static const char *here(const struct viewer *viewer)
{
	if (viewer->connected)
		return viewer->connected->name;
	return viewer->last ? viewer->last : "";
}

void viewer_connect_next(struct viewer *viewer)
{
	struct viewer_channel *first = NULL, *next = NULL;

	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next) {
		if (!is_guest(channel))
			continue;
		if (!first)
			first = channel;
		if (!next && strcmp(channel->name, here(viewer)) > 0)
			next = channel;
	}
	viewer_connect_other(viewer, next ? next : first);
}

void viewer_connect_previous(struct viewer *viewer)
{
	struct viewer_channel *last = NULL, *previous = NULL;

	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next) {
		if (!is_guest(channel))
			continue;
		last = channel;
		if (strcmp(channel->name, here(viewer)) < 0)
			previous = channel;
	}
	viewer_connect_other(viewer, previous ? previous : last);
}

void viewer_connect_last(struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->last ? viewer_find(viewer, viewer->last) : NULL;

	viewer_connect_other(viewer, channel && channel->present ? channel : NULL);
}

void viewer_connect_other(struct viewer *viewer, struct viewer_channel *channel)
{
	if (channel && channel != viewer->connected)
		viewer_connect(viewer, channel);
	else
		viewer_message(viewer, "there is no other guest");
}

/* "cons: " says that Enter leads back to where one was. */
static void show_name(struct viewer *viewer)
{
	char name[VIEW_NAME_MAX];

	if (!viewer->commanding)
		snprintf(name, sizeof(name), "%s", viewer->prompt_name);
	else
		snprintf(name, sizeof(name), "%s:%.30s", viewer->prompt_name,
			viewer->connected->text.name);
	prompt_erase(viewer->prompt);
	prompt_name(viewer->prompt, name);
	prompt_draw(viewer->prompt);
}

void viewer_name_prompt(struct viewer *viewer, const char *name)
{
	snprintf(viewer->prompt_name, sizeof(viewer->prompt_name), "%s", name);
	show_name(viewer);
}

void viewer_command_begin(struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->connected;
	size_t again;

	if (!channel || !viewer->prompt)
		return;
	viewer_cancel(viewer);
	viewer->commanded = false;
	if (viewer->commanding)
		return;
	viewer_hide_hint(viewer);
	viewer->redraws = viewer->screen.addressed;
	again = screen_suspend(&viewer->screen, viewer->terminal.out);
	channel->position -= again < channel->position ? again : channel->position;
	atomic_store(viewer->guard->modes, 0);
	viewer->commanding = true;
	viewer->view.whole_lines = false;
	viewer->view.moves = viewer->terminal.moves;
	show_name(viewer);
	viewer_size_changed(viewer);
	terminal_listen(&viewer->terminal, true);
}

void viewer_command_over(struct viewer *viewer)
{
	viewer->commanding = false;
	viewer->redraws = false;
	show_name(viewer);
}

void viewer_command_end(struct viewer *viewer)
{
	viewer_command_over(viewer);
	view_forget(&viewer->view);
	viewer->view.whole_lines = true;
	viewer->view.moves = false;
	evbuffer_add_buffer(viewer->terminal.out, viewer->lines);
	screen_resume(&viewer->screen, viewer->terminal.out);
	atomic_store(viewer->guard->modes, viewer->screen.modes);
	viewer_size_changed(viewer);
	if (viewer->connected->known && viewer->replay == REPLAY_DONE)
		viewer_follow(viewer, viewer->connected, viewer->connected->position);
	else
		viewer_reconnect(viewer);
	viewer_show(viewer);
}
