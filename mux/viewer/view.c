/* The tagged view: lines of several channels on one terminal. */

#include "view.h"

#include "compiler.h"

#include <assert.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#define TAB_STOP 8
#define MARKS_MAX 64 /* bytes of accents kept in the row of their character */
#define COLOR_END "\033[0m"

static void put(struct view *view, const char *bytes, size_t length)
{
	evbuffer_add(view->out, bytes, length);
}

static void put_string(struct view *view, const char *string)
{
	put(view, string, strlen(string));
}

const char *view_color(char letter)
{
	static const struct {
		char letter;
		const char *start;
	} colors[] = {
		{ 'r', "\033[31m" },
		{ 'g', "\033[32m" },
		{ 'y', "\033[33m" },
		{ 'b', "\033[34m" },
		{ 'm', "\033[35m" },
		{ 'c', "\033[36m" },
		{ 'w', "\033[37m" },
		{ 'N', "\033[1;30m" },
		{ 'R', "\033[1;31m" },
		{ 'G', "\033[1;32m" },
		{ 'Y', "\033[1;33m" },
		{ 'B', "\033[1;34m" },
		{ 'M', "\033[1;35m" },
		{ 'C', "\033[1;36m" },
		{ 'W', "\033[1;37m" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(colors); i++)
		if (colors[i].letter == letter)
			return colors[i].start;
	return "";
}

static const char *color_of(const struct view_channel *channel)
{
	return channel->view->colors ? view_color(channel->color) : "";
}

static void put_colored(struct view_channel *channel, const char *bytes, size_t length)
{
	const char *color = color_of(channel);

	if (!length)
		return;
	put_string(channel->view, color);
	put(channel->view, bytes, length);
	if (*color)
		put_string(channel->view, COLOR_END);
}

static unsigned tag_columns(const struct view_channel *channel)
{
	unsigned columns = text_columns(channel->label);

	if (channel->plain)
		return 0;
	return columns > channel->view->tag_width ? columns : channel->view->tag_width;
}

static void put_tag(struct view_channel *channel)
{
	char tag[VIEW_NAME_MAX + VIEW_TAG_MAX + 4];
	unsigned padding;
	int length;

	if (channel->plain)
		return;
	padding = tag_columns(channel) - text_columns(channel->label);
	length = snprintf(tag, sizeof(tag), "%s%*s%c ", channel->label, (int)padding, "",
		channel->separator);
	put_colored(channel, tag, (size_t)length);
}

/* Can the closed row of the open channel be drawn anew, one row above? */
static bool can_reopen(const struct view_channel *channel)
{
	return channel->view->moves && channel->row_length <= VIEW_ROW_MAX &&
		tag_columns(channel) + 2 + channel->row_columns < channel->view->width;
}

/* Text of the row, which is drawn again with it. */
static void put_in_row(struct view_channel *channel, const char *text, size_t length,
	unsigned columns)
{
	put_colored(channel, text, length);
	if (channel->row_length + length <= VIEW_ROW_MAX)
		memcpy(channel->row + channel->row_length, text, length);
	channel->row_length += length;
	channel->row_columns += columns;
}

static void put_time(struct view_channel *channel)
{
	char text[TIMESTAMP_MAX];
	size_t length =
		timestamp_write(channel->timestamps, channel->line_ms, channel->start_ms, text);

	put_in_row(channel, text, length, (unsigned)length);
}

/* The cursor behind the channel's tag, or behind its text in an open row. */
static void begin_row(struct view_channel *channel)
{
	struct view *view = channel->view;

	if (view->open == channel && !view->closed)
		return;
	if (view->open == channel && can_reopen(channel)) {
		put_string(view, "\033[A\r\033[J");
		put_tag(channel);
		put_colored(channel, channel->row, channel->row_length);
	} else {
		if (view->open && !view->closed)
			put_string(view, view->newline);
		channel->separator = channel->continued ? ':' : '|';
		channel->row_length = 0;
		channel->row_columns = 0;
		put_tag(channel);
		if (!channel->continued)
			put_time(channel);
	}
	view->open = channel;
	view->closed = false;
}

/* Everything collected so far goes to the screen. */
static void show(struct view_channel *channel)
{
	begin_row(channel);
	put_in_row(channel, channel->text, channel->length, channel->text_columns);
	channel->length = 0;
	channel->text_columns = 0;
	channel->continued = true;
	channel->has_deadline = false;
}

/* The end of a line all of which stands on the screen takes no row, wherever that stands. */
static void end_line(struct view_channel *channel)
{
	if (channel->length || !channel->continued)
		show(channel);
	if (channel->view->open == channel)
		view_forget(channel->view);
	channel->continued = false;
	channel->columns = 0;
}

/* Another row, though the line goes on: it is too long to be collected. */
static void break_line(struct view_channel *channel)
{
	show(channel);
	view_close(channel->view);
	view_forget(channel->view);
}

static void append(struct view_channel *channel, const char *bytes, size_t length, unsigned columns)
{
	size_t room = columns ? VIEW_LINE_MAX - MARKS_MAX : VIEW_LINE_MAX;

	assert(length <= room);
	if (channel->length + length > room)
		break_line(channel);
	memcpy(channel->text + channel->length, bytes, length);
	channel->length += length;
	channel->text_columns += columns;
	channel->columns += columns;
	if (!channel->has_deadline) {
		channel->has_deadline = true;
		channel->deadline_ms = channel->view->now_ms + channel->view->partial_ms;
	}
}

/* What is on the screen stays: only a character that was not shown yet can be taken back. */
static void take_back(struct view_channel *channel)
{
	unsigned columns = 0;

	while (channel->length && !columns) {
		char last[5] = "";
		size_t start = channel->length;

		while (--start && (channel->text[start] & 0xc0) == 0x80)
			;
		memcpy(last, channel->text + start, channel->length - start);
		columns = text_columns(last);
		channel->length = start;
	}
	channel->text_columns -= columns;
	channel->columns -= columns;
}

static void text_came(struct text_sink *sink, enum text_event event, const char *bytes,
	size_t length, unsigned columns)
{
	static const char spaces[] = "        ";
	struct view_channel *channel = CONTAINER_OF(sink, struct view_channel, sink);
	unsigned stop = TAB_STOP - channel->columns % TAB_STOP;

	if (!channel->length && !channel->continued)
		channel->line_ms = channel->came_ms;
	switch (event) {
	case TEXT_PRINT:
		append(channel, bytes, length, columns);
		break;
	case TEXT_TAB:
		append(channel, spaces, stop, stop);
		break;
	case TEXT_BACK:
		take_back(channel);
		break;
	case TEXT_RETURN:
		if (channel->length || channel->continued)
			end_line(channel);
		break;
	case TEXT_END:
		end_line(channel);
		break;
	}
}

void view_init(struct view *view, struct evbuffer *out, const char *newline)
{
	*view = (struct view){
		.out = out,
		.newline = newline,
		.tag_width = VIEW_TAG_MIN,
		.partial_ms = VIEW_PARTIAL_MS,
	};
}

void view_channel_init(struct view *view, struct view_channel *channel, const char *name,
	char color)
{
	memset(channel, 0, sizeof(*channel));
	channel->sink.event = text_came;
	channel->filter.shows = true;
	channel->view = view;
	channel->color = color;
	text_harmless(name, channel->name, sizeof(channel->name));
	memcpy(channel->label, channel->name, sizeof(channel->label));
}

void view_channel_skip(struct view_channel *channel, bool in_line)
{
	channel->filter = (struct text_filter){ .shows = channel->filter.shows };
	channel->length = 0;
	channel->text_columns = 0;
	channel->columns = 0;
	channel->has_deadline = false;
	channel->continued = in_line;
}

void view_channel_end(struct view_channel *channel)
{
	text_filter_end(&channel->filter, &channel->sink);
	view_release(channel);
	if (channel->view->open != channel)
		return;
	view_close(channel->view);
	view_forget(channel->view);
}

void view_feed(struct view_channel *channel, const uint8_t *bytes, size_t length, uint64_t now_ms)
{
	channel->view->now_ms = now_ms;
	text_filter_feed(&channel->filter, bytes, length, &channel->sink);
}

void view_expire(struct view_channel *channel, uint64_t now_ms)
{
	if (channel->has_deadline && now_ms >= channel->deadline_ms && !channel->view->whole_lines)
		view_release(channel);
}

void view_release(struct view_channel *channel)
{
	if (channel->length)
		show(channel);
}

void view_message(struct view *view, const char *text)
{
	char line[VIEW_LINE_MAX];

	view_close(view);
	view_forget(view);
	text_harmless(text, line, sizeof(line));
	put_string(view, VIEW_MESSAGE_MARK);
	put_string(view, line);
	put_string(view, view->newline);
}

void view_close(struct view *view)
{
	if (view->open && !view->closed)
		put_string(view, view->newline);
	view->closed = true;
}

void view_forget(struct view *view)
{
	view_close(view);
	view->open = NULL;
}
