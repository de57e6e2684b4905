/* Naming what a file is that somebody wanted to boot. */
#include "kernel_image.h"

#include <ctype.h>
#include <elf.h>
#include <string.h>

#define MAGIC(where, text, name) \
	{ \
		where, sizeof(text) - 1, text, name \
	}

static const struct {
	size_t offset;
	size_t length;
	const char *magic;
	const char *name;
} magics[] = {
	MAGIC(56, "ARM\x64", "an arm64 kernel Image"),
	MAGIC(56, "RSC\x05", "a riscv kernel Image"),
	MAGIC(4, "zimg", "an EFI zboot image"),
	MAGIC(0,
		"\x7f"
		"ELF",
		"an ELF file"),
	MAGIC(0, "MZ", "an EFI (PE) program without a Linux x86 setup header"),
	MAGIC(0, "\x1f\x8b", "a gzip file"),
	MAGIC(0,
		"\xfd"
		"7zXZ",
		"an xz file"),
	MAGIC(0, "\x28\xb5\x2f\xfd", "a zstd file"),
	MAGIC(0, "BZh", "a bzip2 file"),
	MAGIC(0, "\x04\x22\x4d\x18", "an lz4 file"),
	MAGIC(0, "\x02\x21\x4c\x18", "an lz4 file"),
	MAGIC(0, "070701", "a cpio archive, perhaps an initrd"),
	MAGIC(0, "\x27\x05\x19\x56", "a U-Boot uImage"),
	MAGIC(0, "\xd0\x0d\xfe\xed", "a device tree"),
	MAGIC(0, "QFI\xfb", "a qcow2 disk image"),
	MAGIC(0, "hsqs", "a squashfs file system"),
	MAGIC(257, "ustar", "a tar archive"),
	MAGIC(0, "!<arch>", "an ar archive or Debian package"),
	MAGIC(0, "#!", "a script"),
	MAGIC(510, "\x55\xaa", "a disk image or boot sector"),
};

static bool is_text(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size && i < 256; i++)
		if (!isprint(bytes[i]) && !isspace(bytes[i]) && bytes[i] < 0x80)
			return false;
	return true;
}

const char *kernel_describe(const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return "an empty file";
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (size >= magics[i].offset + magics[i].length &&
			memcmp(bytes + magics[i].offset, magics[i].magic, magics[i].length) == 0)
			return magics[i].name;
	return is_text(bytes, size) ? "a text file" : "of no kind known here";
}
