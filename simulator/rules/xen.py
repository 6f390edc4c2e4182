"""XEN: what of the hypervisor itself rests on its PAT layout, and what it does to guests."""

from collections.abc import Iterator

from simulator import citations
from simulator.finding import Finding, Severity, Verdict
from simulator.hypervisor import (
    LAST_RELEASE,
    PAGE_FLAGS,
    PUBLIC_HEADER_ENTRIES,
    REWRITTEN_INDICES,
    REWRITTEN_TO,
    WRMSR,
    MmioTest,
)
from simulator.memory_type import MemoryType
from simulator.pair import Target, judge
from simulator.pat import ENTRY_COUNT, POWER_ON, XEN_LAYOUT, PatLayout
from simulator.rules.layout import say_of_layout, used_entries
from simulator.rules.rule import (
    LINUX,
    STOCK,
    Data,
    GuestView,
    MappingView,
    Rule,
    View,
    example,
    linux,
    needs_header,
    needs_layout_or_guests,
    needs_proposal,
    needs_pv,
    say,
)


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
    yield say_of_layout(
        view,
        "XEN010",
        Verdict.CONDITIONAL,
        "page flags",
        "Xen's _PAGE_* constants select other types than they are named after",
        f"Under this layout {listed}.",
        cites=(citations.XEN_PAGE_FLAGS, citations.QUBES_PAT),
        severity=Severity.CORRECTNESS,
        entry=wrong[0][2].pat_index,
        wanted=wrong[0][1],
        in_force=wrong[0][3],
        fixes=(f"patch {names} in xen/arch/x86/include/asm/page.h together with the value",),
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
    """Xen 4.18 and later do not build with another value."""
    if view.layout == XEN_LAYOUT:
        return
    xen = view.platform.xen
    asserts = xen.asserts_layout
    names = "BUILD_BUG_ON(XEN_MSR_PAT != 0x050100070406ULL)"
    says = f"{xen.title} does not build with this value: {names}."
    if not asserts:
        says = f"{xen.title} builds with this value; 4.18 and later do not: {names}."
    yield say_of_layout(
        view,
        "XEN030",
        Verdict.CONDITIONAL if asserts else Verdict.COMPATIBLE,
        "build assertion",
        "Xen's build assertion names another value",
        says,
        cites=(citations.XEN_BUILD_ASSERTION, citations.QUBES_PAT),
        severity=Severity.FUNCTION if asserts else Severity.ADVICE,
        fixes=("drop the assertion in build_assertions() of xen/arch/x86/mm.c",) if asserts else (),
        assumption="the assertion is dropped" if asserts else None,
        headline=f"{xen.title} does not build with this value: right if its assertion is dropped",
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
        Verdict.CONDITIONAL,
        "MMIO test",
        "Xen tests mappings of MMIO by index number",
        f"Unpatched, {title} {', '.join(mistakes)}.",
        cites=(citations.XEN_MMIO_BY_INDEX, citations.XEN_MMIO_BY_TYPE),
        severity=Severity.CORRECTNESS if through else Severity.PERFORMANCE,
        entry=first,
        wanted=entries[first],
        in_force=uncached if rewritten else entries[first],
        fixes=("patch get_page_from_l1e() along, as 40b05620e2 of 4.18 does",),
        assumption="Xen's get_page_from_l1e() was changed too, so that it tests the type and not the index",
        headline=f"right if Xen's get_page_from_l1e() was changed too: {title} tests MMIO by index, and PA{first} "
        "misleads it",
    )


def rewritten_by_index(view: MappingView) -> Iterator[Finding]:
    """Under a layout in force that is not Xen's own, the test by index turns uncached mappings to UC."""
    mapping, platform = view.mapping, view.guest.platform
    if mapping.left == mapping.written or platform.xen.mmio_test is not MmioTest.BY_INDEX:
        return
    meant = mapping.layout.entries[mapping.written or 0]
    if not meant.is_cacheable:
        yield say(
            view.guest,
            "XEN100",
            Verdict.COMPATIBLE,
            mapping.subject,
            title="Xen's test by index rewrites an uncached mapping",
            message=f"{platform.xen.title} tests mappings of MMIO by index and turns {meant.word} by "
            f"PA{mapping.written} to PCD+PWT",
            cites=(citations.XEN_MMIO_BY_INDEX,),
            fixes=("carry 40b05620e2 of Xen 4.18, which tests the type",),
            entry=mapping.written,
            wanted=mapping.wanted,
        )


def s3_window(view: MappingView) -> Iterator[Finding]:
    """After a resume from S3 the boot CPU keeps the firmware's layout, in some releases."""
    mapping, xen = view.mapping, view.guest.platform.xen
    window = xen.s3_window()
    if window is None or not window[1] or mapping.left is None or not view.guest.kernel.is_pv:
        return
    firmware, meant = POWER_ON.entries[mapping.left], mapping.layout.entries[mapping.left]
    in_force = MemoryType.UC if firmware is MemoryType.UC_MINUS or mapping.target is Target.MMIO else firmware
    after = judge(mapping.wanted, in_force, mapping.target, view.guest.kernel.setting.devices)
    if firmware is meant or after.verdict <= max(mapping.verdict, Verdict.DEGRADED):
        return
    yield say(
        view.guest,
        "XEN070",
        Verdict.CONDITIONAL,
        mapping.subject,
        title="After a resume from S3 the boot CPU keeps the firmware's layout",
        message=f"{xen.title} leaves the boot CPU on the firmware's layout after a resume from S3: there "
        f"PA{mapping.left} is {firmware.word}, not {meant.word}",
        headline=f"right if the machine is never suspended: {xen.title} resumes with the firmware's layout on one CPU",
        cites=(window[0].cite, citations.SDM_PAT_RESET),
        fixes=(_S3_FIX if xen.series >= (4, 0) else "run Xen 3.4 or later, or do not suspend the machine",),
        assumption="the machine is never suspended to RAM (S3)",
        entry=mapping.left,
        wanted=mapping.wanted,
        in_force=firmware,
    )


_S3_FIX = "run a release with 4d975798e1 (4.16.4, 4.17.1, 4.18 and later), or do not suspend the machine"


def s3_patch_level(view: View) -> Iterator[Finding]:
    """Where only some patch levels of a series resume with the firmware's layout, and none is stated."""
    xen = view.platform.xen
    window = xen.s3_window()
    if window is None or window[1] or not any(index > 3 for index in used_entries(view)):
        return
    last = f"{xen.series[0]}.{xen.series[1]}.{window[0].last}"
    yield say_of_layout(
        view,
        "XEN110",
        Verdict.COMPATIBLE,
        "S3",
        "Up to a patch level, a resume from S3 leaves the boot CPU on the firmware's layout",
        f"{xen.title} up to {last} leaves the boot CPU on the firmware's layout after a resume from S3, and the patch "
        "level is not stated; guests here rely on entries that differ there.",
        cites=(window[0].cite,),
        fixes=(_S3_FIX, "state Xen's patch level"),
    )


def newer_xen(view: View) -> Iterator[Finding]:
    """A release past the newest one that was read is taken for that one."""
    xen = view.platform.xen
    if xen.is_newer:
        newest = f"{LAST_RELEASE[0]}.{LAST_RELEASE[1]}"
        yield say_of_layout(
            view,
            "XEN120",
            Verdict.COMPATIBLE,
            "release",
            "This Xen is newer than the newest one that was read",
            f"{xen.title} is newer than {newest}, the newest that was read: it is taken to do what that one does.",
            cites=(citations.XEN_DERIVED_PAT,),
            fixes=(f"run Xen {newest} or older, or an engine that knows this release",),
        )


def non_coherent_tracking(view: MappingView) -> Iterator[Finding]:
    """Xen tells WC mappings of RAM by the bits of _PAGE_WC: WC by another index escapes it unless that is patched."""
    mapping, xen = view.mapping, view.guest.platform.xen
    is_wc = mapping.pat_type is MemoryType.WC and mapping.target is Target.RAM and view.guest.kernel.is_pv
    if is_wc and xen.tracks_non_coherent and mapping.left != 4 and not view.guest.judges_layout:
        yield say(
            view.guest,
            "XEN080",
            Verdict.COMPATIBLE,
            mapping.subject,
            title="Xen tells non-coherent mappings by the bits of _PAGE_WC",
            message=f"{xen.title} tracks WC mappings of RAM by the PAT bit alone (_PAGE_WC); WC by PA{mapping.left} is "
            "tracked only if that constant is patched along with the layout",
            cites=(citations.XEN_NON_COHERENT, citations.XSA_402),
            fixes=("patch _PAGE_WC in xen/arch/x86/include/asm/page.h together with the value",),
            entry=mapping.left,
            wanted=mapping.wanted,
        )


def writes_the_msr(view: GuestView) -> Iterator[Finding]:
    """A PV guest that writes IA32_PAT is ignored up to 4.14 and gets #GP from 4.15 on."""
    word, text, cite = WRMSR.at(view.platform.xen.series)
    if view.kernel.behaviour.key == "netbsd-old" and word == "#GP":
        yield say(
            view,
            "XEN090",
            Verdict.CONDITIONAL,
            "WRMSR",
            title="The kernel writes IA32_PAT, and Xen answers #GP",
            message=f"it writes IA32_PAT at boot: {view.platform.xen.title} answers {text}",
            headline=f"right if Xen runs with msr_relaxed=1: {view.platform.xen.title} answers its write of IA32_PAT "
            "with #GP",
            cites=(cite, citations.NETBSD_PMAP_OLD),
            severity=Severity.FUNCTION,
            fixes=("run Xen with msr_relaxed=1, or a kernel that leaves IA32_PAT alone under Xen",),
            assumption="Xen runs with msr_relaxed=1, or the kernel survives the #GP",
        )


_NETBSD: Data = {"guest": "netbsd", "mode": "pv", "role": "dom0"}

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
    Rule("XEN070", "All CPUs keep the layout after a resume from S3", Severity.CORRECTNESS,
         "PV guests on Xen 3.2, 3.3, 4.14, 4.15, 4.16 up to 4.16.3 and 4.17.0", (citations.XEN_S3_4_18,
         citations.XEN_S3_3_4), "mapping", s3_window, needs_pv,
         fires=example(linux("6.12", drivers=["i915"]), xen="4.15.1"),
         silent=example(linux("6.12", drivers=["i915"]), xen="4.17.1")),
    Rule("XEN080", "Xen tracks every non-coherent mapping of RAM", Severity.ADVICE,
         "PV guests on Xen 4.17 and later", (citations.XEN_NON_COHERENT,), "mapping", non_coherent_tracking, needs_pv,
         fires=example(linux("6.12", drivers=["i915"]), layout=LINUX),
         silent=example(linux("6.12", drivers=["i915"]), layout=STOCK)),
    Rule("XEN090", "No PV guest writes IA32_PAT where that is a fault", Severity.FUNCTION,
         "PV guests on Xen 4.15 and later", (citations.XEN_RDMSR,), "guest", writes_the_msr, needs_pv,
         fires=example(_NETBSD | {"release": "9.3"}),
         silent=example(_NETBSD | {"release": "10.0"})),
    Rule("XEN100", "Xen's test by index leaves uncached mappings of MMIO alone", Severity.PERFORMANCE,
         "PV guests on Xen 4.7 to 4.17 under a layout in force that is not Xen's own",
         (citations.XEN_MMIO_BY_INDEX,), "mapping", rewritten_by_index, needs_pv,
         fires=example(linux("6.12", drivers=["i915"]), layout=LINUX, xen="4.17"),
         silent=example(linux("6.12", drivers=["i915"]), layout=LINUX, xen="4.18")),
    Rule("XEN110", "Xen's patch level tells what a resume from S3 does", Severity.ADVICE,
         "Xen 4.16 and 4.17 without a patch level, where guests rely on PA4 to PA7", (citations.XEN_S3_4_18,),
         "platform", s3_patch_level, needs_pv,
         fires=example(linux("6.12", drivers=["i915"]), xen="4.17"),
         silent=example(linux("6.12", drivers=["i915"]), xen="4.17.1")),
    Rule("XEN120", "This Xen is one whose sources were read", Severity.ADVICE, "every platform",
         (citations.XEN_DERIVED_PAT,), "platform", newer_xen, needs_layout_or_guests,
         fires=example(linux("6.12"), xen="4.23"), silent=example(linux("6.12"))),
)  # fmt: skip
