"""ENC: what guests write into their page tables, and what it means under the layout."""

from collections.abc import Iterator

from simulator import citations
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.judgement import ClassJudgement, Mapped, Want
from simulator.memory_type import MemoryType
from simulator.pat import PteCacheBits
from simulator.rules.derivation import derive
from simulator.rules.rule import Rule, View, needs_guests

SEVERITY_OF = {
    Verdict.COMPATIBLE: Severity.ADVICE,
    Verdict.DEGRADED: Severity.PERFORMANCE,
    Verdict.CONDITIONAL: Severity.CORRECTNESS,
    Verdict.INCOMPATIBLE: Severity.CORRECTNESS,
}


def assumption_of(mapped: Mapped) -> str | None:
    """What a person must vouch for where the verdict is conditional."""
    if mapped.verdict is not Verdict.CONDITIONAL:
        return None
    return mapped.worst_outcome.assumption


def encodings_hold(view: View) -> Iterator[Finding]:
    """Every type that a decided class wants, by the bits that it sets."""
    for judged in view.judged:
        if judged.profile is not None and judged.profile.dies_under(view.layout):
            yield _dies(view, judged)
            continue
        for want in judged.wants:
            if want.encoded.verdict is not Verdict.COMPATIBLE:
                yield _encoding(view, judged, want.encoded)


def _dies(view: View, judged: ClassJudgement) -> Finding:
    one, first = judged.guest_class, view.layout.entries[0]
    return Finding(
        rule="ENC010",
        verdict=Verdict.INCOMPATIBLE,
        severity=Severity.FUNCTION,
        platform=one.platform,
        guest_class=one.key,
        guests=tuple(one.members),
        entry=0,
        wanted=MemoryType.WB,
        in_force=first,
        title="The kernel stops at boot",
        message=f"{one.subject}: the kernel finds {first.word} in PA0 and stops at boot; it insists on WB there.",
        fix="make PA0 WB",
        steps=(
            Step(
                kind="premise",
                label="Premise",
                value="reads the PAT MSR at boot",
                why=one.title,
                cites=(citations.LINUX_CACHE_TABLES,),
            ),
            Step(
                kind="consequence",
                label="Consequence",
                value="incompatible",
                why="BUG_ON in update_cache_mode_entry(): entry 0 must be WB",
                cites=(citations.LINUX_CACHE_TABLES,),
            ),
        ),
    )


def _encoding(view: View, judged: ClassJudgement, mapped: Mapped) -> Finding:
    one, outcome = judged.guest_class, mapped.worst_outcome
    bits = PteCacheBits.of_index(mapped.index).words
    return Finding(
        rule="ENC010",
        verdict=mapped.verdict,
        severity=SEVERITY_OF[mapped.verdict],
        platform=one.platform,
        guest_class=one.key,
        guests=tuple(one.members),
        entry=mapped.index,
        wanted=mapped.wanted,
        in_force=mapped.got,
        title=f"{mapped.wanted.word} by PA{mapped.index} is {mapped.got.word}",
        message=f"{one.subject} ask{one.ending} for {mapped.wanted.word} by index {mapped.index} ({bits}) and "
        f"get{one.ending} {mapped.got.word}; {outcome.clause}.",
        fix=_fix(view, judged, mapped),
        assumption=assumption_of(mapped),
        outcomes=mapped.outcomes,
        steps=derive(view, judged, mapped),
    )


def _fix(view: View, judged: ClassJudgement, mapped: Mapped) -> str | None:
    wanted = mapped.wanted
    if view.judges_layout:
        was = view.replaced.entries[mapped.index] if view.replaced is not None else None
        verb = "keep" if was is wanted else "put"
        return f"{verb} {wanted.word} at PA{mapped.index}"
    bits = view.layout.encode(wanted)
    return None if bits is None else f"encode {wanted.word} as {bits.words}: PA{bits.pat_index} holds it"


