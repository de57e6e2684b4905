/* What a connected guest did to the terminal (control functions of ECMA-48 and xterm). */

#include "screen.h"

#include "compiler.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define RESTART_LENGTH (SCREEN_LINE_MAX / 2)

/* Modes a guest may leave behind: how they are set and unset, and what puts them right. */
static const struct mode {
	unsigned number;
	char intermediate; /* '?' for private modes */
	bool normally_set;
	bool holds; /* foreign lines would damage the screen */
	const char *undo;
} modes[] = {
	{ 1, '?', false, false, "\033[?1l" },
	{ 5, '?', false, false, "\033[?5l" },
	{ 6, '?', false, true, "\033[?6l" },
	{ 7, '?', true, false, "\033[?7h" },
	{ 9, '?', false, false, "\033[?9l" },
	{ 25, '?', true, false, "\033[?25h" },
	{ 47, '?', false, true, "\033[?47l" },
	{ 1047, '?', false, true, "\033[?1047l" },
	{ 1049, '?', false, true, "\033[?1049l" },
	{ 1000, '?', false, false, "\033[?1000l" },
	{ 1002, '?', false, false, "\033[?1002l" },
	{ 1003, '?', false, false, "\033[?1003l" },
	{ 1004, '?', false, false, "\033[?1004l" },
	{ 1005, '?', false, false, "\033[?1005l" },
	{ 1006, '?', false, false, "\033[?1006l" },
	{ 1015, '?', false, false, "\033[?1015l" },
	{ 2004, '?', false, false, "\033[?2004l" },
	{ 2026, '?', false, true, "\033[?2026l" },
	{ 4, 0, false, false, "\033[4l" },
	{ 20, 0, false, false, "\033[20l" },
};

/* Further bits, for what has no number. */
enum {
	MODE_KEYPAD = 1 << 27,
	MODE_CHARACTERS = 1 << 28,
	MODE_REGION = 1 << 29,
	MODE_RENDITION = 1 << 30
};

static const struct {
	unsigned bit;
	const char *undo;
} further_modes[] = {
	{ MODE_KEYPAD, "\033>" },
	{ MODE_CHARACTERS, "\017\033(B" },
	{ MODE_REGION, "\0337\033[r\0338" },
	{ MODE_RENDITION, "\033[0m" },
};

const char *screen_undo(uint32_t set, unsigned index)
{
	if (index < ARRAY_SIZE(modes))
		return (set & 1U << index) ? modes[index].undo : "";
	index -= (unsigned)ARRAY_SIZE(modes);
	if (index < ARRAY_SIZE(further_modes))
		return (set & further_modes[index].bit) ? further_modes[index].undo : "";
	return NULL;
}

static bool is_known(char intermediate, unsigned long number)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (modes[i].number == number && modes[i].intermediate == intermediate)
			return true;
	return false;
}

bool screen_can_undo(const char *sequence, size_t length)
{
	const char *end = sequence + length - 1;
	char intermediate = *sequence == '?' ? *sequence++ : 0;

	for (;;) {
		unsigned long number = 0;

		for (; sequence < end && *sequence >= '0' && *sequence <= '9' && number < 10000;
			sequence++)
			number = number * 10 + (unsigned long)(*sequence - '0');
		if (!is_known(intermediate, number) || sequence >= end)
			return is_known(intermediate, number) && sequence == end;
		if (*sequence++ != ';')
			return false;
	}
}

void screen_init(struct screen *screen, unsigned width, bool moves)
{
	memset(screen, 0, sizeof(*screen));
	screen->width = width;
	screen->moves = moves;
}

static bool holds(const struct screen *screen)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (modes[i].holds && screen->modes & 1U << i)
			return true;
	return (screen->modes & MODE_REGION) != 0;
}

static void begin_line(struct screen *screen)
{
	screen->length = 0;
	screen->overflow = false;
	screen->wrapped = false;
	screen->column = 0;
	memcpy(screen->line_rendition, screen->rendition, sizeof(screen->rendition));
	screen->line_rendition_length = screen->rendition_length;
}

static void keep(struct screen *screen, const char *bytes, size_t length)
{
	if (screen->length + length > SCREEN_LINE_MAX) {
		screen->overflow = true;
		return;
	}
	memcpy(screen->line + screen->length, bytes, length);
	screen->length += length;
}

static void keep_sequence(struct screen *screen, const char *introducer)
{
	keep(screen, introducer, strlen(introducer));
	keep(screen, screen->parser.sequence, screen->parser.length);
}

static void address(struct screen *screen, uint64_t now_ms)
{
	screen->addressed = true;
	screen->addressed_ms = now_ms;
}

/* A line that was rewritten many times: what is below the last writing is forgotten. */
static void carriage_return(struct screen *screen)
{
	if (screen->overflow || screen->length > RESTART_LENGTH)
		begin_line(screen);
	keep(screen, "\r", 1);
	screen->column = 0;
}

