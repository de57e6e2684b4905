#ifndef BUS_H
#define BUS_H

#include <stdbool.h>
#include <stdint.h>

#define BUS_REGIONS 64

enum bus_kind {
	BUS_MMIO,
	BUS_PIO
};

/*
 * A window of guest addresses answered by a device. Called on a vCPU thread; the owner's
 * own lock protects it. Accesses have length 1, 2, 4 or 8 and lie inside the window. Without a
 * read or write the window does not answer that.
 */
struct bus_region {
	enum bus_kind kind;
	uint64_t base;
	uint64_t size;
	const char *name;
	void *owner;
	uint64_t (*read)(void *owner, uint64_t offset, unsigned length);
	void (*write)(void *owner, uint64_t offset, unsigned length, uint64_t value);
};

/* Filled before the first vCPU runs and constant while one does, so it needs no lock. */
struct bus {
	struct bus_region region[BUS_REGIONS]; /* sorted by kind and base */
	unsigned count;
};

/* 0, -EEXIST when windows overlap, -ENOSPC, -EINVAL for a window of no size or past the end. */
int bus_add(struct bus *bus, const struct bus_region *region);

/* False when nobody answers there: the caller reads all ones, and a write is ignored. */
bool bus_read(const struct bus *bus, enum bus_kind kind, uint64_t address, unsigned length,
	uint64_t *value);
bool bus_write(const struct bus *bus, enum bus_kind kind, uint64_t address, unsigned length,
	uint64_t value);

#endif
