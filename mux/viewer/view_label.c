/* What the tags of the view say: names of one width, never two the same. */

#include "view.h"

#include <stdio.h>
#include <string.h>

#define HEAD 10 /* columns of a long name before the mark */
#define TAIL (VIEW_TAG_MAX - HEAD - 1) /* and behind it */
#define MARK "~"

/* The byte where a column of harmless text begins; its length if there are fewer. */
static size_t byte_of(const char *text, unsigned column)
{
	size_t byte = 0;

	while (text[byte]) {
		char prefix[VIEW_NAME_MAX];
		size_t next = byte + 1;

		while ((text[next] & 0xc0) == 0x80)
			next++;
		memcpy(prefix, text, next);
		prefix[next] = 0;
		if (text_columns(prefix) > column)
			break;
		byte = next;
	}
	return byte;
}

static void shorten(struct view_channel *channel)
{
	unsigned columns = text_columns(channel->name);
	size_t head, tail;

	snprintf(channel->label, sizeof(channel->label), "%s", channel->name);
	if (columns <= VIEW_TAG_MAX)
		return;
	head = byte_of(channel->name, HEAD);
	tail = byte_of(channel->name, columns - TAIL);
	while (text_columns(channel->name + tail) > TAIL || (channel->name[tail] & 0xc0) == 0x80)
		tail++;
	snprintf(channel->label, sizeof(channel->label), "%.*s" MARK "%s", (int)head, channel->name,
		channel->name + tail);
}

static bool is_taken(struct view_channel *const *channels, size_t count, size_t index)
{
	for (size_t i = 0; i < count; i++)
		if (i != index && !strcmp(channels[i]->label, channels[index]->label))
			return true;
	return false;
}

void view_label(struct view *view, struct view_channel *const *channels, size_t count)
{
	unsigned width = VIEW_TAG_MIN;

	for (size_t i = 0; i < count; i++)
		shorten(channels[i]);
	/* Only shortened labels can be the same: those names are shown in full. */
	for (size_t i = 0; i < count; i++) {
		bool taken = is_taken(channels, count, i);

		for (size_t k = i + 1; taken && k < count; k++)
			if (!strcmp(channels[k]->label, channels[i]->label))
				memcpy(channels[k]->label, channels[k]->name,
					sizeof(channels[k]->label));
		if (taken)
			memcpy(channels[i]->label, channels[i]->name, sizeof(channels[i]->label));
	}
	for (size_t i = 0; i < count; i++) {
		unsigned columns = text_columns(channels[i]->label);

		if (columns > width && columns <= VIEW_TAG_MAX)
			width = columns;
	}
	view->tag_width = width;
}
