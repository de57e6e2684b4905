#include "fake_kernel.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define NOTE_OFFSET 0x200
#define SECTION_HEADERS (FAKE_KERNEL_CODE + FAKE_KERNEL_CODE_SIZE)
#define ROOM 0x100000
#define SECTOR 512

/* One place of each kind to move; see relocate.h. The last word is read first. */
static const uint32_t relocations[] = { 0, 0x81000300, 0, 0x81000200, 0, 0x81000100 };

static void put_32(uint8_t *bytes, uint32_t value)
{
	memcpy(bytes, &value, sizeof(value));
}

static void write_note(uint8_t *note)
{
	uint64_t entry = FAKE_KERNEL_PVH_ENTRY;
	Elf64_Nhdr header = { .n_namesz = 4, .n_descsz = sizeof(entry), .n_type = 18 };

	memcpy(note, &header, sizeof(header));
	memcpy(note + sizeof(header), "Xen", 4);
	memcpy(note + sizeof(header) + 4, &entry, sizeof(entry));
}

/* Code that can be told apart, places for the relocations, and a long run of zeros. */
static void write_code(uint8_t *code)
{
	for (size_t i = 0; i < 0x10000; i++)
		code[i] = (uint8_t)(i * 7 + 1);
	memset(code + FAKE_KERNEL_CODE_SIZE - 0x1000, 0x5a, 0x1000);
	put_32(code + 0x100, 0x81000000);
	put_32(code + 0x200, 0x70000000);
	memset(code + 0x300, 0xff, 8);
	put_32(code + 0x300, 0x81000000);
}

void fake_kernel_create_elf(struct fake_kernel *kernel)
{
	*kernel = (struct fake_kernel){
		.bytes = calloc(1, ROOM),
		.size = SECTION_HEADERS + sizeof(Elf64_Shdr) + sizeof(relocations),
	};
	if (!kernel->bytes)
		abort();
	kernel->elf = (void *)kernel->bytes;
	kernel->program = (void *)(kernel->bytes + sizeof(*kernel->elf));
	kernel->note = kernel->bytes + NOTE_OFFSET;

	memcpy(kernel->elf->e_ident, ELFMAG, SELFMAG);
	kernel->elf->e_ident[EI_CLASS] = ELFCLASS64;
	kernel->elf->e_ident[EI_DATA] = ELFDATA2LSB;
	kernel->elf->e_type = ET_EXEC;
	kernel->elf->e_machine = EM_X86_64;
	kernel->elf->e_entry = FAKE_KERNEL_ADDRESS;
	kernel->elf->e_phoff = sizeof(*kernel->elf);
	kernel->elf->e_phentsize = sizeof(*kernel->program);
	kernel->elf->e_phnum = 2;
	kernel->elf->e_shoff = SECTION_HEADERS;
	kernel->elf->e_shentsize = sizeof(Elf64_Shdr);
	kernel->elf->e_shnum = 1;
	kernel->program[0] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_offset = FAKE_KERNEL_CODE,
		.p_paddr = FAKE_KERNEL_ADDRESS,
		.p_filesz = FAKE_KERNEL_CODE_SIZE,
		.p_memsz = FAKE_KERNEL_MEMORY_SIZE,
	};
	kernel->program[1] = (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_offset = NOTE_OFFSET,
		.p_filesz = 0x40,
	};
	write_note(kernel->note);
	write_code(kernel->bytes + FAKE_KERNEL_CODE);
	memcpy(kernel->bytes + SECTION_HEADERS + sizeof(Elf64_Shdr), relocations,
		sizeof(relocations));
}

static size_t pack_gzip(const struct fake_kernel *elf, uint8_t *to)
{
	z_stream stream = { .next_in = elf->bytes, .avail_in = (uInt)elf->size };

	if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	stream.next_out = to;
	stream.avail_out = ROOM / 2;
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	deflateEnd(&stream);
	return stream.total_out;
}

/* As the kernel's build calls xz: with the filter for x86 code and a CRC32. */
static size_t pack_xz(const struct fake_kernel *elf, uint8_t *to)
{
	lzma_options_lzma options;
	size_t used = 0;
	lzma_filter filters[] = { { LZMA_FILTER_X86, NULL }, { LZMA_FILTER_LZMA2, &options },
		{ LZMA_VLI_UNKNOWN, NULL } };

	lzma_lzma_preset(&options, 1);
	if (lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, elf->bytes, elf->size, to,
		    &used, ROOM / 2) != LZMA_OK)
		abort();
	return used;
}

static size_t pack_lzma(const struct fake_kernel *elf, uint8_t *to)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	lzma_lzma_preset(&options, 1);
	if (lzma_alone_encoder(&stream, &options) != LZMA_OK)
		abort();
	stream.next_in = elf->bytes;
	stream.avail_in = elf->size;
	stream.next_out = to;
	stream.avail_out = ROOM / 2;
	if (lzma_code(&stream, LZMA_FINISH) != LZMA_STREAM_END)
		abort();
	lzma_end(&stream);
	return stream.total_out;
}

static size_t pack_zstd(const struct fake_kernel *elf, uint8_t *to)
{
	size_t size = ZSTD_compress(to, ROOM / 2, elf->bytes, elf->size, 3);

	if (ZSTD_isError(size))
		abort();
	return size;
}

static size_t pack_plain(const struct fake_kernel *elf, uint8_t *to)
{
	memcpy(to, "\x02\x21\x4c\x18", 4); /* looks like lz4 */
	memcpy(to + 4, elf->bytes, 0x100);
	return 0x104;
}

void fake_kernel_create_bzimage(struct fake_kernel *kernel, enum fake_packing packing)
{
	static size_t (*const pack[])(const struct fake_kernel *, uint8_t *) = {
		[FAKE_PLAIN] = pack_plain,
		[FAKE_GZIP] = pack_gzip,
		[FAKE_XZ] = pack_xz,
		[FAKE_LZMA] = pack_lzma,
		[FAKE_ZSTD] = pack_zstd,
	};
	struct setup_header header = { 0 };
	struct fake_kernel elf;
	uint8_t *code;
	size_t packed;

	fake_kernel_create_elf(&elf);
	*kernel = (struct fake_kernel){ .bytes = calloc(1, ROOM) };
	if (!kernel->bytes)
		abort();
	code = kernel->bytes + (size_t)2 * SECTOR;
	packed = pack[packing](&elf, code + 0x400);
	put_32(code + 0x400 + packed, (uint32_t)elf.size);
	header = (struct setup_header){
		.setup_sects = 1,
		.syssize = (uint32_t)((0x400 + packed + 4 + 15) / 16),
		.boot_flag = 0xaa55,
		.header = 0x53726448, /* "HdrS" */
		.version = 0x020f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.cmdline_size = 2047,
		.xloadflags = XLF_KERNEL_64,
		.payload_offset = 0x400,
		.payload_length = (uint32_t)packed + 4,
		.pref_address = FAKE_KERNEL_ADDRESS,
		.init_size = FAKE_KERNEL_RUN_SIZE,
	};
	memcpy(kernel->bytes + FAKE_KERNEL_HEADER, &header, sizeof(header));
	kernel->header = (void *)(kernel->bytes + FAKE_KERNEL_HEADER);
	kernel->size = (size_t)2 * SECTOR + (size_t)header.syssize * 16;
	fake_kernel_destroy(&elf);
}

void fake_kernel_destroy(struct fake_kernel *kernel)
{
	free(kernel->bytes);
	kernel->bytes = NULL;
}
