"""EVI: what the inputs prove, leave open, or contradict."""

from collections.abc import Iterator

from simulator import citations
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.judgement import ClassJudgement, profile_verdict
from simulator.rules.rule import Rule, View, needs_config, needs_guests


def can_boot(view: View) -> Iterator[Finding]:
    """The .config must have what the stated mode needs."""
    for judged in view.judged:
        problem = judged.guest_class.boot_problem
        if problem:
            yield _finding(
                judged,
                "EVI010",
                Verdict.INCOMPATIBLE,
                title="The configuration cannot boot in the stated mode",
                message=f"{judged.guest_class.subject}: {problem}.",
                fix="build the kernel with the symbol, or state the mode that it boots in",
            )


def _open(judged: ClassJudgement) -> bool:
    return judged.profile is None and not judged.guest_class.conflict


def missing_facts(view: View) -> Iterator[Finding]:
    """A fact that is not known, and on which the verdict depends."""
    for judged in view.judged:
        found = judged.guest_class.possibilities
        if _open(judged) and found.missing and not found.is_open:
            missing = " and ".join(found.missing)
            is_one = len(found.missing) == 1
            yield _finding(
                judged,
                "EVI020",
                Verdict.INDETERMINATE,
                title=f"{missing} {'is' if is_one else 'are'} missing, and {'it decides' if is_one else 'they decide'}",
                message=f"{judged.guest_class.subject}: {missing} {'is' if is_one else 'are'} not known; "
                + "; ".join(_cases(view, judged))
                + ".",
                fix=f"state {missing}, or send the kernel's .config",
                steps=_case_steps(view, judged),
            )


def gaps(view: View) -> Iterator[Finding]:
    """A release between two trees that were read, where they differ."""
    for judged in view.judged:
        found = judged.guest_class.possibilities
        if _open(judged) and (found.is_open or not found.missing):
            cases = "" if found.is_open else ": " + "; ".join(_cases(view, judged))
            yield _finding(
                judged,
                "EVI030",
                Verdict.INDETERMINATE,
                title="The release lies in a gap of the table",
                message=f"{judged.guest_class.subject}: {found.gap}{cases}.",
                fix="state the encodings of this kernel, or run a release that the table decides",
                steps=_case_steps(view, judged),
            )


def _cases(view: View, judged: ClassJudgement) -> list[str]:
    """One `if ... then ...` for each behaviour that is possible."""
    return [f"if it is {label}, then {word}" for label, word in _words(view, judged)]


def _words(view: View, judged: ClassJudgement) -> list[tuple[str, str]]:
    profiles = judged.guest_class.possibilities.profiles
    return [(one.label, profile_verdict(view.platform, view.layout, one).word) for one in profiles]


def _case_steps(view: View, judged: ClassJudgement) -> tuple[Step, ...]:
    return tuple(
        Step(kind="premise", label="If", value=label, why=f"then {word}") for label, word in _words(view, judged)
    )


def conflicts(view: View) -> Iterator[Finding]:
    """Inputs that contradict each other decide nothing."""
    for judged in view.judged:
        conflict = judged.guest_class.conflict
        if conflict:
            yield _finding(
                judged,
                "EVI040",
                Verdict.INDETERMINATE,
                title="Two inputs state different releases",
                message=f"{judged.guest_class.subject}: {conflict}.",
                fix="send the .config of the kernel that is meant, or correct the release",
            )


def _finding(
    judged: ClassJudgement,
    rule: str,
    verdict: Verdict,
    *,
    title: str,
    message: str,
    fix: str,
    steps: tuple[Step, ...] = (),
) -> Finding:
    one = judged.guest_class
    return Finding(
        rule=rule,
        verdict=verdict,
        severity=Severity.FUNCTION if verdict is Verdict.INCOMPATIBLE else Severity.CORRECTNESS,
        platform=one.platform,
        guest_class=one.key,
        guests=tuple(one.members),
        title=title[0].upper() + title[1:],
        message=message,
        fix=fix,
        steps=steps,
    )


_TABLES = (citations.LINUX_CACHE_TABLES, citations.LINUX_XEN_TRANSLATES, citations.LINUX_XEN_MASKS_ALL)

RULES = (
    Rule(
        id="EVI010",
        title="The configuration can boot in the stated mode",
        severity=Severity.FUNCTION,
        cites=(citations.LINUX_KCONFIG,),
        check=can_boot,
        applies=needs_config,
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
        cites=(*_TABLES, citations.LINUX_PAT_BIT_LOSS, citations.LINUX_STABLE_6_1),
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
)
