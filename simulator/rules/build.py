"""XEN: what of the hypervisor's own source rests on its PAT layout."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulator import citations
from simulator.finding import Finding, Severity, Verdict
from simulator.hypervisor import (
    PAGE_FLAGS,
    PUBLIC_HEADER_ENTRIES,
    REWRITTEN_INDICES,
    REWRITTEN_TO,
    MmioTest,
    XenModel,
    parse_release,
)
from simulator.pat import ENTRY_COUNT, XEN_LAYOUT, PatLayout
from simulator.rules.layout import say_of_layout
from simulator.rules.rule import LINUX, STOCK, Data, Rule, View, example, needs_header, needs_proposal

if TYPE_CHECKING:
    from simulator.source import XenSource


def page_flags(view: View) -> Iterator[Finding]:
    """Xen's constants are compared and written as bits: each must select the type it is named after."""
    source = view.platform.source
    flags = [(name, named, source.bits(name) if source is not None else bits) for name, named, bits in PAGE_FLAGS]
    wrong = [
        (name, named, bits, view.layout.memory_type(bits))
        for name, named, bits in flags
        if view.layout.memory_type(bits) is not named
    ]
    if not wrong:
        return
    listed = ", ".join(f"{name} ({bits.spoken}) selects {got.word}" for name, _, bits, got in wrong)
    names = ", ".join(name for name, *_ in wrong)
    is_shown = source is not None and source.flags is not None
    yield say_of_layout(
        view,
        "XEN010",
        Verdict.INCOMPATIBLE if is_shown else Verdict.CONDITIONAL,
        "page flags",
        "Xen's _PAGE_* constants select other types than they are named after",
        f"Under this layout {listed}." + (f" {_says_of_flags(source)}" if source is not None and is_shown else ""),
        cites=(citations.SENT_SOURCE if is_shown else citations.QUBES_PAT, citations.XEN_PAGE_FLAGS),
        severity=Severity.CORRECTNESS,
        entry=wrong[0][2].pat_index,
        wanted=wrong[0][1],
        in_force=wrong[0][3],
        fixes=(f"patch {names} in xen/arch/x86/include/asm/page.h together with the value",),
        assumption=None if is_shown else f"the constants are patched together with the value: {names}",
        headline=f"the patch leaves page.h behind: {listed}"
        if is_shown
        else f"Xen's page-flag constants select other types: right if a patch along with the value covers {names}",
    )


def _says_of_flags(source: "XenSource") -> str:
    """What a source that was sent does to page.h."""
    where = f"{source.name}:{source.flags_line}" if source.flags_line else source.name
    if source.wrong_flags:
        return f"So {where} defines them: Xen itself would map with other types than it means."
    return f"{where} leaves page.h as it is: Xen itself would map with other types than it means."


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
    yield say_of_layout(
        view,
        "XEN020",
        Verdict.CONDITIONAL,
        "public header",
        "Xen's public header documents another layout",
        f"The public header prints{wrong_columns} {', '.join(wrong)}; guests in this report are "
        "judged by what they do, not by the header.",
        cites=(citations.XEN_PUBLIC_HEADER,),
        severity=Severity.CORRECTNESS,
        fixes=("keep the entries that the header documents, or carry a patch of the header",),
        assumption="no PV guest on this platform but those listed here trusts the table in the public header",
        headline="Xen's public header prints another layout: right if no PV guest but those listed here trusts it",
    )


def build_assertion(view: View) -> Iterator[Finding]:
    """Xen 4.18 and later do not build with another value, unless a patch takes the assertion along."""
    xen, source = view.platform.xen, view.platform.source
    asserts = xen.asserts_layout
    is_kept = source is not None and source.keeps_assertion(view.layout)
    is_gone = source is not None and source.frees_assertion(view.layout)
    if view.layout == XEN_LAYOUT or is_gone:
        return
    names = "BUILD_BUG_ON(XEN_MSR_PAT != 0x050100070406ULL)"
    says = f"{xen.title} does not build with this value: {names}."
    if not asserts:
        says = f"{xen.title} builds with this value; 4.18 and later do not: {names}."
    elif is_kept and source is not None:
        says = f"{says[:-1]}, and {source.name} leaves it in place."
    yield say_of_layout(
        view,
        "XEN030",
        Verdict.COMPATIBLE if not asserts else Verdict.INCOMPATIBLE if is_kept else Verdict.CONDITIONAL,
        "build assertion",
        "Xen's build assertion names another value",
        says,
        cites=(citations.XEN_BUILD_ASSERTION, citations.SENT_SOURCE if is_kept else citations.QUBES_PAT),
        severity=Severity.FUNCTION if asserts else Severity.ADVICE,
        fixes=("drop the assertion in build_assertions() of xen/arch/x86/mm.c",) if asserts else (),
        assumption="the assertion is dropped" if asserts and not is_kept else None,
        headline=f"{xen.title} does not build with this value: "
        + ("the patch keeps its assertion" if is_kept else "right if its assertion is dropped"),
    )


def _tests_by_index(view: View) -> str:
    reasons = {
        MmioTest.NONE: f"{view.platform.xen.title} does not correct mappings of MMIO",
        MmioTest.BY_INDEX: "",
        MmioTest.BY_TYPE: f"{view.platform.xen.title} tests the type, not the index",
    }
    return needs_proposal(view) or reasons[view.platform.xen.mmio_test]


def _misread(layout: PatLayout) -> tuple[list[int], list[int]]:
    """The indices that the test by index rewrites though they are uncached, and those that it lets through."""
    entries, uncached = layout.entries, layout.entries[REWRITTEN_TO]
    rewritten = [i for i in sorted(REWRITTEN_INDICES) if not entries[i].is_cacheable and entries[i] is not uncached]
    through = [i for i in range(ENTRY_COUNT) if i not in REWRITTEN_INDICES and entries[i].is_cacheable]
    return rewritten, through


