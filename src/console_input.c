/* Which of a guest's two consoles the operator types into. */

#include "console_input.h"

#include <string.h>

#define CONSOLE "console="

bool console_input_is_serial(const char *cmdline)
{
	bool serial = false;

	while (*cmdline) {
		size_t length = strcspn(cmdline, " \t\n");

		if (strncmp(cmdline, CONSOLE, strlen(CONSOLE)) == 0)
			serial = strncmp(cmdline + strlen(CONSOLE), "ttyS", 4) == 0 ||
				strncmp(cmdline + strlen(CONSOLE), "uart", 4) == 0;
		cmdline += length;
		cmdline += strspn(cmdline, " \t\n");
	}
	return serial;
}
