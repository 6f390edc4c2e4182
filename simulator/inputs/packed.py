"""Unpacking in small steps: gzip, xz, lzma, zstd and lz4, until a limit of size or of ratio is reached."""

import lzma
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from simulator.inputs.reading import refusal
from simulator.problem import InvalidInput

IN_STEP = 64 << 10
OUT_STEP = 1 << 20
#: What every file may unpack to whatever the ratio: small files of zeros are no attack.
SLACK = 1 << 20
#: A dictionary of 128 MiB, which Linux takes for its own image since 6.12 (scripts/xz_wrap.sh), and the decoder itself.
MEMORY_LIMIT = 129 << 20
WINDOW_LIMIT = 1 << 27
#: A writer makes one member; pigz and cat make a few.
MEMBERS_LIMIT = 1000
#: A zstd block holds up to 128 KiB, so that a kernel has some 500.
BLOCKS_LIMIT = 100_000
#: The size of a block of the legacy format: only the last may be smaller. Source: linux, lib/decompress_unlz4.c.
LZ4_BLOCK = 8 << 20

Notes = list[str]


class Unpacked(NamedTuple):
    """What a file unpacks to, the name of its method, and what was odd."""

    body: bytearray
    method: str
    notes: Notes


class _Damaged(ValueError):
    """A stream that ends early or breaks its own format."""


class _Missing(ValueError):
    """A stream whose library is not installed."""


class _Member(Protocol):
    """One stream that is unpacked by steps, as lzma.LZMADecompressor does it."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _GzipMember:
    """A gzip member; zlib hands back what it did not get to."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflate.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inflate.decompress(data or self._inflate.unconsumed_tail, max_length)


def _xz_member() -> _Member:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_LIMIT)


def _lzma_member() -> _Member:
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY_LIMIT)


def _members(view: memoryview, notes: Notes, new: Callable[[], _Member], again: bytes) -> Iterator[bytes]:
    """The chunks of all members; another one follows where `again` does."""
    at = 0
    for _ in range(MEMBERS_LIMIT):
        member = new()
        while not member.eof:
            step = bytes(view[at : at + IN_STEP]) if member.needs_input else b""
            at += len(step)
            chunk = member.decompress(step, OUT_STEP)
            if not (step or chunk or member.eof):
                raise _Damaged("it ends early")
            yield chunk
        at -= len(member.unused_data)
        if not again or view[at : at + len(again)] != again:
            _note_rest(view, at, notes)
            return
    raise _Damaged(f"more than {MEMBERS_LIMIT} members")


def _note_rest(view: memoryview, at: int, notes: Notes) -> None:
    if at < len(view):
        notes.append(f"{len(view) - at} bytes after the packed data are left out")


def _gzip(view: memoryview, notes: Notes) -> Iterator[bytes]:
    return _members(view, notes, _GzipMember, _GZIP)


def _xz(view: memoryview, notes: Notes) -> Iterator[bytes]:
    return _members(view, notes, _xz_member, _XZ)


def _lzma(view: memoryview, notes: Notes) -> Iterator[bytes]:
    return _members(view, notes, _lzma_member, b"")


def _library(name: str) -> Any:
    """A decompressor that is no part of Python; without it the rest still works."""
    try:
        return import_module(name)
    except ImportError as fault:
        package = name.partition(".")[0]
        message = f"the package {package} is not installed; install patreview with its extra `kernel`"
        raise _Missing(message) from fault


def _zstd(view: memoryview, notes: Notes) -> Iterator[bytes]:
    zstandard = _library("zstandard")
    at = 0
    for _ in range(MEMBERS_LIMIT):
        end = _zstd_end(view, at)
        frame = zstandard.ZstdDecompressor(max_window_size=WINDOW_LIMIT).stream_reader(view[at:end], read_size=IN_STEP)
        try:
            while chunk := frame.read(OUT_STEP):
                yield chunk
        except zstandard.ZstdError as fault:
            raise _Damaged(str(fault)) from fault
        at = end
        if view[at : at + len(_ZSTD)] != _ZSTD:
            _note_rest(view, at, notes)
            return
    raise _Damaged(f"more than {MEMBERS_LIMIT} frames")


_DICTIONARY_SIZES = (0, 1, 2, 4)
_CONTENT_SIZES = (0, 2, 4, 8)
_RESERVED_BLOCK, _RLE_BLOCK = 3, 1


