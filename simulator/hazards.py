"""What a layout threatens besides the meaning of a guest's encodings."""

from collections.abc import Iterator

from simulator import citations
from simulator.effective import Vendor
from simulator.finding import Severity, Verdict
from simulator.guest import Follows
from simulator.hazard import Hazard
from simulator.hypervisor import REWRITTEN_INDICES, MmioTest
from simulator.memory_type import ORDER, MemoryType
from simulator.pat import PatLayout
from simulator.profile import Profile
from simulator.scenario import Platform


def hazards_under(platform: Platform, layout: PatLayout, profile: Profile) -> tuple[Hazard, ...]:
    """Every hazard of a behaviour on a platform under a layout, with those that it has anyway."""
    if profile.follows is Follows.OWN:
        return (*profile.hazards, *_nested(platform, layout), *_shadow(layout))
    return (*profile.hazards, *_dies(layout, profile), *_mmio_by_index(platform, layout, profile))


def _dies(layout: PatLayout, profile: Profile) -> Iterator[Hazard]:
    first = layout.entries[0]
    if profile.dies_under(layout):
        yield Hazard(
            rule="ENC010",
            verdict=Verdict.INCOMPATIBLE,
            severity=Severity.FUNCTION,
            title="The kernel stops at boot",
            message=f"the kernel finds {first.word} in PA0 and stops at boot; it insists on WB there",
            headline=f"the kernel stops at boot, for PA0 is {first.word} and not WB",
            cite=citations.LINUX_CACHE_TABLES,
            fix="put WB at PA0",
            entry=0,
            wanted=MemoryType.WB,
            in_force=first,
        )


def mistaken_indices(layout: PatLayout) -> tuple[list[int], list[int]]:
    """Which entries Xen 4.7 to 4.17 takes for cacheable though they are not, and which it does not know to be.

    Source: xen, get_page_from_l1e(): PAT indices 0, 1 and 5.
    """
    rewritten = [index for index in sorted(REWRITTEN_INDICES) if not layout.entries[index].is_cacheable]
    let_through = [index for index in range(8) if index not in REWRITTEN_INDICES and layout.entries[index].is_cacheable]
    return rewritten, let_through


def mistakes(layout: PatLayout, rewritten: list[int], let_through: list[int]) -> str:
    """What that test does to mappings by these indices, as a list in words."""
    parts = [f"rewrites {layout.entries[index].word} by index {index} on MMIO to UC" for index in rewritten]
    parts += [f"lets {layout.entries[index].word} by index {index} through" for index in let_through]
    return ", ".join(parts)


def _mmio_by_index(platform: Platform, layout: PatLayout, profile: Profile) -> Iterator[Hazard]:
    """For a layout in force; of a proposed one the rule speaks once for all guests."""
    if platform.proposed is not None or platform.xen.mmio_test is not MmioTest.BY_INDEX:
        return
    used = {profile.encode(wanted, layout) for wanted in profile.wants}
    rewritten, let_through = ([index for index in found if index in used] for found in mistaken_indices(layout))
    if not rewritten and not let_through:
        return
    xen, first = platform.xen.title, (rewritten + let_through)[0]
    yield Hazard(
        rule="XEN040",
        verdict=Verdict.CONDITIONAL,
        severity=Severity.CORRECTNESS if let_through else Severity.PERFORMANCE,
        title="Xen tests mappings of MMIO by index number",
        message=f"unpatched, {xen} {mistakes(layout, rewritten, let_through)}",
        headline=f"right if get_page_from_l1e was patched along: {xen} tests MMIO by index, and PA{first} misleads it",
        cite=citations.XEN_MMIO_BY_INDEX,
        fix="patch get_page_from_l1e() along, as 40b05620e2 of 4.18 does",
        assumption="get_page_from_l1e was patched along with the layout, so that it tests the type and not the index",
        entry=first,
        wanted=layout.entries[first],
        in_force=MemoryType.UC if rewritten else layout.entries[first],
    )


def _nested(platform: Platform, layout: PatLayout) -> Iterator[Hazard]:
    """AMD's nested paging takes RAM from PA0 and MMIO from PA2; Intel's EPT takes no type from Xen's PAT."""
    memory, devices = layout.entries[0], layout.entries[2]
    is_fine = memory is MemoryType.WB and devices in (MemoryType.UC_MINUS, MemoryType.UC)
    if is_fine or platform.vendor is Vendor.INTEL:
        return
    is_amd = platform.vendor is Vendor.AMD
    maps = f"Xen maps their RAM by PA0, here {memory.word}, and their MMIO by PA2, here {devices.word}"
    yield Hazard(
        rule="XEN050",
        verdict=Verdict.INCOMPATIBLE if is_amd else Verdict.CONDITIONAL,
        severity=Severity.CORRECTNESS,
        title="AMD's nested paging needs WB at PA0 and UC- or UC at PA2",
        message=f"{'under' if is_amd else 'if these guests run on AMD, then under'} nested paging {maps}",
        headline=("" if is_amd else "right if not on AMD: ")
        + f"nested paging maps RAM by PA0 ({memory.word}) and MMIO by PA2 ({devices.word})",
        cite=citations.XEN_NESTED_P2M,
        fix="put WB at PA0 and UC- or UC at PA2",
        assumption=None if is_amd else f"none of these guests runs on AMD (nested paging), where {maps}",
        entry=0 if memory is not MemoryType.WB else 2,
        subject="nested",
    )


def _shadow(layout: PatLayout) -> Iterator[Hazard]:
    """Under shadow paging a type that Xen's layout lacks becomes UC, and entry 0 where UC is absent too."""
    absent = [wanted for wanted in ORDER if wanted not in layout.entries]
    if not absent:
        return
    words = ", ".join(wanted.word for wanted in absent)
    has_uc = MemoryType.UC in layout.entries
    becomes = f"{words} becomes {'UC' if has_uc else f'{layout.entries[0].word} (PA0)'}"
    yield Hazard(
        rule="XEN050",
        verdict=Verdict.CONDITIONAL,
        severity=Severity.CORRECTNESS,
        title=f"Under shadow paging {becomes}",
        message=f"under shadow paging {becomes}, for Xen's layout has no entry for it",
        headline=f"right with hardware-assisted paging: under shadow paging {becomes}",
        cite=citations.XEN_SHADOW,
        fix="give each memory type an entry, or run these guests with hardware-assisted paging",
        assumption=f"these guests run with hardware-assisted paging: under shadow paging {becomes}",
        subject="shadow",
    )
