"""What it means to want one memory type and to get another: one table, derived from the properties of the types.

The rule: a type in force may take liberties that the wanted type does not. Each liberty does harm in some
contexts and none in others (HARMS); the worst harm is the verdict of the cell. Where no liberty does harm, a
service of the wanted type that the type in force lacks makes the cell degraded; else it is compatible.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from simulator import citations
from simulator.finding import Verdict
from simulator.memory_type import LIBERTIES, MTRR_ORDER, ORDER, SERVICES, MemoryType, Property


class Target(StrEnum):
    """Where a mapping points: at a device's memory and registers, or at RAM."""

    MMIO = "mmio"
    RAM = "ram"


class Context(StrEnum):
    """Who else touches what is mapped: that decides which liberties do harm."""

    DEVICE_MEMORY = "device memory"
    REGISTERS = "device registers"
    COHERENT = "RAM that only snooping observers touch"
    OUT = "RAM that a non-snooping device reads"
    IN_OUT = "RAM that a non-snooping device also writes"


CONTEXTS = tuple(Context)

# X does harm, c does harm unless an assumption holds, - does none.
#   liberty            memory  registers  coherent  out  in and out
_HARM_ROWS = {
    "combines": "      X       X          X         X    X",
    "speculates": "    -       X          -         -    -",
    "caches-reads": "  c       X          -         -    X",
    "updates-lines": " c       X          -         -    X",
    "caches-writes": " X       X          -         X    X",
}
_MARKS = {"X": Verdict.INCOMPATIBLE, "c": Verdict.CONDITIONAL, "-": Verdict.COMPATIBLE}

#: The verdict of each liberty that is taken without having been asked for, by context.
HARMS = {
    (liberty, context): _MARKS[mark]
    for liberty, row in _HARM_ROWS.items()
    for context, mark in zip(CONTEXTS, row.split(), strict=True)
}

_STALE = "reads may be answered by a stale cache line"
_HARM_TEXTS = {
    "combines": "writes wait in buffers that nobody snoops, are combined and leave in any order",
    "speculates": "reads run ahead, and a read of a register may have a side effect",
    "caches-reads": _STALE,
    "updates-lines": _STALE,
    "caches-writes": "writes stay in the cache: the device reads stale memory, and a late write-back may overwrite "
    "what the device wrote",
}
_HARM_TEXTS_BY_CONTEXT = {
    ("combines", Context.REGISTERS): "writes are combined and reordered: the order that was asked for is lost",
    ("combines", Context.COHERENT): "writes wait in buffers that nobody snoops: ordinary memory is neither coherent "
    "nor ordered",
    ("caches-reads", Context.IN_OUT): "reads are cached: a device that writes this RAM without snooping leaves stale "
    "lines behind",
    ("caches-writes", Context.OUT): "writes stay in the cache: a device that does not snoop reads stale memory",
    ("caches-writes", Context.IN_OUT): "writes stay in the cache: a device that does not snoop reads stale memory, and "
    "a late write-back may overwrite what the device wrote",
}

_LOSS_TEXTS = {
    "fast-writes": "writes are no longer gathered",
    "fast-reads": "reads are no longer cached",
    "read-after-write": "each write drops the cache line",
}

#: What a person must vouch for where a harm is conditional, or where only a possible context does it.
UNSNOOPED_WRITES = "no device writes that RAM without snooping the processor's caches"
READ_BACK = "the device does not change what the processor reads back from it"

#: The pairs that Linux itself refuses. Source: is_new_memtype_allowed().
REFUSED_BY_LINUX = (
    (MemoryType.UC_MINUS, MemoryType.WB),
    (MemoryType.WC, MemoryType.WB),
    (MemoryType.WT, MemoryType.WB),
    (MemoryType.WT, MemoryType.WC),
)


