"""Images for tests: kernels, hypervisors, and files that mean harm. All are made here, byte by byte; none is real."""

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

MIB = 1 << 20
PT_LOAD, PT_NOTE = 1, 4
SHT_PROGBITS, SHT_STRTAB, SHT_NOTE, SHT_NOBITS = 1, 3, 7, 8
I386, X86_64 = 3, 62
LZ4_MAGIC = b"\x02\x21\x4c\x18"
RELEASE = "6.12.117+deb12-amd64"
BANNER = f"Linux version {RELEASE} (builder@example.org) (gcc 12.2.0) #1 SMP PREEMPT_DYNAMIC 6.12.117-1 (2026-11-14)"
TEMPLATE = f"Linux version {RELEASE} (builder@example.org) (gcc 12.2.0) # SMP PREEMPT_DYNAMIC"
CONFIG = "# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_X86_PAT=y\nCONFIG_MTRR=y\n# CONFIG_XEN_DOM0 is not set\n"

# --- ELF ------------------------------------------------------------------------------------------------------------


class Part(NamedTuple):
    """A piece of an ELF file, with the segment and the section that name it."""

    body: bytes
    segment: int = 0
    section: int = 0
    name: str = ""
    physical: int = 0
    memory_size: int | None = None
    flags: int = 7


def note(owner: bytes, kind: int, body: bytes, *, alignment: int = 4) -> bytes:
    """A note, its owner without NUL."""
    name = owner + b"\0" if owner else b""
    pads = -len(name) % 4, -len(body) % alignment
    return struct.pack("<III", len(name), len(body), kind) + name + bytes(pads[0]) + body + bytes(pads[1])


def xen_note(kind: int, value: int | str, size: int = 8) -> bytes:
    """A note of the owner Xen: a number of `size` bytes, or a text."""
    body = value.encode() + b"\0" if isinstance(value, str) else value.to_bytes(size, "little")
    return note(b"Xen", kind, body)


class Structures(NamedTuple):
    """How the headers of a class of ELF files are laid out."""

    header: str
    header_size: int
    segment: str
    section: str


STRUCTURES = {
    32: Structures("<HHIIIIIHHHHHH", 52, "<8I", "<10I"),
    64: Structures("<HHIQQQIHHHHHH", 64, "<IIQQQQQQ", "<IIQQQQIIQQ"),
}


def elf(*parts: Part, bits: int = 64, machine: int | None = None, kind: int = 2, entry: int = 0x1000000) -> bytes:
    """An ELF file of these parts: headers, segments' headers, the parts, the sections' headers."""
    form = STRUCTURES[bits]
    segments, sections = [part for part in parts if part.segment], [part for part in parts if part.section]
    names = b"\0" + b"".join(part.name.encode() + b"\0" for part in sections) + b".shstrtab\0"
    at = form.header_size + len(segments) * struct.calcsize(form.segment)
    offsets = []
    for part in parts:
        offsets.append(at)
        at += len(part.body) + -len(part.body) % 8
    names_at, count = at, len(sections) + 2
    at += len(names) + -len(names) % 8
    fields = (
        kind, machine or (X86_64 if bits == 64 else I386), 1, entry, form.header_size, at if sections else 0, 0,
        form.header_size, struct.calcsize(form.segment), len(segments),
        struct.calcsize(form.section), count if sections else 0, count - 1 if sections else 0,
    )  # fmt: skip
    body = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9) + struct.pack(form.header, *fields)
    body += b"".join(_segment(form, part, offset) for part, offset in zip(parts, offsets, strict=True) if part.segment)
    for part in parts:
        body += part.body + bytes(-len(part.body) % 8)
    if sections:
        body += names + bytes(-len(names) % 8) + struct.pack(form.section, *[0] * 10)
        name_at = 1
        for part, offset in zip(parts, offsets, strict=True):
            if part.section:
                body += struct.pack(form.section, name_at, part.section, 0, 0, offset, len(part.body), 0, 0, 4, 0)
                name_at += len(part.name) + 1
        body += struct.pack(form.section, name_at, SHT_STRTAB, 0, 0, names_at, len(names), 0, 0, 1, 0)
    return body


def _segment(form: Structures, part: Part, offset: int) -> bytes:
    size = len(part.body)
    memory = size if part.memory_size is None else part.memory_size
    if form is STRUCTURES[32]:
        values = (part.segment, offset, part.physical, part.physical, size, memory, part.flags, 4)
    else:
        values = (part.segment, part.flags, offset, part.physical, part.physical, size, memory, 4)
    return struct.pack(form.segment, *values)


