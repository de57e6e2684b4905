/* ELF kernels: segments, and the note that says where a PVH start enters (type 18, by "Xen"). */
#include "fd.h"
#include "kernel_image.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XEN_PHYS32_ENTRY 18U
#define NOTES_LIMIT 0x10000U
#define PROGRAM_HEADERS_LIMIT 64U

static const struct {
	uint16_t number;
	const char *name;
} machines[] = {
	{ EM_386, "32-bit x86" },
	{ EM_ARM, "32-bit arm" },
	{ EM_AARCH64, "arm64" },
	{ EM_RISCV, "riscv" },
	{ EM_PPC64, "ppc64" },
	{ EM_S390, "s390" },
	{ EM_MIPS, "mips" },
	{ EM_LOONGARCH, "loongarch" },
};

bool elf_recognise(const uint8_t *bytes, size_t size)
{
	return size >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0;
}

static int refuse_machine(uint16_t machine, struct boot_error *error)
{
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
		if (machines[i].number == machine)
			return boot_refuse(error, "an ELF file for %s, not for x86_64",
				machines[i].name);
	return boot_refuse(error, "an ELF file for machine %u, not for x86_64", machine);
}

static int check_header(const Elf64_Ehdr *header, struct boot_error *error)
{
	if (header->e_ident[EI_DATA] == ELFDATA2LSB && header->e_machine != EM_X86_64)
		return refuse_machine(header->e_machine, error);
	if (header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_ident[EI_CLASS] != ELFCLASS64)
		return boot_refuse(error, "an ELF file, but not a 64-bit little-endian one");
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return boot_refuse(error, "an ELF file, but not an executable one");
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
		header->e_phnum > PROGRAM_HEADERS_LIMIT)
		return boot_refuse(error, "its ELF program headers are malformed");
	return 0;
}

static uint64_t padded(uint32_t length)
{
	return ((uint64_t)length + 3) & ~3ULL;
}

/* The entry address in a block of notes, or 0. A note that does not fit ends the search. */
static uint64_t find_entry(const uint8_t *notes, uint64_t size)
{
	Elf64_Nhdr note;

	for (uint64_t at = 0; size - at >= sizeof(note);) {
		uint64_t name = at + sizeof(note), description, next;
		uint64_t entry = 0;

		memcpy(&note, notes + at, sizeof(note));
		description = name + padded(note.n_namesz);
		next = description + padded(note.n_descsz);
		if (next > size)
			break;
		if (note.n_type == XEN_PHYS32_ENTRY && note.n_namesz == 4 &&
			memcmp(notes + name, "Xen", 4) == 0 &&
			(note.n_descsz == 4 || note.n_descsz == 8)) {
			memcpy(&entry, notes + description, note.n_descsz);
			return entry;
		}
		at = next;
	}
	return 0;
}

static int read_notes(const struct kernel_source *source, const Elf64_Phdr *header,
	struct kernel_plan *plan)
{
	AUTO_FREE uint8_t *notes = NULL;
	int result;

	if (header->p_filesz == 0 || header->p_filesz > NOTES_LIMIT || plan->pvh_entry)
		return 0;
	notes = malloc(header->p_filesz);
	if (!notes)
		return -ENOMEM;
	result = kernel_source_read(source, header->p_offset, notes, header->p_filesz);
	if (result == 0)
		plan->pvh_entry = find_entry(notes, header->p_filesz);
	return result;
}

static int add_segment(const struct kernel_source *source, const Elf64_Phdr *header,
	struct kernel_plan *plan, struct boot_error *error)
{
	if (header->p_memsz == 0)
		return 0;
	if (plan->count == KERNEL_SEGMENTS)
		return boot_refuse(error, "it has more than %d ELF segments", KERNEL_SEGMENTS);
	if (header->p_filesz > header->p_memsz || header->p_offset > source->size ||
		header->p_filesz > source->size - header->p_offset)
		return boot_refuse(error, "truncated: an ELF segment lies outside the file");
	plan->segment[plan->count++] = (struct kernel_segment){
		.address = header->p_paddr,
		.offset = header->p_offset,
		.file_size = header->p_filesz,
		.memory_size = header->p_memsz,
	};
	return 0;
}

static int add_header(const struct kernel_source *source, const Elf64_Phdr *header,
	struct kernel_plan *plan, struct boot_error *error)
{
	int result = 0;

	if (header->p_type == PT_INTERP)
		return boot_refuse(error, "an ordinary program, not a kernel");
	if (header->p_type == PT_LOAD)
		result = add_segment(source, header, plan, error);
	if (header->p_type == PT_NOTE)
		result = read_notes(source, header, plan);
	if (result == -EINVAL && !error->text[0])
		return boot_refuse(error, "truncated: its ELF notes lie outside the file");
	return result;
}

/* Relocations follow the ELF file in a bzImage's payload; section headers are its last part. */
static void find_relocations(const struct kernel_source *source, const Elf64_Ehdr *header,
	struct kernel_plan *plan)
{
	uint64_t end = header->e_shoff + (uint64_t)header->e_shnum * header->e_shentsize;

	if (header->e_shoff && end >= header->e_shoff && end < source->size) {
		plan->relocations = end;
		plan->relocations_size = source->size - end;
	}
}

int elf_parse(const struct kernel_source *source, struct kernel_plan *plan,
	struct boot_error *error)
{
	Elf64_Ehdr header;
	int result = 0;

	*plan = (struct kernel_plan){ 0 };
	error->text[0] = '\0';
	if (kernel_source_read(source, 0, &header, sizeof(header)))
		return boot_refuse(error, "truncated: no whole ELF header");
	result = check_header(&header, error);
	for (uint64_t i = 0; result == 0 && i < header.e_phnum; i++) {
		Elf64_Phdr program;

		if (header.e_phoff > source->size ||
			kernel_source_read(source, header.e_phoff + i * sizeof(program), &program,
				sizeof(program)))
			return boot_refuse(error, "truncated: ELF program headers are missing");
		result = add_header(source, &program, plan, error);
	}
	if (result == 0 && plan->count == 0)
		return boot_refuse(error, "an ELF file with nothing to load");
	plan->entry = header.e_entry;
	find_relocations(source, &header, plan);
	return result;
}
