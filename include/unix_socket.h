#ifndef UNIX_SOCKET_H
#define UNIX_SOCKET_H

#include <sys/types.h>

/*
 * Stream sockets in the file system; close-on-exec and non-blocking. A descriptor, or -errno:
 * -ENAMETOOLONG for a path that does not fit into an address, -EADDRINUSE where somebody still
 * listens. A socket file nobody listens on any more is replaced.
 */
int unix_listen(const char *path, mode_t mode);
int unix_connect(const char *path);

/* The same, with our end bound to an abstract name of at most UNIX_NAME_MAX characters. */
#define UNIX_NAME_MAX 107
int unix_connect_from(const char *name, const char *path);

#endif
