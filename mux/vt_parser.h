#ifndef VT_PARSER_H
#define VT_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Finds the control sequences (ECMA-48) in a guest's output, one byte at a time. Says nothing about
 * characters: bytes from 0x80 are printed ones, C1 controls are not taken from single bytes.
 */
enum vt_event {
	VT_NOTHING, /* inside a sequence, or it was broken off */
	VT_PRINT, /* the byte: 0x20-0x7e, 0x80-0xff */
	VT_CONTROL, /* the byte: below 0x20, or 0x7f */
	VT_ESCAPE, /* ESC and sequence */
	VT_CSI, /* ESC [ and sequence: parameters, intermediates, the final byte */
	VT_STRING, /* OSC, DCS, APC, PM, SOS or a title has ended */
};

#define VT_SEQUENCE_MAX 64 /* what is longer is swallowed up to VT_STRING_MAX, without an event */
#define VT_STRING_MAX 4096 /* a string also ends here, and at the end of a line */

/* Zeroed is its start. */
struct vt_parser {
	uint8_t state;
	uint16_t length; /* of the sequence so far */
	char sequence[VT_SEQUENCE_MAX]; /* without ESC and [; length bytes, not terminated */
};

enum vt_event vt_parse(struct vt_parser *parser, uint8_t byte);

/* Not inside a sequence. */
bool vt_at_rest(const struct vt_parser *parser);

/* The terminal that got the same bytes waits for the end of a string. */
bool vt_in_string(const struct vt_parser *parser);

#endif
