/* Guests the operator is connected to whenever they come. */

#include "viewer_parts.h"

#include <event2/buffer.h>
#include <string.h>

static bool is_named(const struct viewer *viewer, const struct viewer_channel *channel)
{
	for (char *const *name = viewer->options->autoconnect; name && *name; name++)
		if (!strcmp(*name, channel->name))
			return true;
	return false;
}

/* Nobody types a command, nothing is being typed anywhere else. */
static bool is_idle(const struct viewer *viewer)
{
	return viewer->announced && !viewer->connected && !viewer->broadcasting &&
		!viewer->running && !viewer->dropping && !evbuffer_get_length(viewer->ahead) &&
		(!viewer->prompt || prompt_is_empty(viewer->prompt));
}

void viewer_guest_came(struct viewer *viewer, struct viewer_channel *channel)
{
	if (!is_named(viewer, channel) || channel == viewer->connected)
		return;
	channel->awaited = true;
	if (viewer->announced && !is_idle(viewer))
		viewer_message(viewer, "%s is there; you will be connected at the prompt",
			channel->name);
}

bool viewer_autoconnect(struct viewer *viewer)
{
	struct viewer_channel *channel = viewer->channels;

	if (!is_idle(viewer))
		return false;
	while (channel && !(channel->awaited && channel->present && viewer_is_alive(channel)))
		channel = channel->next;
	if (channel)
		viewer_connect(viewer, channel);
	return channel != NULL;
}
