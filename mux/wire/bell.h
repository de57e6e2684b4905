#ifndef BELL_H
#define BELL_H

#include <stdbool.h>

/*
 * Signals eventfds that belong to peers. A peer may fill its eventfd and make writing to it wait,
 * at any time; ringing never waits: the kernel signals for us, as it does for asynchronous input
 * and output. Where that is not to be had, it is a write, which waits only for a peer that is
 * hostile. One bell a process, for one thread, opened by its first use.
 *
 * False: this is no eventfd.
 */
bool bell_ring(int fd);

#endif
