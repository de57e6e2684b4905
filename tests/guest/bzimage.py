"""Wraps a tiny guest's plain bytes as a bzImage of the 64-bit boot protocol.

The boot sector with its setup header (Documentation/arch/x86/boot.rst in Linux), one sector of
setup, then what the guest's ELF file loads, which begins with the 64-bit entry at 0x200.
"""

import struct

SECTOR = 512
SETUP_SECTORS = 1
LOAD_ADDRESS = 0x200000


def loadable(elf):
    """The first PT_LOAD segment: its bytes, and its size in memory."""
    offset, size, count = struct.unpack_from("<Q", elf, 32)[0], *struct.unpack_from("<HH", elf, 54)
    for i in range(count):
        kind, _, start, _, address, length, memory = struct.unpack_from(
            "<IIQQQQQ", elf, offset + i * size
        )
        if kind == 1:
            assert address == LOAD_ADDRESS
            return elf[start : start + length], memory
    raise ValueError("no loadable segment")


def make_bzimage(elf_path, path):
    with open(elf_path, "rb") as file:
        code, memory = loadable(file.read())
    head = bytearray((1 + SETUP_SECTORS) * SECTOR)
    head[0x1F1] = SETUP_SECTORS
    struct.pack_into("<I", head, 0x1F4, (len(code) + 15) // 16)  # syssize
    struct.pack_into("<H", head, 0x1FE, 0xAA55)
    head[0x200:0x202] = b"\xeb\x66"  # jump behind the header
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, 0x20F)  # version
    head[0x211] = 1  # loaded high
    struct.pack_into("<I", head, 0x214, LOAD_ADDRESS)  # code32_start
    struct.pack_into("<I", head, 0x22C, 0x7FFFFFFF)  # initrd_addr_max
    struct.pack_into("<I", head, 0x230, 0x200000)  # kernel_alignment
    head[0x234] = 0  # not relocatable
    struct.pack_into("<H", head, 0x236, 0x3)  # xloadflags: 64-bit entry, above 4 GiB
    struct.pack_into("<I", head, 0x238, 2047)  # cmdline_size
    struct.pack_into("<Q", head, 0x258, LOAD_ADDRESS)  # pref_address
    struct.pack_into("<I", head, 0x260, memory)  # init_size
    with open(path, "wb") as file:
        file.write(head + code + bytes(-len(code) % 16))
