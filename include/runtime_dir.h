#ifndef RUNTIME_DIR_H
#define RUNTIME_DIR_H

#include <limits.h>

/* Where the sockets are. Both programs agree on it without talking. */
struct runtime_dir {
	char mux[PATH_MAX]; /* device.sock, control.sock, net/, channels/ */
	char vmm[PATH_MAX]; /* GUEST.sock */
};

/*
 * override: the --runtime-dir option or NULL. Then MUXD_RUNTIME_DIR, then the directories named
 * muxd and vmm in systemd's RUNTIME_DIRECTORY, then /run/muxd and /run/vmm for root, else the same
 * below XDG_RUNTIME_DIR. With an override DIR, the guests' sockets are in DIR/vmm. 0 or -errno
 * (-ENOENT: an ordinary user without XDG_RUNTIME_DIR); nothing is created.
 */
int runtime_dir_find(struct runtime_dir *dir, const char *override);

/* Create path and its parents as far as missing, mode 0755 above and mode for the last. 0 or
 * -errno. */
int runtime_dir_create(const char *path, unsigned mode);

#endif
