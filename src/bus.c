/* Windows of guest addresses and the devices that answer there. */

#include "bus.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static bool is_before(const struct bus_region *region, enum bus_kind kind, uint64_t address)
{
	return region->kind < kind || (region->kind == kind && region->base <= address);
}

/* How many windows begin at the address or before it. */
static unsigned count_before(const struct bus *bus, enum bus_kind kind, uint64_t address)
{
	unsigned low = 0, high = bus->count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (is_before(&bus->region[middle], kind, address))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool overlaps(const struct bus_region *left, const struct bus_region *right)
{
	return left->kind == right->kind && left->base <= right->base + (right->size - 1) &&
		right->base <= left->base + (left->size - 1);
}

int bus_add(struct bus *bus, const struct bus_region *region)
{
	unsigned place = count_before(bus, region->kind, region->base);

	if (region->size == 0 || region->base + (region->size - 1) < region->base)
		return -EINVAL;
	if (bus->count == BUS_REGIONS)
		return -ENOSPC;
	if (place > 0 && overlaps(&bus->region[place - 1], region))
		return -EEXIST;
	if (place < bus->count && overlaps(&bus->region[place], region))
		return -EEXIST;

	memmove(&bus->region[place + 1], &bus->region[place],
		(bus->count - place) * sizeof(*region));
	bus->region[place] = *region;
	bus->count++;
	return 0;
}

/* The window that holds the whole access. */
static const struct bus_region *find(const struct bus *bus, enum bus_kind kind, uint64_t address,
	unsigned length)
{
	unsigned place = count_before(bus, kind, address);

	if (place == 0)
		return NULL;

	const struct bus_region *region = &bus->region[place - 1];

	if (region->kind != kind || address - region->base >= region->size ||
		length > region->size - (address - region->base))
		return NULL;
	return region;
}

bool bus_read(const struct bus *bus, enum bus_kind kind, uint64_t address, unsigned length,
	uint64_t *value)
{
	const struct bus_region *region = find(bus, kind, address, length);

	if (!region || !region->read)
		return false;
	*value = region->read(region->owner, address - region->base, length);
	return true;
}

bool bus_write(const struct bus *bus, enum bus_kind kind, uint64_t address, unsigned length,
	uint64_t value)
{
	const struct bus_region *region = find(bus, kind, address, length);

	if (!region || !region->write)
		return false;
	region->write(region->owner, address - region->base, length, value);
	return true;
}
