"""Where fixed bytes occur in an image: bounded searches, for an image may hold anything any number of times."""

from collections.abc import Iterator

#: What can be searched without a copy of it.
Bytes = bytes | bytearray


def occurrences(body: Bytes, wanted: bytes, *, limit: int, begin: int = 0) -> Iterator[int]:
    """The offsets of the first `limit` occurrences from `begin` on, in order; they may overlap."""
    for _ in range(limit):
        begin = body.find(wanted, begin)
        if begin < 0:
            return
        yield begin
        begin += 1


def text_at(body: Bytes, offset: int, *, limit: int) -> str:
    """The text that begins at an offset and ends before NUL, a line's end, or `limit` bytes; read as Latin-1."""
    text = bytes(body[offset : offset + limit])
    return text.partition(b"\0")[0].partition(b"\n")[0].decode("latin-1")
