#ifndef FLOOD_H
#define FLOOD_H

#include <stddef.h>

/* What the sources of output print: the lines of the tiny guest that does the same. */
#define FLOOD_READY "flood ready\n"
#define FLOOD_DONE "flood done\n"

static inline void fill_with_lines(char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i % 64 == 63 ? '\n' : 'a' + i % 64 % 26);
}

#endif
