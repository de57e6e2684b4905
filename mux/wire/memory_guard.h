#ifndef MEMORY_GUARD_H
#define MEMORY_GUARD_H

#include <stddef.h>

/*
 * Mappings of files that others may truncate while we look at them: touching what is not there any
 * more is a SIGBUS. The guard's handler puts empty private memory in place of the whole mapping,
 * notes in *broken that this happened, and work goes on; a SIGBUS anywhere else ends the process as
 * ever. One guard a process. Mappings are added and removed by one thread; any may touch them.
 */
struct memory_guard_place;

/*
 * Watch a whole mapping, which begins and ends at pages of its kind. *broken outlives the place.
 * NULL: too many places, or no handler could be installed.
 */
struct memory_guard_place *memory_guard_add(void *start, size_t length, const char **broken);
/* To be called after the mapping has been removed; place may be NULL. */
void memory_guard_remove(struct memory_guard_place *place);

#endif
