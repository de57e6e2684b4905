/* Control sequences in a byte stream (ECMA-48, sections 5.4 and 8.3). */

#include "vt_parser.h"

#define CANCEL 0x18
#define SUBSTITUTE 0x1a
#define ESC 0x1b
#define BEL 0x07

enum state {
	GROUND,
	ESCAPE,
	CSI,
	STRING,
	STRING_ESCAPE,
};

static enum vt_event ground(struct vt_parser *parser, uint8_t byte)
{
	parser->state = GROUND;
	parser->length = 0;
	if (byte == ESC) {
		parser->state = ESCAPE;
		return VT_NOTHING;
	}
	return byte < 0x20 || byte == 0x7f ? VT_CONTROL : VT_PRINT;
}

static bool is_end_of_line(uint8_t byte)
{
	return byte == '\n' || byte == '\r';
}

static bool is_cancel(uint8_t byte)
{
	return byte == CANCEL || byte == SUBSTITUTE;
}

static void keep(struct vt_parser *parser, uint8_t byte)
{
	if (parser->length < VT_SEQUENCE_MAX)
		parser->sequence[parser->length] = (char)byte;
	parser->length++;
}

static enum vt_event finish(struct vt_parser *parser, enum vt_event event)
{
	parser->state = GROUND;
	return parser->length <= VT_SEQUENCE_MAX ? event : VT_NOTHING;
}

/* Anything that does not belong into the sequence breaks it off and counts for itself. */
static enum vt_event escape(struct vt_parser *parser, uint8_t byte)
{
	static const char strings[] = "]PX^_k";

	if (byte < 0x20 || byte > 0x7e || parser->length >= VT_SEQUENCE_MAX)
		return ground(parser, byte);
	if (!parser->length && byte == '[') {
		parser->state = CSI;
		return VT_NOTHING;
	}
	for (size_t i = 0; !parser->length && i < sizeof(strings) - 1; i++) {
		if (byte == (uint8_t)strings[i]) {
			parser->state = STRING;
			return VT_NOTHING;
		}
	}
	keep(parser, byte);
	return byte < 0x30 ? VT_NOTHING : finish(parser, VT_ESCAPE);
}

static enum vt_event control_sequence(struct vt_parser *parser, uint8_t byte)
{
	if (byte < 0x20 || byte > 0x7e || parser->length >= VT_STRING_MAX)
		return ground(parser, byte);
	keep(parser, byte);
	return byte < 0x40 ? VT_NOTHING : finish(parser, VT_CSI);
}

static enum vt_event string(struct vt_parser *parser, uint8_t byte)
{
	if (byte == ESC) {
		parser->state = STRING_ESCAPE;
		return VT_NOTHING;
	}
	if (byte == BEL || is_cancel(byte)) {
		parser->state = GROUND;
		return VT_STRING;
	}
	if (is_end_of_line(byte) || parser->length >= VT_STRING_MAX)
		return ground(parser, byte);
	parser->length++;
	return VT_NOTHING;
}

static enum vt_event string_escape(struct vt_parser *parser, uint8_t byte)
{
	if (byte == '\\') {
		parser->state = GROUND;
		return VT_STRING;
	}
	parser->state = ESCAPE;
	parser->length = 0;
	return escape(parser, byte);
}

enum vt_event vt_parse(struct vt_parser *parser, uint8_t byte)
{
	switch (parser->state) {
	case ESCAPE:
		if (is_cancel(byte)) {
			parser->state = GROUND;
			return VT_NOTHING;
		}
		return escape(parser, byte);
	case CSI:
		if (is_cancel(byte)) {
			parser->state = GROUND;
			return VT_NOTHING;
		}
		return control_sequence(parser, byte);
	case STRING:
		return string(parser, byte);
	case STRING_ESCAPE:
		return string_escape(parser, byte);
	default:
		return ground(parser, byte);
	}
}

bool vt_at_rest(const struct vt_parser *parser)
{
	return parser->state == GROUND;
}

bool vt_in_string(const struct vt_parser *parser)
{
	return parser->state == STRING || parser->state == STRING_ESCAPE;
}