BASE = 0xFFFFFFFF80000000
START = 0x1000000

#: What Linux tells Xen, as real images do.
LINUX_NOTES = {
    6: "linux",
    7: "2.6",
    5: "xen-3.0",
    3: BASE,
    15: 0x8000000000,
    1: BASE + START + 0x1C0,
    10: "!writable_page_tables|pae_pgdir_above_4gb",
    17: 0x8801,
    9: "yes",
    8: "generic",
    14: 1,
    16: 1,
    4: 0,
}


def linux_notes(**changes: int | str | None) -> bytes:
    """The notes of a Linux image; a change is `n10="..."` by the note's number, None leaves it out."""
    said: dict[int, int | str | None] = {**LINUX_NOTES, **{int(key[1:]): value for key, value in changes.items()}}
    own = b"".join(xen_note(kind, value, 4 if kind == 17 else 8) for kind, value in said.items() if value is not None)
    entry = b"" if "n18" in changes else xen_note(18, START + 0x850, 4)
    others = note(b"Linux", 0x101, bytes(4)) + note(b"Linux", 0x100, RELEASE.encode() + b"\0")
    return own + note(b"Xen", 13, struct.pack("<QQ", 1, 1)) + note(b"GNU", 3, bytes(range(20))) + others + entry


def ikconfig(text: str = CONFIG) -> bytes:
    """A .config as a kernel carries it."""
    return b"IKCFG_ST" + gzip.compress(text.encode(), mtime=0) + b"IKCFG_ED"


TELLTALES = b"\0MTRRs set to read-only\n\0MTRR map: %u entries\0Booting kernel on %s\n\0"


def kernel(
    *, notes: bytes | None = None, text: bytes | None = None, bits: int = 64, padding: int = 4096, legacy: str = ""
) -> bytes:
    """An unpacked Linux kernel: an ELF file with a banner, telltales and notes."""
    said = text if text is not None else (TEMPLATE + "\n\0" + BANNER + "\n\0").encode() + TELLTALES
    parts = [Part(noise(padding) + said, PT_LOAD, SHT_PROGBITS, ".text", physical=START, memory_size=2 * MIB)]
    if legacy:
        parts.append(Part(legacy.encode() + b"\0", 0, SHT_PROGBITS, "__xen_guest"))
    held = linux_notes() if notes is None else notes
    if held:
        parts.append(Part(held, PT_NOTE, SHT_NOTE, ".notes", physical=START))
    return elf(*parts, bits=bits)


def noise(size: int) -> bytes:
    """Bytes that cannot be packed much, always the same."""
    words = bytearray()
    state = 12345
    while len(words) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        words += (state >> 16).to_bytes(6, "little")
    return bytes(words[:size])


# --- packing --------------------------------------------------------------------------------------------------------


def pack_gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def pack_xz(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": MIB}])


def pack_lzma(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 24}])


def pack_zstd(data: bytes) -> bytes:
    """One frame with a checksum, and without the size of what it holds: so kernels are packed."""
    import zstandard

    return zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(data)


def pack_lz4(data: bytes) -> bytes:
    """The legacy format: blocks of 8 MiB after their size."""
    import lz4.block

    packed = LZ4_MAGIC
    for at in range(0, len(data), 8 * MIB):
        block = lz4.block.compress(data[at : at + 8 * MIB], store_size=False)
        packed += len(block).to_bytes(4, "little") + block
    return packed


def pack_lzo(data: bytes) -> bytes:
    """No packing: only how a file of lzop begins, for no reader gets further."""
    return b"\x89LZO\0\r\n\x1a\n" + data[:1000]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": pack_gzip,
    "bzip2": bz2.compress,
    "xz": pack_xz,
    "lzma": pack_lzma,
    "zstd": pack_zstd,
    "lz4": pack_lz4,
    "lzo": pack_lzo,
}
READ_PACKERS = ("gzip", "xz", "lzma", "zstd", "lz4")

# --- boot images ----------------------------------------------------------------------------------------------------

SETUP_SECTORS = 39
PAYLOAD_OFFSET = 0x2CC
VERSION = f"{RELEASE} (builder@example.org) #1 SMP PREEMPT_DYNAMIC 6.12.117-1 (2026-11-14)"


