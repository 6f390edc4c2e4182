"""XEN: what the hypervisor does to guests, by release."""

from collections.abc import Iterator

from simulator import citations
from simulator.finding import Finding, Severity, Verdict
from simulator.hypervisor import (
    LAST_RELEASE,
    WRMSR,
    MmioTest,
)
from simulator.memory_type import MemoryType
from simulator.pair import Target, judge
from simulator.pat import POWER_ON
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
    needs_layout_or_guests,
    needs_pv,
    say,
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
