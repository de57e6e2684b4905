#ifndef BELL_H
#define BELL_H

/*
 * Signals eventfds that belong to peers. A peer may fill its eventfd and make writing to it wait,
 * at any time, also between a look and a write; ringing never waits: the kernel signals for us, as
 * it does for asynchronous input and output. Where it does not, nothing is rung. One bell a
 * process, for one thread, opened by its first use.
 *
 * 0; -EINVAL: this is no eventfd; another -errno: the host cannot, most likely because others have
 * taken all that fs.aio-max-nr allows.
 */
int bell_ring(int fd);
/* Could it be rung? It is not touched, and no kind of file makes this wait. */
int bell_check(int fd);

#endif
