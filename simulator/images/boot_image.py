"""What a file holds: a bzImage with boot header and packed kernel, an ELF file, plain or packed, or a PE program."""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from simulator.images import elf
from simulator.images.occurrences import Bytes, occurrences, text_at
from simulator.inputs.packed import METHODS, Unpacked, method_of, refused_method, unpack
from simulator.inputs.reading import refusal
from simulator.problem import InvalidInput

#: Unpacked kernels have 50 to 70 MB and pack to an eighth to a quarter.
UNPACKED_LIMIT = 192 << 20
RATIO = 20

_SECTOR = 512
_HEADER_SIZE = 0x268
_BOOT_FLAG, _HEADER_MAGIC = (0x1FE, b"\x55\xaa"), (0x202, b"HdrS")
_SETUP_SECTORS_LIMIT = 64
_VERSION_LIMIT = 256
_HITS_LIMIT = 16
_OLDEST_PROTOCOL, _PAYLOAD_SINCE = 0x0200, 0x0208
_UNIT = 16  # bytes that syssize counts


class _Field(NamedTuple):
    """A field of the boot header: name, offset, size in bytes, the first protocol that has it, how it is shown."""

    name: str
    offset: int
    size: int
    since: int
    in_hex: bool


#: Source: linux, Documentation/arch/x86/boot.rst.
_FIELDS = (
    #      name                 offset size  since   in hex
    _Field("setup_sects",       0x1F1, 1,    0x0200, False),
    _Field("syssize",           0x1F4, 4,    0x0204, False),
    _Field("loadflags",         0x211, 1,    0x0200, True),
    _Field("relocatable",       0x234, 1,    0x0205, False),
    _Field("xloadflags",        0x236, 2,    0x020C, True),
    _Field("hardware_subarch",  0x23C, 4,    0x0207, False),
    _Field("payload_offset",    0x248, 4,    0x0208, True),
    _Field("payload_length",    0x24C, 4,    0x0208, True),
    _Field("pref_address",      0x258, 8,    0x020A, True),
    _Field("init_size",         0x260, 4,    0x020A, True),
)  # fmt: skip


class Image(NamedTuple):
    """What a file turned out to be.

    `body` is what facts are looked for in: the file itself, or what it unpacks to, as `within` says (file or payload).
    `payload` is the method of packing, empty where nothing is packed; `version` is the boot header's text, with its
    offset in the file.
    """

    format: str
    body: Bytes
    within: str
    payload: str
    payload_offset: int | None
    header: dict[str, object]
    version: str
    version_offset: int | None
    notes: list[str]


def open_image(data: bytes, *, source: str) -> Image:
    """What a file of up to 64 MiB holds, unpacked once at most.

    Raises InvalidInput for what is no image, saying what it is instead, is damaged, or unpacks to too much.
    """
    if _has_boot_header(data):
        return _open_boot_image(data, source)
    if data.startswith(elf.MAGIC):
        return _plain("ELF", data)
    if data.startswith(b"MZ"):
        return _plain("PE", data)
    method = method_of(data)
    if method is None:
        raise _unreadable(data, source)
    held = unpack(data, source=source, limit=UNPACKED_LIMIT, ratio=RATIO, what="the image")
    if not held.body.startswith((elf.MAGIC, b"MZ")) or _has_boot_header(held.body):
        what = "another boot image" if _has_boot_header(held.body) else _beginning(held.body)
        raise refusal(source, "not_an_image", f"packed with {method.name} is {what}; unpack it and send what boots")
    format_ = "ELF" if held.body.startswith(elf.MAGIC) else "PE"
    return Image(f"{method.name} {format_}", held.body, "payload", method.name, 0, {}, "", None, held.notes)


def _plain(format_: str, data: bytes) -> Image:
    return Image(format_, data, "file", "", None, {}, "", None, [])


def _has_boot_header(data: Bytes) -> bool:
    return data[_HEADER_MAGIC[0] : _HEADER_MAGIC[0] + 4] == _HEADER_MAGIC[1]


def _beginning(data: Bytes) -> str:
    return f"something that begins with {bytes(data[:4]).hex(' ')}" if data else "nothing"


def _unreadable(data: bytes, source: str) -> InvalidInput:
    """An InvalidInput for a file that is no image, by what it is."""
    if name := refused_method(data):
        return refusal(source, "packing", f"packed with {name}, which is not read; unpack it and send that")
    if data.startswith(b"PK\x03\x04"):
        return refusal(source, "not_an_image", "a ZIP archive; send the image alone")
    message = f"{_beginning(data)}: neither a bzImage nor an ELF file, nor packed; send /boot/vmlinuz or xen.gz"
    return refusal(source, "not_an_image", message)


