/*
 * usage: link-crowd SOCKET COUNT
 *
 * So many console links without guests behind them, called crowd0, crowd1 ..., that print lines as
 * fast as muxd takes them, in turns. Says "crowd ready" when all are welcome.
 */

#include "flood.h"
#include "link_source.h"

#include <event2/buffer.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 1000

static char bytes[LINK_PIECE];

static short wanted(const struct link_source *source)
{
	bool prints = link_source_has_room(source, sizeof(bytes));

	return (short)(prints || evbuffer_get_length(source->output) ? POLLIN | POLLOUT : POLLIN);
}

static void serve(struct link_source *source, short events)
{
	if (events & POLLIN)
		link_source_take(source);
	if (events & POLLOUT && link_source_send(source) &&
		link_source_has_room(source, sizeof(bytes))) {
		link_source_queue(source, bytes, sizeof(bytes));
		link_source_send(source);
	}
}

int main(int argc, char **argv)
{
	static struct link_source sources[MOST];
	static struct pollfd waiting[MOST];
	unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	char name[16];

	if (!count || count > MOST)
		return 2;
	fill_with_lines(bytes, sizeof(bytes));
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "crowd%u", i);
		link_source_open(&sources[i], argv[1], name);
		link_source_unblock(&sources[i]);
	}
	printf("crowd ready\n");
	fflush(stdout);
	for (;;) {
		for (unsigned i = 0; i < count; i++)
			waiting[i] = (struct pollfd){ sources[i].fd, wanted(&sources[i]), 0 };
		poll(waiting, count, -1);
		for (unsigned i = 0; i < count; i++)
			serve(&sources[i], waiting[i].revents);
	}
}
