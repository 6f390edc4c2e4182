"""/proc/mtrr: the variable MTRRs as a Linux kernel lists them."""

import re

from simulator.inputs.reading import Bounds, Reading, lines_of, refusal

BOUNDS = Bounds(64 << 10, 256, 1024, "a /proc/mtrr has some ten rows of 70 characters")

#: Until 2.6.29 the type stands before the count. Reports by mail squeeze the blanks.
_ROW = re.compile(
    r"reg([0-9]{1,3}): base=0x([0-9a-f]{1,16}) \([ \t]*([0-9]{1,14})MB\), size=[ \t]*([0-9]{1,14})([KM])B"
    r"(?:, count=[0-9]{1,10}: ([a-z?-]{1,20})|: ([a-z?-]{1,20}), count=[0-9]{1,10})",
    re.ASCII,
)
#: Source: linux, arch/x86/kernel/cpu/mtrr/if.c, mtrr_attrib_to_str().
_TYPES = {
    "uncachable":      "UC",
    "write-combining": "WC",
    "write-through":   "WT",
    "write-protect":   "WP",
    "write-back":      "WB",
}  # fmt: skip
_UNITS = {"K": 1 << 10, "M": 1 << 20}
_SPACE = 1 << 52  # the first address, in bytes, that no x86 processor has
_PAGE = 1 << 12


def read_mtrr_list(text: str, *, source: str) -> Reading:
    """The variable ranges of a /proc/mtrr of up to 64 KiB and 256 rows, as one fact; addresses and sizes are in bytes.

    A row that no register can hold is left out and noted. Raises InvalidInput where there is no row at all.

    Source: linux, arch/x86/kernel/cpu/mtrr/if.c, mtrr_seq_show().
    """
    reading = Reading("mtrr", source)
    ranges: list[dict[str, object]] = []
    first, registers = 0, dict[int, int]()
    for number, raw in enumerate(lines_of(text, source, BOUNDS), 1):
        line = raw.strip()
        match = _ROW.fullmatch(line)
        if match is None:
            if line:
                reading.skip(number, line)
            continue
        first = first or number
        if fault := _fault(match, registers):
            reading.note(f"reg{match[1]} is left out: {fault}", number)
            continue
        registers[int(match[1])] = number
        ranges.append(_range(reading, match, number))
    if not first:
        message = "holds no row as in `reg00: base=0x000000000 (    0MB), size= 2048MB, count=1: write-back`"
        raise refusal(source, "no_mtrr_list", f"{message}; send /proc/mtrr as it is", line=1)
    if ranges:
        reading.say("mtrr_list", {"variable": ranges}, line=first)
    return reading


def _fault(match: re.Match[str], registers: dict[int, int]) -> str | None:
    """Why no register holds what a row says; None if one may."""
    base, size, word = int(match[2], 16), _size(match), match[6] or match[7]
    if int(match[1]) in registers:
        return f"the register is listed on line {registers[int(match[1])]} already"
    if word not in _TYPES:
        return f"{word!a} is no memory type of an MTRR"
    if size < _PAGE:
        return f"its size is {size} bytes; a range has 4 KiB at least"
    if size & (size - 1):
        return f"its size {size:#x} is no power of two"
    if base % size:
        return f"its base {base:#x} is not aligned to its size {size:#x}"
    if base + size > _SPACE:
        return "it goes past 52 bits, which are the most that a physical address has"
    return None


def _size(match: re.Match[str]) -> int:
    return int(match[4]) * _UNITS[match[5]]


def _range(reading: Reading, match: re.Match[str], number: int) -> dict[str, object]:
    base = int(match[2], 16)
    if base >> 20 != int(match[3]):
        message = f"reg{match[1]}: base {base:#x} is {base >> 20} MB, not {int(match[3])}; the hex digits count"
        reading.note(message, number)
    return {"base": f"{base:#x}", "size": f"{_size(match):#x}", "type": _TYPES[match[6] or match[7]]}
