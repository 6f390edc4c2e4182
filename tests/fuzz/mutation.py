"""Changes of bytes and of lines, a few at a time, all from one dice."""

import random
import re
from collections.abc import Callable

from tests.fuzz.seeds import BOUNDS, Seeds, seeds_of

_NUMBER = re.compile(rb"0x[0-9A-Fa-f]+|[0-9]+")
_NUMBERS = (
    b"0", b"1", b"-1", b"00", b"255", b"256", b"65536", b"4294967295", b"4294967296", b"9007199254740993",
    b"18446744073709551615", b"18446744073709551616", b"999999999999999999999999999999", b"0x", b"0xg",
    b"0xffffffffffffffff", b"0x10000000000000000", b"0x0007040600070406", b"1e9", b"0b1", b"\xd9\xa3",
)  # fmt: skip
_ODD = (
    b"\0", b"\r", b"\r\n", b"\n", b"\t", b"\x0b", b"\x0c", b"\x1b[0m", b"\x1b[31", b"\xc2\x85", b"\xe2\x80\xa8",
    b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xc2\xa0", b"\xe2\x88\x92", b"\xff", b"\x80", b"\xed\xa0\x80", b'"', b"'",
    b"\\", b"\\\n", b"/*", b"*/", b"//", b"[", b"]", b"(", b")", b"{", b"=", b"#", b"%", b"<", b"|", b"  ", b"=0A",
    b"=\n",
)  # fmt: skip
_EDGES = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 1,
)
#: What repeats are made to grow to; the largest are rare, for they are what time goes to.
_SIZES = (64, 300, 1000, 4000, 5000, 20_000, 70_000, 300_000, 1_100_000, 2_200_000)

Change = Callable[[bytes, random.Random, Seeds], bytes]


def mutate(dice: random.Random, seeds: Seeds) -> bytes:
    """An example with one to six changes."""
    body = dice.choice(seeds.examples)
    for _ in range(dice.choice((1, 1, 2, 2, 3, 4, 6))):
        body = dice.choice(_CHANGES)(body, dice, seeds)
    return _stretch(body, dice, seeds) if dice.random() < 0.03 else body


def filled(dice: random.Random, role: str) -> bytes:
    """As much as a reader of text reads: one piece again and again, in lines as long or as short as there may be."""
    seeds, bounds = seeds_of(role), BOUNDS[role]
    piece = dice.choice((dice.choice(seeds.words), dice.choice(seeds.words), dice.choice(_ODD))).strip(b"\n") or b" "
    if dice.random() < 0.5:
        piece += dice.choice(seeds.words)
    piece = piece.replace(b"\n", b" ")
    head = min(seeds.examples, key=len) if dice.random() < 0.5 else b""
    room, longest = bounds.size - len(head) - 1, min(bounds.line, 8000) // 4
    line = (piece if dice.random() < 0.6 else piece * (longest // len(piece) + 1)) + b"\n"
    return head + line * min(bounds.lines - 2 - head.count(b"\n"), room // len(line))


def _place(body: bytes, dice: random.Random) -> int:
    return dice.randrange(len(body) + 1)


def _range(body: bytes, dice: random.Random) -> tuple[int, int]:
    begin = _place(body, dice)
    return begin, min(len(body), begin + dice.choice((1, 1, 2, 4, 8, 30, 200, 1000)))


def _flip(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    at = _place(body, dice)
    return body[:at] + bytes([body[at] ^ 1 << dice.randrange(8)]) + body[at + 1 :] if at < len(body) else body


def _overwrite(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    size, at = dice.choice((1, 2, 4, 8)), _place(body, dice)
    return body[:at] + (dice.choice(_EDGES) % (1 << 8 * size)).to_bytes(size, "little") + body[at + size :]


def _insert(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    at = _place(body, dice)
    return body[:at] + dice.choice((dice.choice(_ODD), dice.randbytes(dice.randrange(1, 9)))) + body[at:]


def _delete(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    begin, end = _range(body, dice)
    return body[:begin] + body[end:]


def _repeat(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    begin, end = _range(body, dice)
    return body[:end] + body[begin:end] * dice.choice((1, 2, 20)) + body[end:]


def _cut(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    return body[: _place(body, dice)]


def _splice(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    other = dice.choice(seeds.examples)
    return body[: _place(body, dice)] + other[_place(other, dice) :]


def _word(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    at = _place(body, dice)
    return body[:at] + dice.choice(seeds.words) + body[at:]


def _number(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    """Another number in place of one."""
    found = [*_NUMBER.finditer(body[:100_000])]
    if not found:
        return body
    match = dice.choice(found)
    return body[: match.start()] + dice.choice(_NUMBERS) + body[match.end() :]


def _lines(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    """Lines taken out, doubled, exchanged, or put in."""
    lines = body.split(b"\n")
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    change = dice.randrange(5)
    if change == 0:
        del lines[one]
    elif change == 1:
        lines.insert(other, lines[one])
    elif change == 2:
        lines[one], lines[other] = lines[other], lines[one]
    elif change == 3:
        lines.insert(one, dice.choice(seeds.words))
    else:
        lines[one] += lines[other]
    return b"\n".join(lines)


def _stretch(body: bytes, dice: random.Random, seeds: Seeds) -> bytes:
    """A piece of the body, a word or an odd character, again and again, on one line or on many."""
    begin, end = _range(body, dice)
    piece = dice.choice((body[begin:end], dice.choice(seeds.words), dice.choice(_ODD), b" ", b"0")) or b"a"
    piece += dice.choice((b"", b"", b"\n", b" "))
    size = dice.choice(_SIZES[:-2] if dice.random() < 0.8 else _SIZES)
    return body[:begin] + piece * (size // len(piece)) + body[begin:]


_CHANGES: tuple[Change, ...] = (
    _flip, _overwrite, _insert, _insert, _delete, _repeat, _cut, _splice, _word, _word, _number, _number, _lines,
    _lines,
)  # fmt: skip
