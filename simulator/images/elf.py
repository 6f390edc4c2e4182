"""ELF files of x86: their segments, sections and notes, read within bounds. Nothing in the file is trusted."""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from simulator.images.occurrences import Bytes
from simulator.inputs.reading import refusal

MAGIC = b"\x7fELF"
SEGMENTS_LIMIT = 128  # 0xffff is PN_XNUM: no kernel has so many
SECTIONS_LIMIT = 4096
NOTES_LIMIT = 4096
NOTE_RANGE_LIMIT = 1 << 20
OWNER_LIMIT = 64
DESCRIPTOR_LIMIT = 4096
SECTION_NAME_LIMIT = 64

_MACHINES = {3: "i386", 62: "x86-64"}
_KINDS = {2: "EXEC", 3: "DYN"}
_OTHER_KINDS = {1: "a relocatable object", 4: "a core dump"}
PT_LOAD, PT_NOTE = 1, 4
SHT_NOTE, _SHT_NOBITS = 7, 8

_IDENT_SIZE = 16


class _Class(NamedTuple):
    """The structures of ELFCLASS32 or ELFCLASS64, and the order of the fields of a segment that count here."""

    bits: int
    header: Struct
    segment: Struct
    #: type, flags, offset, physical address, size in the file, size in memory
    segment_order: tuple[int, ...]
    section: Struct


#: Source: System V ABI, chapters 4 and 5.
_CLASSES = {
    1: _Class(32, Struct("<HHIIIIIHHHHHH"), Struct("<8I"), (0, 6, 1, 3, 4, 5), Struct("<10I")),
    2: _Class(64, Struct("<HHIQQQIHHHHHH"), Struct("<IIQQQQQQ"), (0, 1, 2, 4, 5, 6), Struct("<IIQQQQIIQQ")),
}
_NOTE_HEADER = Struct("<III")


class Segment(NamedTuple):
    """A program header; offset and sizes in bytes."""

    kind: int
    flags: int
    offset: int
    physical: int
    file_size: int
    memory_size: int


class Section(NamedTuple):
    """A section header; offset and size in bytes."""

    name: str
    kind: int
    offset: int
    size: int


class Elf(NamedTuple):
    """An ELF file: its class in bits, machine, kind, entry point, tables, and what of it was odd."""

    bits: int
    machine: str
    kind: str
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    remarks: list[str]


class Note(NamedTuple):
    """A note: its owner's bytes, its type, its descriptor, and where the note begins.

    `is_whole` is False where the descriptor is cut off; `in_segment` says whether a loader finds it by a PT_NOTE.
    """

    owner: bytes
    kind: int
    body: bytes
    offset: int
    is_whole: bool
    in_segment: bool


class Notes(NamedTuple):
    """The notes of a file, and whether they are all: False where a limit of this reader left some out."""

    found: list[Note]
    are_all: bool


def _take(body: Bytes, structure: Struct, offset: int) -> tuple[int, ...] | None:
    """The fields at an offset; None where they do not lie in the file."""
    if 0 <= offset <= len(body) - structure.size:
        return structure.unpack_from(body, offset)
    return None


def _is_inside(body: Bytes, offset: int, size: int) -> bool:
    """Whether a range lies in the file; an empty one does wherever it is: linkers put that of .bss anywhere."""
    return not size or size <= len(body) - offset


