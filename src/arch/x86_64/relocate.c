/* Address space layout randomisation of a kernel that was unpacked on the host. */
#include "relocate.h"

#include "layout.h"

#include <errno.h>
#include <string.h>

#define KERNEL_MAP \
	0xffffffff80000000ULL /* where the kernel's 1 GiB of virtual addresses begins \
			       */
#define KERNEL_MAP_SIZE 0x40000000ULL
#define ALIGNMENT 0x200000ULL

enum group {
	MOVE_32,
	MOVE_BACK_32,
	MOVE_64,
	GROUPS
};

uint64_t relocation_choose(const struct kernel_plan *plan, uint64_t random)
{
	uint64_t end = (kernel_plan_end(plan) + ALIGNMENT - 1) & ~(ALIGNMENT - 1);

	if (plan->relocations_size < 4 || end >= KERNEL_MAP_SIZE)
		return 0;
	return random % ((KERNEL_MAP_SIZE - end) / ALIGNMENT + 1) * ALIGNMENT;
}

/* A word of the list is a virtual address, sign-extended; its physical twin was linked 1:1. */
static uint8_t *place(const struct kernel_plan *plan, const struct guest_memory *memory,
	uint32_t word, enum group group)
{
	uint64_t length = group == MOVE_64 ? 8 : 4;
	uint64_t address = (uint64_t)word - (uint32_t)KERNEL_MAP;

	if (word < (uint32_t)KERNEL_MAP || address < KERNEL_LOWEST ||
		address + length > kernel_plan_end(plan))
		return NULL;
	return guest_memory_at(memory, address, length);
}

static void move(uint8_t *where, enum group group, uint64_t distance)
{
	uint64_t value = 0;
	size_t length = group == MOVE_64 ? 8 : 4;

	memcpy(&value, where, length);
	value = group == MOVE_BACK_32 ? value - distance : value + distance;
	memcpy(where, &value, length);
}

/* Kernels since 6.15 have no per-CPU group. Zero ends a group and is no address. */
static unsigned count_groups(const uint8_t *list, size_t size)
{
	unsigned count = 0;

	for (size_t at = 0; at + 4 <= size; at += 4) {
		uint32_t word;

		memcpy(&word, list + at, sizeof(word));
		count += word == 0;
	}
	return count;
}

/* One pass over the list from its end; memory is written only when distance is not 0. */
static int walk(const struct kernel_plan *plan, const uint8_t *list, size_t size,
	const struct guest_memory *memory, uint64_t distance)
{
	bool has_back = count_groups(list, size) == GROUPS;
	unsigned group = MOVE_32;

	for (size_t at = size; at >= 4 && group < GROUPS; at -= 4) {
		uint32_t word;
		uint8_t *where;

		memcpy(&word, list + at - 4, sizeof(word));
		if (word == 0) {
			group += group == MOVE_32 && !has_back ? 2 : 1;
			continue;
		}
		where = place(plan, memory, word, (enum group)group);
		if (!where)
			return -EINVAL;
		if (distance)
			move(where, (enum group)group, distance);
	}
	return group == GROUPS ? 0 : -EINVAL;
}

int relocation_apply(const struct kernel_plan *plan, const uint8_t *list, size_t size,
	const struct guest_memory *memory, uint64_t distance)
{
	int result;

	if (size % 4 || plan->count == 0)
		return -EINVAL;
	result = walk(plan, list, size, memory, 0);
	if (result == 0 && distance)
		result = walk(plan, list, size, memory, distance);
	return result;
}
