"""From what is known to what follows: the steps of a finding about a mapping."""

from simulator import citations
from simulator.effective import TABLE_CITATIONS
from simulator.finding import Step
from simulator.mapping import Mapping
from simulator.memory_type import MemoryType
from simulator.pair import Target
from simulator.pat import XEN_LAYOUT, PatLayout, PteCacheBits
from simulator.rules.rule import GuestView, MappingView

PLACES = {Target.MMIO: "device memory", Target.RAM: "RAM"}


def derive(
    view: MappingView, mapping: Mapping | None = None, *, lost_from: int | None = None, why: str = ""
) -> tuple[Step, ...]:
    """The steps from a guest's behaviour to the consequence of one mapping.

    `lost_from` is the index as encoded where the PAT bit was lost on the way, in the kernel or in the processor.
    """
    mapping = mapping or view.mapping
    if mapping.refused is not None or mapping.written is None:
        return _premise(view, mapping), _refused(mapping)
    return (
        _premise(view, mapping),
        *_bits(view, mapping, lost_from, why),
        _pat(view.guest, mapping),
        _mtrr(view.guest, mapping),
        _effective(view.guest, mapping),
        _consequence(mapping),
    )


def _premise(view: MappingView, mapping: Mapping) -> Step:
    kernel, host = view.guest.kernel, view.booted_under or view.guest.walked
    why = f"{view.guest.one.title}: {kernel.behaviour.title}"
    cites = [kernel.behaviour.cite]
    if mapping.wanted in dict(kernel.stated):
        why += "; these bits are stated"
        cites.append(citations.STATED_BITS)
    elif kernel.asked(mapping.wanted) is not mapping.wanted:
        why += f"; without PAT support ({kernel.uc_minus_for_wc}) it asks for UC- in place of WC"
        cites.append(citations.LINUX_PAT_OFF_3_19)
    elif kernel.behaviour.reads and (kernel.assumed or host).index_of(mapping.wanted) is None:
        why += f"; no entry holds {mapping.wanted.word}, so its built-in default stays"
    if kernel.assumed is not None:
        why += f"; {kernel.assumed_why}"
        cites.append(citations.LINUX_INIT_CACHE_MODES)
    if view.need is not None:
        why += f"; needed: {view.need.why}"
        cites += view.need.cites
    return Step("premise", "Premise", f"wants {mapping.wanted.word}", why, tuple(dict.fromkeys(cites)),
                types=(mapping.wanted,))  # fmt: skip


def _refused(mapping: Mapping) -> Step:
    refused = mapping.refused
    if refused is None:
        return Step("consequence", "Consequence", "indeterminate", "no source tells which bits it sets",
                    (citations.STATED_FACTS,))  # fmt: skip
    return Step("consequence", "Consequence", f"refused by {refused.by}", refused.why, refused.cites)


def _bits(view: MappingView, mapping: Mapping, lost_from: int | None, why: str) -> tuple[Step, ...]:
    assert mapping.written is not None  # derive() looked
    assert mapping.left is not None
    written = PteCacheBits.of_index(mapping.written if lost_from is None else lost_from)
    steps = [
        Step("pte", "Page-table entry", written.words, "the bits that the kernel writes", (citations.SDM_PAT_INDEX,),
             bits=written.pat_index),
    ]  # fmt: skip
    if lost_from is not None:
        value = f"{written.words}, then {PteCacheBits.of_index(mapping.written).words}"
        cite = citations.LINUX_PAT_BIT_LOSS if view.guest.kernel.loses_pat_bit else citations.INTEL_PAT_ERRATA
        steps = [Step("pte", "Page-table entry", value, why, (cite,), bits=mapping.written)]
    if mapping.left != mapping.written:
        steps.append(_correction(view.guest, mapping, mapping.left))
    left = mapping.left & 3 if view.guest.kernel.errata_cpu else mapping.left
    bits = PteCacheBits.of_index(left).as_data()
    formula = f"4*{bits['pat']} + 2*{bits['pcd']} + {bits['pwt']} = {left}"
    return *steps, Step("index", "PAT index", str(left), formula, (citations.SDM_PAT_INDEX,))


def _correction(view: GuestView, mapping: Mapping, left: int) -> Step:
    xen, entry = view.platform.xen, mapping.layout.entries[left]
    why = f"{xen.title} rewrites a cacheable mapping of MMIO by a PV guest to PCD+PWT"
    types = (mapping.layout.entries[mapping.written or 0], entry)
    return Step("correction", "Xen's correction", f"PA{left}: {entry.word}", why, (xen.mmio_citation,), left, types)


def layout_cite(layout: PatLayout, view: GuestView) -> str:
    """Where the layout in force is from."""
    if view.kernel.own is not None:
        return view.kernel.behaviour.cite if layout == view.kernel.own else citations.OBSERVED_LAYOUT
    if layout == XEN_LAYOUT:
        return citations.XEN_MSR_PAT
    return citations.XEN_HOST_PAT if view.platform.layout_source == "xen" else citations.STATED_LAYOUT


def _pat(view: GuestView, mapping: Mapping) -> Step:
    got, layout = mapping.pat_type, mapping.layout
    assert got is not None  # derive() looked
    assert mapping.left is not None
    index = mapping.left & 3 if view.kernel.errata_cpu else mapping.left
    before: tuple[MemoryType, ...] = ()
    if view.replaced is not None and view.kernel.own is None:
        before = (view.replaced.entries[index],)
    was = f", was {before[0].word}" if before and before[0] is not got else ""
    return Step(
        "pat",
        f"PAT type of PA{index}",
        got.word + was,
        f"{layout.hex}: {' '.join(layout.words)}",
        (citations.SDM_PAT_MSR, layout_cite(layout, view)),
        types=(*before, got),
    )


def _mtrr(view: GuestView, mapping: Mapping) -> Step:
    place = PLACES[mapping.target]
    is_off = view.platform.mtrr is not None and not view.platform.mtrr.enabled
    why = "MTRRs are disabled: all memory is UC" if is_off else place
    cite = citations.SDM_MTRR_DEFAULT if is_off else citations.SDM_MTRR
    return Step("mtrr", "MTRR", mapping.mtrr.word, why, (cite,), types=(mapping.mtrr,))


def _effective(view: GuestView, mapping: Mapping) -> Step:
    in_force = mapping.in_force
    assert in_force is not None  # derive() looked
    return Step(
        "effective",
        "Effective type",
        f"{in_force.word}, wanted {mapping.wanted.word}",
        f"MTRR {mapping.mtrr.word} with the PAT type in force",
        (TABLE_CITATIONS[view.platform.vendor],),
        types=(mapping.wanted, in_force),
    )


def _consequence(mapping: Mapping) -> Step:
    judgement = mapping.judgement
    assert judgement is not None  # derive() looked
    cell = judgement.cell
    rows = f" ({', '.join(cell.properties)})" if cell.properties else ""
    label = f"Consequence for {cell.context.value}{rows}"
    return Step("consequence", label, judgement.verdict.word, cell.consequence, cell.cites)
