/*
 * usage: link-echo SOCKET NAME
 *
 * A console link without a guest behind it that gives back what is typed, each time as a line, so
 * that the way there and back is what takes the time and no viewer has to draw the line again.
 */

#include "link_source.h"

#include <string.h>

#define READY "echo ready\n"
#define LINE_END "\r\n"

int main(int argc, char **argv)
{
	struct link_source source;

	if (argc != 3)
		return 2;
	link_source_open(&source, argv[1], argv[2]);
	link_source_print(&source, READY, strlen(READY));
	for (;;) {
		link_source_take(&source);
		if (!source.typed)
			continue;
		link_source_print(&source, source.typed_bytes, source.typed);
		link_source_print(&source, LINE_END, strlen(LINE_END));
		link_source_allow(&source);
	}
}
