#ifndef CACHE_DIRECTORY_H
#define CACHE_DIRECTORY_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The directory for what can be made anew, created if need be: $CACHE_DIRECTORY, or vmm in
 * $XDG_CACHE_HOME, in /var/cache for root, in ~/.cache for others. A descriptor, or -1 when
 * there is none that only this user can write.
 */
int cache_directory_open(void);

/* Of the files whose names begin so, keep only that many: those used last. */
void cache_directory_prune(int directory, const char *prefix, unsigned keep);

#endif
