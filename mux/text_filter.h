#ifndef TEXT_FILTER_H
#define TEXT_FILTER_H

#include "vt_parser.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A guest's output made harmless: only characters that take their cells and stay in their line.
 * Control sequences are left out, or shown as text unless they would do nothing here
 * (text_sequence.h), up to TEXT_SEQUENCE_MAX bytes of each. Other controls are shown as ^X, what is
 * no UTF-8, C1 controls and characters that reorder text or cannot be seen as \xNN or \u{N}.
 * Nothing printable is lost.
 */
#define TEXT_SEQUENCE_MAX 64

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

/* Zeroed is its start, but for shows. */
struct text_filter {
	struct vt_parser parser;
	uint8_t character[4]; /* of UTF-8, being collected */
	uint8_t have, need;
	bool returned; /* a carriage return whose meaning depends on what follows */
	bool shows; /* control sequences are shown */
	char last; /* byte of the sequence that has begun */
	uint16_t length; /* of it; its first bytes follow */
	char sequence[TEXT_SEQUENCE_MAX];
};

void text_filter_feed(struct text_filter *filter, const uint8_t *bytes, size_t length,
	struct text_sink *sink);

/* What is unfinished will never be finished: it is shown as far as it has come. */
void text_filter_end(struct text_filter *filter, struct text_sink *sink);

/* Text without its controls: length of the text in out, cut at a character if need be. */
size_t text_harmless(const char *text, char *out, size_t size);

/* The cells that harmless text takes. */
unsigned text_columns(const char *text);

#endif
