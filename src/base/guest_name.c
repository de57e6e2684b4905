/* What may be the name of a guest. */

#include "guest_name.h"

#include "compiler.h"
#include "console_protocol.h"
#include "utf8.h"

/* Blanks, joiners, marks of direction and fillers, which would let one name look like another. */
static bool invisible(uint32_t code_point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x20, 0x20 },
		{ 0xa0, 0xa0 },
		{ 0xad, 0xad },
		{ 0x61c, 0x61c },
		{ 0x115f, 0x1160 },
		{ 0x1680, 0x1680 },
		{ 0x180e, 0x180e },
		{ 0x2000, 0x200f },
		{ 0x2028, 0x202f },
		{ 0x205f, 0x206f },
		{ 0x3000, 0x3000 },
		{ 0x3164, 0x3164 },
		{ 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },
		{ 0xfff0, 0xfffb },
		{ 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (code_point >= ranges[i].first && code_point <= ranges[i].last)
			return true;
	return false;
}

static const char *character_problem(uint32_t code_point)
{
	if (!utf8_printable(code_point))
		return "must not contain control characters";
	if (invisible(code_point))
		return "must not contain blanks or invisible characters";
	if (code_point == '/')
		return "must not contain a slash";
	return NULL;
}

const char *guest_name_problem(const char *name, size_t length)
{
	size_t step;

	if (length == 0)
		return "must not be empty";
	if (length > CONSOLE_NAME_MAX)
		return "must be at most 63 bytes long";
	if (name[0] == '.' || name[0] == '-')
		return "must not begin with \".\" or \"-\"";
	for (size_t at = 0; at < length; at += step) {
		uint32_t code_point;
		const char *problem;

		step = utf8_decode(name + at, length - at, &code_point);
		if (!step)
			return "must be valid UTF-8";
		problem = character_problem(code_point);
		if (problem)
			return problem;
	}
	return NULL;
}