class Cell(NamedTuple):
    """One cell of the table: a wanted type, the effective type, and where."""

    wanted: MemoryType
    in_force: MemoryType
    context: Context
    verdict: Verdict
    harms: tuple[Property, ...]
    losses: tuple[Property, ...]

    @property
    def consequence(self) -> str:
        """What follows, in a clause."""
        if self.harms:
            texts = (_harm_text(liberty.key, self.context) for liberty in self.harms)
            return "; ".join(dict.fromkeys(texts))
        if not self.losses:
            return "as wanted"
        return "correct, but slower: " + " and ".join(_LOSS_TEXTS[service.key] for service in self.losses)

    @property
    def properties(self) -> tuple[str, ...]:
        """The keys of the property rows that decide."""
        return tuple(one.key for one in self.harms or self.losses)

    @property
    def cites(self) -> tuple[str, ...]:
        """Where the properties are written, and who sanctions or refuses the pair."""
        rows = [one.cite for one in self.harms or self.losses] or [citations.SDM_METHODS]
        if (self.wanted, self.in_force) in REFUSED_BY_LINUX:
            rows.append(citations.LINUX_REFUSALS)
        if (self.wanted, self.in_force) == (MemoryType.WC, MemoryType.WT):
            rows.append(citations.XEN_WC_WT_2023)
        return tuple(dict.fromkeys(rows))


def _harm_text(liberty: str, context: Context) -> str:
    return _HARM_TEXTS_BY_CONTEXT.get((liberty, context), _HARM_TEXTS[liberty])


@cache
def cell(wanted: MemoryType, in_force: MemoryType, context: Context) -> Cell:
    """The cell of the pair table, by the rule that this module states.

    `in_force` is an effective type: UC- is none, since the MTRR makes it UC or WC.
    """
    taken = [one for one in LIBERTIES if one.holds(in_force) and not one.holds(wanted)]
    worst = max((HARMS[one.key, context] for one in taken), default=Verdict.COMPATIBLE)
    harms = tuple(one for one in taken if worst and HARMS[one.key, context] is worst)
    losses = tuple(one for one in SERVICES if one.holds(wanted) and not one.holds(in_force))
    verdict = worst or (Verdict.DEGRADED if losses else Verdict.COMPATIBLE)
    return Cell(wanted, in_force, context, verdict, harms, losses)


def table() -> Iterator[Cell]:
    """Every cell: context, wanted type, effective type, in the manual's order."""
    for context in CONTEXTS:
        for wanted in ORDER:
            for in_force in MTRR_ORDER:
                yield cell(wanted, in_force, context)


class Judgement(NamedTuple):
    """What a pair comes to at a target: the verdict, the cell that decides, and on what it rests."""

    verdict: Verdict
    cell: Cell
    assumption: str | None


def contexts_of(wanted: MemoryType, target: Target, *, has_devices: bool) -> tuple[tuple[Context, bool], ...]:
    """The contexts in which a type is asked for, each with whether it is certain.

    Who asks for UC or UC- of a device's memory drives registers; of RAM, shares it both ways with a device.
    Who asks for WC, WT or WP of RAM sends data out, and may also get some. WB is asked of ordinary memory.
    """
    uncached = wanted in (MemoryType.UC, MemoryType.UC_MINUS)
    if target is Target.MMIO:
        return ((Context.REGISTERS if uncached else Context.DEVICE_MEMORY, True),)
    if not has_devices or wanted is MemoryType.WB:
        return ((Context.COHERENT, True),)
    if uncached:
        return ((Context.IN_OUT, True),)
    return (Context.OUT, True), (Context.IN_OUT, False)


@cache
def judge(wanted: MemoryType, in_force: MemoryType, target: Target, has_devices: bool) -> Judgement:
    """The verdict on wanting a type and getting an effective type at a target.

    What is certain counts as it is; a context that is only possible makes it conditional at worst.
    """
    cells = [
        (cell(wanted, in_force, context), sure)
        for context, sure in contexts_of(wanted, target, has_devices=has_devices)
    ]
    decisive = max((one for one, sure in cells if sure), key=lambda one: one.verdict)
    if decisive.verdict is Verdict.CONDITIONAL:
        return Judgement(Verdict.CONDITIONAL, decisive, READ_BACK)
    for one, sure in cells:
        if not sure and one.verdict > max(decisive.verdict, Verdict.DEGRADED):
            return Judgement(Verdict.CONDITIONAL, one, UNSNOOPED_WRITES)
    return Judgement(decisive.verdict, decisive, None)
