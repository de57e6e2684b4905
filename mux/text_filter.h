#ifndef TEXT_FILTER_H
#define TEXT_FILTER_H

#include "vt_parser.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A guest's output made harmless: only characters that take their cells and stay in their line.
 * Control sequences are left out; other controls are shown as ^X, what is no UTF-8, C1 controls and
 * characters that reorder text as \xNN or \u{N}. Nothing printable is lost.
 */
enum text_event {
	TEXT_PRINT, /* bytes that take columns cells */
	TEXT_TAB, /* to the next tab stop */
	TEXT_BACK, /* the last character is taken back */
	TEXT_RETURN, /* the line begins anew: what comes overwrites it */
	TEXT_END, /* the line ends */
};

struct text_sink {
	void (*event)(struct text_sink *sink, enum text_event event, const char *bytes,
		size_t length, unsigned columns);
};

/* Zeroed is its start. */
struct text_filter {
	struct vt_parser parser;
	uint8_t character[4]; /* of UTF-8, being collected */
	uint8_t have, need;
	bool returned; /* a carriage return whose meaning depends on what follows */
};

void text_filter_feed(struct text_filter *filter, const uint8_t *bytes, size_t length,
	struct text_sink *sink);

/* Text without its controls: length of the text in out, cut at a character if need be. */
size_t text_harmless(const char *text, char *out, size_t size);

/* The cells that harmless text takes. */
unsigned text_columns(const char *text);

#endif
