"""The smallest input that still fails in the same way: pieces are left out as long as it does."""

import time
from collections.abc import Callable

LIMIT_S = 10.0


def reduced(body: bytes, fails: Callable[[bytes], bool], *, limit_s: float = LIMIT_S) -> bytes:
    """A part of the body for which `fails` still holds, found within about the limit."""
    until = time.monotonic() + limit_s
    for end in (b"\n", b""):
        body = _without_pieces(body, end, fails, until)
    return body


def _without_pieces(body: bytes, end: bytes, fails: Callable[[bytes], bool], until: float) -> bytes:
    """Leave out runs of lines, or of bytes: first halves, then ever less."""
    pieces = body.split(end) if end else [body[at : at + 1] for at in range(len(body))]
    size = max(1, len(pieces) // 2)
    while True:
        at, is_smaller = 0, False
        while at < len(pieces) and time.monotonic() < until:
            rest = pieces[:at] + pieces[at + size :]
            if rest and fails(end.join(rest)):
                pieces, is_smaller = rest, True
            else:
                at += size
        if time.monotonic() > until or (size == 1 and not is_smaller):
            return end.join(pieces)
        size = max(1, size // 2)
