"""LAY: what a PAT layout must be, whoever runs under it."""

from collections.abc import Iterator

from simulator import citations
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.guest import UNKNOWN
from simulator.hypervisor import RESERVED_ENTRIES
from simulator.memory_type import ORDER, MemoryType
from simulator.pair import Target, judge
from simulator.pat import XEN_LAYOUT, PatLayout
from simulator.rules.rule import (
    LINUX,
    STOCK,
    Rule,
    View,
    consequence,
    example,
    join,
    linux,
    needs_header,
    needs_layout_or_guests,
    needs_proposal,
)


def say_of_layout(
    view: View, rule: str, verdict: Verdict, subject: str, title: str, message: str, **more: object
) -> Finding:
    """A finding about the layout itself: what it is, and what follows."""
    cites = more.pop("cites")
    layout = view.layout
    words = f"{layout.hex}: {' '.join(layout.words)}"
    steps = (
        Step("premise", "Layout", layout.name, words, (citations.SDM_PAT_MSR, citations.STATED_LAYOUT)),
        consequence(verdict, message, cites),  # type: ignore[arg-type]  # the rules pass citations
    )
    return Finding(
        rule=rule,
        verdict=verdict,
        subject=subject,
        title=title,
        message=message,
        steps=steps,
        platform=view.platform.name,
        **more,  # type: ignore[arg-type]  # fields of Finding
    )


def entry_0_is_wb(view: View) -> Iterator[Finding]:
    """Entry 0 is what every mapping without cache bits selects, page tables and Xen's own included."""
    first = view.layout.entries[0]
    if first is not MemoryType.WB:
        yield say_of_layout(
            view,
            "LAY020",
            Verdict.INCOMPATIBLE,
            "PA0",
            "PA0 is not WB",
            f"PA0 is {first.word}: PA0 maps all ordinary memory of Xen and of PV guests, which must be WB. Linux 3.19 "
            "and later stop at boot.",
            cites=(citations.LINUX_CACHE_TABLES, citations.XEN_L1_MASK),
            severity=Severity.CORRECTNESS,
            entry=0,
            wanted=MemoryType.WB,
            in_force=first,
            fixes=("put WB at PA0",),
            headline=f"PA0 is {first.word}, which maps all ordinary memory of Xen and of PV guests: it must be WB",
        )


def used_entries(view: View) -> dict[int, list[str]]:
    """The entries that guests reach by what they need, with the titles of the classes; PVH and HVM reach their own."""
    used: dict[int, list[str]] = {}
    for judged in view.judged:
        for case in judged.cases:
            for result in case.results:
                index = result.mapping.written
                if index not in (None, UNKNOWN) and case.kernel.is_pv:
                    titles = used.setdefault(index or 0, [])
                    if judged.guest_class.title not in titles:
                        titles.append(judged.guest_class.title)
    return used


def unsafe_folds(layout: PatLayout) -> list[tuple[int, MemoryType, MemoryType]]:
    """Entries s from 4 to 7 whose type gets unsafe in RAM where entry s-4 answers instead."""
    folds = []
    for index in range(4, 8):
        meant, got = layout.entries[index], layout.entries[index - 4]
        in_force = MemoryType.UC if got is MemoryType.UC_MINUS else got
        if got is not meant and judge(meant, in_force, Target.RAM, True).verdict > Verdict.DEGRADED:
            folds.append((index, meant, got))
    return folds


