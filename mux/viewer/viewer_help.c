/* What the viewer tells of its keys and commands. */

#include "command.h"
#include "viewer_parts.h"

#include <stdio.h>

static void tell_key(struct viewer *viewer, const char *key, const char *help)
{
	char escape[KEYS_NAME_MAX];

	keys_name(viewer->keys.escape, escape);
	viewer_line(viewer, "%11s %s - %s", escape, key, help);
}

static void tell_channels(struct viewer *viewer)
{
	unsigned number = 0;

	for (const struct viewer_channel *channel = viewer->channels; channel;
		channel = channel->next) {
		char key[] = { channel->key, 0 }, help[VIEW_NAME_MAX + 32];

		if (!channel->present)
			continue;
		snprintf(help, sizeof(help), "connect to %s", channel->text.name);
		if (channel->key)
			tell_key(viewer, key, help);
		if (viewer->keys.mode != KEYS_CONS && !viewer_is_log(channel))
			viewer_line(viewer, "%13u - %s", keys_shown_number(&viewer->keys, number++),
				channel->text.name);
	}
}

void viewer_tell_keys(struct viewer *viewer)
{
	const char *key, *help;

	if (viewer->keys.escape < 0) {
		viewer_line(viewer, "There is no escape key.");
		return;
	}
	for (size_t i = 0; i < key_count; i++) {
		char name[KEYS_NAME_MAX];

		keys_name((unsigned char)key_table[i].key, name);
		tell_key(viewer, name, key_table[i].help);
	}
	for (unsigned i = 0; keys_mode_help(viewer->keys.mode, i, &key, &help); i++)
		tell_key(viewer, key, help);
	tell_channels(viewer);
}

void viewer_help_key(struct viewer *viewer)
{
	if (viewer_at_guest(viewer) && viewer->screen.addressed)
		viewer_command_begin(viewer);
	viewer_tell_keys(viewer);
	viewer_show_soon(viewer);
}

void viewer_help(struct viewer *viewer)
{
	for (size_t i = 0; i < command_count; i++)
		if (!(command_table[i].flags & COMMAND_HIDDEN))
			viewer_line(viewer, "%15s - %s", command_table[i].name,
				command_table[i].help);
	viewer_line(viewer, "%s", "");
	viewer_line(viewer, "When connected, and at the prompt:");
	viewer_tell_keys(viewer);
}
