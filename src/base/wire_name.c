/* What may be the name of a wire. */

#include "wire_name.h"

#include <stdbool.h>

static bool allowed(char letter)
{
	return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
		(letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
}

const char *wire_name_problem(const char *name, size_t length)
{
	if (length == 0)
		return "must not be empty";
	if (length > WIRE_NAME_MAX)
		return "must be at most 31 characters long";
	if (name[0] == '-')
		return "must not begin with \"-\"";
	for (size_t i = 0; i < length; i++)
		if (!allowed(name[i]))
			return "must consist of letters, digits, - and _";
	return NULL;
}
