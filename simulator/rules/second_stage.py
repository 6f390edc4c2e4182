"""XEN, of PVH and HVM guests: what the second stage makes of their own types."""

from collections.abc import Iterator

from simulator import citations
from simulator.effective import Vendor, effective_type, is_snooped, nested_type
from simulator.finding import Finding, Severity, Verdict
from simulator.memory_type import MemoryType
from simulator.pair import judge
from simulator.rules.rule import LINUX, Data, GuestView, Rule, example, linux, needs_own_pat, say
from simulator.stage2 import NPT_MMIO_ENTRY, NPT_RAM_ENTRY, Page, absent_types, ept_type, npt_faults, shadow_type


def nested_paging(view: GuestView) -> Iterator[Finding]:
    """AMD's nested paging takes RAM from PA0 and MMIO from PA2 of Xen's layout; Intel's EPT takes no type from it."""
    faults, vendor = npt_faults(view.layout), view.platform.vendor
    if view.kernel.is_pv or not faults or vendor is Vendor.INTEL:
        return
    is_amd = vendor is Vendor.AMD
    memory, devices = view.layout.entries[0], view.layout.entries[2]
    maps = f"Xen maps their RAM by PA0, here {memory.word}, and their MMIO by PA2, here {devices.word}"
    yield say(
        view,
        "XEN050",
        Verdict.INCOMPATIBLE if is_amd else Verdict.CONDITIONAL,
        "nested paging",
        title="AMD's nested paging needs WB at PA0 and UC- or UC at PA2",
        message=f"{'under' if is_amd else 'if these guests run on AMD, then under'} nested paging {maps}",
        headline=("" if is_amd else "right if not on AMD: ")
        + f"nested paging maps RAM by PA0 ({memory.word}) and MMIO by PA2 ({devices.word})",
        cites=(citations.XEN_NESTED_P2M,),
        fixes=("put WB at PA0 and UC- or UC at PA2",),
        assumption=None if is_amd else f"none of these guests runs on AMD (nested paging), where {maps}",
        entry=faults[0],
    )


def shadow_paging(view: GuestView) -> Iterator[Finding]:
    """Under shadow paging a needed type that Xen's layout lacks becomes UC, and entry 0 where UC is absent too."""
    if view.kernel.is_pv:
        return
    absent = absent_types(view.layout)
    found: dict[MemoryType, Verdict] = {}
    for need in view.kernel.needs:
        if need.wanted in absent:
            got = effective_type(mtrr=view.platform.mtrr_at(need.target), pat=shadow_type(need.wanted, view.layout))
            verdict = judge(need.wanted, got, need.target, view.kernel.setting.devices).verdict
            found[need.wanted] = max(found.get(need.wanted, verdict), min(verdict, Verdict.CONDITIONAL))
    harmed = [wanted for wanted, verdict in found.items() if verdict is not Verdict.COMPATIBLE]
    if not harmed:
        return
    words = ", ".join(wanted.word for wanted in harmed)
    got = shadow_type(harmed[0], view.layout)
    becomes = f"{words} becomes {'UC' if got is MemoryType.UC else f'{got.word} (PA0)'}"
    yield say(
        view,
        "XEN050",
        Verdict.CONDITIONAL if max(found.values()) > Verdict.DEGRADED else Verdict.COMPATIBLE,
        "shadow paging",
        title=f"Under shadow paging {becomes}",
        message=f"under shadow paging {becomes}, for Xen's layout has no entry for it",
        headline=f"right with hardware-assisted paging: under shadow paging {becomes}",
        cites=(citations.XEN_SHADOW,),
        fixes=("give each memory type an entry, or run these guests with hardware-assisted paging",),
        assumption=f"these guests run with hardware-assisted paging: under shadow paging {becomes}",
    )


def own_pat(view: GuestView) -> Iterator[Finding]:
    """Both ways in which Xen's own layout reaches PVH and HVM guests."""
    yield from nested_paging(view)
    yield from shadow_paging(view)


def _by_ept(view: GuestView) -> str:
    """What EPT makes of a guest's types, by the rule that Xen gives each kind of page its EPT type by."""
    has_devices = view.kernel.setting.devices
    pages = [("RAM", Page(has_devices=has_devices))]
    if has_devices:
        pages.append(("passed-through MMIO", Page(has_devices=True, is_mmio=True)))
        pages.append(("grant and foreign mappings", Page(has_devices=True, is_foreign=True)))
    said = []
    for name, page in pages:
        emt = ept_type(page)
        pat = "alone" if emt.ignores_pat else "with the guest's PAT honoured"
        said.append(f"on {name} {emt.memory_type.word} {pat} (rule {emt.rule.number})")
    so = "" if has_devices else "; so it ignores the guest's PAT"
    return f"under EPT Xen sets a type of its own: {'; '.join(said)}{so}"


def _by_npt(view: GuestView) -> str:
    """What nested paging makes of the types WC and WB of a guest, on RAM and on passed-through MMIO."""
    ram, mmio = view.layout.entries[NPT_RAM_ENTRY], view.layout.entries[NPT_MMIO_ENTRY]

    def gives(guest: MemoryType, host: MemoryType, mtrr: MemoryType) -> str:
        pat = nested_type(guest=guest, host=host)
        snooped = " (snooped)" if is_snooped(guest=guest, host=host) else ""
        return f"{guest.word} gives {effective_type(mtrr=mtrr, pat=pat, vendor=Vendor.AMD).word}{snooped}"

    places = [("RAM", NPT_RAM_ENTRY, ram, MemoryType.WB)]
    places += [("passed-through MMIO", NPT_MMIO_ENTRY, mmio, MemoryType.UC)] if view.kernel.setting.devices else []
    said = [
        f"on {place} (PA{entry}, {host.word}) {gives(MemoryType.WC, host, mtrr)}, {gives(MemoryType.WB, host, mtrr)}"
        for place, entry, host, mtrr in places
    ]
    return f"under nested paging the guest's PAT type is combined with Xen's: {'; '.join(said)}"


def second_stage(view: GuestView) -> Iterator[Finding]:
    """What the second stage makes of a guest's own types: said once for each guest, it changes no verdict."""
    if view.kernel.is_pv:
        return
    is_amd = view.platform.vendor is Vendor.AMD
    cite = citations.XEN_NESTED_P2M if is_amd else citations.XEN_EPT
    yield say(
        view,
        "XEN060",
        Verdict.COMPATIBLE,
        "second stage",
        title="The hypervisor's second stage has a say too",
        message=_by_npt(view) if is_amd else _by_ept(view),
        cites=(cite, citations.AMD_NESTED if is_amd else citations.SDM_EPT),
    )


_OTHER = "WB WT WC UC WC WP UC UC"
_HVM: Data = {"guest": "linux", "release": "6.12", "mode": "hvm", "role": "domU", "devices": True}

RULES = (
    Rule("XEN050", "PVH and HVM guests keep their types under Xen's paging", Severity.CORRECTNESS,
         "PVH and HVM guests", (citations.XEN_NESTED_P2M, citations.XEN_SHADOW), "guest", own_pat, needs_own_pat,
         fires=example(_HVM, proposed=_OTHER, vendor="amd"), silent=example(_HVM, proposed=LINUX, vendor="amd")),
    Rule("XEN060", "What the second stage makes of a guest's own types", Severity.ADVICE,
         "PVH and HVM guests", (citations.XEN_EPT, citations.XEN_NESTED_P2M), "guest", second_stage, needs_own_pat,
         fires=example(_HVM), silent=example(linux("6.12"))),
)  # fmt: skip
