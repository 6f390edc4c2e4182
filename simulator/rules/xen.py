"""XEN: what of the hypervisor itself rests on its PAT layout."""

from collections.abc import Iterator
from dataclasses import replace

from simulator import citations
from simulator.finding import Finding, Severity, Verdict
from simulator.guest import Follows
from simulator.hazard import Hazard
from simulator.hazards import mmio_by_index_hazards
from simulator.headline import shorten
from simulator.hypervisor import PAGE_FLAGS, PUBLIC_HEADER_ENTRIES, MmioTest
from simulator.judgement import ClassJudgement
from simulator.pat import ENTRY_COUNT, XEN_LAYOUT
from simulator.rules.rule import (
    Rule,
    View,
    hazard_finding,
    hazards_by,
    needs_header,
    needs_layout_or_guests,
    needs_proposal,
)

NAMES_LIMIT = 200  # characters of a list of guests in a message


def page_flags(view: View) -> Iterator[Finding]:
    """Xen's constants are compared and written as bits: each must select the type it is named after."""
    wrong = [
        (name, named, bits, view.layout.memory_type(bits))
        for name, named, bits in PAGE_FLAGS
        if view.layout.memory_type(bits) is not named
    ]
    if not wrong:
        return
    listed = ", ".join(f"{name} ({bits.spoken}) selects {got.word}" for name, _, bits, got in wrong)
    names = ", ".join(name for name, *_ in wrong)
    yield Finding(
        rule="XEN010",
        verdict=Verdict.CONDITIONAL,
        severity=Severity.CORRECTNESS,
        platform=view.platform.name,
        entry=wrong[0][2].pat_index,
        wanted=wrong[0][1],
        in_force=wrong[0][3],
        title="Xen's _PAGE_* constants select other types than they are named after",
        message=f"Under this layout {listed}.",
        fix=f"patch {names} in xen/arch/x86/include/asm/page.h together with the value",
        assumption=f"the constants are patched together with the value: {names}",
        headline=f"Xen's page-flag constants select other types: right if a patch along with the value covers {names}",
    )


def public_header(view: View) -> Iterator[Finding]:
    """The public header is what a guest may trust instead of reading the MSR."""
    wrong = [
        f"PA{index} {printed.word} (here {view.layout.entries[index].word})"
        for index, printed in enumerate(PUBLIC_HEADER_ENTRIES)
        if view.layout.entries[index] is not printed
    ]
    if not wrong:
        return
    wrong_columns = "" if view.platform.xen.documents_it_right else ", in columns that were wrong until 4.4,"
    yield Finding(
        rule="XEN020",
        verdict=Verdict.CONDITIONAL,
        severity=Severity.CORRECTNESS,
        platform=view.platform.name,
        title="Xen's public header documents another layout",
        message=f"The public header prints{wrong_columns} {', '.join(wrong)}; guests in this report are "
        "judged by what they do, not by the header.",
        fix="keep the entries that the header documents, or carry a patch of the header",
        assumption="no PV guest on this platform but those listed here trusts the table in the public header",
        headline="Xen's public header prints another layout: right if no PV guest but those listed here trusts it",
    )


def build_assertion(view: View) -> Iterator[Finding]:
    """Xen 4.18 and later do not build with another value."""
    if view.layout == XEN_LAYOUT:
        return
    asserts = view.platform.xen.asserts_layout
    says = (
        f"{view.platform.xen.title} does not build with this value: BUILD_BUG_ON(XEN_MSR_PAT != 0x050100070406ULL)."
        if asserts
        else f"{view.platform.xen.title} builds with this value; 4.18 and later do not: "
        "BUILD_BUG_ON(XEN_MSR_PAT != 0x050100070406ULL)."
    )
    yield Finding(
        rule="XEN030",
        verdict=Verdict.CONDITIONAL if asserts else Verdict.COMPATIBLE,
        severity=Severity.FUNCTION if asserts else Severity.ADVICE,
        platform=view.platform.name,
        title="Xen's build assertion names another value",
        message=says,
        fix="drop the assertion in build_assertions() of xen/arch/x86/mm.c" if asserts else None,
        assumption="the assertion is dropped" if asserts else None,
        headline=f"{view.platform.xen.title} does not build with this value: right if its assertion is dropped",
    )


def _tests_by_index(view: View) -> str:
    reasons = {
        MmioTest.NONE: f"{view.platform.xen.title} does not correct mappings of MMIO",
        MmioTest.BY_INDEX: "",
        MmioTest.BY_TYPE: f"{view.platform.xen.title} tests the type, not the index",
    }
    return needs_layout_or_guests(view) or reasons[view.platform.xen.mmio_test]


def mmio_by_index(view: View) -> Iterator[Finding]:
    """Xen 4.7 to 4.17 know the cacheable types on MMIO by index: 0, 1 and 5."""
    if not view.judges_layout:
        yield from hazards_by("XEN040")(view)
        return
    for hazard in mmio_by_index_hazards(view.platform.xen, view.layout, set(range(ENTRY_COUNT))):
        yield hazard_finding(hazard, view.platform)


def _has_own_pat(view: View) -> str:
    cases = [case for judged in view.judged for case in judged.cases]
    is_there = any(case.profile.follows is Follows.OWN for case in cases)
    return "" if is_there else "no PVH or HVM guest runs on this platform"


def own_pat(view: View) -> Iterator[Finding]:
    """PVH and HVM guests have a PAT of their own; how Xen maps them may rest on its own: said once for all."""
    found: dict[str, list[tuple[ClassJudgement, Hazard]]] = {}
    for judged in view.judged:
        for hazard in judged.hazards:
            if hazard.rule == "XEN050":
                found.setdefault(hazard.subject, []).append((judged, hazard))
    for group in found.values():
        judged, hazard = group[0]
        names = sorted(name for one, _ in group for name in one.guest_class.members)
        listed = shorten(", ".join(names), NAMES_LIMIT)
        yield replace(
            hazard_finding(hazard, view.platform, judged),
            guest_class=None,
            guests=tuple(names),
            message=f"{listed}: {hazard.message}.",
            who=judged.guest_class.who if len(names) == 1 else f"Each of {len(names)} guests",
        )


RULES = (
    Rule(
        id="XEN010",
        title="Xen's page-flag constants select the types that they are named after",
        severity=Severity.CORRECTNESS,
        cites=(citations.XEN_PAGE_FLAGS,),
        check=page_flags,
        applies=needs_proposal,
    ),
    Rule(
        id="XEN020",
        title="Xen's public header documents this layout",
        severity=Severity.CORRECTNESS,
        cites=(citations.XEN_PUBLIC_HEADER,),
        check=public_header,
        applies=needs_header,
    ),
    Rule(
        id="XEN030",
        title="Xen's build assertion accepts the value",
        severity=Severity.FUNCTION,
        cites=(citations.XEN_BUILD_ASSERTION,),
        check=build_assertion,
        applies=needs_proposal,
    ),
    Rule(
        id="XEN040",
        title="Xen's test of MMIO mappings knows the cacheable types",
        severity=Severity.CORRECTNESS,
        cites=(citations.XEN_MMIO_BY_INDEX, citations.XEN_MMIO_BY_TYPE),
        check=mmio_by_index,
        applies=_tests_by_index,
    ),
    Rule(
        id="XEN050",
        title="PVH and HVM guests keep their types under Xen's paging",
        severity=Severity.CORRECTNESS,
        cites=(citations.XEN_NESTED_P2M, citations.XEN_EPT, citations.XEN_SHADOW),
        check=own_pat,
        applies=_has_own_pat,
    ),
)
