"""From what is known to what follows: the steps of a finding about an encoding."""

from simulator import citations
from simulator.consequence import CONTEXTS, Context, is_corrected, pair_citations
from simulator.effective import TABLE_CITATIONS, effective_type
from simulator.finding import Step
from simulator.guest import Follows
from simulator.judgement import Case, ClassJudgement, Mapped
from simulator.memory_type import MemoryType
from simulator.pat import XEN_LAYOUT, PatLayout, PteCacheBits
from simulator.rules.rule import View


def derive(
    view: View,
    judged: ClassJudgement,
    mapped: Mapped,
    *,
    case: Case | None = None,
    booted_under: PatLayout | None = None,
    lost_from: int | None = None,
) -> tuple[Step, ...]:
    """The steps from a guest's behaviour to its worst outcome.

    `booted_under` is the layout that the guest encodes for, where it is not the
    view's. `lost_from` is the index as encoded where the PAT bit was lost on the way.
    """
    context = next(one for one in CONTEXTS if one.title == mapped.worst_outcome.context)
    return (
        _premise(judged, case or judged.chosen, mapped, booted_under or view.layout),
        *_bits_and_index(mapped, lost_from),
        _pat(view, mapped),
        _mtrr(context),
        *_correction(view, mapped, context),
        _effective(view, mapped),
        _consequence(mapped),
    )


def _premise(judged: ClassJudgement, case: Case | None, mapped: Mapped, host: PatLayout) -> Step:
    assert case is not None  # wants exist for decided classes alone
    profile = case.profile
    why = f"{judged.guest_class.title}: {profile.behaviour.title}"
    if mapped.wanted in dict(profile.stated):
        why += "; these bits are stated"
    elif profile.without_pat and mapped.wanted is MemoryType.WC:
        why += f"; without PAT support ({profile.without_pat}) it asks for UC- in place of WC"
    elif profile.follows is Follows.TYPE and host.index_of(mapped.wanted) is None:
        why += f"; no entry holds {mapped.wanted.word}, so its built-in default stays"
    others = len(judged.cases) - 1
    if others:
        is_same = len({one.words for one in judged.cases}) == 1
        leads = "lead to the same verdict" if is_same else "lead to a verdict no worse"
        why += f"; {others} more of its possible behaviours {leads}"
    return Step(
        kind="premise",
        label="Premise",
        value=f"wants {mapped.wanted.word}",
        why=why,
        cites=(profile.behaviour.cite,),
        types=(mapped.wanted,),
    )


def _bits_and_index(mapped: Mapped, lost_from: int | None) -> tuple[Step, ...]:
    written = mapped.index if lost_from is None else lost_from
    bits = PteCacheBits.of_index(written)
    left = PteCacheBits.of_index(mapped.index)
    value = bits.words if lost_from is None else f"{bits.words}, then {left.words}"
    why = "the bits of the page-table entry" if lost_from is None else "a change of protection drops bit 7, the PAT bit"
    index = left.as_data()
    return (
        Step(
            kind="pte",
            label="Page-table entry",
            value=value,
            why=why,
            cites=(citations.SDM_PAT_INDEX if lost_from is None else citations.LINUX_PAT_BIT_LOSS,),
            bits=left,
        ),
        Step(
            kind="index",
            label="PAT index",
            value=str(mapped.index),
            why=f"4*{index['pat']} + 2*{index['pcd']} + {index['pwt']} = {mapped.index}",
            cites=(citations.SDM_PAT_INDEX,),
        ),
    )


def _layout_words(layout: PatLayout) -> str:
    return f"{layout.hex}: {' '.join(layout.words)}"


def _pat(view: View, mapped: Mapped) -> Step:
    before = () if view.replaced is None else (view.replaced.entries[mapped.index],)
    was = f", was {before[0].word}" if before and before[0] is not mapped.got else ""
    return Step(
        kind="pat",
        label=f"PAT type of PA{mapped.index}",
        value=mapped.got.word + was,
        why=_layout_words(view.layout),
        cites=(
            citations.SDM_PAT_MSR,
            citations.XEN_MSR_PAT if view.layout == XEN_LAYOUT else citations.STATED_LAYOUT,
        ),
        types=(*before, mapped.got),
    )


def _mtrr(context: Context) -> Step:
    return Step(
        kind="mtrr",
        label="MTRR",
        value=context.mtrr.word,
        why=context.title,
        cites=(citations.SDM_EFFECTIVE,),
        types=(context.mtrr,),
    )


def _correction(view: View, mapped: Mapped, context: Context) -> tuple[Step, ...]:
    xen = view.platform.xen
    if not is_corrected(mapped.got, context, corrects_mmio=xen.corrects_mmio):
        return ()
    return (
        Step(
            kind="correction",
            label="Xen's correction",
            value=f"PA3: {view.layout.entries[3].word}",
            why=f"{xen.title} rewrites a cacheable mapping of MMIO by a PV guest to PCD+PWT",
            cites=(xen.mmio_citation,),
            bits=PteCacheBits.of_index(3),
            types=(mapped.got, view.layout.entries[3]),
        ),
    )


def _effective(view: View, mapped: Mapped) -> Step:
    outcome, vendor = mapped.worst_outcome, view.platform.vendor
    plain: MemoryType = effective_type(mtrr=outcome.mtrr, pat=mapped.got, vendor=vendor)
    note = "" if plain is outcome.in_force else f" (without the correction: {plain.word})"
    return Step(
        kind="effective",
        label="Effective type",
        value=f"{outcome.in_force.word}, wanted {outcome.wanted.word}",
        why=f"MTRR {outcome.mtrr.word} with the PAT type in force{note}",
        cites=(TABLE_CITATIONS[vendor],),
        types=(outcome.wanted, outcome.in_force),
    )


def _consequence(mapped: Mapped) -> Step:
    outcome = mapped.worst_outcome
    return Step(
        kind="consequence",
        label="Consequence",
        value=outcome.verdict.word,
        why=outcome.why,
        cites=pair_citations(outcome.wanted, outcome.in_force),
    )
