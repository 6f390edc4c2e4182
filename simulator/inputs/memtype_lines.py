"""What a kernel logs where two users of one physical range want different memory types. Addresses are in bytes."""

import re
from typing import NamedTuple

#: The words that Linux has for memory types. Source: linux, arch/x86/mm/pat/memtype.c, cattr_name().
TYPE_WORDS = {
    "uncached": "UC",
    "uncached-minus": "UC-",
    "write-combining": "WC",
    "write-through": "WT",
    "write-protected": "WP",
    "write-back": "WB",
}
#: Types as numbers: since 3.19 enum page_cache_mode; before, the bits PWT and PCD of a PTE. They share only 0.
TYPE_NUMBERS = {0: "WB", 1: "WC", 2: "UC-", 3: "UC", 4: "WT", 5: "WP", 0x8: "WC", 0x10: "UC-", 0x18: "UC"}

#: Every line of a conflict has one of these words.
TELLTALES = ("memory types", "map pfn", "memtype", "reserve_ram", "ioremap")

# `[mem a-b]` has the last address, `a-b` the one behind it.
_RANGE = (
    r"(?:\[mem (?:0x)?(?P<first>[0-9a-f]{1,16})-(?:0x)?(?P<last>[0-9a-f]{1,16})\]"
    r"|(?:0x)?(?P<start>[0-9a-f]{1,16})-(?:0x)?(?P<end>[0-9a-f]{1,16}))"
)
_WHO = r"(?P<who>.{1,15}:[0-9]{1,10})"
_WANTED, _GOT = r"(?P<wanted>[a-z0-9-]{1,20})", r"(?P<got>[a-z0-9-]{1,20})"
_FAILED = r"(?:reserve_memtype|memtype_reserve) failed"

_KINDS = tuple(
    (kind, re.compile(rf"(?:x86/PAT: )?{pattern}", re.ASCII))
    for kind, pattern in (
        ("conflict", rf"{_WHO} conflicting memory types {_RANGE} {{1,2}}{_WANTED}<->{_GOT}"),
        ("map-ram", rf"{_WHO} map pfn RAM range req {_WANTED} for {_RANGE}, got {_GOT}"),
        ("map", rf"{_WHO} map pfn expected mapping type {_WANTED} for {_RANGE}, got {_GOT}"),
        ("reserve", rf"{_FAILED}:? {_RANGE}, (?:track {_GOT}, )?req {_WANTED}"),
        ("reserve-ram", rf"reserve_ram_pages_type failed {_RANGE}, track {_GOT}, req {_WANTED}"),
        ("ioremap-type", rf"ioremap error for {_RANGE}, requested {_WANTED}, got {_GOT}"),
        ("ioremap", rf"ioremap {_FAILED} -[0-9]{{1,3}}"),
    )
)


class Conflict(NamedTuple):
    """Who wanted which type of which range and what it is; the kernel says not all of it in every message."""

    kind: str
    start: int | None = None
    end: int | None = None  # the first address behind the range
    wanted: str | None = None
    got: str | None = None
    who: str | None = None

    def as_data(self) -> dict[str, object]:
        """The conflict as JSON-able data; addresses as hex text."""
        start, end = (None if address is None else f"{address:#x}" for address in (self.start, self.end))
        return self._asdict() | {"start": start, "end": end}


def read_conflict(message: str) -> Conflict | None:
    """The conflict that a kernel's message, without its prefixes, states; None if it states none."""
    for kind, pattern in _KINDS:
        if found := pattern.fullmatch(message):
            return _conflict(kind, found.groupdict())
    return None


def _conflict(kind: str, groups: dict[str, str | None]) -> Conflict:
    first, last = groups.get("first"), groups.get("last")
    start, end = groups.get("start") or first, groups.get("end")
    return Conflict(
        kind=kind,
        start=None if start is None else int(start, 16),
        end=int(last, 16) + 1 if last is not None else None if end is None else int(end, 16),
        wanted=_type(groups.get("wanted")),
        got=_type(groups.get("got")),
        who=groups.get("who"),
    )


def _type(word: str | None) -> str | None:
    if word is not None and (number := re.fullmatch(r"0x([0-9a-f]{1,16})", word, re.ASCII)):
        return TYPE_NUMBERS.get(int(number[1], 16))
    return TYPE_WORDS.get(word or "")
