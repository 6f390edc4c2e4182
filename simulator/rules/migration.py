"""MIG: guests that were saved under one layout and go on under another."""

from collections.abc import Iterator

from simulator import citations
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.headline import shorten
from simulator.rules.encoding import by_pair, lost_mapping
from simulator.rules.layout import say_of_layout
from simulator.rules.rule import LINUX, STOCK, MappingView, Rule, View, example, linux

_FIX = "shut {0} down and boot {1} anew under the new layout; do not restore or migrate {1} across"
_SAVED = Step("premise", "Save", "flags travel as they are",
              "frame numbers are replaced, cache bits stay; a mapped BAR stops the save until its device is detached",
              (citations.XEN_SAVE,))  # fmt: skip


def _applies(view: View) -> str:
    if view.replaced is None:
        return "no layout is replaced"
    may_resume = any(judged.may_resume for judged in view.judged)
    return "" if may_resume else "no PV domU here can be saved with cache bits in its page tables"


def resumed_guests(view: MappingView) -> Iterator[Finding]:
    """Flags in page tables and the tables built at boot travel as they are.

    Where a type keeps its index, a guest is the same after a restore as after a boot: ENC010 and ENC020 judge it.
    """
    mapping, guest, replaced = view.mapping, view.guest, view.booted_under
    assert replaced is not None  # scope restore
    lost = lost_mapping(view)
    found = [one for one in (mapping, lost) if one is not None and one.judgement is not None]
    kept = mapping.written
    if not found or kept is None or kept == guest.kernel.encode(mapping.wanted, guest.layout):
        return
    worse = max(found, key=lambda one: one.verdict)
    if worse.verdict is Verdict.COMPATIBLE or worse.pat_type is None:
        return
    one, index = guest.one, worse.written
    assert index is not None  # it has a type
    is_lost = worse is lost
    loses = " and loses the PAT bit" if is_lost else ""
    wanted, got = mapping.wanted.word, worse.pat_type.word
    said = by_pair(
        view,
        worse,
        "MIG010",
        title=f"Saved under the old layout, {wanted} by PA{index} is {got}",
        message=f", saved under the old layout and restored under the new one, keep{one.ending} index {kept} for "
        f"{wanted}{loses}: PA{index} was {replaced.entries[index].word} and is {guest.layout.entries[index].word}",
        by=f"PA{kept}, once restored,",
        fixes=(_FIX.format(*(("the guest", "it") if len(one.members) == 1 else ("the guests", "them"))),),
        lost_from=kept if is_lost else None,
        why="a change of protection drops bit 7, the PAT bit",
    )
    first, *rest = said.steps
    yield said._replace(steps=(first, _SAVED, *rest))


def cannot_be_saved(view: View) -> Iterator[Finding]:
    """A PV domU with a mapped BAR cannot be saved; restored without its device, its cache bits are refused."""
    names = sorted(name for judged in view.judged if judged.may_resume for name in judged.guest_class.members)
    if view.replaced in (None, view.layout) or not names:
        return
    said = say_of_layout(
        view,
        "MIG020",
        Verdict.COMPATIBLE,
        "save",
        "Guests with devices are saved only with the device detached, and restored only with one",
        f"{shorten(', '.join(names), 200)}: a save stops at a mapped BAR (ERANGE), so the device is detached first; a "
        'restore without device permission fails at the first entry with cache bits ("Bad L1 flags").',
        cites=(citations.XEN_SAVE, citations.XEN_RESTORE),
    )
    yield said._replace(guests=tuple(names))


_CAD = linux("6.1.192", role="domU", drivers=["amdgpu"]) | {"devices": True}

RULES = (
    Rule("MIG010", "Guests that boot under one layout may resume under the other", Severity.CORRECTNESS,
         "PV domUs, where a layout is proposed", (citations.XEN_SAVE, citations.LINUX_CACHE_TABLES), "restore",
         resumed_guests, _applies, needs_encodings=True,
         fires=example(_CAD, proposed=LINUX), silent=example(_CAD, proposed=STOCK)),
    Rule("MIG020", "A guest with devices is saved and restored with them in mind", Severity.ADVICE,
         "PV domUs with devices, where a layout is proposed", (citations.XEN_SAVE, citations.XEN_RESTORE), "platform",
         cannot_be_saved, _applies, fires=example(_CAD, proposed=LINUX),
         silent=example(linux("6.1.192", role="domU"), proposed=LINUX)),
)  # fmt: skip
