"""What the bytes of a Xen hypervisor say of it: its release, and the IA32_PAT value that is built in."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from simulator.images.occurrences import Bytes, occurrences, text_at
from simulator.inputs.reading import Reading
from simulator.pat import NAMED_LAYOUTS, POWER_ON, InvalidPatLayout, PatLayout

#: How Xen prints its banner; a Linux guest prints `Xen version: ` with a colon. Source: xen, xen/common/version.c.
_BANNER = b"Xen version %d.%d%s ("
_HITS_LIMIT = 64

#: Distributions write the whole release into the file. Upstream's binaries hold it only as numbers in their code.
_RELEASE = re.compile(r"((?:3\.[0-4]|4\.[0-9]{1,2})\.[0-9]{1,3})(?:[-+~][0-9A-Za-z.+~-]{1,60})?", re.ASCII)
_RELEASE_BEGINS = (b"\x003.", b"\x004.")
_CANDIDATES_LIMIT = 1000
_RELEASE_LIMIT = 80

#: How `mov eax, low; mov edx, high; mov ecx, 0x277; wrmsr` is written in any order.
#: Source: Intel SDM vol. 2, MOV (B8+rd id) and WRMSR (0F 30).
_MSR_TO_ECX = b"\xb9\x77\x02\0\0"
_WRITES = re.compile(
    rb"\xb8(?P<a>.{4})\xba(?P<d>.{4})\xb9\x77\x02\0\0\x0f\x30|\xba(?P<d2>.{4})\xb8(?P<a2>.{4})\xb9\x77\x02\0\0\x0f\x30"
    rb"|\xb9\x77\x02\0\0\xb8(?P<a3>.{4})\xba(?P<d3>.{4})\x0f\x30|\xb9\x77\x02\0\0\xba(?P<d4>.{4})\xb8(?P<a4>.{4})\x0f\x30",
    re.DOTALL,
)
_WRITE_SIZE, _BEFORE_ECX = 17, 10


def is_xen(body: Bytes) -> bool:
    """Whether a binary is a Xen hypervisor."""
    return body.find(_BANNER) >= 0


class Write(NamedTuple):
    """An instruction that writes IA32_PAT: the value, and where its operands are loaded."""

    value: int
    offset: int


def pat_writes(body: Bytes) -> Iterator[Write]:
    """The constants that the code writes to IA32_PAT."""
    for hit in occurrences(body, _MSR_TO_ECX, limit=_HITS_LIMIT):
        begin = max(0, hit - _BEFORE_ECX)
        window = bytes(body[begin : hit + _WRITE_SIZE])
        if match := _WRITES.search(window):
            low = next(match[name] for name in ("a", "a2", "a3", "a4") if match[name] is not None)
            high = next(match[name] for name in ("d", "d2", "d3", "d4") if match[name] is not None)
            yield Write(int.from_bytes(low + high, "little"), begin + match.start())


class Trace(NamedTuple):
    """How often a known value is built in: as 64 bits, as `mov eax` with `mov edx`, and where first."""

    layout: PatLayout
    title: str
    immediates: int
    pairs: int
    offset: int


def traces(body: Bytes) -> Iterator[Trace]:
    """The known layouts whose values are built in.

    The value after reset is no evidence: every Xen holds it for its HVM guests.
    """
    for named in NAMED_LAYOUTS:
        if named.layout == POWER_ON:
            continue
        value = named.layout.msr.to_bytes(8, "little")
        immediates = [*occurrences(body, value, limit=_HITS_LIMIT)]
        pairs = [*occurrences(body, b"\xb8" + value[:4] + b"\xba" + value[4:], limit=_HITS_LIMIT)]
        if immediates or pairs:
            yield Trace(named.layout, named.title, len(immediates), len(pairs), min(immediates + pairs))


def say_xen(reading: Reading, body: Bytes, within: str) -> None:
    """Say what a hypervisor's binary tells: `xen`, `xen_layout`, and the traces that they rest on."""
    _say_release(reading, body)
    writes, found = [*pat_writes(body)], [*traces(body)]
    rows: list[dict[str, object]] = [
        {"layout": one.layout.hex, "title": one.title, "immediates": one.immediates, "pairs": one.pairs,
         "offset": one.offset, "within": within}
        for one in found
    ]  # fmt: skip
    written = [{"layout": f"{one.value:#018x}", "offset": one.offset, "within": within} for one in writes]
    reading.say("xen_pat_values", {"known": rows, "written": written})
    _say_layout(reading, writes, found)


def _say_release(reading: Reading, body: Bytes) -> None:
    found: dict[str, tuple[str, int]] = {}
    for begin in _RELEASE_BEGINS:
        for offset in occurrences(body, begin, limit=_CANDIDATES_LIMIT):
            text = text_at(body, offset + 1, limit=_RELEASE_LIMIT)
            if match := _RELEASE.fullmatch(text):
                found.setdefault(match[1], (text, offset + 1))
    if len(found) == 1:
        release, (text, offset) = next(iter(found.items()))
        reading.say("xen", release, offset=offset)
        reading.say("xen_build", text, offset=offset)
    elif found:
        reading.note(f"which release of Xen this is cannot be told: it holds {', '.join(sorted(found)[:5])}")
    else:
        reading.note("which release of Xen this is cannot be told: it holds none as text; state it")


def _say_layout(reading: Reading, writes: list[Write], found: list[Trace]) -> None:
    """Say the layout: the one that the code writes to IA32_PAT, else the only known one that is built in."""
    values = sorted({one.value for one in writes})
    if len(values) == 1:
        try:
            layout = PatLayout.from_msr(values[0])
        except InvalidPatLayout as fault:
            reading.note(f"the code writes {values[0]:#018x} to IA32_PAT, which it cannot hold: {fault}")
            return
        reading.say("xen_layout", layout.hex, offset=writes[0].offset)
    elif values:
        shown = ", ".join(f"{value:#018x}" for value in values[:5])
        reading.note(f"which layout Xen uses cannot be told: its code writes different values to IA32_PAT: {shown}")
    elif len(found) == 1:
        reading.say("xen_layout", found[0].layout.hex, offset=found[0].offset)
        reading.note(f"the layout is the only known one that is built in, {found[0].immediates} times as 64 bits")
    elif found:
        shown = ", ".join(f"{one.layout.hex} ({one.title})" for one in found)
        reading.note(f"which layout Xen uses cannot be told: several known ones are built in: {shown}")
    else:
        reading.note("which layout Xen uses cannot be told: it holds no known one, and writes no constant to IA32_PAT")