def _open_boot_image(data: bytes, source: str) -> Image:
    """A bzImage; an EFI stub (MZ) in front changes nothing."""
    if len(data) < _HEADER_SIZE or data[_BOOT_FLAG[0] : _BOOT_FLAG[0] + 2] != _BOOT_FLAG[1]:
        message = f"a boot image of {len(data)} bytes whose boot sector is damaged; send the whole file"
        raise refusal(source, "damaged", message)
    protocol = _number(data, 0x206, 2)
    if protocol < _OLDEST_PROTOCOL:
        message = f"boot protocol {protocol >> 8}.{protocol & 0xFF:02}; 2.00 (Linux 1.3.73) and later are read"
        raise refusal(source, "damaged", message)
    header, fields = _header_of(data, protocol)
    sectors = fields["setup_sects"] or 4
    if sectors > _SETUP_SECTORS_LIMIT:
        message = f"a boot image with {sectors} setup sectors; at most {_SETUP_SECTORS_LIMIT} can be"
        raise refusal(source, "damaged", message)
    setup_size = (sectors + 1) * _SECTOR
    notes: list[str] = []
    offset, held = _payload_of(data, setup_size, protocol, fields, notes, source)
    version_at = _number(data, 0x20E, 2) + 0x200
    version = text_at(data, version_at, limit=_VERSION_LIMIT) if 0x200 < version_at < setup_size else ""
    name = "bzImage" if fields["loadflags"] & 1 else "zImage"
    notes += held.notes
    return Image(
        name, held.body, "payload", held.method, offset, header, version, version_at if version else None, notes
    )


def _number(data: bytes, offset: int, size: int) -> int:
    return int.from_bytes(data[offset : offset + size], "little")


def _header_of(data: bytes, protocol: int) -> tuple[dict[str, object], dict[str, int]]:
    """The header's fields that its protocol has, as they are shown and as numbers."""
    known = [(one, _number(data, one.offset, one.size)) for one in _FIELDS if protocol >= one.since]
    shown = {one.name: f"{value:#x}" if one.in_hex else value for one, value in known}
    fields = {one.name: value for one, value in known}
    return {"protocol": f"{protocol >> 8}.{protocol & 0xFF:02}", **shown}, fields


_TRAILER = Struct("<I")


def _payload_of(
    data: bytes, setup_size: int, protocol: int, fields: dict[str, int], notes: list[str], source: str
) -> tuple[int, Unpacked]:
    """Where the packed kernel begins in the file, and what it unpacks to."""
    if protocol < _PAYLOAD_SINCE or not fields["payload_length"]:
        return _found_payload(data, setup_size, source)
    begin = setup_size + fields["payload_offset"]
    end = begin + fields["payload_length"]
    if end > min(len(data), setup_size + fields["syssize"] * _UNIT):
        message = f"a boot image whose kernel ends at {end:#x}, and the file has {len(data):#x} bytes: it is cut off"
        raise refusal(source, "damaged", message)
    view = memoryview(data)[begin:end]
    if view[:4] == elf.MAGIC:
        return begin, Unpacked(bytearray(view), "", [])
    # But for gzip, which has its own, the size of what is packed follows in four bytes.
    method = method_of(view)
    has_trailer = method is not None and method.name != "gzip" and len(view) > _TRAILER.size
    packed = view[: -_TRAILER.size] if has_trailer else view
    held = unpack(packed, source=source, limit=UNPACKED_LIMIT, ratio=RATIO, what=f"the kernel at {begin:#x}")
    if has_trailer and _TRAILER.unpack(view[-_TRAILER.size :])[0] != len(held.body):
        notes.append(f"the kernel unpacks to {len(held.body)} bytes, not to as many as the image says")
    return begin, held


def _found_payload(data: bytes, setup_size: int, source: str) -> tuple[int, Unpacked]:
    """The packed kernel of an image whose header does not say where it is: the first place that can be unpacked.

    Source: linux, scripts/extract-vmlinux.
    """
    view = memoryview(data)
    for offset in _candidates(data, setup_size):
        try:
            held = unpack(view[offset:], source=source, limit=UNPACKED_LIMIT, ratio=RATIO)
            return offset, held._replace(notes=[])  # there is always more behind it
        except InvalidInput:
            continue
    known = ", ".join(method.name for method in METHODS)
    raise refusal(source, "packing", f"a boot image that holds no kernel packed with one of {known}")


def _candidates(data: bytes, begin: int) -> Iterator[int]:
    hits = {at for method in METHODS for at in occurrences(data, method.magic, limit=_HITS_LIMIT, begin=begin)}
    return iter(sorted(hits)[:_HITS_LIMIT])