def survives_bit_loss(view: View) -> Iterator[Finding]:
    """Errata CPUs and some Linux kernels lose the PAT bit: entry s then acts as entry s-4.

    Only entries that a guest relies on count; the others are mentioned.
    """
    used = used_entries(view)
    folds = unsafe_folds(view.layout)
    harmed = [fold for fold in folds if fold[0] in used]
    if not harmed:
        return
    pairs = ", ".join(f"{meant.word} at PA{index} becomes {got.word} (PA{index - 4})" for index, meant, got in harmed)
    idle = ", ".join(f"{meant.word} at PA{index}" for index, meant, _ in folds if index not in used)
    yield say_of_layout(
        view,
        "LAY030",
        Verdict.COMPATIBLE,
        "PAT bit",
        "An entry in use does not survive the loss of the PAT bit",
        f"Where a processor or a kernel loses the PAT bit, {pairs}"
        + (f"; so would {idle}, which no guest here uses." if idle else "."),
        cites=(citations.INTEL_PAT_ERRATA, citations.LINUX_PAT_BIT_LOSS),
        entry=harmed[0][0],
        fixes=("put the types that guests use at PA1 to PA3",),
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
        yield say_of_layout(
            view,
            "LAY040",
            Verdict.COMPATIBLE,
            absent.word,
            f"{absent.word} is in no entry",
            f"{absent.word} is in no entry: guests under shadow paging get {shadow} for it; {takes}.",
            cites=(citations.XEN_SHADOW, citations.LINUX_CACHE_TABLES),
            fixes=(f"give {absent.word} an entry",),
        )


def reserved_entries(view: View) -> Iterator[Finding]:
    """The public header calls PA6 and PA7 reserved: changed or relied upon, they deserve a word."""
    used = used_entries(view)
    for index in RESERVED_ENTRIES:
        here, usual, users = view.layout.entries[index], XEN_LAYOUT.entries[index], used.get(index, [])
        if here is usual and not users:
            continue
        parts = [f"PA{index} is {here.word} here"]
        parts += [f"{usual.word} in Xen's own layout"] if here is not usual else []
        parts += ["relied upon by " + "; ".join(users)] if users else []
        yield say_of_layout(
            view,
            "LAY050",
            Verdict.COMPATIBLE,
            f"PA{index}",
            f"PA{index} is reserved by the public header",
            f"{join(parts)}. Xen's public header calls the entry reserved.",
            cites=(citations.XEN_PUBLIC_HEADER,),
            entry=index,
        )


RULES = (
    Rule(
        id="LAY020",
        title="Entry 0 is WB",
        severity=Severity.CORRECTNESS,
        applicability="a layout that is proposed, or one in force under which a guest runs",
        cites=(citations.LINUX_CACHE_TABLES, citations.XEN_L1_MASK),
        scope="platform",
        check=entry_0_is_wb,
        applies=needs_layout_or_guests,
        fires=example(proposed="WT WB UC- UC WC WP UC UC"),
        silent=example(proposed=STOCK),
    ),
    Rule(
        id="LAY030",
        title="Entries in use survive the loss of the PAT bit",
        severity=Severity.ADVICE,
        applicability="a layout that is proposed",
        cites=(citations.INTEL_PAT_ERRATA, citations.LINUX_PAT_INIT, citations.LINUX_PAT_BIT_LOSS),
        scope="platform",
        check=survives_bit_loss,
        applies=needs_proposal,
        fires=example(linux("6.12", drivers=["i915"]), proposed=STOCK),
        silent=example(linux("6.12", drivers=["i915"]), proposed=LINUX),
    ),
    Rule(
        id="LAY040",
        title="No memory type is absent",
        severity=Severity.ADVICE,
        applicability="a layout that is proposed",
        cites=(citations.XEN_SHADOW, citations.LINUX_CACHE_TABLES),
        scope="platform",
        check=no_type_is_absent,
        applies=needs_proposal,
        fires=example(proposed="WB WC UC- UC WB WC UC- UC"),
        silent=example(proposed=LINUX),
    ),
    Rule(
        id="LAY050",
        title="Entries 6 and 7 are reserved by the public header",
        severity=Severity.ADVICE,
        applicability="a layout that is proposed for Xen 4.2 or later, whose public header prints the layout",
        cites=(citations.XEN_PUBLIC_HEADER,),
        scope="platform",
        check=reserved_entries,
        applies=needs_header,
        fires=example(proposed=LINUX),
        silent=example(proposed=STOCK),
    ),
)
