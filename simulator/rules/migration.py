"""MIG: guests that boot under one layout and go on under another."""

from collections.abc import Iterator

from simulator import citations
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.judgement import ClassJudgement, Want
from simulator.pat import PatLayout
from simulator.rules.derivation import derive
from simulator.rules.encoding import finding_of
from simulator.rules.rule import Rule, View

_FIX = "shut {0} down and boot {1} anew under the new layout; do not restore or migrate {1} across"
_SAVED = Step(
    kind="premise",
    label="Save",
    value="RAM counts",
    why="a guest with a mapped BAR cannot be saved until its device is detached",
    cites=(citations.XEN_SAVE,),
)


def _applies(view: View) -> str:
    if view.replaced is None:
        return "no layout is replaced"
    may_resume = any(judged.may_resume for judged in view.judged)
    return "" if may_resume else "no PV domU here can be saved with cache bits in its page tables"


def resumed_guests(view: View) -> Iterator[Finding]:
    """Flags in page tables and the tables built at boot travel as they are.

    Where a type keeps its index, a guest is the same after a restore as after a
    boot: ENC010 and ENC020 judge it.
    """
    assert view.replaced is not None  # _applies says so
    for judged in view.judged:
        case = judged.restored
        anew = {want.encoded.wanted: want.encoded.index for want in case.wants} if case is not None else {}
        for want in (case.kept or ()) if case is not None else ():
            if want.encoded.index != anew.get(want.encoded.wanted) and want.verdict is not Verdict.COMPATIBLE:
                yield _resumed(view, judged, want, view.replaced)


def _resumed(view: View, judged: ClassJudgement, want: Want, replaced: PatLayout) -> Finding:
    one, kept = judged.guest_class, want.encoded.index
    mapped = want.worst_mapped
    wanted, got = mapped.wanted.word, mapped.got.word
    is_lost = mapped is want.lost
    loses = " and loses the PAT bit" if is_lost else ""
    lost_from = kept if is_lost else None
    first, *rest = derive(view, judged, mapped, case=judged.restored, booted_under=replaced, lost_from=lost_from)
    return finding_of(
        judged,
        mapped,
        rule="MIG010",
        title=f"Saved under the old layout, {wanted} by PA{mapped.index} is {got}",
        message=f", saved under the old layout and restored under the new one, keep{one.ending} index {kept} for "
        f"{wanted}{loses}: PA{mapped.index} was {replaced.entries[mapped.index].word} and is {got}",
        fix=_FIX.format(*(("the guest", "it") if len(one.members) == 1 else ("the guests", "them"))),
        steps=(first, _SAVED, *rest),
        by=f"PA{kept}, once restored,",
    )


RULES = (
    Rule(
        id="MIG010",
        title="Guests that boot under one layout may resume under the other",
        severity=Severity.CORRECTNESS,
        cites=(citations.XEN_SAVE, citations.LINUX_CACHE_TABLES),
        check=resumed_guests,
        applies=_applies,
        needs_encodings=True,
    ),
)
