/* Streams where the loop would come too late: last words, and what somebody waits for. */

#include "stream.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#define PIECE 65536
#define PIECES_MOST 64 /* no socket buffer holds more; a peer may only seem gone and go on */

void stream_take_rest(struct bufferevent *stream)
{
	struct evbuffer *input = bufferevent_get_input(stream);
	int fd = bufferevent_getfd(stream);

	evbuffer_unfreeze(input, 0);
	for (unsigned i = 0; i < PIECES_MOST; i++) {
		if (evbuffer_read(input, fd, PIECE) <= 0)
			break;
	}
	evbuffer_freeze(input, 0);
}

/* The beginning of a stream's output is frozen: only its owner, the loop, is to take from it. */
void stream_flush(struct bufferevent *stream)
{
	struct evbuffer *output = bufferevent_get_output(stream);

	if (!evbuffer_get_length(output))
		return;
	evbuffer_unfreeze(output, 1);
	evbuffer_write(output, bufferevent_getfd(stream));
	evbuffer_freeze(output, 1);
}