def read_elf(body: Bytes, *, source: str) -> Elf:
    """The headers of an ELF file that Xen or a boot loader on x86 could load.

    Raises InvalidInput for any other file and for one that is cut off; odd sections are only remarked.
    """
    class_ = _class_of(body, source)
    header = _take(body, class_.header, _IDENT_SIZE)
    if header is None:
        raise refusal(source, "damaged", f"an ELF header that ends after {len(body)} bytes; send the whole file")
    kind, machine, _, entry, segments_at, sections_at, _, _, segment_size, count, section_size, sections, names = header
    if machine not in _MACHINES:
        raise refusal(source, "not_x86", f"an ELF file for machine {machine}; IA32_PAT is a register of x86")
    if kind not in _KINDS:
        name = _OTHER_KINDS.get(kind, f"of type {kind}")
        raise refusal(source, "not_an_image", f"an ELF file that is {name}; send the image that boots")
    if count > SEGMENTS_LIMIT:
        raise refusal(source, "damaged", f"{count} ELF segments; at most {SEGMENTS_LIMIT} are read, and a kernel has 5")
    remarks: list[str] = []
    return Elf(
        bits=class_.bits,
        machine=_MACHINES[machine],
        kind=_KINDS[kind],
        entry=entry,
        segments=tuple(_segments(body, class_, segments_at, segment_size, count, source)),
        sections=_read_sections(body, class_, (sections_at, section_size, sections, names), remarks),
        remarks=remarks,
    )


def _class_of(body: Bytes, source: str) -> _Class:
    if body[:4] != MAGIC or len(body) < _IDENT_SIZE:
        raise refusal(source, "not_an_image", f"{len(body)} bytes that are no ELF file")
    class_, order = body[4], body[5]
    if order != 1:
        raise refusal(source, "not_x86", "an ELF file that is not little-endian; IA32_PAT is a register of x86")
    if class_ not in _CLASSES:
        raise refusal(source, "damaged", f"an ELF file of class {class_}; 1 (32-bit) and 2 (64-bit) are known")
    return _CLASSES[class_]


def _segments(body: Bytes, class_: _Class, at: int, stride: int, count: int, source: str) -> Iterator[Segment]:
    if count and stride < class_.segment.size:
        raise refusal(source, "damaged", f"ELF program headers of {stride} bytes; they have {class_.segment.size}")
    for index in range(count):
        fields = _take(body, class_.segment, at + index * stride)
        if fields is None:
            message = f"ELF program header {index} lies past the end of the file: it is cut off, or no ELF file"
            raise refusal(source, "damaged", message)
        segment = Segment(*(fields[position] for position in class_.segment_order))
        if segment.kind in (PT_LOAD, PT_NOTE) and not _is_inside(body, segment.offset, segment.file_size):
            message = f"ELF segment {index} lies past the end of the file, at {len(body):#x}: it is cut off"
            raise refusal(source, "damaged", message)
        yield segment


def _read_sections(
    body: Bytes, class_: _Class, table: tuple[int, int, int, int], remarks: list[str]
) -> tuple[Section, ...]:
    """The sections that lie in the file; none where their table cannot be read, for an image boots without them."""
    at, stride, count, names = table
    if not at or not count:
        return ()
    if count > SECTIONS_LIMIT:
        remarks.append(f"{count} ELF sections; more than {SECTIONS_LIMIT} are not read")
        return ()
    rows = [fields for index in range(count) if (fields := _take(body, class_.section, at + index * stride))]
    if stride < class_.section.size or len(rows) < count:
        remarks.append("the table of ELF sections is damaged or lies past the end of the file")
        return ()
    found = [Section(_section_name(body, rows, names, row[0]), row[1], row[4], row[5]) for row in rows]
    inside = [one for one in found if one.kind == _SHT_NOBITS or _is_inside(body, one.offset, one.size)]
    if len(inside) < len(found):
        remarks.append(f"{len(found) - len(inside)} ELF sections lie past the end of the file")
    return tuple(one for one in inside if one.kind != _SHT_NOBITS)


def _section_name(body: Bytes, rows: list[tuple[int, ...]], names: int, at: int) -> str:
    if names >= len(rows) or at >= rows[names][5]:
        return ""
    begin = rows[names][4] + at
    return bytes(body[begin : begin + SECTION_NAME_LIMIT]).partition(b"\0")[0].decode("latin-1")


