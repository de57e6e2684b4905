/* Which control sequences of a guest mean nothing in a line of text (ECMA-48, xterm). */

#include "text_sequence.h"

#include "compiler.h"

#include <string.h>

/* Nothing but these characters between start and end. */
static bool consists_of(const char *start, const char *end, const char *characters)
{
	for (; start < end; start++)
		if (!*start || !strchr(characters, *start))
			return false;
	return true;
}

/* Numbers with semicolons between them, all of those that a guest may set and unset here. */
static bool modes_are_idle(const char *next, const char *end)
{
	static const unsigned idle[] = { 1, 7, 12, 25, 1034, 2004 };

	for (;;) {
		unsigned number = 0;
		bool known = false;

		for (; next < end && *next >= '0' && *next <= '9' && number < 10000; next++)
			number = number * 10 + (unsigned)(*next - '0');
		for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
			known = known || idle[i] == number;
		if (!known || next == end)
			return known;
		if (*next++ != ';')
			return false;
	}
}

static bool control_sequence_is_idle(const char *parameters, const char *final)
{
	size_t length = (size_t)(final - parameters);

	switch (*final) {
	case 'm':
		return consists_of(parameters, final, "0123456789;:");
	case 'K':
		return consists_of(parameters, final, "012") && length < 2;
	case 'J':
		return !length || (length == 1 && *parameters == '0');
	case 'n':
		return length == 1 && *parameters == '6';
	case 'p':
		return length == 1 && *parameters == '!';
	case 'h':
	case 'l':
		return length && *parameters == '?' && modes_are_idle(parameters + 1, final);
	default:
		return false;
	}
}

/* M: systemd goes up before it overwrites how long it has been waiting. */
bool text_sequence_is_idle(const char *sequence, size_t length)
{
	const char *final = sequence + length - 1;

	if (length < 2)
		return false;
	if (length == 2)
		return strchr("=>M", *final) && *final;
	if (sequence[1] == '[')
		return control_sequence_is_idle(sequence + 2, final);
	return length == 3 && strchr("()*+%", sequence[1]) && sequence[1];
}
