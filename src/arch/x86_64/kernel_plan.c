/* Putting the segments of a kernel into guest memory. */
#include "kernel_image.h"
#include "layout.h"

#include <assert.h>
#include <string.h>

#define ZERO_BLOCK 0x10000U

static bool inside(const struct kernel_plan *plan, uint64_t address)
{
	for (uint64_t i = 0; i < plan->count; i++)
		if (address >= plan->segment[i].address &&
			address - plan->segment[i].address < plan->segment[i].memory_size)
			return true;
	return false;
}

static int check_segment(const struct kernel_segment *segment, const struct guest_memory *memory,
	struct boot_error *error)
{
	unsigned long long address = segment->address, size = segment->memory_size;

	if (address < KERNEL_LOWEST)
		return boot_refuse(error, "it has a segment at 0x%llx, below 1 MiB", address);
	if (address >= LOW_RAM_END)
		return boot_refuse(error, "it has a segment at 0x%llx, above 3 GiB", address);
	if (!guest_memory_at(memory, address, size))
		return boot_refuse(error,
			"it needs 0x%llx bytes at 0x%llx and memory ends at 0x%llx: give it more memory",
			size, address, (unsigned long long)memory->region[0].size);
	return 0;
}

int kernel_plan_check(const struct kernel_plan *plan, const struct guest_memory *memory,
	struct boot_error *error)
{
	if (plan->count == 0 || plan->count > KERNEL_SEGMENTS)
		return boot_refuse(error, "it has nothing to load");
	for (uint64_t i = 0; i < plan->count; i++) {
		int result = check_segment(&plan->segment[i], memory, error);

		if (result)
			return result;
	}
	if (!inside(plan, plan->pvh_entry ? plan->pvh_entry : plan->entry))
		return boot_refuse(error, "its entry point is outside what it loads");
	return 0;
}

uint64_t kernel_plan_end(const struct kernel_plan *plan)
{
	uint64_t end = 0;

	for (uint64_t i = 0; i < plan->count; i++) {
		uint64_t last = plan->segment[i].address + plan->segment[i].memory_size;

		end = last > end ? last : end;
	}
	return end;
}

/* Bytes from there on that are all zero, or all not, looked at in blocks. */
static uint64_t run_length(const uint8_t *bytes, uint64_t size, bool *zero)
{
	static const uint8_t zeros[ZERO_BLOCK];
	uint64_t length = 0;

	*zero = size >= ZERO_BLOCK && memcmp(bytes, zeros, ZERO_BLOCK) == 0;
	while (size - length >= ZERO_BLOCK &&
		*zero == (memcmp(bytes + length, zeros, ZERO_BLOCK) == 0))
		length += ZERO_BLOCK;
	return *zero || size - length >= ZERO_BLOCK ? length : size;
}

static bool add_run(struct kernel_plan *plan, struct kernel_segment run)
{
	if (plan->count == KERNEL_SEGMENTS)
		return false;
	plan->segment[plan->count++] = run;
	return true;
}

/* A segment becomes its parts that are not zero, and one without bytes for the whole place. */
static bool trim_segment(struct kernel_plan *plan, struct kernel_segment segment,
	const uint8_t *bytes)
{
	uint64_t done = 0;
	bool fits = true;

	while (fits && done < segment.file_size) {
		bool zero;
		uint64_t length =
			run_length(bytes + segment.offset + done, segment.file_size - done, &zero);

		if (!zero)
			fits = add_run(plan,
				(struct kernel_segment){ segment.address + done,
					segment.offset + done, length, length });
		done += length;
	}
	segment.file_size = 0;
	return fits && add_run(plan, segment);
}

void kernel_plan_trim(struct kernel_plan *plan, const uint8_t *bytes)
{
	struct kernel_plan trimmed = *plan;

	trimmed.count = 0;
	for (uint64_t i = 0; i < plan->count; i++)
		if (!trim_segment(&trimmed, plan->segment[i], bytes))
			return;
	*plan = trimmed;
}

int kernel_plan_load(const struct kernel_plan *plan, const struct kernel_source *source,
	const struct guest_memory *memory)
{
	for (uint64_t i = 0; i < plan->count; i++) {
		const struct kernel_segment *segment = &plan->segment[i];
		void *place = guest_memory_at(memory, segment->address, segment->memory_size);
		int result;

		assert(place);
		result = kernel_source_read(source, segment->offset, place, segment->file_size);
		if (result)
			return result;
	}
	return 0;
}
