#ifndef FD_H
#define FD_H

#include <stdlib.h>
#include <unistd.h>

static inline void close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void free_memory(void *pointer)
{
	free(*(void **)pointer);
}

/* Released when the variable goes out of scope; take_fd() hands it on instead. */
#define AUTO_CLOSE __attribute__((cleanup(close_fd)))
#define AUTO_FREE __attribute__((cleanup(free_memory)))

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
