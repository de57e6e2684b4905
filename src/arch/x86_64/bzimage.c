/* The setup header of a bzImage (Linux x86 boot protocol, 2.12 or later, 64-bit). */
#include "kernel_image.h"
#include "layout.h"

#include <asm/bootparam.h>
#include <string.h>

#define HEADER_OFFSET 0x1f1U
#define SECTOR 512U
#define PROTOCOL_64_BIT 0x020cU
#define ENTRY_64_OFFSET 0x200U
#define KERNEL_ALIGNMENT 0x200000U
#define LARGEST_RUN_SIZE 0x40000000U

bool bzimage_recognise(const uint8_t *bytes, size_t size)
{
	return size >= HEADER_OFFSET + sizeof(struct setup_header) &&
		memcmp(bytes + 0x202, "HdrS", 4) == 0 && bytes[0x1fe] == 0x55 &&
		bytes[0x1ff] == 0xaa;
}

static int check_protocol(const struct setup_header *header, struct boot_error *error)
{
	if (header->version < PROTOCOL_64_BIT)
		return boot_refuse(error, "its boot protocol %u.%u is older than 2.12",
			header->version >> 8, header->version & 0xffU);
	if (!(header->loadflags & LOADED_HIGH))
		return boot_refuse(error, "a zImage, to be loaded below 1 MiB");
	if (!(header->xloadflags & XLF_KERNEL_64))
		return boot_refuse(error, "a 32-bit kernel");
	return 0;
}

static int check_sizes(const struct bzimage *image, uint64_t file_size, struct boot_error *error)
{
	uint64_t whole = image->kernel_offset + image->kernel_size;

	if (whole > file_size)
		return boot_refuse(error, "truncated: %llu bytes of %llu",
			(unsigned long long)file_size, (unsigned long long)whole);
	if (image->kernel_size <= ENTRY_64_OFFSET)
		return boot_refuse(error, "its header leaves no room for the kernel");
	if (image->payload_offset - image->kernel_offset > image->kernel_size ||
		image->payload_size >
			image->kernel_size - (image->payload_offset - image->kernel_offset))
		return boot_refuse(error, "its header puts the payload outside the kernel");
	return 0;
}

static int check_place(const struct bzimage *image, struct boot_error *error)
{
	if (image->address < KERNEL_LOWEST || image->address >= LOW_RAM_END ||
		image->address % KERNEL_ALIGNMENT)
		return boot_refuse(error, "it asks to run at the impossible address 0x%llx",
			(unsigned long long)image->address);
	if (image->run_size < image->kernel_size || image->run_size > LARGEST_RUN_SIZE)
		return boot_refuse(error, "it asks for an impossible 0x%llx bytes to run in",
			(unsigned long long)image->run_size);
	return 0;
}

int bzimage_parse(const struct kernel_head *head, struct bzimage *image,
	struct setup_header *header, struct boot_error *error)
{
	uint32_t sectors;
	int result;

	if (!bzimage_recognise(head->bytes, head->size))
		return boot_refuse(error, "not a bzImage");
	memcpy(header, head->bytes + HEADER_OFFSET, sizeof(*header));
	result = check_protocol(header, error);
	if (result)
		return result;

	sectors = header->setup_sects ? header->setup_sects : 4;
	*image = (struct bzimage){
		.kernel_offset = (uint64_t)(sectors + 1) * SECTOR,
		.kernel_size = (uint64_t)header->syssize * 16,
		.payload_offset = (uint64_t)(sectors + 1) * SECTOR + header->payload_offset,
		.payload_size = header->payload_length,
		.address = header->pref_address,
		.run_size = header->init_size,
		.initrd_end = (uint64_t)header->initrd_addr_max + 1,
		.command_line_limit = header->cmdline_size ? header->cmdline_size : 255,
	};
	result = check_sizes(image, head->file_size, error);
	if (result == 0)
		result = check_place(image, error);
	return result;
}
