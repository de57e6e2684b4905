/* The list of channels a viewer knows, their colours and the words of their tags. */

#include "viewer_parts.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

static const char palette[] = "gycmbrGYCMBR";

bool viewer_is_log(const struct viewer_channel *channel)
{
	return !strcmp(channel->state, "log");
}

bool viewer_is_alive(const struct viewer_channel *channel)
{
	static const char *const without[] = { "gone", "powered-off", "crashed", "log" };

	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		if (!strcmp(channel->state, without[i]))
			return false;
	return true;
}

struct viewer_channel *viewer_find(const struct viewer *viewer, const char *name)
{
	struct viewer_channel *channel = viewer->channels;

	while (channel && strcmp(channel->name, name) != 0)
		channel = channel->next;
	return channel;
}

struct viewer_channel *viewer_find_key(const struct viewer *viewer, char key)
{
	struct viewer_channel *channel = viewer->channels;
	int number = key - '1';

	while (channel && (channel->key != key || !channel->present))
		channel = channel->next;
	if (channel || number < 0 || number > 8)
		return channel;
	channel = viewer->channels;
	while (channel && (!channel->present || viewer_is_log(channel) || number-- > 0))
		channel = channel->next;
	return channel;
}

struct viewer_channel *viewer_find_id(const struct viewer *viewer, uint32_t id)
{
	struct viewer_channel *channel = viewer->channels;

	while (channel && (channel->id != id || !channel->present))
		channel = channel->next;
	return channel;
}

void viewer_choose_labels(struct viewer *viewer)
{
	struct view_channel *shown[256];
	size_t count = 0;

	for (struct viewer_channel *channel = viewer->channels; channel && count < 256;
		channel = channel->next)
		if (channel->shown)
			shown[count++] = &channel->text;
	view_label(&viewer->view, shown, count);
}

/* The colours that are taken least often, in the order of the palette. */
static char automatic_color(const struct viewer *viewer)
{
	unsigned used[sizeof(palette)] = { 0 };
	size_t best = 0;

	for (const struct viewer_channel *channel = viewer->channels; channel;
		channel = channel->next) {
		const char *color = strchr(palette, channel->text.color);

		if (channel->text.color && color)
			used[color - palette]++;
	}
	for (size_t i = 0; i < sizeof(palette) - 1; i++)
		if (used[i] < used[best])
			best = i;
	return palette[best];
}

/* Those that have none get theirs in the order of names. */
void viewer_choose_colors(struct viewer *viewer)
{
	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next)
		if (channel->color)
			channel->text.color = channel->color;
	for (struct viewer_channel *channel = viewer->channels; channel; channel = channel->next)
		if (!channel->text.color)
			channel->text.color = automatic_color(viewer);
}

void viewer_channel_destroy(struct viewer_channel *channel)
{
	if (channel->typed)
		evbuffer_free(channel->typed);
	free(channel->name);
	free(channel);
}

struct viewer_channel *viewer_channel_create(struct viewer *viewer, const char *name)
{
	struct viewer_channel *channel = calloc(1, sizeof(*channel));
	struct viewer_channel **place = &viewer->channels;

	if (!channel)
		return NULL;
	channel->name = strdup(name);
	channel->typed = evbuffer_new();
	if (!channel->name || !channel->typed) {
		viewer_channel_destroy(channel);
		return NULL;
	}
	view_channel_init(&viewer->view, &channel->text, name, 0);
	while (*place && strcmp((*place)->name, name) < 0)
		place = &(*place)->next;
	channel->next = *place;
	*place = channel;
	return channel;
}

void viewer_forget_channels(struct viewer *viewer)
{
	while (viewer->channels) {
		struct viewer_channel *channel = viewer->channels;

		viewer->channels = channel->next;
		viewer_channel_destroy(channel);
	}
}
