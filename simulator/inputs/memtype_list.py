"""x86/pat_memtype_list of debugfs: which memory types a running kernel gave out, and where."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from simulator.inputs.reading import Bounds, Reading, lines_of, refusal

BOUNDS = Bounds(1 << 20, 20_000, 1024, "a list has some hundred rows of 60 characters")
OVERLAPS_LIMIT = 20
_SPACE = 1 << 52  # the first address, in bytes, that no x86 processor has

_HEADER = "PAT memtype list:"
_ROWS = (
    re.compile(r"PAT: \[mem 0x(?P<start>[0-9a-f]{1,16})-0x(?P<end>[0-9a-f]{1,16})\] (?P<word>[a-z-]{1,20})", re.ASCII),
    re.compile(r"(?P<word>[a-z-]{1,20}) @ 0x(?P<start>[0-9a-f]{1,16})-0x(?P<end>[0-9a-f]{1,16})", re.ASCII),
)  # from 5.7 on, and until 5.6
#: Source: linux, arch/x86/mm/pat/memtype.c, cattr_name().
_TYPES = {
    "uncached":        "UC",
    "uncached-minus":  "UC-",
    "write-combining": "WC",
    "write-through":   "WT",
    "write-protected": "WP",
    "write-back":      "WB",
}  # fmt: skip


class _Range(NamedTuple):
    """A row: physical addresses in bytes, the end exclusive."""

    start: int
    end: int
    line: int
    type: str

    @property
    def words(self) -> str:
        return f"{self.start:#x}-{self.end:#x}"


def read_memtype_list(text: str, *, source: str) -> Reading:
    """The types that a list of up to 1 MiB and 20,000 lines holds, one fact a type; addresses are in bytes.

    Ranges of different types that overlap are noted, the first twenty. Raises InvalidInput where it is no such list.

    Source: linux, arch/x86/mm/pat/memtype.c, memtype_seq_show().
    """
    reading = Reading("memtypes", source)
    ranges: list[_Range] = []
    is_list = False
    for number, raw in enumerate(lines_of(text, source, BOUNDS), 1):
        line = raw.strip()
        match = _ROWS[0].fullmatch(line) or _ROWS[1].fullmatch(line)
        if match is not None and match["word"] in _TYPES:
            ranges += _checked(reading, _range(match, number))
        elif line not in ("", _HEADER):
            reading.skip(number, line)
        is_list = is_list or line == _HEADER or match is not None
    if not is_list:
        message = "holds no row as in `PAT: [mem 0x00000000e0000000-0x00000000f0000000] write-combining`"
        raise refusal(source, "no_memtype_list", f"{message}; send x86/pat_memtype_list of debugfs as it is", line=1)
    _say_types(reading, ranges)
    _note_overlaps(reading, ranges)
    return reading


def _range(match: re.Match[str], number: int) -> _Range:
    return _Range(int(match["start"], 16), int(match["end"], 16), number, _TYPES[match["word"]])


def _checked(reading: Reading, found: _Range) -> list[_Range]:
    if found.start < found.end <= _SPACE:
        return [found]
    fault = "it ends before it begins" if found.end <= found.start else "it goes past the 52 bits of an address"
    reading.note(f"{found.words} is left out: {fault}", found.line)
    return []


def _covered(ranges: list[_Range]) -> int:
    """How many bytes lie in at least one of some ranges."""
    covered, end = 0, 0
    for found in sorted(ranges):
        covered += max(0, found.end - max(found.start, end))
        end = max(end, found.end)
    return covered


def _say_types(reading: Reading, ranges: list[_Range]) -> None:
    for word in dict.fromkeys(found.type for found in ranges):
        of_type = [found for found in ranges if found.type == word]
        value = {
            "type": word,
            "count": len(of_type),
            "bytes": _covered(of_type),
            "first": of_type[0].words,
            "line": of_type[0].line,
        }
        reading.say("memtypes", value, line=of_type[0].line)


def _overlaps(ranges: list[_Range]) -> Iterator[tuple[_Range, _Range]]:
    """Pairs of different types that overlap: of each other type the range that reaches furthest."""
    furthest: dict[str, _Range] = {}
    for found in sorted(ranges):
        for other in furthest.values():
            if other.type != found.type and other.end > found.start:
                yield other, found
        known = furthest.get(found.type)
        if known is None or known.end < found.end:
            furthest[found.type] = found


def _note_overlaps(reading: Reading, ranges: list[_Range]) -> None:
    found = _overlaps(ranges)
    for one, other in islice(found, OVERLAPS_LIMIT):
        message = f"{one.words} {one.type} of line {one.line} overlaps {other.words} {other.type} of line {other.line}"
        reading.note(message, other.line)
    if rest := sum(1 for _ in found):
        reading.note(f"{rest} more overlaps of different types are left out")
