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

#define SERVER_PASSED_MAX 256

/* The listening sockets: made here, or passed by the service manager under their names. */
struct server_sockets {
	struct {
		char path[PATH_MAX];
		int fd; /* -1: none, or handed on */
		bool ours; /* to be removed at the end */
	} socket[SERVER_SOCKETS];
	struct {
		char *name; /* owned */
		int fd; /* -1: taken */
	} passed[SERVER_PASSED_MAX]; /* others that the service manager passed */
	unsigned passed_count;
};

/* 0 or -errno after a log line. */
int server_sockets_open(struct server_sockets *sockets, const struct runtime_dir *directory);
void server_sockets_close(struct server_sockets *sockets);

/* A listening socket that was passed under this name, with or without ".sock": taken; or -1. */
int server_sockets_take(struct server_sockets *sockets, const char *name);

/* For root: let the members of a group connect to a socket, if there is such a group. */
int server_sockets_share(const char *path, const char *name);

#endif
