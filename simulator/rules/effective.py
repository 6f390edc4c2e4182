"""EFF: what the MTRRs make of a guest's types."""

from collections.abc import Iterator

from simulator import citations
from simulator.effective import DISPUTED, Vendor, effective_type
from simulator.finding import Finding, Severity, Verdict
from simulator.memory_type import MemoryType
from simulator.rules.layout import say_of_layout
from simulator.rules.rule import GuestView, MappingView, Rule, View, example, linux, say

_WHERE = {MemoryType.UC, MemoryType.WB}  # the rows in which guests are judged anyway


def needs_mtrr(view: View) -> str:
    """For the rules that look at the machine's MTRRs."""
    return "" if view.platform.mtrr is not None else "no MTRRs are stated for this platform"


def undefined_overlaps(view: View) -> Iterator[Finding]:
    """Where variable ranges overlap with types that the manual does not combine, the type is undefined."""
    mtrr = view.platform.mtrr
    assert mtrr is not None  # needs_mtrr() looked
    for overlap in mtrr.undefined_overlaps():
        words = " and ".join(sorted(one.word for one in overlap.types))
        where = f"{overlap.base:#x} to {overlap.base + overlap.size - 1:#x}"
        yield say_of_layout(
            view,
            "EFF010",
            Verdict.INDETERMINATE,
            where,
            "MTRR ranges overlap with an undefined type",
            f"MTRR ranges of {words} overlap at {where}: the manual leaves their type undefined.",
            cites=(citations.SDM_MTRR_PRECEDENCE,),
            severity=Severity.CORRECTNESS,
            fixes=("set ranges that do not overlap, or overlap with UC, or WT with WB",),
            headline=f"MTRR ranges of {words} overlap at {where}, and the manual leaves the type undefined",
        )


def mtrrs_disabled(view: View) -> Iterator[Finding]:
    """With MTRRs disabled all memory is UC, but for what the PAT makes WC."""
    mtrr = view.platform.mtrr
    assert mtrr is not None  # needs_mtrr() looked
    if not mtrr.enabled:
        yield say_of_layout(
            view,
            "EFF020",
            Verdict.DEGRADED,
            "MTRRs",
            "MTRRs are disabled",
            "MTRRs are disabled (IA32_MTRR_DEF_TYPE.E is 0): all memory is UC, ordinary memory too.",
            cites=(citations.SDM_MTRR_DEFAULT,),
            severity=Severity.PERFORMANCE,
            fixes=("enable the MTRRs in the firmware",),
            headline="MTRRs are disabled: all memory is UC, ordinary memory too",
        )


def disputed_cells(view: MappingView) -> Iterator[Finding]:
    """A type that a guest maps meets a stated MTRR range in a cell on which sources differ."""
    mapping, platform = view.mapping, view.guest.platform
    if platform.mtrr is None or mapping.pat_type is None:
        return
    for said in DISPUTED:
        if said.pat is mapping.pat_type and said.mtrr in platform.mtrr.types() - _WHERE:
            words = ", ".join(f"{source}: {word}" for source, word in sorted(said.said.items()))
            got = effective_type(mtrr=said.mtrr, pat=said.pat, vendor=platform.vendor).word
            yield say(
                view.guest,
                "EFF030",
                Verdict.COMPATIBLE,
                f"{mapping.subject}, MTRR {said.mtrr.word}",
                title=f"Sources differ on {said.pat.word} under an MTRR of {said.mtrr.word}",
                message=f"{said.pat.word} under an MTRR of {said.mtrr.word} is {got} by {_maker(platform.vendor)}'s "
                f"manual; sources differ ({words})",
                cites=(citations.SDM_EFFECTIVE, citations.AMD_EFFECTIVE, citations.BOCHS_MEMTYPE),
                wanted=mapping.wanted,
                in_force=said.pat,
            )


def _maker(vendor: Vendor) -> str:
    return "AMD" if vendor is Vendor.AMD else "Intel"


def wc_ranges(view: GuestView) -> Iterator[Finding]:
    """Under an MTRR of WC a UC- mapping is WC, and UC, WT and WP cancel the range's WC."""
    mtrr, walked = view.platform.mtrr, view.walked
    if mtrr is None or MemoryType.WC not in mtrr.types() or not view.kernel.setting.devices:
        return
    results = []
    for wanted in (MemoryType.WC, MemoryType.UC_MINUS, MemoryType.UC):
        index = view.kernel.encode(wanted, walked)
        if index is not None and index >= 0:
            pat = walked.entries[index]
            got = effective_type(mtrr=MemoryType.WC, pat=pat, vendor=view.platform.vendor)
            results.append(f"{wanted.word} by PA{index} ({pat.word}) is {got.word}")
    yield say(
        view,
        "EFF040",
        Verdict.COMPATIBLE,
        "MTRR WC",
        title="Device memory lies under an MTRR of WC",
        message=f"where an MTRR says WC, {', '.join(results)}",
        cites=(citations.SDM_EFFECTIVE, citations.XEN_DEVEL_2010),
        fixes=("leave the range to the PAT: drop the MTRR of WC",),
    )


_WC_RANGE = {"default": "UC", "variable": [
    {"base": "0x0", "size": "0x80000000", "type": "WB"},
    {"base": "0xd0000000", "size": "0x10000000", "type": "WC"},
]}  # fmt: skip
_OVERLAP = {"default": "UC", "variable": [
    {"base": "0x0", "size": "0x80000000", "type": "WB"},
    {"base": "0x40000000", "size": "0x10000000", "type": "WC"},
]}  # fmt: skip
_WP_RANGE = {"default": "WB", "variable": [{"base": "0x0", "size": "0x10000000", "type": "WP"}]}
_PLAIN_RANGE = {"default": "WB", "variable": [{"base": "0xc0000000", "size": "0x40000000", "type": "UC"}]}
_DOM0 = linux("6.12")

RULES = (
    Rule("EFF010", "No MTRR ranges overlap with an undefined type", Severity.CORRECTNESS,
         "platforms whose MTRRs are stated", (citations.SDM_MTRR_PRECEDENCE,), "platform", undefined_overlaps,
         needs_mtrr, fires=example(_DOM0, mtrr=_OVERLAP), silent=example(_DOM0, mtrr=_PLAIN_RANGE)),
    Rule("EFF020", "MTRRs are enabled", Severity.PERFORMANCE, "platforms whose MTRRs are stated",
         (citations.SDM_MTRR_DEFAULT,), "platform", mtrrs_disabled, needs_mtrr,
         fires=example(_DOM0, mtrr={"enabled": False}), silent=example(_DOM0, mtrr=_PLAIN_RANGE)),
    Rule("EFF030", "No needed type meets an MTRR on which sources differ", Severity.ADVICE,
         "guests on a platform whose MTRRs are stated", (citations.SDM_EFFECTIVE, citations.AMD_EFFECTIVE), "mapping",
         disputed_cells, needs_mtrr, needs_encodings=True,
         fires=example(_DOM0, mtrr=_WP_RANGE), silent=example(_DOM0, mtrr=_PLAIN_RANGE)),
    Rule("EFF040", "No device memory lies under an MTRR of WC", Severity.ADVICE,
         "guests with devices on a platform whose MTRRs are stated", (citations.SDM_EFFECTIVE,), "guest", wc_ranges,
         needs_mtrr, needs_encodings=True,
         fires=example(_DOM0, mtrr=_WC_RANGE), silent=example(_DOM0, mtrr=_PLAIN_RANGE)),
)  # fmt: skip
