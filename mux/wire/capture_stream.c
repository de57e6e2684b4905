/* A reader of captured frames: what is written to it, and when it goes away. */
#include "capture_stream.h"

#include "log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RING_SIZE (4U << 20)
#define WRITE_MOST (256U << 10) /* at once: the wire is waiting meanwhile */

/* Write once. False when the reader is gone. */
static bool flush(struct capture_stream *stream)
{
	const uint8_t *bytes;
	size_t length = capture_ring_peek(&stream->ring, &bytes);
	ssize_t written;

	if (!length)
		return true;
	if (length > WRITE_MOST)
		length = WRITE_MOST;
	written = send(stream->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (written < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return true;
		if (errno != EPIPE && errno != ECONNRESET)
			log_warning("capture: it ends: %s", strerror(errno));
		return false;
	}
	capture_ring_consume(&stream->ring, (size_t)written);
	return true;
}

void capture_stream_send(struct capture_stream *stream)
{
	const uint8_t *bytes;

	if (stream->waiting || !capture_ring_peek(&stream->ring, &bytes))
		return;
	stream->waiting = true;
	event_add(stream->writable, NULL);
}

static void stream_writable(evutil_socket_t fd, short what, void *context)
{
	struct capture_stream *stream = context;
	const uint8_t *bytes;

	(void)fd;
	(void)what;
	stream->waiting = false;
	if (!flush(stream)) {
		stream->ended(stream);
		return;
	}
	if (!capture_ring_peek(&stream->ring, &bytes))
		stream->caught_up(stream);
	capture_stream_send(stream);
}

/* A reader says nothing; what it says nevertheless is thrown away. */
static void stream_readable(evutil_socket_t fd, short what, void *context)
{
	struct capture_stream *stream = context;
	uint8_t ignored[4096];
	ssize_t length = recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT);

	(void)what;
	if (length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	stream->ended(stream);
}

static int watch(struct capture_stream *stream, struct event_base *base)
{
	struct stat status;

	if (fstat(stream->fd, &status) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EINVAL; /* writing to anything else may wait */
	stream->writable = event_new(base, stream->fd, EV_WRITE, stream_writable, stream);
	stream->readable =
		event_new(base, stream->fd, EV_READ | EV_PERSIST, stream_readable, stream);
	if (!stream->writable || !stream->readable)
		return -ENOMEM;
	return event_add(stream->readable, NULL) == 0 ? 0 : -ENOMEM;
}

int capture_stream_create(struct capture_stream **created, struct event_base *base, int fd)
{
	struct capture_stream *stream = calloc(1, sizeof(*stream));
	int error;

	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	stream->fd = fd;
	error = watch(stream, base);
	if (!error && !capture_ring_create(&stream->ring, RING_SIZE))
		error = -ENOMEM;
	if (error) {
		capture_stream_destroy(stream);
		return error;
	}
	*created = stream;
	return 0;
}

void capture_stream_destroy(struct capture_stream *stream)
{
	if (stream->ring.bytes)
		flush(stream);
	if (stream->writable)
		event_free(stream->writable);
	if (stream->readable)
		event_free(stream->readable);
	capture_ring_destroy(&stream->ring);
	close(stream->fd);
	free(stream);
}
