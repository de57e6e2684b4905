#ifndef VIEW_H
#define VIEW_H

#include "text_filter.h"
#include "timestamps.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

/*
 * The tagged view: what several channels print, as lines of one terminal. Does no I/O: bytes in,
 * terminal bytes out.
 *
 * How it works. Each channel's text is collected until its line is whole, or VIEW_PARTIAL_MS have
 * passed since its first byte. Then it goes out behind a tag, "name    | text". A line shown in
 * part stays open, and goes on in the same row as long as nobody else printed; else it goes on
 * in a new row behind "name    : ". view_close() ends an open row so that something else, the
 * prompt, can stand below; where the terminal can move its cursor the row is taken up again later.
 */
#define VIEW_PARTIAL_MS 50
#define VIEW_LINE_MAX 4096 /* longer lines go on in a further row */
#define VIEW_TAG_MIN 8
#define VIEW_TAG_MAX 16
#define VIEW_NAME_MAX 256 /* bytes of a tag's text */
#define VIEW_ROW_MAX 512 /* of an open row's text, kept to draw it again */
#define VIEW_MESSAGE_MARK "*** " /* where others have a tag */

/* What a channel is in the view; embedded in its owner. */
struct view_channel {
	struct text_filter filter;
	struct text_sink sink;
	struct view *view;
	char name[VIEW_NAME_MAX]; /* harmless text */
	char label[VIEW_NAME_MAX]; /* what the tag says */
	char color; /* letter, or 0 */
	bool plain; /* no tag: it is no guest */
	enum timestamps timestamps; /* between tag and text of a line */
	uint64_t start_ms; /* what relative ones count from */
	uint64_t came_ms; /* when what is fed came, since the epoch */
	uint64_t line_ms; /* when the line's first byte came */
	bool continued; /* a part of the line was shown already */
	bool has_deadline;
	uint64_t deadline_ms; /* when the text must be shown, whole or not */
	size_t length; /* of the text that was not shown yet */
	unsigned text_columns; /* that it takes */
	unsigned columns; /* of the line up to there, for tabs */
	char separator; /* in the tag of the last row */
	size_t row_length; /* of the text in the last row; beyond VIEW_ROW_MAX it is not kept */
	unsigned row_columns;
	char row[VIEW_ROW_MAX];
	char text[VIEW_LINE_MAX];
};

struct view {
	struct evbuffer *out; /* borrowed */
	const char *newline;
	bool colors;
	bool moves; /* the terminal can move its cursor */
	unsigned partial_ms; /* when a part of a line is shown */
	bool whole_lines; /* no part of a line is shown because of time */
	unsigned width; /* of the terminal; 0: unknown */
	unsigned tag_width;
	struct view_channel *open; /* whose line stands in the last row; borrowed */
	bool closed; /* and the cursor is below it */
	uint64_t now_ms; /* during a call */
};

void view_init(struct view *view, struct evbuffer *out, const char *newline);

/* color: a letter of n r g y b m c w, upper case for bright; others are none. */
void view_channel_init(struct view *view, struct view_channel *channel, const char *name,
	char color);
/* What was not shown yet is forgotten; in_line: the rest of its line comes behind a colon. */
void view_channel_skip(struct view_channel *channel, bool in_line);
/* Before the channel is destroyed or forgotten; what was not shown yet is shown. */
void view_channel_end(struct view_channel *channel);

/* Choose what the tags of count channels say and how wide they are: never two the same. */
void view_label(struct view *view, struct view_channel *const *channels,
	size_t count); /* in view_label.c */

/* The channel printed bytes. */
void view_feed(struct view_channel *channel, const uint8_t *bytes, size_t length, uint64_t now_ms);
/* Show the part of a line whose time has come. */
void view_expire(struct view_channel *channel, uint64_t now_ms);
/* Show the part of a line now. */
void view_release(struct view_channel *channel);

/* A whole line of muxd's or the viewer's own; text is made harmless. */
void view_message(struct view *view, const char *text);

/* End the open row, if any. */
void view_close(struct view *view);
/* The rows on the screen are not what they were: an open row is not taken up again. */
void view_forget(struct view *view);

/* The SGR sequence that starts a letter's colour; "" for none. */
const char *view_color(char letter);

#endif
