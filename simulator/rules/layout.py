"""LAY: what a PAT layout must be, whoever runs under it."""

from collections.abc import Iterator

from simulator import citations
from simulator.consequence import judge_pair
from simulator.effective import effective_type
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.hypervisor import RESERVED_ENTRIES
from simulator.memory_type import ORDER, MemoryType
from simulator.pat import XEN_LAYOUT, PatLayout
from simulator.rules.rule import Rule, View, needs_header, needs_proposal


def legal_value(view: View) -> Iterator[Finding]:
    """No finding: a value that the processor refuses is no PatLayout and never gets here."""
    yield from ()


def entry_0_is_wb(view: View) -> Iterator[Finding]:
    """Entry 0 is what every mapping without cache bits selects, page tables and Xen's own included."""
    first = view.layout.entries[0]
    if first is MemoryType.WB:
        return
    yield Finding(
        rule="LAY020",
        verdict=Verdict.INCOMPATIBLE,
        severity=Severity.CORRECTNESS,
        platform=view.platform.name,
        entry=0,
        wanted=MemoryType.WB,
        in_force=first,
        title="PA0 is not WB",
        message=f"PA0 is {first.word}: PA0 maps all ordinary memory of Xen and of PV guests, which must be WB.",
        fix="make PA0 WB",
        steps=(
            Step(
                kind="consequence",
                label="Consequence",
                value="Linux 3.19 and later stop at boot",
                why="update_cache_mode_entry() has a BUG_ON for an entry 0 that is not WB",
                cites=(citations.LINUX_CACHE_TABLES,),
            ),
        ),
    )


def _unsafe_folds(layout: PatLayout) -> list[tuple[int, MemoryType, MemoryType]]:
    """Entries s from 4 to 7 whose type gets unsafe where entry s-4 answers instead."""
    folds = []
    for index in range(4, 8):
        meant, got = layout.entries[index], layout.entries[index - 4]
        in_force = effective_type(mtrr=MemoryType.WB, pat=got)
        holds = effective_type(mtrr=MemoryType.WB, pat=meant) is in_force
        if not holds and judge_pair(meant, in_force) > Verdict.DEGRADED:
            folds.append((index, meant, got))
    return folds


def survives_bit_loss(view: View) -> Iterator[Finding]:
    """Errata CPUs and some Linux kernels lose the PAT bit: entry s then acts as entry s-4."""
    folds = _unsafe_folds(view.layout)
    if not folds:
        return
    pairs = ", ".join(f"{meant.word} at PA{index} becomes {got.word} (PA{index - 4})" for index, meant, got in folds)
    yield Finding(
        rule="LAY030",
        verdict=Verdict.COMPATIBLE,
        severity=Severity.ADVICE,
        platform=view.platform.name,
        entry=folds[0][0],
        title="The layout does not survive the loss of the PAT bit",
        message=f"Where a processor or a kernel loses the PAT bit, {pairs}.",
        fix="put the types that guests use at PA0 to PA3, and at PA4 to PA7 what is safe to lose",
    )


def no_type_is_absent(view: View) -> Iterator[Finding]:
    """A type that no entry holds: fall-backs, and UC for guests under shadow paging."""
    absent = [wanted.word for wanted in ORDER if wanted not in view.layout.entries]
    if not absent:
        return
    are = "is" if len(absent) == 1 else "are"
    yield Finding(
        rule="LAY040",
        verdict=Verdict.COMPATIBLE,
        severity=Severity.ADVICE,
        platform=view.platform.name,
        title=f"{', '.join(absent)} {are} in no entry",
        message=f"{', '.join(absent)} {are} in no entry: guests under shadow paging get UC for it, and Linux 4.2 and "
        "later take PA2 instead.",
        fix="give each memory type an entry",
        subject=" ".join(absent),
    )


def reserved_entries(view: View) -> Iterator[Finding]:
    """The public header calls PA6 and PA7 reserved: changed or relied upon, they deserve a word."""
    for index in RESERVED_ENTRIES:
        users = [
            judged.guest_class.title
            for judged in view.judged
            if any(want.encoded.index == index for want in judged.wants)
        ]
        changed = view.layout.entries[index] is not XEN_LAYOUT.entries[index]
        if not changed and not users:
            continue
        parts = [f"PA{index} is {view.layout.entries[index].word}"]
        parts += [f"Xen's own layout has {XEN_LAYOUT.entries[index].word} there"] if changed else []
        parts += ["relied upon by " + "; ".join(users)] if users else []
        yield Finding(
            rule="LAY050",
            verdict=Verdict.COMPATIBLE,
            severity=Severity.ADVICE,
            platform=view.platform.name,
            entry=index,
            title=f"PA{index} is reserved by the public header",
            message=f"{', '.join(parts)}; Xen's public header calls the entry reserved.",
            subject=f"PA{index}",
        )


_PAT = (citations.SDM_PAT_MSR,)

RULES = (
    Rule(
        id="LAY010",
        title="The layout is a value that IA32_PAT can hold",
        severity=Severity.CORRECTNESS,
        cites=_PAT,
        check=legal_value,
        applies=needs_proposal,
    ),
    Rule(
        id="LAY020",
        title="Entry 0 is WB",
        severity=Severity.CORRECTNESS,
        cites=(citations.LINUX_CACHE_TABLES, citations.XEN_L1_MASK),
        check=entry_0_is_wb,
        applies=needs_proposal,
    ),
    Rule(
        id="LAY030",
        title="The layout survives the loss of the PAT bit",
        severity=Severity.ADVICE,
        cites=(citations.INTEL_PAT_ERRATA, citations.LINUX_PAT_INIT, citations.LINUX_PAT_BIT_LOSS),
        check=survives_bit_loss,
        applies=needs_proposal,
    ),
    Rule(
        id="LAY040",
        title="No memory type is absent",
        severity=Severity.ADVICE,
        cites=(citations.XEN_SHADOW, citations.LINUX_CACHE_TABLES),
        check=no_type_is_absent,
        applies=needs_proposal,
    ),
    Rule(
        id="LAY050",
        title="Entries 6 and 7 are reserved by the public header",
        severity=Severity.ADVICE,
        cites=(citations.XEN_PUBLIC_HEADER,),
        check=reserved_entries,
        applies=needs_header,
    ),
)
