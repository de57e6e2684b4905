#ifndef SHARED_MEMORY_H
#define SHARED_MEMORY_H

#include "guest_memory.h"
#include "vhost_user.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARED_MEMORY_MOST (1ULL << 39) /* of one guest: 256 of them fit into a process */

struct memory_guard_place;

/* One piece of a guest's memory, mapped. */
struct shared_region {
	struct vhost_user_region told; /* as the front-end described it */
	uint8_t *mapping; /* of whole pages of the file */
	size_t length;
	uint8_t *host; /* where in it the region begins */
	struct memory_guard_place *guard;
};

/* All of a guest's memory that its front-end shares with us. Owned by the session. */
struct shared_memory {
	struct shared_region region[GUEST_MEMORY_REGIONS];
	unsigned count;
	const char **broken; /* where the guard says that a file was truncated */
};

/*
 * Map one more region from its file, which stays the caller's. NULL, or why it is refused. Only
 * files of memory file systems are mapped: others can make whoever touches them wait.
 */
const char *shared_memory_add(struct shared_memory *memory, const struct vhost_user_region *told,
	int fd);
/* False: there is no such region. */
bool shared_memory_remove(struct shared_memory *memory, const struct vhost_user_region *told);
void shared_memory_clear(struct shared_memory *memory);

/* As devices see it. */
void shared_memory_describe(const struct shared_memory *memory, struct guest_memory *guest);
/* From an address in the front-end's process to the guest's. False: it is in no region. */
bool shared_memory_translate(const struct shared_memory *memory, uint64_t user_address,
	uint64_t *guest_address);

#endif