def boot_image(
    payload: bytes | None = None,
    *,
    method: str = "gzip",
    version: str = VERSION,
    protocol: int = 0x020F,
    trailer: bool = True,
    **fields: tuple[int, int, int],
) -> bytes:
    """A bzImage of a kernel; `name=(offset, size, value)` overwrites a field of the header.

    `trailer`: whether the size of what is packed follows, as it does for all methods but gzip.
    """  # fmt: skip
    held = kernel() if payload is None else payload
    packed = PACKERS[method](held) if method else held
    if trailer and method not in ("gzip", ""):
        packed += len(held).to_bytes(4, "little")
    setup = bytearray((SETUP_SECTORS + 1) * 512)
    body = bytes(PAYLOAD_OFFSET) + packed
    body += bytes(-len(body) % 16)
    header: dict[str, tuple[int, int, int]] = {
        "mz": (0, 2, 0x5A4D),
        "setup_sects": (0x1F1, 1, SETUP_SECTORS),
        "syssize": (0x1F4, 4, len(body) // 16),
        "boot_flag": (0x1FE, 2, 0xAA55),
        "magic": (0x202, 4, int.from_bytes(b"HdrS", "little")),
        "protocol": (0x206, 2, protocol),
        "version": (0x20E, 2, 0x3000 - 0x200),
        "loadflags": (0x211, 1, 1),
        "xloadflags": (0x236, 2, 0x7F),
        "payload_offset": (0x248, 4, PAYLOAD_OFFSET),
        "payload_length": (0x24C, 4, len(packed)),
        "pref_address": (0x258, 8, START),
        "init_size": (0x260, 4, 0x3F98000),
    }
    for offset, size, value in (header | fields).values():
        setup[offset : offset + size] = value.to_bytes(size, "little")
    setup[0x3000 : 0x3000 + len(version) + 1] = version.encode() + b"\0"
    return bytes(setup) + body


# --- hypervisors ----------------------------------------------------------------------------------------------------

XEN_BANNER = b"Xen version %d.%d%s (%s@%s) (%s) %s %s\n\0"
XEN_LAYOUT = 0x0000050100070406
POWER_ON = 0x0007040600070406


def pat_write(value: int, order: str = "adc") -> bytes:
    """Code that writes IA32_PAT: `mov eax`, `mov edx` and `mov ecx` in an order, then `wrmsr`."""
    low, high = (value & 0xFFFFFFFF).to_bytes(4, "little"), (value >> 32).to_bytes(4, "little")
    moves = {"a": b"\xb8" + low, "d": b"\xba" + high, "c": b"\xb9\x77\x02\0\0"}
    return b"\x90" + b"".join(moves[register] for register in order) + b"\x0f\x30"


def immediate(value: int) -> bytes:
    """Code that loads 64 bits: `movabs rax`."""
    return b"\x48\xb8" + value.to_bytes(8, "little")


def hypervisor(code: bytes | None = None, release: str = "4.17.7+13-g2445b30a44") -> bytes:
    """A Xen binary: an ELF file with its banner, its release as text, and code."""
    written = pat_write(XEN_LAYOUT) + immediate(XEN_LAYOUT) + immediate(POWER_ON) if code is None else code
    said = b"\0" + release.encode() + b"\0" if release else b""
    return elf(Part(noise(512) + XEN_BANNER + said + written, PT_LOAD, physical=0x200000), bits=32)


# --- harm -----------------------------------------------------------------------------------------------------------


class Harm(NamedTuple):
    """A hostile file and its name."""

    name: str
    body: bytes


@cache
def bombs() -> tuple[Harm, ...]:
    """Seven ways to pack times zeros, a claim of 4 GiB, cut off, nested, several members, a wrong checksum."""
    zeros, image = bytes(32 * MIB), kernel()
    found = []
    for method, pack in PACKERS.items():
        found += [
            Harm(f"{method} zeros", pack(zeros)),
            Harm(f"{method} claims 4 GiB", CLAIMS[method](pack(image))),
            Harm(f"{method} cut off", pack(image)[:-40]),
            Harm(f"{method} nested", pack(pack(bytes(MIB)))),
            Harm(f"{method} of several members", pack(image[:3000]) + pack(image[3000:])),
            Harm(f"{method} with a wrong checksum", _broken(pack(image))),
        ]
    return tuple(found)


def _broken(packed: bytes) -> bytes:
    """One bit is wrong in every one of the last bytes and in the middle."""
    middle = len(packed) // 2
    last = bytes(byte ^ 1 for byte in packed[-8:])
    return packed[:middle] + bytes([packed[middle] ^ 1]) + packed[middle + 1 : -8] + last


def _claim_xz(packed: bytes) -> bytes:
    """The header of the first block asks for a dictionary of 4 GiB."""
    size = (packed[12] + 1) * 4
    block = bytearray(packed[12 : 12 + size - 4])
    at = block.index(0x21) + 2  # the filter LZMA2, the size of its properties, and they
    block[at] = 40
    return packed[:12] + bytes(block) + zlib.crc32(block).to_bytes(4, "little") + packed[12 + size :]


def _claim_zstd(packed: bytes) -> bytes:
    """A frame of one segment that says it holds 4 GiB, so that its window would be as large."""
    return packed[:4] + b"\xe4" + (1 << 32).to_bytes(8, "little") + packed[6:]


CLAIMS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda packed: packed[:-4] + b"\xff" * 4,
    "bzip2": lambda packed: packed,
    "xz": _claim_xz,
    "lzma": lambda packed: packed[:1] + b"\0\0\0\xff" + (1 << 32).to_bytes(8, "little") + packed[13:],
    "zstd": _claim_zstd,
    "lz4": lambda packed: packed[:4] + b"\xf0\xff\xff\xff" + packed[8:],
    "lzo": lambda packed: packed,
}


