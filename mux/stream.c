/* Streams where the loop would come too late: last words, and what somebody waits for. */

#include "stream.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <sys/socket.h>

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

/* The end of a stream's input is frozen in the same way. An end or an error is the loop's to find.
 */
void stream_read_more(struct bufferevent *stream, size_t length)
{
	struct evbuffer *input = bufferevent_get_input(stream);
	struct evbuffer_iovec space;
	ssize_t count;

	evbuffer_unfreeze(input, 0);
	if (evbuffer_reserve_space(input, (ev_ssize_t)length, &space, 1) == 1) {
		count = recv(bufferevent_getfd(stream), space.iov_base, length, MSG_DONTWAIT);
		space.iov_len = count > 0 ? (size_t)count : 0;
		evbuffer_commit_space(input, &space, 1);
	}
	evbuffer_freeze(input, 0);
}
