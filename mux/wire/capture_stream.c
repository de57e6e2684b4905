/* A reader of captured frames: what is written to it, and when it goes away. */
#include "capture_stream.h"

#include "log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RING_SIZE (4U << 20)
#define WRITE_MOST (256U << 10) /* at once: the wire is waiting meanwhile */

static ssize_t write_some(const struct capture_stream *stream, const uint8_t *bytes, size_t length)
{
	if (length > WRITE_MOST)
		length = WRITE_MOST;
	if (stream->socket)
		return send(stream->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	return write(stream->fd, bytes, length);
}

/* Write once. False when the reader is gone. */
static bool flush(struct capture_stream *stream)
{
	const uint8_t *bytes;
	size_t length = capture_ring_peek(&stream->ring, &bytes);
	ssize_t written;

	if (!length)
		return true;
	written = write_some(stream, bytes, length);
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
	static const struct timeval at_once;
	const uint8_t *bytes;

	if (stream->waiting || !capture_ring_peek(&stream->ring, &bytes))
		return;
	stream->waiting = true;
	event_add(stream->writable, stream->file ? &at_once : NULL);
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

/* A reader says nothing; what a socket's says nevertheless is thrown away. */
static void stream_readable(evutil_socket_t fd, short what, void *context)
{
	struct capture_stream *stream = context;
	uint8_t ignored[4096];
	ssize_t length = 0;

	(void)what;
	if (stream->socket)
		length = recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT);
	if (length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	stream->ended(stream);
}

/* Whether its end can be heard of: a pipe that is only written to is readable when it is closed. */
static bool may_end(const struct capture_stream *stream)
{
	int flags = fcntl(stream->fd, F_GETFL);

	return stream->socket || (flags >= 0 && (flags & O_ACCMODE) == O_WRONLY);
}

static int watch(struct capture_stream *stream, struct event_base *base)
{
	struct stat status;
	int flags = fcntl(stream->fd, F_GETFL);

	if (flags < 0 || fstat(stream->fd, &status) < 0)
		return -errno;
	stream->socket = S_ISSOCK(status.st_mode);
	stream->file = S_ISREG(status.st_mode);
	if (!stream->socket && !stream->file && !S_ISFIFO(status.st_mode))
		return -EINVAL; /* a terminal may stop, a disk is no place for this */
	if (!stream->file && fcntl(stream->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	stream->writable = event_new(base, stream->file ? -1 : stream->fd,
		stream->file ? 0 : EV_WRITE, stream_writable, stream);
	if (!stream->writable)
		return -ENOMEM;
	if (stream->file || !may_end(stream))
		return 0;
	stream->readable =
		event_new(base, stream->fd, EV_READ | EV_PERSIST, stream_readable, stream);
	return stream->readable && event_add(stream->readable, NULL) == 0 ? 0 : -ENOMEM;
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
