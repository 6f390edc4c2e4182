"""What it means to want one memory type and to get another."""

from dataclasses import dataclass

from simulator import citations
from simulator.effective import Vendor, effective_type
from simulator.finding import Outcome, Verdict
from simulator.memory_type import BY_WORD, ORDER, MemoryType
from simulator.pat import PatLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a mapping is made: device memory or RAM, and the MTRR type there."""

    title: str
    mtrr: MemoryType
    is_mmio: bool


CONTEXTS = (
    Context(title="MMIO under an MTRR of UC", mtrr=MemoryType.UC, is_mmio=True),
    Context(title="MMIO under an MTRR of WC", mtrr=MemoryType.WC, is_mmio=True),
    Context(title="RAM under an MTRR of WB", mtrr=MemoryType.WB, is_mmio=False),
)

_IN_FORCE_COLUMNS = (MemoryType.UC, MemoryType.WC, MemoryType.WT, MemoryType.WP, MemoryType.WB)
_VERDICTS = {
    "=": Verdict.COMPATIBLE,
    "d": Verdict.DEGRADED,
    "c": Verdict.CONDITIONAL,
    "X": Verdict.INCOMPATIBLE,
}

# in force:               UC  WC  WT  WP  WB      = as wanted, d degraded, c conditional, X incompatible
VERDICT_ROWS = {
    MemoryType.UC: "      =   X   X   X   X",
    MemoryType.UC_MINUS: "d   X   X   X   X",
    MemoryType.WC: "      d   =   c   c   X",
    MemoryType.WT: "      d   X   =   d   X",
    MemoryType.WP: "      d   X   c   =   X",
    MemoryType.WB: "      d   X   d   d   =",
}

PAIR_VERDICTS = {
    (wanted, in_force): _VERDICTS[mark]
    for wanted, row in VERDICT_ROWS.items()
    for in_force, mark in zip(_IN_FORCE_COLUMNS, row.split(), strict=True)
}

_ANY_CACHED = {
    "WT": "reads may be answered by a stale cache line",
    "WP": "reads may be answered by a stale cache line, and writes are not ordered as uncached ones are",
    "WB": "writes stay in the cache and reads come from it: the device and the processor see different data",
}
_REORDERED = "writes are combined and reordered, and reads may run ahead: the order that was asked for is lost"

REASONS = {
    "UC": {"UC": "", "WC": _REORDERED, **_ANY_CACHED},
    "UC-": {"UC": "the MTRR's write combining is cancelled: correct, but slower", "WC": _REORDERED, **_ANY_CACHED},
    "WC": {
        "UC": "correct, but every write goes out alone: much slower",
        "WC": "",
        "WT": "writes still reach memory at once, but reads are cached: a device that writes this RAM without "
        "snooping leaves stale lines behind",
        "WP": "writes still reach memory, but reads are cached: a device that writes this RAM without snooping "
        "leaves stale lines behind",
        "WB": "writes stay in the cache: a device that does not snoop reads stale memory, and a late write-back "
        "may overwrite what the device wrote",
    },
    "WT": {
        "UC": "correct, but reads are no longer cached: slower",
        "WC": "writes wait in buffers that nobody snoops and leave in weaker order, and no read is cached",
        "WT": "",
        "WP": "coherent, but each write drops the cache line: slower",
        "WB": "writes stay in the cache and do not reach memory when the guest thinks that they do",
    },
    "WP": {
        "UC": "correct, but reads are no longer cached: slower",
        "WC": "writes wait in buffers that nobody snoops, in weaker order",
        "WT": "writes now update the cache line instead of dropping it",
        "WP": "",
        "WB": "writes stay in the cache and do not reach the bus",
    },
    "WB": {
        "UC": "correct, but nothing is cached: much slower",
        "WC": "ordinary memory is neither coherent nor ordered",
        "WT": "correct, but each write goes to memory: slower",
        "WP": "correct, but each write goes to the bus and drops the line: slower",
        "WB": "",
    },
}

ASSUMPTIONS = {
    (MemoryType.WC, MemoryType.WT): "no device writes that RAM without snooping the processor's caches",
    (MemoryType.WC, MemoryType.WP): "no device writes that RAM without snooping the processor's caches",
    (MemoryType.WP, MemoryType.WT): "nothing relies on a write dropping the cache line",
}

# Where UC, WT or WP is wanted and UC- is there (a kernel without an entry for WT or WP takes it, as Linux does on
# processors with four entries), an MTRR of WC makes it WC: wrong for whoever maps such memory so, and only for them.
#   wanted          by UC- under an MTRR of WC
YIELDING = {
    MemoryType.UC: "no device memory under an MTRR of WC is mapped UC",
    MemoryType.WT: "no device memory under an MTRR of WC is mapped WT",
    MemoryType.WP: "no device memory under an MTRR of WC is mapped WP",
}
_YIELDS = "UC- yields to the MTRR: writes are combined and reordered where none were asked for"

#: The pairs that Linux itself refuses. Source: is_new_memtype_allowed().
REFUSED_BY_LINUX = (
    (MemoryType.UC_MINUS, MemoryType.WB),
    (MemoryType.WC, MemoryType.WB),
    (MemoryType.WT, MemoryType.WB),
    (MemoryType.WT, MemoryType.WC),
)

# A consequence in the fewest words, for a headline, with {its} for the guests'; a conditional pair has its assumption.
_SHORT_UC = {
    "UC": "correct, but slower",
    "WC": "{its} writes are combined and reordered",
    "WT": "{its} reads may be stale",
    "WP": "{its} reads may be stale",
    "WB": "guest and device see different data",
}
SHORT = {
    "UC": _SHORT_UC,
    "UC-": _SHORT_UC,
    "WC": {"UC": "correct, but much slower", "WB": "{its} device can read stale memory"},
    "WT": {
        "UC": "correct, but slower",
        "WC": "{its} writes lose their order",
        "WP": "coherent, but slower",
        "WB": "{its} writes stay in the cache",
    },
    "WP": {
        "UC": "correct, but slower",
        "WC": "{its} writes lose their order",
        "WB": "{its} writes stay in the cache",
    },
    "WB": {
        "UC": "correct, but nothing is cached",
        "WC": "{its} memory is neither coherent nor ordered",
        "WT": "correct, but slower",
        "WP": "correct, but slower",
    },
}


def pair_citations(wanted: MemoryType, in_force: MemoryType) -> tuple[str, ...]:
    """Where it is written what the pair of a wanted and an effective type leads to."""
    more = [citations.SDM_WC] if MemoryType.WC in (wanted, in_force) else []
    more += [citations.LINUX_REFUSALS] if (wanted, in_force) in REFUSED_BY_LINUX else []
    more += [citations.XEN_WC_WT_2023] if (wanted, in_force) == (MemoryType.WC, MemoryType.WT) else []
    return citations.SDM_METHODS, *more


def judge_pair(wanted: MemoryType, in_force: MemoryType) -> Verdict:
    """The verdict on wanting a type and getting another effective type.

    Source: the caching methods of the SDM; Linux's refusals, all of which are incompatible here.
    """
    return PAIR_VERDICTS[wanted, in_force]


def is_corrected(got: MemoryType, context: Context, *, corrects_mmio: bool) -> bool:
    """Whether Xen rewrites a PV guest's mapping of MMIO to UC, as it does since 4.7.

    Source: xen, get_page_from_l1e(), XSA-154.
    """
    return corrects_mmio and context.is_mmio and got.is_cacheable


def judge_in_context(
    wanted: MemoryType,
    got: MemoryType,
    context: Context,
    *,
    host: PatLayout,
    vendor: Vendor,
    corrects_mmio: bool,
) -> Outcome:
    """What a mapping ends up with where `wanted` was meant and the PAT says `got`.

    A mapping that gets the PAT type that it wants is as wanted in every context.
    """
    asked = effective_type(mtrr=context.mtrr, pat=wanted, vendor=vendor)
    # Xen's correction sets PCD and PWT: PAT index 3.
    pat = host.entries[3] if is_corrected(got, context, corrects_mmio=corrects_mmio) else got
    in_force = asked if wanted is got else effective_type(mtrr=context.mtrr, pat=pat, vendor=vendor)
    holds = in_force is asked
    if got is MemoryType.UC_MINUS and in_force is MemoryType.WC and wanted in YIELDING:
        return _outcome(context, asked, in_force, Verdict.CONDITIONAL, _YIELDS, YIELDING[wanted])
    if holds:
        return _outcome(context, asked, in_force, Verdict.COMPATIBLE, "as wanted", None)
    why, assumption = REASONS[wanted.word][in_force.word], ASSUMPTIONS.get((wanted, in_force))
    return _outcome(context, asked, in_force, judge_pair(wanted, in_force), why, assumption)


def _outcome(
    context: Context, wanted: MemoryType, in_force: MemoryType, verdict: Verdict, why: str, assumption: str | None
) -> Outcome:
    return Outcome(
        context=context.title,
        mtrr=context.mtrr,
        wanted=wanted,
        in_force=in_force,
        verdict=verdict,
        why=why,
        assumption=assumption,
    )


def tables_as_data() -> object:
    """The tables of this module as plain data, for the digest of the rules."""
    return {
        "verdicts": {wanted.word: row.split() for wanted, row in VERDICT_ROWS.items()},
        "reasons": REASONS,
        "assumptions": [[a.word, b.word, text] for (a, b), text in sorted(ASSUMPTIONS.items())],
        "short": SHORT,
        "yielding": {wanted.word: text for wanted, text in YIELDING.items()},
        "contexts": [[context.title, context.mtrr.word, context.is_mmio] for context in CONTEXTS],
        "types": [memory_type.word for memory_type in ORDER],
        "words": sorted(BY_WORD),
    }
