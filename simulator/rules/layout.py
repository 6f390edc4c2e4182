"""LAY: what a PAT layout must be, whoever runs under it."""

from collections.abc import Iterator

from simulator import citations
from simulator.consequence import judge_pair
from simulator.effective import effective_type
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.hypervisor import RESERVED_ENTRIES
from simulator.memory_type import ORDER, MemoryType
from simulator.pat import XEN_LAYOUT, PatLayout
from simulator.rules.rule import Rule, View, join, needs_header, needs_layout_or_guests, needs_proposal


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
        fix="put WB at PA0",
        headline=f"PA0 is {first.word}, which maps all ordinary memory of Xen and of PV guests: it must be WB",
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
    """Errata CPUs and some Linux kernels lose the PAT bit: entry s then acts as entry s-4.

    Only entries that a guest relies on count; the others are mentioned.
    """
    used = {want.encoded.index for judged in view.judged for case in judged.cases for want in case.wants}
    folds = _unsafe_folds(view.layout)
    harmed = [fold for fold in folds if fold[0] in used]
    if not harmed:
        return
    pairs = ", ".join(f"{meant.word} at PA{index} becomes {got.word} (PA{index - 4})" for index, meant, got in harmed)
    idle = ", ".join(f"{meant.word} at PA{index}" for index, meant, _ in folds if index not in used)
    yield Finding(
        rule="LAY030",
        verdict=Verdict.COMPATIBLE,
        severity=Severity.ADVICE,
        platform=view.platform.name,
        entry=harmed[0][0],
        title="An entry in use does not survive the loss of the PAT bit",
        message=f"Where a processor or a kernel loses the PAT bit, {pairs}"
        + (f"; so would {idle}, which no guest here uses." if idle else "."),
        fix="put the types that guests use at PA1 to PA3",
    )


_LINUX_TAKES = {
    MemoryType.UC: "Linux keeps PA3 for it",
    MemoryType.WB: "Linux keeps PA0 for it, and 3.19 and later stop at boot where PA0 is not WB",
    MemoryType.WC: "Linux 4.2 and later take PA2 for it, 3.19 to 4.1 take PA1",
}


def no_type_is_absent(view: View) -> Iterator[Finding]:
    """A type that no entry holds: what Linux takes instead, and what guests under shadow paging get."""
    entries = view.layout.entries
    shadow = "UC" if MemoryType.UC in entries else f"PA0, {entries[0].word},"
    for absent in (wanted for wanted in ORDER if wanted not in entries):
        takes = _LINUX_TAKES.get(absent, "Linux takes PA2 for it")
        yield Finding(
            rule="LAY040",
            verdict=Verdict.COMPATIBLE,
            severity=Severity.ADVICE,
            platform=view.platform.name,
            title=f"{absent.word} is in no entry",
            message=f"{absent.word} is in no entry: guests under shadow paging get {shadow} for it; {takes}.",
            fix=f"give {absent.word} an entry",
            subject=absent.word,
        )


def reserved_entries(view: View) -> Iterator[Finding]:
    """The public header calls PA6 and PA7 reserved: changed or relied upon, they deserve a word."""
    for index in RESERVED_ENTRIES:
        users = [
            judged.guest_class.title
            for judged in view.judged
            if any(want.encoded.index == index for case in judged.cases for want in case.wants)
        ]
        here, usual = view.layout.entries[index], XEN_LAYOUT.entries[index]
        if here is usual and not users:
            continue
        parts = [f"PA{index} is {here.word} here"]
        parts += [f"{usual.word} in Xen's own layout"] if here is not usual else []
        parts += ["relied upon by " + "; ".join(users)] if users else []
        yield Finding(
            rule="LAY050",
            verdict=Verdict.COMPATIBLE,
            severity=Severity.ADVICE,
            platform=view.platform.name,
            entry=index,
            title=f"PA{index} is reserved by the public header",
            message=f"{join(parts)}. Xen's public header calls the entry reserved.",
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
        applies=needs_layout_or_guests,
    ),
    Rule(
        id="LAY030",
        title="Entries in use survive the loss of the PAT bit",
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
