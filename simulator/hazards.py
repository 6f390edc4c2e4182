"""What a layout threatens besides the meaning of a guest's encodings."""

from collections.abc import Collection, Iterator

from simulator import citations
from simulator.effective import Vendor
from simulator.finding import Severity, Verdict
from simulator.guest import Follows
from simulator.hazard import Hazard
from simulator.hypervisor import FIRST_PVH_SINCE, PVH_SINCE, REWRITTEN_INDICES, MmioTest, XenModel
from simulator.memory_type import ORDER, MemoryType
from simulator.pat import PatLayout
from simulator.profile import Profile
from simulator.scenario import Platform


def hazards_under(platform: Platform, layout: PatLayout, profile: Profile) -> tuple[Hazard, ...]:
    """Every hazard of a behaviour on a platform under a layout, with those that it has anyway."""
    if profile.follows is Follows.OWN:
        return (*profile.hazards, *_pvh(platform, profile), *_nested(platform, layout), *_shadow(layout))
    return (*profile.hazards, *_dies(layout, profile), *_mmio_by_index(platform, layout, profile))


def _pvh(platform: Platform, profile: Profile) -> Iterator[Hazard]:
    xen = platform.xen
    if profile.is_pvh and xen.series < PVH_SINCE:
        is_absent = xen.series < FIRST_PVH_SINCE
        has = "has no PVH" if is_absent else "has an early PVH, which 4.10 replaced, and not every kernel boots in it"
        yield Hazard(
            rule="EVI010",
            verdict=Verdict.INCOMPATIBLE if is_absent else Verdict.INDETERMINATE,
            severity=Severity.FUNCTION,
            title=f"The guest {'cannot' if is_absent else 'may not'} boot in mode PVH",
            message=f"{xen.title} {has}",
            headline=f"{xen.title} {has}",
            cite=citations.XEN_PVH,
            fix="run Xen 4.10 or later, or state the mode that it boots in",
            subject="xen",
        )


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


def mmio_by_index_hazards(xen: XenModel, layout: PatLayout, used: Collection[int]) -> Iterator[Hazard]:
    """What Xen 4.7 to 4.17 does to mappings of MMIO by those indices whose types it does not expect there.

    It takes PAT indices 0, 1 and 5 for cacheable, whatever they hold, and makes them index 3.

    Source: xen, get_page_from_l1e().
    """
    entries, uncached = layout.entries, layout.entries[3]
    is_taken = {index: entries[index].is_cacheable for index in sorted(used)}
    rewritten = [i for i in is_taken if i in REWRITTEN_INDICES and not is_taken[i] and entries[i] is not uncached]
    let_through = [i for i in is_taken if i not in REWRITTEN_INDICES and is_taken[i]]
    if not rewritten and not let_through:
        return
    mistakes = [f"rewrites {entries[i].word} by index {i} on MMIO to {uncached.word}" for i in rewritten]
    mistakes += [f"lets {entries[i].word} by index {i} through" for i in let_through]
    first = (rewritten + let_through)[0]
    yield Hazard(
        rule="XEN040",
        verdict=Verdict.CONDITIONAL,
        severity=Severity.CORRECTNESS if let_through else Severity.PERFORMANCE,
        title="Xen tests mappings of MMIO by index number",
        message=f"unpatched, {xen.title} {', '.join(mistakes)}",
        headline=f"right if Xen's get_page_from_l1e() was changed too: {xen.title} tests MMIO by index, and PA{first} "
        "misleads it",
        cite=citations.XEN_MMIO_BY_INDEX,
        fix="patch get_page_from_l1e() along, as 40b05620e2 of 4.18 does",
        assumption="Xen's get_page_from_l1e() was changed too, so that it tests the type and not the index",
        entry=first,
        wanted=entries[first],
        in_force=uncached if rewritten else entries[first],
    )


def _mmio_by_index(platform: Platform, layout: PatLayout, profile: Profile) -> Iterator[Hazard]:
    """For a layout in force; of a proposed one the rule speaks once for all guests."""
    if platform.proposed is None and platform.xen.mmio_test is MmioTest.BY_INDEX:
        yield from mmio_by_index_hazards(platform.xen, layout, {profile.encode(one, layout) for one in profile.wants})


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