def _with(body: bytes, offset: int, value: int, size: int) -> bytes:
    return body[:offset] + (value % (1 << 8 * size)).to_bytes(size, "little") + body[offset + size :]


E_TYPE, E_MACHINE, E_ENTRY, E_PHOFF, E_SHOFF, E_PHENTSIZE, E_PHNUM, E_SHENTSIZE, E_SHNUM, E_SHSTRNDX = (
    0x10, 0x12, 0x18, 0x20, 0x28, 0x36, 0x38, 0x3A, 0x3C, 0x3E,
)  # fmt: skip
PHDR, P_OFFSET, P_FILESZ = 0x40, 8, 32
SHDR_SIZE = 64


def note_at(body: bytes) -> int:
    """Where the notes of kernel() begin."""
    return int.from_bytes(body[PHDR + 56 + P_OFFSET : PHDR + 56 + P_OFFSET + 8], "little")


def hostile_elfs() -> Iterator[Harm]:
    """ELF files that lie: about where tables are, how many there are, how long notes are."""
    good, end = kernel(), len(kernel())
    notes, sections = note_at(good), int.from_bytes(good[E_SHOFF : E_SHOFF + 8], "little")
    yield from (Harm("empty", b""), Harm("one byte", b"\x7f"), Harm("magic alone", b"\x7fELF"))
    for name, offset in (("e_phoff", E_PHOFF), ("e_shoff", E_SHOFF)):
        for value in (end, end - 1, -1, 0, 0x10, 1 << 63):
            yield Harm(f"{name} {value:#x}", _with(good, offset, value, 8))
    for name, offset in (("e_phentsize", E_PHENTSIZE), ("e_shentsize", E_SHENTSIZE)):
        yield from (Harm(f"{name} {value:#x}", _with(good, offset, value, 2)) for value in (0, 1, 55, 0xFFFF))
    for name, offset in (("e_phnum", E_PHNUM), ("e_shnum", E_SHNUM), ("e_shstrndx", E_SHSTRNDX)):
        yield from (Harm(f"{name} {value:#x}", _with(good, offset, value, 2)) for value in (0, 129, 0xFFFE, 0xFFFF))
    extended = _with(_with(good, E_PHNUM, 0xFFFF, 2), sections + 0x2C, 0xFFFFFFFF, 4)
    yield Harm("e_phnum in sh_info", extended)
    for index in (0, 1):
        header = PHDR + 56 * index
        for value in (-1, end, 1 << 63, 1 << 32):
            yield Harm(f"p_filesz {index} {value:#x}", _with(good, header + P_FILESZ, value, 8))
            yield Harm(f"p_offset {index} {value:#x}", _with(good, header + P_OFFSET, value, 8))
        yield Harm(f"p_offset and p_filesz of {index} wrap", _with(_with(good, header + 8, -16, 8), header + 32, 32, 8))
    for field, name in enumerate(("namesz", "descsz", "type")):
        for value in (0xFFFFFFFF, 0xFFFFFFFD, 0x80000000, 65, 5000):
            yield Harm(f"note {name} {value:#x}", _with(good, notes + 4 * field, value, 4))
    yield from (Harm(f"sh_name {value:#x}", _with(good, sections + SHDR_SIZE, value, 4)) for value in (0xFFFFFFFF, 40))
    yield Harm("sh_offset past the end", _with(good, sections + SHDR_SIZE + 0x18, end * 2, 8))
    yield Harm("big-endian", good[:5] + b"\2" + good[6:])
    yield Harm("no class", good[:4] + b"\3" + good[5:])
    yield Harm("32-bit class with 64-bit headers", good[:4] + b"\1" + good[5:])
    yield Harm("64-bit class with 32-bit headers", (lambda body: body[:4] + b"\2" + body[5:])(kernel(bits=32)))
    yield from (Harm(f"e_machine {value}", _with(good, E_MACHINE, value, 2)) for value in (0, 40, 183, 0xFFFF))
    yield from (Harm(f"e_type {value}", _with(good, E_TYPE, value, 2)) for value in (0, 1, 4, 0xFFFF))
    yield from _hostile_notes()


