#ifndef CHILD_PROCESS_H
#define CHILD_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Processes of muxd's own: muxd itself, executed once more with a title and a word that nobody
 * types, and with nothing but one end of a socket pair and our stderr.
 */
#define CHILD_PROCESS_FD 3 /* what its end is there */

/*
 * Start one. socket_type is as of socketpair(). A pidfd, which is readable when it has ended, or
 * -errno; *ours is our end, *id its number, to be reaped.
 */
int child_process_start(const char *title, const char *word, int socket_type, int *ours, pid_t *id);

/* Waits for its end: how it came, in words. Returns how. */
const char *child_process_reap(pid_t id, char *how, size_t size);

#endif
