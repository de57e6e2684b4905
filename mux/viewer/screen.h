#ifndef SCREEN_H
#define SCREEN_H

#include "vt_parser.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

/*
 * What a connected guest, whose bytes go to the terminal as they are, has done to it: enough to
 * put foreign lines above the line it is writing, and to undo its modes when the operator leaves.
 * Does no I/O.
 *
 * How it works. The bytes of the current line are kept as they came. As long as they only write
 * into that line, the same bytes on a fresh row draw it again. After bytes that reach elsewhere
 * (cursor addressing, the alternate screen) foreign lines would damage what the guest drew, so the
 * screen is not free for SCREEN_HOLD_MS, and not at all on the alternate screen. A line too long to
 * be kept goes on in a row of its own behind foreign lines.
 */
#define SCREEN_LINE_MAX 2048
#define SCREEN_RENDITION_MAX 64
#define SCREEN_HOLD_MS 10000

struct screen {
	struct vt_parser parser;
	unsigned width; /* of the terminal; 0: unknown */
	bool moves; /* rows of it can be erased */
	uint32_t modes; /* that differ from a fresh terminal: bits by row of a table in screen.c */
	bool addressed;
	uint64_t addressed_ms; /* when the guest last did so */
	bool overflow; /* line does not hold everything */
	bool wrapped; /* the line went over the right margin */
	unsigned column; /* about where the cursor is */
	size_t unfinished; /* bytes since nothing was: of a sequence or a character */
	uint8_t character_left; /* bytes that are missing from a UTF-8 character */
	uint32_t character; /* as far as it has come */
	size_t length;
	size_t rendition_length, line_rendition_length;
	char rendition[SCREEN_RENDITION_MAX]; /* SGR sequences in force */
	char line_rendition[SCREEN_RENDITION_MAX]; /* when the line began */
	char line[SCREEN_LINE_MAX];
};

void screen_init(struct screen *screen, unsigned width, bool moves);

/* The bytes that went to the terminal. */
void screen_feed(struct screen *screen, const uint8_t *bytes, size_t length, uint64_t now_ms);

/* Foreign lines may be put between the guest's now. */
bool screen_is_free(const struct screen *screen, uint64_t now_ms);

/* The cursor is at the beginning of an empty row. */
bool screen_at_line_start(const struct screen *screen);

/* Before foreign lines: the cursor goes to the beginning of an empty row. After: the line again. */
void screen_erase(const struct screen *screen, struct evbuffer *out);
void screen_redraw(const struct screen *screen, struct evbuffer *out);

/*
 * The guest is left: end what it left unfinished, undo its modes and colours; the cursor at the
 * beginning of a row.
 */
void screen_leave(struct screen *screen, struct evbuffer *out);

/*
 * The terminal is somebody else's for a while. Returns how many bytes, the last ones, are to be fed
 * again afterwards: they were only a part of something. Then the modes and the line again.
 */
size_t screen_suspend(struct screen *screen, struct evbuffer *out);
void screen_resume(const struct screen *screen, struct evbuffer *out);

/* The same for whoever has only the set modes. A constant-size text; NULL behind the last. */
const char *screen_undo(uint32_t set, unsigned index);

/* Are all modes that a CSI sequence sets or unsets (as in vt_parser.h) such that it can be undone?
 */
bool screen_can_undo(const char *sequence, size_t length);

#endif