def _zstd_end(view: memoryview, at: int) -> int:
    """The offset at which a frame ends: the library itself takes a frame that is cut off for a whole one.

    Source: RFC 8878, 3.1.1.
    """
    if len(view) - at < len(_ZSTD) + 1:
        raise _Damaged("it ends early")
    descriptor = view[at + len(_ZSTD)]
    is_single, has_checksum = bool(descriptor & 0x20), bool(descriptor & 0x04)
    content = _CONTENT_SIZES[descriptor >> 6] or is_single
    at += len(_ZSTD) + 1 + (not is_single) + _DICTIONARY_SIZES[descriptor & 3] + content
    for _ in range(BLOCKS_LIMIT):
        header = int.from_bytes(view[at : at + 3], "little")
        kind, size = header >> 1 & 3, header >> 3
        if kind == _RESERVED_BLOCK:
            raise _Damaged("a block of a reserved kind")
        at += 3 + (1 if kind == _RLE_BLOCK else size)
        if at + 4 * has_checksum > len(view):
            raise _Damaged("it ends early")
        if header & 1:
            return at + 4 * has_checksum
    raise _Damaged(f"more than {BLOCKS_LIMIT} blocks")


def _lz4(view: memoryview, notes: Notes) -> Iterator[bytes]:
    """The blocks of the legacy format, which has no mark of its end."""
    block = _library("lz4.block")
    at, members, is_last = 0, 0, False
    while at < len(view):
        if view[at : at + len(_LZ4)] == _LZ4:
            at, members, is_last = at + len(_LZ4), members + 1, False
            if members > MEMBERS_LIMIT:
                raise _Damaged(f"more than {MEMBERS_LIMIT} streams")
            continue
        if is_last:
            _note_rest(view, at, notes)
            return
        end = at + 4 + int.from_bytes(view[at : at + 4], "little")
        if end > len(view) or end == at + 4:
            raise _Damaged("it ends early")
        try:
            chunk = block.decompress(view[at + 4 : end], uncompressed_size=LZ4_BLOCK)
        except block.LZ4BlockError as fault:
            raise _Damaged(str(fault)) from fault
        yield chunk
        at, is_last = end, len(chunk) < LZ4_BLOCK


_GZIP, _XZ, _ZSTD, _LZ4 = b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x02\x21\x4c\x18"


class Method(NamedTuple):
    """A way to pack that is read: its name, how its files begin, and what unpacks it by chunks."""

    name: str
    magic: bytes
    stream: Callable[[memoryview, Notes], Iterator[bytes]]


METHODS = (
    Method("gzip", _GZIP, _gzip),
    Method("xz", _XZ, _xz),
    Method("zstd", _ZSTD, _zstd),
    Method("lz4", _LZ4, _lz4),
    Method("lzma", b"\x5d\0\0", _lzma),
)

#: Ways to pack that are known and not read.
REFUSED = (
    ("bzip2", b"BZh"),
    ("lzo", b"\x89LZO"),
    ("the frames of lz4", b"\x04\x22\x4d\x18"),
)


def method_of(data: bytes | bytearray | memoryview) -> Method | None:
    """How a file is packed, by its first bytes; None if in no way that is read."""
    begin = bytes(data[:8])
    return next((method for method in METHODS if begin.startswith(method.magic)), None)


def refused_method(data: bytes | bytearray | memoryview) -> str | None:
    """The name of a way to pack that is known and not read; None for anything else."""
    begin = bytes(data[:8])
    return next((name for name, magic in REFUSED if begin.startswith(magic)), None)


def unpack(
    data: bytes | bytearray | memoryview, *, source: str, limit: int, ratio: int, what: str = "the file"
) -> Unpacked:
    """What a packed file holds, if that is at most `limit` bytes and `ratio` times its size.

    Sizes that the file claims are not trusted; nothing is allocated for them. Several members are joined, and what
    follows the last is left out with a note. Raises InvalidInput, saying what is wrong with `what`.
    """
    method = method_of(data)
    if method is None:
        raise _unreadable(data, source, what)
    body, notes = bytearray(), Notes()
    bound = min(limit, ratio * len(data) + SLACK)
    try:
        for chunk in method.stream(memoryview(data), notes):
            if len(body) + len(chunk) > bound:
                raise _too_large(source, what, limit if bound == limit else None, ratio)
            body += chunk
    except _Missing as fault:
        raise refusal(source, "packing", f"{what} is packed with {method.name}: {fault}") from fault
    except (zlib.error, lzma.LZMAError, _Damaged) as fault:
        message = f"{what} is packed with {method.name} and cannot be unpacked: {fault}"
        raise refusal(source, "damaged", message) from fault
    return Unpacked(body, method.name, notes)


def _unreadable(data: bytes | bytearray | memoryview, source: str, what: str) -> InvalidInput:
    known = ", ".join(method.name for method in METHODS)
    if name := refused_method(data):
        return refusal(source, "packing", f"{what} is packed with {name}, which is not read; use one of {known}")
    begin = bytes(data[:4]).hex(" ") or "nothing"
    return refusal(source, "packing", f"{what} begins with {begin}: it is packed with none of {known}")


def _too_large(source: str, what: str, limit: int | None, ratio: int) -> InvalidInput:
    if limit is not None:
        return refusal(source, "too_large", f"{what} unpacks to more than {limit} bytes; no more are read")
    message = f"{what} unpacks to more than {ratio} times its size; what is real is packed less well"
    return refusal(source, "too_large", message)
