"""What Xen's second stage makes of the types of PVH and HVM guests: EPT, AMD's nested paging, shadow paging."""

from typing import NamedTuple

from simulator import citations
from simulator.memory_type import ORDER, MemoryType
from simulator.pat import PatLayout


class EmtRule(NamedTuple):
    """One rule of epte_get_entry_emt(), in its order: a condition, the EPT memory type, and IPAT.

    IPAT 1 makes the EPT type decide alone; with 0 it takes the place of the MTRR. "" is a type of its own: the pinned
    one, or the two MTRR types merged.
    """

    number: int
    condition: str
    emt: str
    ipat: int
    cite: str = citations.XEN_EPT


#: Source: xen, arch/x86/mm/p2m-ept.c, epte_get_entry_emt(), HEAD.
EMT_RULES = (
    #       condition                                                              EMT   IPAT
    EmtRule(1, "an MMIO range that is read-only to guests", "UC", 1),
    EmtRule(2, "no device: no IOMMU, no permission to flush caches", "WB", 1),
    EmtRule(3, "a special page of Xen's", "WB", 1),
    EmtRule(4, "MMIO of a device that is passed through", "UC", 0),
    EmtRule(5, "a grant or foreign mapping (4.16 and later)", "WB", 1, citations.XEN_EPT_FOREIGN),
    EmtRule(6, "a pinned cache attribute", "", 1, citations.XEN_PINNED),
    EmtRule(7, "all else: the guest's MTRR merged with the host's", "", 0),
)


class Page(NamedTuple):
    """What EPT asks of a page. `pinned` is a pinned type; the MTRR types are those of guest and host there."""

    is_read_only_mmio: bool = False
    has_devices: bool = False
    is_special: bool = False
    is_mmio: bool = False
    is_foreign: bool = False
    pinned: MemoryType | None = None
    guest_mtrr: MemoryType = MemoryType.WB
    host_mtrr: MemoryType = MemoryType.WB


class Emt(NamedTuple):
    """The EPT memory type of a page, whether the guest's PAT is ignored, and the rule that says so."""

    memory_type: MemoryType
    ignores_pat: bool
    rule: EmtRule


def ept_type(page: Page) -> Emt:
    """The EPT memory type that Xen gives a page, by the first rule that holds.

    Source: xen, arch/x86/mm/p2m-ept.c, epte_get_entry_emt(), HEAD.
    """
    held = (
        (page.is_read_only_mmio, MemoryType.UC),
        (not page.is_mmio and not page.has_devices, MemoryType.WB),
        (page.is_special, MemoryType.WB),
        (page.is_mmio, MemoryType.UC),
        (page.is_foreign, MemoryType.WB),
        (page.pinned is not None, MemoryType.UC if page.pinned is MemoryType.UC_MINUS else page.pinned),
        (True, merge_mtrrs(page.guest_mtrr, page.host_mtrr)),
    )
    number, memory_type = next((n, one) for n, (holds, one) in enumerate(held) if holds)
    assert memory_type is not None  # a pinned page has one
    rule = EMT_RULES[number]
    return Emt(memory_type, bool(rule.ipat), rule)


def merge_mtrrs(guest: MemoryType, host: MemoryType) -> MemoryType:
    """The guest's MTRR type and the host's as one: equal is it, UC wins, WB yields, WT with WP is WP, else UC."""
    if guest is host:
        return guest
    pair = {guest, host}
    if MemoryType.UC in pair:
        return MemoryType.UC
    if MemoryType.WB in pair:
        return (pair - {MemoryType.WB}).pop()
    return MemoryType.WP if pair == {MemoryType.WT, MemoryType.WP} else MemoryType.UC


#: What Xen maps by which entry of its own layout under AMD's nested paging.
NPT_RAM_ENTRY = 0
NPT_MMIO_ENTRY = 2


def npt_faults(layout: PatLayout) -> list[int]:
    """The entries of Xen's layout that nested paging needs and finds wrong: RAM by PA0, MMIO by PA2."""
    faults = []
    if layout.entries[NPT_RAM_ENTRY] is not MemoryType.WB:
        faults.append(NPT_RAM_ENTRY)
    if layout.entries[NPT_MMIO_ENTRY] not in (MemoryType.UC_MINUS, MemoryType.UC):
        faults.append(NPT_MMIO_ENTRY)
    return faults


def shadow_type(wanted: MemoryType, layout: PatLayout) -> MemoryType:
    """What a guest under shadow paging gets for a type: Xen's layout must hold it, else UC, else PA0.

    Source: xen, arch/x86/hvm/mtrr.c, get_pat_flags() and pat_type_2_pte_flags().
    """
    if wanted in layout.entries:
        return wanted
    return MemoryType.UC if MemoryType.UC in layout.entries else layout.entries[0]


def absent_types(layout: PatLayout) -> list[MemoryType]:
    """The types that no entry of a layout holds."""
    return [wanted for wanted in ORDER if wanted not in layout.entries]