static void control(struct screen *screen, uint8_t byte)
{
	char character = (char)byte;

	screen->character_left = 0;
	switch (byte) {
	case '\n':
	case '\v':
	case '\f':
		begin_line(screen);
		break;
	case '\r':
		carriage_return(screen);
		break;
	case '\b':
		screen->column -= screen->column > 0;
		keep(screen, &character, 1);
		break;
	case '\t':
		screen->column = (screen->column / 8 + 1) * 8;
		keep(screen, &character, 1);
		break;
	case 0x0e:
		screen->modes |= MODE_CHARACTERS;
		keep(screen, &character, 1);
		break;
	case 0x0f:
		keep(screen, &character, 1);
		break;
	default:
		break; /* leaves nothing on the screen */
	}
}

static void advance(struct screen *screen, int columns)
{
	screen->column += columns < 0 ? 1 : (unsigned)columns;
	if (screen->width && screen->column > screen->width)
		screen->wrapped = true;
}

/* Columns as wcwidth() has them; where the terminal thinks otherwise, it costs a row of the screen.
 */
static void print(struct screen *screen, uint8_t byte)
{
	char character = (char)byte;

	keep(screen, &character, 1);
	if (screen->character_left && (byte & 0xc0) == 0x80) {
		screen->character = screen->character << 6 | (byte & 0x3f);
		if (!--screen->character_left)
			advance(screen, wcwidth((wchar_t)screen->character));
		return;
	}
	if (screen->character_left)
		advance(screen, 1); /* of what was broken off */
	screen->character_left = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
	screen->character = byte & 0x3fU >> screen->character_left;
	if (!screen->character_left)
		advance(screen, 1);
}

/* Rendition is what the SGR sequences since the last reset add up to. */
static void change_rendition(struct screen *screen)
{
	const char *parameters = screen->parser.sequence;
	size_t length = screen->parser.length;
	bool resets = length == 1 ||
		(parameters[0] == '0' && (length == 2 || parameters[1] == ';'));

	if (resets)
		screen->rendition_length = 0;
	screen->modes |= MODE_RENDITION;
	if (length <= 2 && resets) {
		screen->modes &= ~(uint32_t)MODE_RENDITION;
		return;
	}
	if (screen->rendition_length + length + 2 > SCREEN_RENDITION_MAX)
		screen->rendition_length = 0;
	if (length + 2 > SCREEN_RENDITION_MAX)
		return;
	memcpy(screen->rendition + screen->rendition_length, "\033[", 2);
	memcpy(screen->rendition + screen->rendition_length + 2, parameters, length);
	screen->rendition_length += length + 2;
}

static void change_mode(struct screen *screen, char intermediate, unsigned long number, bool set)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (modes[i].number != number || modes[i].intermediate != intermediate)
			continue;
		if (set == modes[i].normally_set)
			screen->modes &= ~(1U << i);
		else
			screen->modes |= 1U << i;
	}
}

static void change_modes(struct screen *screen, bool set, uint64_t now_ms)
{
	char sequence[VT_SEQUENCE_MAX + 1];
	char *next = sequence;
	char intermediate = 0;
	bool held = holds(screen);

	memcpy(sequence, screen->parser.sequence, screen->parser.length);
	sequence[screen->parser.length] = 0;
	if (*next == '?')
		intermediate = *next++;
	while (*next >= '0' && *next <= '9') {
		change_mode(screen, intermediate, strtoul(next, &next, 10), set);
		if (*next == ';')
			next++;
	}
	/* Leaving the alternate screen brings back one that nobody has touched. */
	if (held && !holds(screen)) {
		screen->addressed = false;
		begin_line(screen);
	} else if (holds(screen)) {
		address(screen, now_ms);
	}
}

static void control_sequence(struct screen *screen, uint64_t now_ms)
{
	const char *sequence = screen->parser.sequence;
	size_t length = screen->parser.length;

	switch (sequence[length - 1]) {
	case 'm':
		if (sequence[0] >= '<' && sequence[0] <= '?')
			break;
		change_rendition(screen);
		keep_sequence(screen, "\033[");
		break;
	case 'J':
		if (length > 1 && sequence[0] != '0')
			address(screen, now_ms);
		keep_sequence(screen, "\033[");
		break;
	case 'K': /* these stay in the line */
	case 'C':
	case 'D':
	case 'G':
	case 'P':
	case 'X':
	case '@':
		keep_sequence(screen, "\033[");
		break;
	case 'h':
	case 'l':
		change_modes(screen, sequence[length - 1] == 'h', now_ms);
		break;
	case 'c': /* questions */
	case 'n':
	case 'p':
	case 'q':
	case 't':
		break;
	case 'r':
		screen->modes |= MODE_REGION;
		if (length == 1)
			screen->modes &= ~(uint32_t)MODE_REGION;
		address(screen, now_ms);
		break;
	default:
		address(screen, now_ms);
		break;
	}
}

