/* What was typed, in its order: some of it has to wait for its turn. */

#include "viewer_parts.h"

#include <event2/buffer.h>
#include <string.h>

#define AHEAD_MAX 65536 /* bytes whose turn has not come; then none are read */
#define PIECE 4096
#define CTRL_C 3
#define ENDS_LINE "\r\n\003\004\032" /* behind one of them another place may begin */

/*
 * How it works. Whether bytes are for the prompt or for a guest depends on what those before them
 * do, and the line editor takes them when it asks for some. So what is typed goes to a buffer, and
 * is taken from there as long as it is clear whose it is: at the prompt up to the end of a line
 * while the editor asks, and nothing but keys while a command runs.
 */

static bool at_prompt(const struct viewer *viewer)
{
	return viewer->prompt && !viewer_at_guest(viewer) &&
		(viewer->commanding || !viewer->broadcasting);
}

/* Where the byte comes first in what waits; -1: nowhere. */
static ev_ssize_t find(const struct viewer *viewer, int byte)
{
	char wanted = (char)byte;

	return byte < 0 ? -1 : evbuffer_search(viewer->ahead, &wanted, 1, NULL).pos;
}

/*
 * Ends the command that runs, unless a key is before it: then it is for where that leads. What is
 * typed ahead of it was for a prompt, unless a guest is behind that.
 */
static bool take_control_c(struct viewer *viewer)
{
	ev_ssize_t place = find(viewer, CTRL_C), key = find(viewer, viewer->keys.escape);
	struct evbuffer *before;

	if (place < 0 || (key >= 0 && key < place))
		return false;
	before = evbuffer_new();
	if (!before)
		return false;
	evbuffer_remove_buffer(viewer->ahead, before, (size_t)place);
	evbuffer_drain(viewer->ahead, 1);
	if (viewer->commanding)
		evbuffer_prepend_buffer(viewer->ahead, before);
	evbuffer_free(before);
	viewer_cancel(viewer);
	return true;
}

/* How many of the bytes in front have their turn. */
static size_t turn(struct viewer *viewer, const uint8_t *bytes, size_t length)
{
	bool is_key = keys_are_begun(&viewer->keys) || bytes[0] == viewer->keys.escape;

	if (!at_prompt(viewer))
		return length;
	if (viewer->running)
		return is_key ? 1 : 0;
	if (!prompt_asks(viewer->prompt))
		return 0;
	for (size_t i = 0; i < length; i++)
		if (bytes[i] && strchr(ENDS_LINE, bytes[i]))
			return i + 1;
	return length;
}

void viewer_process(struct viewer *viewer)
{
	while (!viewer->dropping && !viewer->done && !viewer->playing) {
		uint8_t bytes[PIECE];
		struct key_event event;
		ev_ssize_t length = evbuffer_copyout(viewer->ahead, bytes, sizeof(bytes));
		size_t used;

		if (length <= 0)
			break;
		if (at_prompt(viewer) && viewer->running && !keys_are_begun(&viewer->keys) &&
			take_control_c(viewer))
			continue;
		used = turn(viewer, bytes, (size_t)length);
		if (!used)
			break;
		used = keys_next(&viewer->keys, bytes, used, &event);
		evbuffer_drain(viewer->ahead, used);
		viewer_act(viewer, &event);
	}
	if (viewer->deaf && evbuffer_get_length(viewer->ahead) < AHEAD_MAX) {
		viewer->deaf = false;
		terminal_listen(&viewer->terminal, true);
	}
}

void viewer_typed(void *owner, const uint8_t *bytes, size_t length)
{
	struct viewer *viewer = owner;

	if (!length) {
		viewer_end(viewer, 0);
		return;
	}
	if (viewer->playing) {
		player_typed(&viewer->player, bytes, length);
		return;
	}
	if (viewer->dropping) {
		viewer_expect_pause(viewer);
		return;
	}
	evbuffer_add(viewer->ahead, bytes, length);
	viewer_process(viewer);
	if (evbuffer_get_length(viewer->ahead) >= AHEAD_MAX) {
		viewer->deaf = true;
		terminal_listen(&viewer->terminal, false);
	}
	viewer_show_soon(viewer);
}
