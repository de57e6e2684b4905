/* A pseudo-terminal with a stable name. */

#include "pseudo_terminal.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

/* Modes and buffers of the slave are reached by the master: nobody sees the slave opened. */
void pty_clean(const struct pty *pty)
{
	struct termios mode;

	if (tcgetattr(pty->master, &mode))
		return;
	cfmakeraw(&mode);
	mode.c_cflag |= CREAD | CLOCAL;
	tcflush(pty->master, TCOFLUSH);
	tcsetattr(pty->master, TCSAFLUSH, &mode);
}

/* Once opened and closed, it is one that nobody has open; before, that could not be seen. */
static int open_once(const struct pty *pty)
{
	int slave = open(pty->slave, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	return slave < 0 || close(slave) ? -errno : 0;
}

static int open_master(struct pty *pty)
{
	AUTO_CLOSE int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (master < 0 || grantpt(master) || unlockpt(master) ||
		ptsname_r(master, pty->slave, sizeof(pty->slave)))
		return -errno;
	pty->master = take_fd(&master);
	pty_clean(pty);
	if (ioctl(pty->master, TIOCPKT, &(int){ 1 }))
		return -errno;
	return open_once(pty);
}

/* In one step from a former link to ours. */
static int link_slave(const struct pty *pty)
{
	char fresh[PTY_PATH_MAX + 8];
	struct stat status;

	if (!lstat(pty->path, &status) && !S_ISLNK(status.st_mode))
		return -EEXIST;
	snprintf(fresh, sizeof(fresh), "%s.new", pty->path);
	if (unlink(fresh) && errno != ENOENT)
		return -errno;
	if (symlink(pty->slave, fresh))
		return -errno;
	return rename(fresh, pty->path) ? -errno : 0;
}

int pty_open(struct pty *pty, const char *path)
{
	int error;

	pty->master = -1;
	if (strlen(path) >= sizeof(pty->path))
		return -ENAMETOOLONG;
	strcpy(pty->path, path);
	error = open_master(pty);
	if (!error)
		error = link_slave(pty);
	if (error && pty->master >= 0)
		close(take_fd(&pty->master));
	return error;
}

void pty_close(struct pty *pty)
{
	char target[sizeof(pty->slave)] = "";

	if (pty->master < 0)
		return;
	if (readlink(pty->path, target, sizeof(target) - 1) > 0 && !strcmp(target, pty->slave))
		unlink(pty->path);
	close(take_fd(&pty->master));
}

/* The master is in packet mode: what else happens comes alone, before what was typed. */
struct pty_look pty_look(const struct pty *pty)
{
	struct pollfd master = { .fd = pty->master, .events = POLLIN | POLLPRI };
	struct pty_look look = { .flushed = false };
	unsigned char what;

	while (poll(&master, 1, 0) > 0 && (master.revents & POLLPRI) &&
		read(pty->master, &what, sizeof(what)) == sizeof(what))
		look.flushed = look.flushed || (what & TIOCPKT_FLUSHREAD);
	look.open = !(master.revents & (POLLHUP | POLLERR));
	look.readable = master.revents & POLLIN;
	return look;
}

ssize_t pty_read(const struct pty *pty, void *bytes, size_t length)
{
	unsigned char what = 0;
	const struct iovec parts[] = { { &what, sizeof(what) }, { bytes, length } };
	ssize_t count = readv(pty->master, parts, 2);

	if (count < 0)
		return errno == EAGAIN ? 0 : -errno;
	return count > 0 && !what ? count - 1 : 0;
}
