/* Stream sockets in the file system. */

#include "unix_socket.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define LOCK_ATTEMPTS 100
#define LOCK_PAUSE_MS 10

static int make_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*path)
		return -EINVAL;
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

static int bind_abstract(int fd, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(name);

	if (length > UNIX_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(address.sun_path + 1, name, length);
	length += offsetof(struct sockaddr_un, sun_path) + 1;
	return bind(fd, (const struct sockaddr *)&address, (socklen_t)length) ? -errno : 0;
}

/* name: NULL for none of our own. */
static int connect_to(const char *name, const struct sockaddr_un *address)
{
	AUTO_CLOSE int fd = open_socket();
	int result;

	if (fd < 0)
		return fd;
	result = name ? bind_abstract(fd, name) : 0;
	if (result < 0)
		return result;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return -errno;
	return take_fd(&fd);
}

int unix_connect(const char *path)
{
	struct sockaddr_un address;
	int result = make_address(&address, path);

	return result ? result : connect_to(NULL, &address);
}

int unix_connect_from(const char *name, const char *path)
{
	struct sockaddr_un address;
	int result = make_address(&address, path);

	return result ? result : connect_to(name, &address);
}

/*
 * Two programs that find the same dead socket must not both replace it. The directory's lock
 * orders them; whoever else may hold that lock cannot hold us up for ever.
 */
static int lock_directory(const char *path)
{
	char copy[PATH_MAX];
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < LOCK_ATTEMPTS; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			break;
		poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return fd;
}

static bool is_dead_socket(const struct sockaddr_un *address)
{
	AUTO_CLOSE int fd = -1;
	struct stat status;

	if (lstat(address->sun_path, &status) || !S_ISSOCK(status.st_mode))
		return false;
	fd = connect_to(NULL, address);
	return fd == -ECONNREFUSED;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *generic = (const struct sockaddr *)address;

	if (!bind(fd, generic, sizeof(*address)))
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!is_dead_socket(address))
		return -EADDRINUSE;
	if (unlink(address->sun_path) || bind(fd, generic, sizeof(*address)))
		return -errno;
	return 0;
}

static int listen_at(const struct sockaddr_un *address, mode_t mode)
{
	AUTO_CLOSE int fd = open_socket();
	int result;

	if (fd < 0)
		return fd;
	result = bind_to(fd, address);
	if (result)
		return result;
	/* Nobody can connect before listen(), so nobody can before the mode is right. */
	if (chmod(address->sun_path, mode) || listen(fd, SOMAXCONN)) {
		result = -errno;
		unlink(address->sun_path);
		return result;
	}
	return take_fd(&fd);
}

int unix_listen(const char *path, mode_t mode)
{
	struct sockaddr_un address;
	int result = make_address(&address, path);
	int lock;

	if (result)
		return result;
	lock = lock_directory(path);
	result = listen_at(&address, mode);
	close_fd(&lock);
	return result;
}
