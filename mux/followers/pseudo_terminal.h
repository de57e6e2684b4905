#ifndef PSEUDO_TERMINAL_H
#define PSEUDO_TERMINAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PTY_PATH_MAX 2048

/*
 * A pseudo-terminal for programs such as picocom, by a symbolic link that stays while the number
 * of the pty changes. It is raw from the beginning: nothing is echoed before somebody opens it.
 */
struct pty {
	char path[PTY_PATH_MAX]; /* of the link */
	char slave[64]; /* what it points to */
	int master; /* owned, does not block; -1: none */
};

/* 0 or -errno; -EEXIST: at path is something else than a link. */
int pty_open(struct pty *pty, const char *path);
/* The link goes unless it is another's by now. */
void pty_close(struct pty *pty);

struct pty_look {
	bool open; /* somebody has it open */
	bool readable; /* there is something typed */
	bool flushed; /* since the last look: who has it open threw away what was to be read */
};
struct pty_look pty_look(const struct pty *pty);

/* What was typed: as of read(), but -EAGAIN is 0. */
ssize_t pty_read(const struct pty *pty, void *bytes, size_t length);

/* Nobody has it open any more: raw again, and nothing left of what was to be read there. */
void pty_clean(const struct pty *pty);

#endif
