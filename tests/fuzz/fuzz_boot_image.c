/* Any bytes as a kernel's file: parsed, unpacked and loaded into a guest's memory. */

#include "kernel_image.h"
#include "relocate.h"

#include <asm/bootparam.h>
#include <stdlib.h>
#include <sys/mman.h>

#define RAM_SIZE 0x2000000ULL
#define MOST_UNPACKED 0x400000U

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void load_elf(const uint8_t *bytes, size_t size, const struct guest_memory *memory)
{
	struct kernel_source source = { bytes, -1, 0, size };
	struct boot_error error;
	struct kernel_plan plan;

	if (elf_parse(&source, &plan, &error) || kernel_plan_check(&plan, memory, &error))
		return;
	kernel_plan_trim(&plan, bytes);
	if (kernel_plan_check(&plan, memory, &error))
		abort();
	if (kernel_plan_load(&plan, &source, memory))
		abort();
	relocation_apply(&plan, bytes + plan.relocations, plan.relocations_size, memory,
		relocation_choose(&plan, size));
}

static void load_bzimage(const uint8_t *bytes, size_t size, const struct guest_memory *memory)
{
	struct kernel_head head = { bytes, size, size };
	struct bzimage image;
	struct setup_header header;
	struct boot_error error;
	uint8_t *unpacked = NULL;
	size_t unpacked_size = MOST_UNPACKED;

	if (bzimage_parse(&head, &image, &header, &error))
		return;
	if (image.run_size < unpacked_size)
		unpacked_size = image.run_size;
	if (payload_unpack(bytes + image.payload_offset, image.payload_size, &unpacked,
		    &unpacked_size, &error) == 0)
		load_elf(unpacked, unpacked_size, memory);
	free(unpacked);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct guest_memory memory = { .count = 1 };
	void *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (ram == MAP_FAILED)
		abort();
	memory.region[0] = (struct guest_memory_region){ 0, RAM_SIZE, ram };
	kernel_describe(input, size);
	load_bzimage(input, size, &memory);
	load_elf(input, size, &memory);
	munmap(ram, RAM_SIZE);
	return 0;
}
