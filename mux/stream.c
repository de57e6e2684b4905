/* What a peer said before it went away. */

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
