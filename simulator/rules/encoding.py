"""ENC: what guests write into their page tables, and what it means under the layout."""

from collections.abc import Iterator

from simulator import citations
from simulator.consequence import SHORT
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.guest import Follows
from simulator.hazard import pat_fix
from simulator.judgement import ClassJudgement, Mapped, Want
from simulator.memory_type import MemoryType
from simulator.pat import PteCacheBits
from simulator.rules.derivation import derive
from simulator.rules.rule import Rule, View, hazards_by, needs_guests

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
    yield from hazards_by("ENC010")(view)
    for judged in view.judged:
        if judged.profile is None or judged.profile.dies_under(view.layout):
            continue
        for want in judged.wants:
            if want.encoded.verdict is not Verdict.COMPATIBLE:
                yield _encoding(view, judged, want.encoded)


def headline(judged: ClassJudgement, mapped: Mapped, by: str) -> str:
    """The worst outcome of a type in one plain clause."""
    one, outcome = judged.guest_class, mapped.worst_outcome
    where = ""
    if mapped.verdict is Verdict.CONDITIONAL:
        where = " in RAM" if outcome.is_ram else " on device memory"
        what = "right if " + (outcome.assumption or "").removesuffix(" the processor's caches")
    else:
        its = "its" if len(one.members) == 1 else "their"
        what = SHORT[mapped.wanted.word][outcome.in_force.word].format(its=its)
    return (
        f"{{who}} ask{one.ending} for {mapped.wanted.word} by {by} and get{one.ending} {mapped.got.word}{where}: {what}"
    )


def finding_of(
    judged: ClassJudgement,
    mapped: Mapped,
    *,
    rule: str,
    title: str,
    message: str,
    fix: str | None,
    steps: tuple[Step, ...],
    by: str,
    entry: int | None = None,
) -> Finding:
    """What a rule says of one type that a class asks for; `by` is how, in the headline's words.

    `message` begins after the class's name. `entry` is the one that was asked for, where another one answers.
    """
    one = judged.guest_class
    return Finding(
        rule=rule,
        verdict=mapped.verdict,
        severity=SEVERITY_OF[mapped.verdict],
        platform=one.platform,
        guest_class=one.key,
        guests=tuple(one.members),
        entry=mapped.index if entry is None else entry,
        wanted=mapped.wanted,
        in_force=mapped.got,
        title=title,
        message=f"{one.subject}{message}; {mapped.worst_outcome.clause}.",
        fix=fix,
        assumption=assumption_of(mapped),
        outcomes=mapped.outcomes,
        steps=steps,
        who=one.who,
        headline=headline(judged, mapped, by),
    )


def _encoding(view: View, judged: ClassJudgement, mapped: Mapped) -> Finding:
    ending, wanted, got = judged.guest_class.ending, mapped.wanted.word, mapped.got.word
    bits = PteCacheBits.of_index(mapped.index).spoken
    return finding_of(
        judged,
        mapped,
        rule="ENC010",
        title=f"{wanted} by PA{mapped.index} is {got}",
        message=f" ask{ending} for {wanted} by index {mapped.index} ({bits}) and get{ending} {got}",
        fix=_fix(view, judged, mapped),
        steps=derive(view, judged, mapped),
        by=f"PA{mapped.index}",
    )


def _fix(view: View, judged: ClassJudgement, mapped: Mapped) -> str | None:
    wanted, profile = mapped.wanted, judged.profile
    assert profile is not None  # wants exist for decided classes alone
    if profile.without_pat and wanted is MemoryType.WC:
        return pat_fix(profile.without_pat)
    if wanted is not MemoryType.WB and profile.follows is Follows.INDEX and not profile.can_choose(wanted):
        return "run Linux 6.6 or later (or 6.1.53 or later of 6.1), which reads the MSR and keeps the PAT bit"
    if view.judges_layout and (mapped.index or wanted is MemoryType.WB):
        was = view.replaced.entries[mapped.index] if view.replaced is not None else None
        verb = "keep" if was is wanted else "put"
        return f"{verb} {wanted.word} at PA{mapped.index}"
    if wanted is MemoryType.WB and not mapped.index:
        return "put WB at PA0"
    bits = view.layout.encode(wanted)
    return None if bits is None else f"map {wanted.word} with {bits.spoken}: PA{bits.pat_index} holds it"


def bit_loss(view: View) -> Iterator[Finding]:
    """Kernels that drop the PAT bit when they change the protection of a mapping."""
    for judged in view.judged:
        for want in judged.wants:
            if want.lost is not None and want.lost.verdict is not Verdict.COMPATIBLE:
                yield _loss(view, judged, want, want.lost)


def _loss(view: View, judged: ClassJudgement, want: Want, lost: Mapped) -> Finding:
    ending, index, wanted, got = judged.guest_class.ending, want.encoded.index, lost.wanted.word, lost.got.word
    return finding_of(
        judged,
        lost,
        rule="ENC020",
        entry=index,
        title=f"{wanted} by PA{index} becomes {got} when the PAT bit is lost",
        message=f" ask{ending} for {wanted} by index {index}; the kernel loses the PAT bit when it changes a "
        f"mapping's protection, and PA{lost.index} is {got}",
        fix="run Linux 6.6 or later, or a stable release with 548cb932051f (6.1.53, 6.5.3, 5.15.132)"
        + (", or put WC at PA1" if view.judges_layout and lost.wanted is MemoryType.WC else ""),
        steps=derive(view, judged, lost, lost_from=index),
        by=f"PA{index}, lose{ending} the PAT bit",
    )


def offered_elsewhere(view: View) -> Iterator[Finding]:
    """A type that a guest misses, though another entry of the host holds it and the kernel could set its bits."""
    for judged in view.judged:
        for want in judged.wants:
            wanted = want.encoded.wanted
            index = view.layout.index_of(wanted)
            is_free = judged.profile is not None and judged.profile.can_choose(wanted)
            if index is not None and is_free and want.encoded.verdict is not Verdict.COMPATIBLE:
                yield _offer(view, judged, want.encoded, index)


def _offer(view: View, judged: ClassJudgement, mapped: Mapped, index: int) -> Finding:
    one, wanted = judged.guest_class, mapped.wanted
    bits = PteCacheBits.of_index(index).spoken
    history = ""
    if wanted is MemoryType.WC:
        fixed = "used entry 4" if index == 4 else "used entry 4, which is not WC here"
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
        fix=f"map {wanted.word} with {bits}, or read the MSR at boot",
    )


RULES = (
    Rule(
        id="ENC010",
        title="An encoding still means what the guest wants",
        severity=Severity.CORRECTNESS,
        cites=(
            citations.SDM_PAT_INDEX,
            citations.SDM_EFFECTIVE,
            citations.AMD_EFFECTIVE,
            citations.LINUX_REFUSALS,
            citations.LINUX_MEMTYPE_RAM,
            citations.XEN_L1_MASK,
        ),
        check=encodings_hold,
        applies=needs_guests,
        needs_encodings=True,
    ),
    Rule(
        id="ENC020",
        title="Encodings survive a kernel that loses the PAT bit",
        severity=Severity.CORRECTNESS,
        cites=(citations.LINUX_PAT_BIT_LOSS, citations.LINUX_STABLE),
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
    Rule(
        id="ENC040",
        title="Drivers that ask pat_enabled() see PAT",
        severity=Severity.FUNCTION,
        cites=(citations.LINUX_PAT_ENABLED,),
        check=hazards_by("ENC040"),
        applies=needs_guests,
        needs_encodings=True,
    ),
)