static void escape(struct screen *screen, uint64_t now_ms)
{
	const char *sequence = screen->parser.sequence;

	switch (sequence[0]) {
	case '=':
		screen->modes |= MODE_KEYPAD;
		break;
	case '>':
		screen->modes &= ~(uint32_t)MODE_KEYPAD;
		break;
	case '(':
	case ')':
		screen->modes |= MODE_CHARACTERS;
		keep_sequence(screen, "\033");
		break;
	case 'c':
		screen->modes = 0;
		screen->rendition_length = 0;
		address(screen, now_ms);
		break;
	case '\\':
		break;
	default:
		address(screen, now_ms);
		break;
	}
}

/* Text and what ends lines, as bulk output consists of. */
static bool is_plain(uint8_t byte)
{
	return (byte >= ' ' && byte < 0x7f) || (byte >= '\b' && byte <= '\r');
}

/* Whole lines of plain text leave nothing but a new line: they need no parsing. How many bytes. */
static size_t skip_lines(struct screen *screen, const uint8_t *bytes, size_t length)
{
	size_t end = 0;

	if (!vt_at_rest(&screen->parser) || screen->character_left)
		return 0;
	for (size_t i = 0; i < length && is_plain(bytes[i]); i++) {
		if (bytes[i] == '\n')
			end = i + 1;
	}
	if (end) {
		begin_line(screen);
		screen->unfinished = 0;
	}
	return end;
}

void screen_feed(struct screen *screen, const uint8_t *bytes, size_t length, uint64_t now_ms)
{
	for (size_t i = skip_lines(screen, bytes, length); i < length; i++) {
		switch (vt_parse(&screen->parser, bytes[i])) {
		case VT_PRINT:
			print(screen, bytes[i]);
			break;
		case VT_CONTROL:
			control(screen, bytes[i]);
			break;
		case VT_CSI:
			control_sequence(screen, now_ms);
			break;
		case VT_ESCAPE:
			escape(screen, now_ms);
			break;
		case VT_NOTHING:
		case VT_STRING:
			break;
		}
		if (vt_at_rest(&screen->parser) && !screen->character_left)
			screen->unfinished = 0;
		else
			screen->unfinished++;
	}
}

bool screen_is_free(const struct screen *screen, uint64_t now_ms)
{
	return vt_at_rest(&screen->parser) && !screen->character_left && !holds(screen) &&
		(!screen->addressed || now_ms - screen->addressed_ms >= SCREEN_HOLD_MS);
}

static void put(struct evbuffer *out, const char *text)
{
	evbuffer_add(out, text, strlen(text));
}

bool screen_at_line_start(const struct screen *screen)
{
	return !screen->length && !screen->overflow;
}

void screen_erase(const struct screen *screen, struct evbuffer *out)
{
	if (screen->modes & MODE_RENDITION)
		put(out, "\033[0m");
	if (screen_at_line_start(screen))
		return;
	put(out, screen->wrapped || screen->overflow || !screen->moves ? "\r\n" : "\r\033[K");
}

void screen_redraw(const struct screen *screen, struct evbuffer *out)
{
	if (screen->overflow) {
		evbuffer_add(out, screen->rendition, screen->rendition_length);
		return;
	}
	evbuffer_add(out, screen->line_rendition, screen->line_rendition_length);
	evbuffer_add(out, screen->line, screen->length);
}

static void undo_all(const struct screen *screen, struct evbuffer *out)
{
	const char *undo;

	if (vt_in_string(&screen->parser))
		put(out, "\033\\");
	else if (!vt_at_rest(&screen->parser))
		put(out, "\030");
	for (unsigned i = 0; (undo = screen_undo(screen->modes, i)); i++)
		put(out, undo);
	if (screen->length || screen->addressed)
		put(out, "\r\n");
}

size_t screen_suspend(struct screen *screen, struct evbuffer *out)
{
	size_t unfinished = screen->unfinished;

	undo_all(screen, out);
	if (screen->character_left && !screen->overflow && screen->length >= unfinished)
		screen->length -= unfinished;
	memset(&screen->parser, 0, sizeof(screen->parser));
	screen->character_left = 0;
	screen->unfinished = 0;
	return unfinished;
}

void screen_resume(const struct screen *screen, struct evbuffer *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		size_t length = strlen(modes[i].undo);

		if (!(screen->modes & 1U << i))
			continue;
		evbuffer_add(out, modes[i].undo, length - 1);
		put(out, modes[i].normally_set ? "l" : "h");
	}
	if (screen->modes & MODE_KEYPAD)
		put(out, "\033=");
	screen_redraw(screen, out);
}

void screen_leave(struct screen *screen, struct evbuffer *out)
{
	undo_all(screen, out);
	screen_init(screen, screen->width, screen->moves);
}
