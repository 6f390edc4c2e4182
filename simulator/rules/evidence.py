"""EVI: what the inputs prove, leave open, or contradict."""

from collections.abc import Iterator
from dataclasses import replace

from simulator import citations
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.guest import STATED, loses_pat_bit
from simulator.judgement import ClassJudgement
from simulator.memory_type import MemoryType
from simulator.pat import PteCacheBits
from simulator.rules.rule import Rule, View, hazards_by, join, needs_config, needs_guests

#: The facts that a .config tells.
_CONFIG_TELLS = frozenset({"family", "release"})


def missing_facts(view: View) -> Iterator[Finding]:
    """A fact that is not known, and on which the verdict depends."""
    for judged in view.judged:
        found = judged.guest_class.possibilities
        if not judged.is_decided and not found.conflict and found.missing and not found.is_open:
            missing = join(found.missing)
            is_one = found.missing in (("mode",), ("role",), ("family",), ("release",))
            are, decide = ("is", "it decides") if is_one else ("are", "they decide")
            yield _finding(
                judged,
                "EVI020",
                title=f"{missing} {are} missing, and {decide}",
                message=f"{judged.guest_class.subject}: {missing} {are} not known; {_cases(judged)}.",
                fix=f"state {missing}" + (", or send the kernel's .config" if _CONFIG_TELLS & {*found.missing} else ""),
                headline=f"{missing} of {{who}} {are} not known, and {decide}: {_range(judged)}",
            )


def gaps(view: View) -> Iterator[Finding]:
    """A release between two trees that were read, where they differ, or one that hides whether it has a fix."""
    for judged in view.judged:
        found = judged.guest_class.possibilities
        if not judged.is_decided and not found.conflict and (found.is_open or not found.missing):
            is_loss = len({case.profile.loses_pat_bit for case in judged.cases}) > 1
            yield _lost_or_kept(judged) if is_loss else _gap(judged)


def _gap(judged: ClassJudgement) -> Finding:
    found = judged.guest_class.possibilities
    return _finding(
        judged,
        "EVI030",
        title="The release lies in a gap of the table",
        message=f"{judged.guest_class.subject}: {found.gap}" + ("." if found.is_open else f"; {_cases(judged)}."),
        fix=("" if found.is_open else "state the encodings of this kernel, or ")
        + "run a release that the table decides",
        headline=f"{{who}}: {found.gap}",
        who=judged.guest_class.name,
    )


def _lost_or_kept(judged: ClassJudgement) -> Finding:
    one, release = judged.guest_class, judged.guest_class.facts.release
    tells = "its .config tells" if release is not None and loses_pat_bit(release).config_tells else "its patches tell"
    loses, keeps = (
        next(case.words for case in judged.cases if case.profile.loses_pat_bit is loses) for loses in (True, False)
    )
    return _finding(
        judged,
        "EVI030",
        title="Whether this kernel keeps the PAT bit is not known",
        message=f"{one.subject}: {one.possibilities.gap}. Without the fix: {loses}; with it: {keeps}.",
        fix=("send the kernel's .config, or " if tells == "its .config tells" else "")
        + "state the full release (/proc/version prints it, as in 6.1.192), or 548cb932051f in patches if it has that",
        headline=f"it is not known whether {{who}} keeps the PAT bit: {tells}",
    )


def _range(judged: ClassJudgement) -> str:
    verdicts = sorted({verdict for case in judged.cases for verdict in (case.fresh, case.after_restore)})
    return f"anything from {verdicts[0].word} to {verdicts[-1].word}" if len(verdicts) > 1 else verdicts[0].word


def _cases(judged: ClassJudgement) -> str:
    """One `... if ...` for each answer that is possible, with the behaviours that lead to it."""
    release = judged.guest_class.facts.release
    known = "" if release is None else f"Linux {release.text}"
    answers: dict[str, dict[str, None]] = {}
    for case in judged.cases:
        label = case.profile.label
        short = label.replace(known, "", 1).replace(", ,", ",").strip(", ") if known else label
        answers.setdefault(case.words, {})[label if short.startswith("that ") else short or label] = None
    return "; ".join(f"{words} if {_either([*labels], 1 + (len(answers) < 3))}" for words, labels in answers.items())


def _either(labels: list[str], limit: int) -> str:
    shown, more = labels[:limit], len(labels) - limit
    return " or ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _case_steps(judged: ClassJudgement) -> tuple[Step, ...]:
    return tuple(
        Step(
            kind="premise",
            label="If",
            value=case.profile.label,
            why=f"then {case.words}",
            cites=(case.profile.behaviour.cite,),
        )
        for case in judged.cases
    )


