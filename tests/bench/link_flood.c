/*
 * usage: link-flood SOCKET NAME MIB
 *
 * A console link without a guest behind it, so that muxd is what limits it: when a byte was typed,
 * so many MiB of lines, never more of them unacknowledged than a vmm's ring holds.
 */

#include "flood.h"
#include "link_source.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	static char bytes[LINK_PIECE];
	struct link_source source;

	if (argc != 4)
		return 2;
	fill_with_lines(bytes, sizeof(bytes));
	link_source_open(&source, argv[1], argv[2]);
	link_source_print(&source, FLOOD_READY, strlen(FLOOD_READY));
	while (!source.typed)
		link_source_take(&source);
	for (long i = strtol(argv[3], NULL, 10) * (1 << 20) / LINK_PIECE; i > 0; i--)
		link_source_print(&source, bytes, sizeof(bytes));
	link_source_print(&source, FLOOD_DONE, strlen(FLOOD_DONE));
	for (;;)
		link_source_take(&source);
}