def _hostile_notes() -> Iterator[Harm]:
    code = Part(BANNER.encode(), PT_LOAD, physical=START, memory_size=MIB)
    zeros = Part(bytes(4 * MIB), PT_NOTE, SHT_NOTE, ".notes")
    yield Harm("4 MiB of empty notes", elf(code, zeros))
    many = Part(linux_notes() * 40, PT_NOTE, SHT_NOTE, ".notes")
    yield Harm("segments alike", _alike(elf(code, *[many] * 100), 1, 100))
    yield Harm("sections alike", elf(code, *[Part(linux_notes(), 0, SHT_NOTE, f".note{n}") for n in range(2000)]))
    yield Harm("a text without NUL", elf(code, Part(note(b"Xen", 6, b"l" * 4000), PT_NOTE)))
    yield Harm("sections without end", elf(code, Part(bytes(8), 0, SHT_STRTAB, "n" * 5000)))
    yield Harm("more than 4096 sections", elf(code, *[Part(b"", 0, SHT_NOTE, "") for _ in range(4100)]))
    yield Harm("a legacy text without end", kernel(notes=b"", legacy="GUEST_OS=" + "x" * 9000))
    yield Harm("a legacy text of commas", kernel(notes=b"", legacy="," * 9000))
    yield Harm("a legacy number too long", kernel(notes=b"", legacy="VIRT_BASE=0x" + "f" * 4000))


def _alike(body: bytes, first: int, count: int) -> bytes:
    """Each of the segments begins 4 bytes after the one before it and ends with the last."""
    begin = int.from_bytes(body[PHDR + 56 * first + 8 : PHDR + 56 * first + 16], "little")
    for index in range(count):
        header = PHDR + 56 * (first + index)
        body = _with(_with(body, header + P_OFFSET, begin + 4 * index, 8), header + P_FILESZ, 60_000, 8)
    return body


def hostile_boot_images() -> Iterator[Harm]:
    """Boot images that lie: about their setup, their payload, or what that is."""
    good = boot_image()
    for name, offset, size, values in (
        ("setup_sects", 0x1F1, 1, (0, 1, 64, 65, 255)),
        ("syssize", 0x1F4, 4, (0, 1, 0xFFFFFFFF)),
        ("boot_flag", 0x1FE, 2, (0, 0x55AA)),
        ("protocol", 0x206, 2, (0, 0x0100, 0x0200, 0x0207, 0x0208, 0xFFFF)),
        ("kernel_version", 0x20E, 2, (0, 1, 0xFFFF, 0x4DFF)),
        ("payload_offset", 0x248, 4, (0, 1, 0xFFFFFFFF, len(good))),
        ("payload_length", 0x24C, 4, (0, 1, 2, 0xFFFFFFFF, len(good))),
    ):
        yield from (Harm(f"{name} {value:#x}", _with(good, offset, value, size)) for value in values)
    yield Harm("a payload that is its own file", _with(_with(good, 0x248, 0, 4), 0x1F1, 0, 1))
    yield Harm("a payload that is a boot image", boot_image(boot_image()))
    yield Harm("a payload that is text", boot_image(b"text" * 1000))
    yield Harm("two payloads", good + pack_xz(kernel()))
    yield Harm("a boot image in gzip", pack_gzip(good))
    yield Harm("an ELF file that is a ZIP archive", b"PK\x03\x04" + kernel())
    yield Harm("a PE program", b"MZ" + bytes(4000))
    yield Harm("a unified image", b"MZ" + bytes(300) + b".linux\0\0" + boot_image())
    for method in PACKERS:
        image, packed = boot_image(method=method), PACKERS[method](kernel())
        yield from (Harm(f"{method} boot image cut at {n}/16", image[: len(image) * n // 16]) for n in range(16))
        yield from (Harm(f"{method} cut at {n}/16", packed[: len(packed) * n // 16]) for n in range(16))
