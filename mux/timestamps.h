#ifndef TIMESTAMPS_H
#define TIMESTAMPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the time of a line is shown in front of it. Times are in ms since the epoch; 0: not known. */
enum timestamps {
	TIMESTAMPS_OFF,
	TIMESTAMPS_LOCAL, /* "[2026-11-20 18:42:50.123] " */
	TIMESTAMPS_UTC, /* with a Z behind it */
	TIMESTAMPS_RELATIVE, /* "[+00012.345] ": since the start of the guest */
	TIMESTAMPS_COUNT,
};

#define TIMESTAMPS_CHOICES "off local utc relative " /* in that order */
#define TIMESTAMP_MAX 48

/* What stands in front of a line, as wide where the time is not known; its length. */
size_t timestamp_write(enum timestamps how, uint64_t time_ms, uint64_t start_ms,
	char text[static TIMESTAMP_MAX]);

/* "off", "local", "utc", "relative"; "on" is local. False if it is none of them. */
bool timestamps_read(const char *name, enum timestamps *how);
const char *timestamps_name(enum timestamps how);

/* Now, in ms since the epoch. */
uint64_t timestamp_now(void);

#endif
