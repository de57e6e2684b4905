#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

/* Close what came along: all descriptors above this one. Before anything is opened. */
int worker_sandbox_begin(int last_fd);

/*
 * From here on nothing can be opened, run or connected to any more; what is open stays. A system
 * call that is none of a worker's ends it after one line that names the call. 0 or -errno with one
 * line logged.
 */
int worker_sandbox_seal(void);

#endif