def read_notes(body: Bytes, elf: Elf) -> Notes:
    """The notes, those of PT_NOTE segments first; what is too much or cut off is remarked.

    A segment at offset 0 is left out, as Xen does: some linkers forgot to set the offset.
    """
    segments = _merged((one.offset, one.file_size) for one in elf.segments if one.kind == PT_NOTE and one.offset)
    sections = _merged((one.offset, one.size) for one in elf.sections if one.kind == SHT_NOTE)
    alone = [one for one in sections if not any(begin <= one[0] and one[1] <= end for begin, end in segments)]
    notes: dict[int, Note] = {}
    are_all = True
    for (begin, end), in_segment in [*((one, True) for one in segments), *((one, False) for one in alone)]:
        if end - begin > NOTE_RANGE_LIMIT:
            elf.remarks.append(f"{end - begin} bytes of ELF notes; only the first {NOTE_RANGE_LIMIT} are read")
            are_all = False
        for note in _notes_of(body, begin, min(end, begin + NOTE_RANGE_LIMIT), in_segment, elf.remarks):
            if len(notes) == NOTES_LIMIT:
                elf.remarks.append(f"more than {NOTES_LIMIT} ELF notes; the rest are left out")
                return Notes([*notes.values()], False)
            notes.setdefault(note.offset, note)
    return Notes([*notes.values()], are_all)


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Begin and end of offset ranges, in order; those that overlap become one, so that nothing is read twice."""
    merged: list[tuple[int, int]] = []
    for offset, size in sorted(ranges):
        if merged and offset < merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], offset + size)
        else:
            merged.append((offset, offset + size))
    return merged


def _aligned(size: int, alignment: int = 4) -> int:
    return -(-size // alignment) * alignment


_GNU_PROPERTY = (b"GNU", 5)


def _notes_of(body: Bytes, at: int, end: int, in_segment: bool, remarks: list[str]) -> Iterator[Note]:
    """The notes between two offsets. Names and descriptors are padded to 4 bytes, GNU properties to 8."""
    while at + _NOTE_HEADER.size <= end:
        owner_size, size, kind = _NOTE_HEADER.unpack_from(body, at)
        owner_at = at + _NOTE_HEADER.size
        descriptor_at = owner_at + _aligned(owner_size)
        if descriptor_at > end:
            remarks.append(f"the ELF note at {at:#x} has an owner of {owner_size} bytes, past the end of its range")
            return
        owner = bytes(body[owner_at : owner_at + min(owner_size, OWNER_LIMIT)]).partition(b"\0")[0]
        held = bytes(body[descriptor_at : min(descriptor_at + min(size, DESCRIPTOR_LIMIT), end)])
        yield Note(owner, kind, held, at, len(held) == size, in_segment)
        if descriptor_at + size > end:
            remarks.append(f"the ELF note at {at:#x} is cut off: its range holds {len(held)} of {size} bytes")
            return
        at = descriptor_at + _aligned(size, 8 if (owner, kind) == _GNU_PROPERTY else 4)


def section_text(body: Bytes, elf: Elf, name: str, *, limit: int) -> str | None:
    """The text of a section by its name, up to NUL or `limit` bytes; None where there is none."""
    section = next((one for one in elf.sections if one.name == name), None)
    if section is None:
        return None
    held = bytes(body[section.offset : section.offset + min(section.size, limit)])
    return held.partition(b"\0")[0].decode("latin-1")


def section_offset(elf: Elf, name: str) -> int | None:
    """Where a section begins; None where there is none."""
    return next((one.offset for one in elf.sections if one.name == name), None)


def physical_range(elf: Elf) -> tuple[int, int] | None:
    """The lowest and the highest physical address that the loadable segments take; None where there are none.

    Source: xen, xen/common/libelf/libelf-loader.c, elf_parse_binary().
    """
    loaded = [one for one in elf.segments if one.kind == PT_LOAD and one.flags & 7]
    if not loaded:
        return None
    return min(one.physical for one in loaded), max(one.physical + one.memory_size for one in loaded)
