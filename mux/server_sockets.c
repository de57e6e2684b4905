/* The listening sockets of muxd. */

#include "server_sockets.h"

#include "fd.h"
#include "log.h"
#include "unix_socket.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static const struct {
	const char *name; /* of the file without .sock, and of a passed descriptor */
	const char *group; /* whose members may connect, where there is such a group */
} kinds[SERVER_SOCKETS] = {
	[SERVER_DEVICE] = { "device", "vmm" },
	[SERVER_CONTROL] = { "control", "muxd" },
};

/* With or without .sock behind it. */
static bool is_called(const char *passed, const char *name)
{
	size_t length = strlen(name);

	return strncmp(passed, name, length) == 0 &&
		(!passed[length] || strcmp(passed + length, ".sock") == 0);
}

/* One that the service manager passed; names that nobody asks for are left alone. */
static int keep_passed(struct server_sockets *sockets, const char *name, int fd)
{
	for (int kind = 0; kind < SERVER_SOCKETS; kind++) {
		if (!is_called(name, kinds[kind].name))
			continue;
		if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) <= 0) {
			log_error("%s: the descriptor passed is no listening socket", name);
			return -EINVAL;
		}
		sockets->socket[kind].fd = fd;
		return 0;
	}
	if (sockets->passed_count == SERVER_PASSED_MAX)
		return 0;
	sockets->passed[sockets->passed_count].fd = fd;
	sockets->passed[sockets->passed_count].name = strdup(name);
	return sockets->passed[sockets->passed_count++].name ? 0 : -ENOMEM;
}

static int take_passed(struct server_sockets *sockets)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);
	int error = count < 0 ? count : 0;

	for (int i = 0; i < count; i++) {
		if (!error)
			error = keep_passed(sockets, names[i], SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
	return error;
}

int server_sockets_take(struct server_sockets *sockets, const char *name)
{
	for (unsigned i = 0; i < sockets->passed_count; i++) {
		int fd = sockets->passed[i].fd;

		if (fd < 0 || !is_called(sockets->passed[i].name, name))
			continue;
		if (sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0)
			return take_fd(&sockets->passed[i].fd);
		log_warning("%s: the descriptor passed is no listening socket", name);
	}
	return -1;
}

/* The mode is 0660 only once the group is right. */
int server_sockets_share(const char *path, const char *name)
{
	const struct group *group = geteuid() ? NULL : getgrnam(name);

	if (!group)
		return 0;
	return chown(path, 0, group->gr_gid) || chmod(path, 0660) ? -errno : 0;
}

static int listen_on(struct server_sockets *sockets, int kind)
{
	const char *path = sockets->socket[kind].path;
	int fd = unix_listen(path, 0600);
	int error = 0;

	if (fd == -EADDRINUSE)
		log_error("%s: socket in use: another muxd is running", path);
	else if (fd < 0)
		log_error("%s: %s", path, strerror(-fd));
	if (fd < 0)
		return fd;
	sockets->socket[kind].fd = fd;
	sockets->socket[kind].ours = true;
	error = server_sockets_share(path, kinds[kind].group);
	if (error)
		log_error("%s: %s", path, strerror(-error));
	return error;
}

int server_sockets_open(struct server_sockets *sockets, const struct runtime_dir *directory)
{
	int error;

	for (int kind = 0; kind < SERVER_SOCKETS; kind++)
		sockets->socket[kind].fd = -1;
	for (int kind = 0; kind < SERVER_SOCKETS; kind++) {
		if (snprintf(sockets->socket[kind].path, PATH_MAX, "%s/%s.sock", directory->mux,
			    kinds[kind].name) >= PATH_MAX) {
			log_error("%s: the path is too long", directory->mux);
			return -ENAMETOOLONG;
		}
	}
	error = take_passed(sockets);
	for (int kind = 0; !error && kind < SERVER_SOCKETS; kind++) {
		if (sockets->socket[kind].fd < 0)
			error = listen_on(sockets, kind);
	}
	return error;
}

void server_sockets_close(struct server_sockets *sockets)
{
	for (int kind = 0; kind < SERVER_SOCKETS; kind++) {
		if (sockets->socket[kind].ours)
			unlink(sockets->socket[kind].path);
		sockets->socket[kind].ours = false;
		if (sockets->socket[kind].fd >= 0)
			close(take_fd(&sockets->socket[kind].fd));
	}
	for (; sockets->passed_count; sockets->passed_count--)
		free(sockets->passed[sockets->passed_count - 1].name);
}