def conflicts(view: View) -> Iterator[Finding]:
    """Inputs that contradict each other decide nothing where their answers differ."""
    for judged in view.judged:
        conflict = judged.guest_class.possibilities.conflict
        if not judged.is_decided and conflict:
            yield _finding(
                judged,
                "EVI040",
                title="Two inputs state different releases",
                message=f"{judged.guest_class.subject}: {conflict}; {_cases(judged)}.",
                fix="send the .config of the kernel that is meant, or correct the release",
                headline=f"{{who}}: {conflict}",
                who=judged.guest_class.name,
            )


def stated_against_table(view: View) -> Iterator[Finding]:
    """Stated bits that no behaviour in the tables has: evidence wins over a table, and both are named."""
    layout = view.replaced or view.layout
    for judged in view.judged:
        profiles = judged.guest_class.possibilities.profiles
        stated = {wanted: index for profile in profiles for wanted, index in profile.stated}
        for wanted, index in stated.items():
            tables = {
                profile.table_index(wanted, layout)
                for profile in profiles
                if wanted in profile.behaviour.indices and profile.behaviour.key != STATED.key
            }
            if tables and index not in tables:
                yield _contradiction(judged, wanted, index, min(tables))


def _contradiction(judged: ClassJudgement, wanted: MemoryType, index: int, table: int) -> Finding:
    bits, expected = PteCacheBits.of_index(index).spoken, PteCacheBits.of_index(table).spoken
    finding = _finding(
        judged,
        "EVI050",
        verdict=Verdict.COMPATIBLE,
        title=f"The bits stated for {wanted.word} differ from the table",
        message=f"{judged.guest_class.subject}: {bits} is stated for {wanted.word}, and by the table this kernel sets "
        f"{expected}; what is stated counts.",
        fix=None,
        headline="",
    )
    return replace(finding, severity=Severity.ADVICE, wanted=wanted, entry=index, steps=())


def _finding(
    judged: ClassJudgement,
    rule: str,
    *,
    title: str,
    message: str,
    fix: str | None,
    headline: str,
    who: str | None = None,
    verdict: Verdict = Verdict.INDETERMINATE,
) -> Finding:
    one = judged.guest_class
    return Finding(
        rule=rule,
        verdict=verdict,
        severity=Severity.CORRECTNESS,
        platform=one.platform,
        guest_class=one.key,
        guests=tuple(one.members),
        title=title[0].upper() + title[1:],
        message=message,
        fix=fix,
        steps=_case_steps(judged),
        who=who or one.who,
        headline=headline,
    )


_TABLES = (citations.LINUX_CACHE_TABLES, citations.LINUX_XEN_TRANSLATES, citations.LINUX_XEN_MASKS)

RULES = (
    Rule(
        id="EVI010",
        title="The kernel can boot in the stated mode",
        severity=Severity.FUNCTION,
        cites=(citations.LINUX_KCONFIG, citations.LINUX_PVH, citations.XEN_PVH),
        check=hazards_by("EVI010"),
        applies=needs_guests,
    ),
    Rule(
        id="EVI020",
        title="No missing fact decides",
        severity=Severity.CORRECTNESS,
        cites=_TABLES,
        check=missing_facts,
        applies=needs_guests,
    ),
    Rule(
        id="EVI030",
        title="No release lies in a gap that decides",
        severity=Severity.CORRECTNESS,
        cites=(*_TABLES, citations.LINUX_PAT_BIT_LOSS, citations.LINUX_STABLE),
        check=gaps,
        applies=needs_guests,
    ),
    Rule(
        id="EVI040",
        title="Inputs agree on the kernel's release",
        severity=Severity.CORRECTNESS,
        cites=(citations.LINUX_KCONFIG,),
        check=conflicts,
        applies=needs_config,
    ),
    Rule(
        id="EVI050",
        title="Stated encodings agree with the table",
        severity=Severity.ADVICE,
        cites=_TABLES,
        check=stated_against_table,
        applies=needs_guests,
    ),
    Rule(
        id="EVI060",
        title="The kernel is one whose sources were read",
        severity=Severity.CORRECTNESS,
        cites=(citations.LINUX_CACHE_TABLES,),
        check=hazards_by("EVI060"),
        applies=needs_guests,
    ),
)
