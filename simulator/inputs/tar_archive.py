"""A tar archive in memory, read header by header: USTAR, GNU and pax; nothing is written, linked or believed."""

from collections.abc import Iterator
from typing import NamedTuple

BLOCK = 512
HEADERS_LIMIT = 256
NAME_LIMIT = 4096  # bytes
EXTENSION_LIMIT = 64 << 10  # bytes of a pax header
_DIGITS_LIMIT = 11


class BadArchive(ValueError):
    """An archive that cannot be read, or holds what no evidence is; `offset` is that of the header, in bytes."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Member(NamedTuple):
    """A file of an archive: its name as written, and its bytes. A directory has a name that ends in a slash."""

    name: str
    body: memoryview
    offset: int


class _Header(NamedTuple):
    name: bytes
    size: int
    kind: bytes
    offset: int

    @property
    def end(self) -> int:
        return self.offset + BLOCK + -(-self.size // BLOCK) * BLOCK


_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a FIFO",
    b"S": "a sparse file",
    b"M": "a part of a file",
    b"V": "a volume label",
}
_FILE, _DIRECTORY = (b"0", b"\0", b"7"), b"5"
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL = b"L", b"K", (b"x", b"X"), b"g"


def members_of(data: bytes | bytearray, *, member_limit: int) -> Iterator[Member]:
    """The files and directories of an archive in order. Raises BadArchive where it cannot go on."""
    view, at, name, size = memoryview(data).toreadonly(), 0, None, None
    for _ in range(HEADERS_LIMIT):
        header = _header(view, at)
        if header is None:
            return
        if size is not None and header.kind not in (_LONG_NAME, _LONG_LINK, _PAX_GLOBAL, *_PAX):
            header = header._replace(size=size)
        body = _body(view, header, member_limit)
        at = header.end
        if header.kind == _LONG_NAME:
            name = bytes(body[:NAME_LIMIT]).rstrip(b"\0")
        elif header.kind in _PAX:
            name, size = _pax(bytes(body[: EXTENSION_LIMIT + 1]), header.offset, name)
        elif header.kind not in (_LONG_LINK, _PAX_GLOBAL):
            yield _member(header, name, body)
            name = size = None
    raise BadArchive(f"more than {HEADERS_LIMIT} headers", at)


def trailing_bytes(data: bytes | bytearray, last: Member | None) -> int:
    """How many bytes that are no zeros follow the end of an archive, after its last member."""
    start = 0 if last is None else last.offset + BLOCK + -(-len(last.body) // BLOCK) * BLOCK
    rest = bytes(memoryview(data)[start:])
    return len(rest) - rest.count(0)


def _header(view: memoryview, at: int) -> _Header | None:
    """The header at an offset; None for the block of zeros that ends an archive."""
    block = bytes(view[at : at + BLOCK])
    if len(block) < BLOCK:
        raise BadArchive("the archive is cut off: the blocks of zeros that end it are missing", at)
    if not block.strip(b"\0"):
        return None
    if _number(block[148:156], at) != sum(block[:148]) + sum(b" " * 8) + sum(block[156:]):
        raise BadArchive("no header of a tar archive: its checksum is wrong", at)
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return _Header(prefix + b"/" + name if prefix else name, _number(block[124:136], at), block[156:157], at)


def _number(field: bytes, at: int) -> int:
    """An octal number of a header; sizes from 8 GiB on, which GNU tar writes in another way, are none."""
    digits = field.strip(b" \0")
    if len(digits) > _DIGITS_LIMIT or not digits or digits.strip(b"01234567"):
        raise BadArchive("a header with a number that is none", at)
    return int(digits, 8)


def _body(view: memoryview, header: _Header, limit: int) -> memoryview:
    if header.kind in _KINDS:
        raise BadArchive(f"{_KINDS[header.kind]} is no evidence; only plain files are read", header.offset)
    if header.kind not in (*_FILE, _DIRECTORY, _LONG_NAME, _LONG_LINK, *_PAX, _PAX_GLOBAL):
        raise BadArchive(f"an entry of unknown kind {header.kind!a}", header.offset)
    if header.size > limit:
        raise BadArchive(f"a member of {header.size} bytes; at most {limit} are read", header.offset)
    body = view[header.offset + BLOCK : header.offset + BLOCK + header.size]
    if len(body) < header.size:
        raise BadArchive("the archive is cut off within a member", header.offset)
    return body


def _member(header: _Header, name: bytes | None, body: memoryview) -> Member:
    text = (header.name if name is None else name).decode("utf-8", "replace")
    return Member(text.rstrip("/") + "/" if header.kind == _DIRECTORY else text, body, header.offset)


def _pax(body: bytes, at: int, name: bytes | None) -> tuple[bytes | None, int | None]:
    """Name and size that the records of a pax header give the next member. Source: POSIX, pax, extended header."""
    if len(body) > EXTENSION_LIMIT:
        raise BadArchive(f"a pax header of more than {EXTENSION_LIMIT} bytes", at)
    size, start = None, 0
    while start < len(body):
        digits = body[start : start + _DIGITS_LIMIT].partition(b" ")[0]
        length = _decimal(digits, at)
        key, equals, value = body[start + len(digits) + 1 : start + length].partition(b"=")
        if not equals or not value.endswith(b"\n") or start + length > len(body):
            raise BadArchive("a pax header whose records are broken", at)
        if key.startswith(b"GNU.sparse."):
            raise BadArchive(f"{_KINDS[b'S']} is no evidence; only plain files are read", at)
        if key == b"path":
            name = value[:-1][:NAME_LIMIT]
        elif key == b"size":
            size = _decimal(value[:-1], at)
        start += length
    return name, size


def _decimal(digits: bytes, at: int) -> int:
    if not 0 < len(digits) <= _DIGITS_LIMIT or digits.strip(b"0123456789"):
        raise BadArchive("a pax header with a number that is none", at)
    return int(digits)
