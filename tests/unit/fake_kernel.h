#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <asm/bootparam.h>
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Kernels made by hand: an ELF file of one segment and a PVH note, with a list of relocations
 * behind it, and a bzImage that carries it packed. What is wrong with them is up to the caller.
 */
#define FAKE_KERNEL_ADDRESS 0x1000000ULL
#define FAKE_KERNEL_CODE 0x1000 /* offset of the segment in the ELF file */
#define FAKE_KERNEL_CODE_SIZE 0x41000
#define FAKE_KERNEL_MEMORY_SIZE 0x60000
#define FAKE_KERNEL_PVH_ENTRY (FAKE_KERNEL_ADDRESS + 0x50)
#define FAKE_KERNEL_RUN_SIZE 0x400000
#define FAKE_KERNEL_HEADER 0x1f1 /* offset of the setup header in a bzImage */

enum fake_packing {
	FAKE_PLAIN, /* as a decompressor of the future would need it */
	FAKE_GZIP,
	FAKE_XZ,
	FAKE_LZMA,
	FAKE_ZSTD,
};

struct fake_kernel {
	uint8_t *bytes; /* owned */
	size_t size;
	Elf64_Ehdr *elf; /* into bytes, of an ELF file */
	Elf64_Phdr *program; /* two: the segment, the note */
	uint8_t *note;
	struct setup_header *header; /* into bytes, of a bzImage; unaligned */
};

void fake_kernel_create_elf(struct fake_kernel *kernel);
void fake_kernel_create_bzimage(struct fake_kernel *kernel, enum fake_packing packing);
void fake_kernel_destroy(struct fake_kernel *kernel);

#endif
