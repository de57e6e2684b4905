/* The listening sockets of wires, and who connects there. */

#include "fd.h"
#include "guest_name.h"
#include "listener.h"
#include "mux.h"
#include "server_sockets.h"
#include "unix_socket.h"
#include "vhost_user.h"
#include "wires_parts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define GROUP "vmm" /* whose members may connect, where there is such a group */

/* A process that has no name for us is called by its command and its number. */
static void name_of_process(pid_t pid, char *name, size_t size)
{
	char path[32], command[16] = "";
	AUTO_CLOSE int fd = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? 0 : read(fd, command, sizeof(command) - 1);
	command[length > 0 ? strcspn(command, "\n") : 0] = '\0';
	for (char *next = command; *next; next++) {
		if (!isalnum((unsigned char)*next) && *next != '-' && *next != '_')
			*next = '_';
	}
	if (!*command || *command == '-')
		snprintf(command, sizeof(command), "process");
	snprintf(name, size, "%s.%d", command, pid);
}

/* Of "vmm-net/NAME/unique", what is behind the first slash; its length. 0: it is not that. */
static size_t find_name(const struct sockaddr_un *address, socklen_t size, const char **name)
{
	size_t prefix = strlen(VHOST_USER_NAME_PREFIX);
	size_t length = size - offsetof(struct sockaddr_un, sun_path);
	const char *end;

	if (size <= offsetof(struct sockaddr_un, sun_path) + 1 + prefix || address->sun_path[0] ||
		memcmp(address->sun_path + 1, VHOST_USER_NAME_PREFIX, prefix) != 0)
		return 0;
	*name = address->sun_path + 1 + prefix;
	length -= 1 + prefix;
	end = memchr(*name, '/', length);
	return end ? (size_t)(end - *name) : length;
}

/* Port: the name that a socket of one port stands for, or "". False: the name is none. */
static bool know(int fd, const char *port, struct wires_peer *peer, const char **problem)
{
	struct sockaddr_un address = { 0 };
	struct ucred credentials = { 0 };
	socklen_t size = sizeof(address), credentials_size = sizeof(credentials);
	const char *name = port;
	size_t length = strlen(port);

	*peer = (struct wires_peer){ .named = true };
	*problem = "the kernel does not say who it is";
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &credentials_size) ||
		getpeername(fd, (struct sockaddr *)&address, &size))
		return false;
	peer->uid = credentials.uid;
	peer->pid = credentials.pid;
	if (!length)
		length = find_name(&address, size, &name);
	if (!length) {
		peer->named = false;
		name_of_process(peer->pid, peer->name, sizeof(peer->name));
		return true;
	}
	*problem = guest_name_problem(name, length);
	if (*problem)
		return false;
	memcpy(peer->name, name, length);
	return true;
}

static void came(void *owner, int fd)
{
	const struct wires_socket *socket = owner;
	struct wires_peer peer;
	const char *problem;

	if (know(fd, socket->port, &peer, &problem)) {
		wires_port_connect(socket->wire, &peer, fd);
		return;
	}
	wires_say(socket->wire, "process %d of user %u: refused: its name %s", peer.pid, peer.uid,
		problem);
	close(fd);
}

static void accept_failed(void *owner, int error)
{
	const struct wires_socket *socket = owner;

	wires_say(socket->wire, "cannot accept a connection: %s", strerror(error));
}

/* A descriptor the service manager passed, as "lan" or "net-lan", with or without .sock. */
static int passed(const struct mux_wire *wire, const char *name)
{
	const struct wires_options *options = wire->wires->options;
	char longer[WIRE_NAME_MAX + WIRE_PORT_NAME_MAX + 8];
	int fd;

	if (!options->passed)
		return -1;
	fd = options->passed(options->owner, name);
	if (fd >= 0)
		return fd;
	snprintf(longer, sizeof(longer), "net-%s", name);
	return options->passed(options->owner, longer);
}

static int open_socket(struct wires_socket *socket)
{
	char name[WIRE_NAME_MAX + WIRE_PORT_NAME_MAX + 3];
	int fd, error;

	snprintf(name, sizeof(name), "%s%s%s", socket->wire->name, *socket->port ? "." : "",
		socket->port);
	if (snprintf(socket->path, sizeof(socket->path), "%s/%s.sock",
		    socket->wire->wires->options->directory, name) >= (int)sizeof(socket->path))
		return -ENAMETOOLONG;
	fd = passed(socket->wire, name);
	if (fd >= 0) {
		evutil_make_socket_nonblocking(fd);
		return fd;
	}
	fd = unix_listen(socket->path, 0600);
	if (fd < 0)
		return fd;
	socket->ours = true;
	error = server_sockets_share(socket->path, GROUP);
	if (error)
		close(fd);
	return error ? error : fd;
}

static void socket_free(struct wires_socket *socket)
{
	if (socket->ours)
		unlink(socket->path);
	free(socket);
}

int wires_listen(struct mux_wire *wire, const char *port, char message[WIRES_MESSAGE_MAX])
{
	struct wires_socket *socket = calloc(1, sizeof(*socket));
	int fd = -ENOMEM;

	if (socket) {
		socket->wire = wire;
		strncat(socket->port, port, sizeof(socket->port) - 1);
		fd = open_socket(socket);
	}
	if (fd >= 0) {
		socket->listener =
			listener_create(wire->wires->mux->base, fd, came, accept_failed, socket);
		if (!socket->listener)
			fd = -ENOMEM;
	}
	if (fd < 0) {
		snprintf(message, WIRES_MESSAGE_MAX, "%s: %.*s: %s", wire->name, 128,
			socket ? socket->path : "",
			fd == -EADDRINUSE ? "socket in use: another muxd is running"
					  : strerror(-fd));
		if (socket)
			socket_free(socket);
		return fd;
	}
	LIST_INSERT_HEAD(&wire->sockets, socket, link);
	return 0;
}

void wires_sockets_unlink(struct mux_wire *wire)
{
	struct wires_socket *socket;

	LIST_FOREACH(socket, &wire->sockets, link)
	{
		if (socket->ours)
			unlink(socket->path);
		socket->ours = false;
	}
}

void wires_sockets_close(struct mux_wire *wire)
{
	while (!LIST_EMPTY(&wire->sockets)) {
		struct wires_socket *socket = LIST_FIRST(&wire->sockets);

		LIST_REMOVE(socket, link);
		listener_destroy(socket->listener);
		socket_free(socket);
	}
}
