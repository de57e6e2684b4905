/* Varlink, the caller's side (varlink.org, "Method Call"): blocking. */

#include "fd.h"
#include "varlink.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define PEEK 65536

/* Descriptors may be non-blocking: wait. 0 to try again, or -errno. */
static int wait_for(int fd, short events)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	return poll(&poll_fd, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

static int send_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0) {
			int result = wait_for(fd, POLLOUT);

			if (result)
				return result;
			continue;
		}
		bytes += sent;
		length -= (size_t)sent;
	}
	return 0;
}

int varlink_request(int fd, const char *method, json_t *parameters, unsigned flags)
{
	json_t *request = json_pack("{s:s, s:o*}", "method", method, "parameters", parameters);
	AUTO_FREE char *text = NULL;

	if (flags & VARLINK_MORE)
		json_object_set_new(request, "more", json_true());
	if (flags & VARLINK_UPGRADE)
		json_object_set_new(request, "upgrade", json_true());
	if (request)
		text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (!text)
		return -ENOMEM;
	if (strlen(text) > VARLINK_MESSAGE_MAX)
		return -EMSGSIZE;
	return send_all(fd, text, strlen(text) + 1);
}

/* Receives to buffer at most length bytes; the number of them, 0 at the end, or -errno. */
static ssize_t receive(int fd, void *buffer, size_t length, int flags)
{
	for (;;) {
		ssize_t received = recv(fd, buffer, length, flags);
		int result;

		if (received >= 0)
			return received;
		result = wait_for(fd, POLLIN);
		if (result)
			return result;
	}
}

/*
 * One message up to and with its NUL, and no byte behind it, which may belong to an upgraded
 * stream: look first, then take.
 */
static int receive_message(int fd, char **message)
{
	AUTO_FREE char *text = NULL;
	size_t length = 0, size = 0;

	for (;;) {
		ssize_t part;
		const char *end;

		if (size < length + PEEK) {
			char *larger = realloc(text, size * 2 + PEEK);

			if (!larger)
				return -ENOMEM;
			text = larger;
			size = size * 2 + PEEK;
		}
		part = receive(fd, text + length, PEEK, MSG_PEEK);
		if (part <= 0)
			return part ? (int)part : -ECONNRESET;
		end = memchr(text + length, 0, (size_t)part);
		if (end)
			part = end + 1 - (text + length);
		part = receive(fd, text + length, (size_t)part, 0);
		if (part <= 0)
			return part ? (int)part : -ECONNRESET;
		length += (size_t)part;
		if (end)
			break;
		if (length > VARLINK_MESSAGE_MAX)
			return -EMSGSIZE;
	}
	*message = text;
	text = NULL;
	return 0;
}

int varlink_response(int fd, json_t **reply, bool *continues)
{
	AUTO_FREE char *text = NULL;
	json_t *message, *error, *parameters;
	int result = receive_message(fd, &text);

	*reply = NULL;
	if (result)
		return result;
	message = json_loads(text, 0, NULL);
	error = json_object_get(message, "error");
	parameters = json_object_get(message, "parameters");
	if (!json_is_object(message) || (error && !json_is_string(error)) ||
		(parameters && !json_is_object(parameters) && !json_is_null(parameters))) {
		json_decref(message);
		return -EPROTO;
	}
	parameters = json_is_object(parameters) ? json_incref(parameters) : json_object();
	*reply = error ? json_pack("{s:O, s:o}", "error", error, "parameters", parameters)
		       : parameters;
	if (continues)
		*continues = !error && json_is_true(json_object_get(message, "continues"));
	json_decref(message);
	if (!*reply)
		return -ENOMEM;
	return error ? -EREMOTEIO : 0;
}

int varlink_call(int fd, const char *method, json_t *parameters, json_t **reply)
{
	int result = varlink_request(fd, method, parameters, 0);

	*reply = NULL;
	return result ? result : varlink_response(fd, reply, NULL);
}
