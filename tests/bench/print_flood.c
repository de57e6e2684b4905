/* usage: print-flood MIB  When a byte was typed, prints so many MiB of lines, a page at a time. */

#include "flood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGES_PER_MIB 256

static void print(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t count = write(STDOUT_FILENO, bytes, length);

		if (count <= 0)
			exit(1);
		bytes += count;
		length -= (size_t)count;
	}
}

int main(int argc, char **argv)
{
	long count = argc == 2 ? strtol(argv[1], NULL, 10) * PAGES_PER_MIB : 0;
	char page[4096];

	fill_with_lines(page, sizeof(page));
	print(FLOOD_READY, strlen(FLOOD_READY));
	if (read(STDIN_FILENO, &(char){ 0 }, 1) != 1)
		return 1;
	for (long i = 0; i < count; i++)
		print(page, sizeof(page));
	print(FLOOD_DONE, strlen(FLOOD_DONE));
	while (read(STDIN_FILENO, &(char){ 0 }, 1) > 0)
		;
	return 0;
}
