#ifndef NOTIFY_H
#define NOTIFY_H

#include "compiler.h"

#include <stdint.h>

/*
 * What a service tells its manager (sd_notify): lines such as "READY=1\nSTATUS=running". One
 * datagram to the socket named by NOTIFY_SOCKET, never blocking. 0, also where nobody asked to be
 * told; else -errno, which callers may ignore.
 */
int notify_send(const char *format, ...) PRINTF_LIKE(1, 2);

/* How often the manager wants to hear "WATCHDOG=1" at the latest; 0: not at all. */
uint64_t notify_watchdog_us(void);

#endif