def bit_loss(view: View) -> Iterator[Finding]:
    """Kernels that drop the PAT bit when they change the protection of a mapping."""
    for judged in view.judged:
        for want in judged.wants:
            if want.lost is not None and want.lost.verdict is not Verdict.COMPATIBLE:
                yield _loss(view, judged, want, want.lost)


def _loss(view: View, judged: ClassJudgement, want: Want, lost: Mapped) -> Finding:
    one, outcome, index = judged.guest_class, lost.worst_outcome, want.encoded.index
    return Finding(
        rule="ENC020",
        verdict=lost.verdict,
        severity=SEVERITY_OF[lost.verdict],
        platform=one.platform,
        guest_class=one.key,
        guests=tuple(one.members),
        entry=index,
        wanted=lost.wanted,
        in_force=lost.got,
        title=f"{lost.wanted.word} by PA{index} becomes {lost.got.word} when the PAT bit is lost",
        message=f"{one.subject} ask{one.ending} for {lost.wanted.word} by index {index}; the kernel loses the PAT bit "
        f"when it changes a mapping's protection, and PA{lost.index} answers {lost.got.word}; "
        f"{outcome.clause}.",
        fix="run a kernel with 548cb932051f (6.1.53, 6.12 and later have it), "
        f"or offer {lost.wanted.word} at PA0 to PA3",
        assumption=assumption_of(lost),
        outcomes=lost.outcomes,
        steps=derive(view, judged, lost, lost_from=index),
    )


def offered_elsewhere(view: View) -> Iterator[Finding]:
    """A type that a guest misses, though another entry of the host holds it."""
    for judged in view.judged:
        for want in judged.wants:
            index = view.layout.index_of(want.encoded.wanted)
            if index is not None and want.encoded.verdict is not Verdict.COMPATIBLE:
                yield _offer(view, judged, want.encoded, index)


def _offer(view: View, judged: ClassJudgement, mapped: Mapped, index: int) -> Finding:
    one, wanted = judged.guest_class, mapped.wanted
    bits = PteCacheBits.of_index(index).words
    history = ""
    if wanted is MemoryType.WC:
        fixed = (
            "set the PAT bit for WC: entry 4" if index == 4 else "set the PAT bit for WC, which is entry 4 and no help"
        )
        history = f" Linux 2.6.36 to 3.2 {fixed}; 3.19 and later read the MSR."
    return Finding(
        rule="ENC030",
        verdict=Verdict.COMPATIBLE,
        severity=Severity.ADVICE,
        platform=one.platform,
        guest_class=one.key,
        guests=tuple(one.members),
        entry=index,
        wanted=wanted,
        in_force=mapped.got,
        title=f"The host offers {wanted.word} at PA{index}",
        message=f"{one.subject} set{one.ending} the bits of PA{mapped.index} for {wanted.word}, but PA{index} ({bits}) "
        f"holds it.{history}",
        fix=f"encode {wanted.word} as {bits}, or read the MSR at boot",
    )


RULES = (
    Rule(
        id="ENC010",
        title="An encoding still means what the guest wants",
        severity=Severity.CORRECTNESS,
        cites=(citations.SDM_PAT_INDEX, citations.SDM_EFFECTIVE, citations.AMD_EFFECTIVE, citations.LINUX_REFUSALS),
        check=encodings_hold,
        applies=needs_guests,
        needs_encodings=True,
    ),
    Rule(
        id="ENC020",
        title="Encodings survive a kernel that loses the PAT bit",
        severity=Severity.CORRECTNESS,
        cites=(citations.LINUX_PAT_BIT_LOSS, citations.LINUX_STABLE_6_1),
        check=bit_loss,
        applies=needs_guests,
        needs_encodings=True,
    ),
    Rule(
        id="ENC030",
        title="The host offers a missed type at another entry",
        severity=Severity.ADVICE,
        cites=(citations.XEN_DEVEL_2010, citations.LINUX_XEN_TRANSLATES, citations.LINUX_CACHE_TABLES),
        check=offered_elsewhere,
        applies=needs_guests,
        needs_encodings=True,
    ),
)