def mmio_by_index(view: View) -> Iterator[Finding]:
    """Xen 4.7 to 4.17 know the cacheable types on MMIO by index: 0, 1 and 5."""
    rewritten, through = _misread(view.layout)
    source = view.platform.source
    is_left = source is not None and source.is_patch and not source.mmio_changed
    if not rewritten and not through:
        return
    entries, uncached = view.layout.entries, view.layout.entries[REWRITTEN_TO]
    mistakes = [f"rewrites {entries[i].word} by index {i} on MMIO to {uncached.word}" for i in rewritten]
    mistakes += [f"lets {entries[i].word} by index {i} through" for i in through]
    first = (rewritten + through)[0]
    title = view.platform.xen.title
    yield say_of_layout(
        view,
        "XEN040",
        Verdict.INCOMPATIBLE if is_left else Verdict.CONDITIONAL,
        "MMIO test",
        "Xen tests mappings of MMIO by index number",
        f"Unpatched, {title} {', '.join(mistakes)}.",
        cites=(citations.XEN_MMIO_BY_INDEX, citations.XEN_MMIO_BY_TYPE),
        severity=Severity.CORRECTNESS if through else Severity.PERFORMANCE,
        entry=first,
        wanted=entries[first],
        in_force=uncached if rewritten else entries[first],
        fixes=("patch get_page_from_l1e() along, as 40b05620e2 of 4.18 does",),
        assumption=None
        if is_left
        else "Xen's get_page_from_l1e() was changed too, so that it tests the type and not the index",
        headline=("the patch leaves get_page_from_l1e() as it is" if is_left else _IF_CHANGED)
        + f": {title} tests MMIO by index, and PA{first} misleads it",
    )


_IF_CHANGED = "right if Xen's get_page_from_l1e() was changed too"


def built_in_value(view: View) -> Iterator[Finding]:
    """The Xen binary that was sent along is of this release and has the value built in that is proposed."""
    source, xen = view.platform.source, view.platform.xen
    assert source is not None  # needed for the rule to apply
    says = _says_of_binary(source, view.layout, xen)
    if says:
        yield say_of_layout(
            view,
            "XEN130",
            Verdict.INDETERMINATE,
            "built-in value",
            "The Xen binary that was sent does not bear the proposal out",
            f"{source.binary} {says}.",
            cites=(citations.SENT_SOURCE, citations.XEN_MSR_PAT),
            severity=Severity.CORRECTNESS,
            fixes=("send the binary that was built with this layout for this platform, or leave it out",),
            headline=f"the Xen binary that was sent {says}",
        )


def _says_of_binary(source: "XenSource", layout: PatLayout, xen: XenModel) -> str:
    """What of a binary contradicts the proposal or leaves it open; "" where nothing does."""
    if source.unreadable:
        return f"could not be read: {source.unreadable}"
    if source.built_in is None:
        return "does not tell which value it has built in"
    if source.built_in != layout:
        return f"has {source.built_in.hex} built in, and {layout.hex} is proposed"
    if source.binary_release and parse_release(source.binary_release).series != xen.series:
        return f"is Xen {source.binary_release}, and the platform runs {xen.title}"
    return ""


def _has_binary(view: View) -> bool:
    return view.platform.source is not None and bool(view.platform.source.binary)


def _needs_binary(view: View) -> str:
    """For the rules of a binary that was sent along with a layout."""
    return needs_proposal(view) or ("" if _has_binary(view) else "no binary of Xen was sent")


_OTHER: Data = {"name": "xen.gz", "binary": "xen.gz", "built_in": "0x0000050100070406"}

RULES = (
    Rule("XEN010", "Xen's page-flag constants select the types that they are named after", Severity.CORRECTNESS,
         "a layout that is proposed", (citations.XEN_PAGE_FLAGS,), "platform", page_flags, needs_proposal,
         fires=example(proposed=LINUX), silent=example(proposed=STOCK)),
    Rule("XEN020", "Xen's public header documents this layout", Severity.CORRECTNESS,
         "a layout that is proposed for Xen 4.2 or later", (citations.XEN_PUBLIC_HEADER,), "platform", public_header,
         needs_header, fires=example(proposed=LINUX), silent=example(proposed="WB WT UC- UC WC WP UC- UC")),
    Rule("XEN030", "Xen's build assertion accepts the value", Severity.FUNCTION,
         "a layout that is proposed", (citations.XEN_BUILD_ASSERTION,), "platform", build_assertion, needs_proposal,
         fires=example(proposed=LINUX), silent=example(proposed=STOCK)),
    Rule("XEN040", "Xen's test of MMIO mappings knows the cacheable types", Severity.CORRECTNESS,
         "a layout that is proposed for Xen 4.7 to 4.17", (citations.XEN_MMIO_BY_INDEX, citations.XEN_MMIO_BY_TYPE),
         "platform", mmio_by_index, _tests_by_index,
         fires=example(proposed=LINUX, xen="4.17"), silent=example(proposed=STOCK, xen="4.17")),
    Rule("XEN130", "The Xen binary that was sent has the proposed value", Severity.CORRECTNESS,
         "a layout that is proposed, with a Xen binary", (citations.SENT_SOURCE, citations.XEN_MSR_PAT), "platform",
         built_in_value, _needs_binary, fires=example(proposed=LINUX, source=_OTHER),
         silent=example(proposed=STOCK, source=_OTHER)),
)  # fmt: skip
