/* Survives the truncation of memory that others share with us. */
#include "memory_guard.h"

#include "guest_memory.h"
#include "wire_control.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#define PLACES_MAX (WIRE_PORTS_MAX * GUEST_MEMORY_REGIONS)

struct memory_guard_place {
	uintptr_t start;
	size_t length; /* 0: free; stored last, so that the handler never sees half a place */
	const char **broken;
};

/* A signal handler has nothing but file scope to look at. */
static struct memory_guard_place places[PLACES_MAX]; /* mutable: read by the handler */
static unsigned places_used; /* mutable: places behind it are free */
static bool installed; /* mutable: there is one handler a process */

static struct memory_guard_place *find(uintptr_t address)
{
	unsigned used = __atomic_load_n(&places_used, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < used; i++) {
		struct memory_guard_place *place = &places[i];
		size_t length = __atomic_load_n(&place->length, __ATOMIC_ACQUIRE);

		if (address - place->start < length)
			return place;
	}
	return NULL;
}

static bool replace(const struct memory_guard_place *place)
{
	/* An address that a mapping has, so it can have another. */
	void *start = (void *)place->start; // NOLINT(performance-no-int-to-ptr)
	const void *now = mmap(start, place->length, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	return now == start;
}

/* Calls nothing but system calls. */
static void touched(int number, siginfo_t *information, void *context)
{
	int error = errno;
	struct memory_guard_place *place = NULL;

	(void)context;
	if (information->si_code > 0)
		place = find((uintptr_t)information->si_addr);
	if (place && replace(place))
		__atomic_store_n(place->broken, "its memory went away", __ATOMIC_RELEASE);
	else
		signal(number, SIG_DFL); /* back at the same instruction, it strikes again */
	if (!place && information->si_code <= 0)
		raise(number); /* but what was sent would be forgotten */
	errno = error;
}

static bool install(void)
{
	const struct sigaction action = {
		.sa_sigaction = touched,
		.sa_flags = SA_SIGINFO,
	};

	if (!installed)
		installed = sigaction(SIGBUS, &action, NULL) == 0;
	return installed;
}

struct memory_guard_place *memory_guard_add(void *start, size_t length, const char **broken)
{
	unsigned i = 0;

	while (i < PLACES_MAX && places[i].length)
		i++;
	if (i == PLACES_MAX || !install())
		return NULL;
	places[i].start = (uintptr_t)start;
	places[i].broken = broken;
	__atomic_store_n(&places[i].length, length, __ATOMIC_RELEASE);
	if (i == places_used)
		__atomic_store_n(&places_used, i + 1, __ATOMIC_RELEASE);
	return &places[i];
}

void memory_guard_remove(struct memory_guard_place *place)
{
	if (place)
		__atomic_store_n(&place->length, 0, __ATOMIC_RELEASE);
}
