"""MIG: guests that boot under one layout and go on under another."""

from collections.abc import Iterator

from simulator import citations
from simulator.finding import Finding, Severity, Verdict
from simulator.judgement import ClassJudgement, Want, can_resume, judge_profile
from simulator.pat import PatLayout
from simulator.rules.derivation import derive
from simulator.rules.encoding import SEVERITY_OF, assumption_of
from simulator.rules.rule import Rule, View


def _resumers(view: View) -> list[ClassJudgement]:
    return [one for one in view.judged if one.profile is not None and can_resume(one.guest_class, one.profile)]


def _applies(view: View) -> str:
    if view.replaced is None:
        return "no layout is replaced"
    return "" if _resumers(view) else "no PV domU here can be saved with cache bits in its page tables"


def resumed_guests(view: View) -> Iterator[Finding]:
    """Flags in page tables and the tables built at boot travel as they are.

    Where a type keeps its index, a guest is the same after a restore as after a
    boot: ENC010 and ENC020 judge it.
    """
    assert view.replaced is not None  # _applies says so
    for judged in _resumers(view):
        profile = judged.profile
        assert profile is not None  # _resumers says so
        for want in judge_profile(view.platform, view.layout, profile, booted_under=view.replaced):
            index = profile.encode(want.encoded.wanted, view.layout)
            if index != want.encoded.index and want.verdict is not Verdict.COMPATIBLE:
                yield _resumed(view, judged, want, view.replaced)


def _resumed(view: View, judged: ClassJudgement, want: Want, replaced: PatLayout) -> Finding:
    one, kept = judged.guest_class, want.encoded.index
    is_lost = want.lost is not None and want.lost.verdict > want.encoded.verdict
    mapped = want.lost if want.lost is not None and is_lost else want.encoded
    outcome, wanted = mapped.worst_outcome, mapped.wanted.word
    loses = " and loses the PAT bit" if is_lost else ""
    return Finding(
        rule="MIG010",
        verdict=mapped.verdict,
        severity=SEVERITY_OF[mapped.verdict],
        platform=one.platform,
        guest_class=one.key,
        guests=tuple(one.members),
        entry=mapped.index,
        wanted=mapped.wanted,
        in_force=mapped.got,
        title=f"Saved under the old layout, {wanted} by PA{mapped.index} is {mapped.got.word}",
        message=f"{one.subject}, saved under the old layout and restored under the new one, keep{one.ending} index "
        f"{kept} for {wanted}{loses}: PA{mapped.index} was {replaced.entries[mapped.index].word} and is "
        f"{mapped.got.word}; {outcome.clause}.",
        fix="shut these guests down and boot them anew under the new layout; do not restore or migrate them across",
        assumption=assumption_of(mapped),
        outcomes=mapped.outcomes,
        steps=derive(view, judged, mapped, booted_under=replaced, lost_from=kept if is_lost else None),
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
