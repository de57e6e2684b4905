#ifndef SERVER_SOCKETS_H
#define SERVER_SOCKETS_H

#include "runtime_dir.h"

#include <limits.h>
#include <stdbool.h>

enum {
	SERVER_DEVICE,
	SERVER_CONTROL,
	SERVER_SOCKETS
};

/* The listening sockets: made here, or passed by the service manager under their names. */
struct server_sockets {
	struct {
		char path[PATH_MAX];
		int fd; /* -1: none, or handed on */
		bool ours; /* to be removed at the end */
	} socket[SERVER_SOCKETS];
};

/* 0 or -errno after a log line. */
int server_sockets_open(struct server_sockets *sockets, const struct runtime_dir *directory);
void server_sockets_close(struct server_sockets *sockets);

#endif
