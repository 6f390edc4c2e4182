"""EVI: what the inputs prove, leave open, or contradict."""

from collections.abc import Iterator
from dataclasses import replace

from simulator import citations
from simulator.finding import Finding, Severity, Step, Verdict
from simulator.guest import STATED
from simulator.judgement import ClassJudgement
from simulator.memory_type import MemoryType
from simulator.pat import PteCacheBits
from simulator.rules.rule import Rule, View, hazards_by, join, needs_config, needs_guests

CASES_SHOWN = 3
#: The facts that a .config tells.
_CONFIG_TELLS = frozenset({"family", "release"})


def missing_facts(view: View) -> Iterator[Finding]:
    """A fact that is not known, and on which the verdict depends."""
    for judged in view.judged:
        found = judged.guest_class.possibilities
        if judged.chosen is None and not found.conflict and found.missing and not found.is_open:
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
    """A release between two trees that were read, where they differ."""
    for judged in view.judged:
        found = judged.guest_class.possibilities
        if judged.chosen is None and not found.conflict and (found.is_open or not found.missing):
            cases = "" if found.is_open else ": " + _cases(judged)
            yield _finding(
                judged,
                "EVI030",
                title="The release lies in a gap of the table",
                message=f"{judged.guest_class.subject}: {found.gap}{cases}.",
                fix=_gap_fix(judged),
                headline=f"{{who}}: {found.gap}",
                who=judged.guest_class.name,
            )


def _gap_fix(judged: ClassJudgement) -> str:
    """Stating the encodings helps where they are what is not known; a lost PAT bit is lost under any."""
    found = judged.guest_class.possibilities
    differs_by_loss = len({case.profile.loses_pat_bit for case in judged.cases}) > 1
    helps = not found.is_open and not differs_by_loss
    return ("state the encodings of this kernel, or " if helps else "") + "run a release that the table decides"


def _range(judged: ClassJudgement) -> str:
    verdicts = sorted({case.worst for case in judged.cases})
    return f"anything from {verdicts[0].word} to {verdicts[-1].word}" if len(verdicts) > 1 else verdicts[0].word


def _cases(judged: ClassJudgement) -> str:
    """One `if ... then ...` for each answer that is possible, with the behaviours that lead to it."""
    answers: dict[str, list[str]] = {}
    for case in judged.cases:
        answers.setdefault(case.words, []).append(case.profile.label)
    return "; ".join(f"if it is {_either(labels)}, then {words}" for words, labels in answers.items())


def _either(labels: list[str]) -> str:
    shown, more = labels[:CASES_SHOWN], len(labels) - CASES_SHOWN
    return " or ".join([*shown, *([f"one of {more} more"] if more > 0 else [])])


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
        if judged.chosen is None and conflict:
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


_TABLES = (citations.LINUX_CACHE_TABLES, citations.LINUX_XEN_TRANSLATES, citations.LINUX_XEN_MASKS_ALL)

RULES = (
    Rule(
        id="EVI010",
        title="The kernel can boot in the stated mode",
        severity=Severity.FUNCTION,
        cites=(citations.LINUX_KCONFIG, citations.LINUX_PVH),
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
