/* Which keys guests can have. */

#include "console_key.h"

#include <stddef.h>
#include <string.h>

const char *console_key_problem(char key)
{
	if (key <= ' ' || key >= 0x7f)
		return "is no visible character of ASCII";
	if (strchr(".eczqlhsnpdty:?", key))
		return "is a key of muxd's own";
	return NULL;
}
