"""What a rule is, and what it looks at."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from simulator.finding import Finding, Severity, Step
from simulator.hazard import Hazard
from simulator.judgement import ClassJudgement
from simulator.pat import PatLayout
from simulator.scenario import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One platform under one layout, with its classes judged.

    `replaced` is the layout in force that this one would replace; None where
    nothing is replaced. `judges_layout` says that a layout is proposed at all.
    """

    platform: Platform
    layout: PatLayout
    judged: tuple[ClassJudgement, ...]
    judges_layout: bool
    replaced: PatLayout | None = None


#: "" where a rule applies to a view; else why it does not.
Applies = Callable[[View], str]
Check = Callable[[View], Iterable[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: a row of the catalogue. Its id is never used again for another."""

    id: str
    title: str
    severity: Severity
    cites: tuple[str, ...]
    check: Check
    applies: Applies
    needs_encodings: bool = False  # says nothing of a guest whose behaviour is undecided


def needs_proposal(view: View) -> str:
    """For the rules of a layout: they judge one that is proposed."""
    return "" if view.judges_layout else "no layout is proposed"


def needs_header(view: View) -> str:
    """For the rules of a proposed layout that rest on Xen's public header."""
    if view.judges_layout and not view.platform.xen.documents_layout:
        return f"the public header of {view.platform.xen.title} prints no layout"
    return needs_proposal(view)


def needs_config(view: View) -> str:
    """For the rules that look into a .config."""
    if view.judged and not any(judged.guest_class.has_config for judged in view.judged):
        return "no .config was sent"
    return needs_guests(view)


def needs_layout_or_guests(view: View) -> str:
    """For the rules that judge a layout in force too, where somebody runs under it."""
    return needs_proposal(view) and needs_guests(view) and "no layout is proposed, and no guest runs on this platform"


def needs_guests(view: View) -> str:
    """For the rules of guests."""
    return "" if view.judged else "no guest runs on this platform"


def join(words: Sequence[str]) -> str:
    """Words as a list in a sentence: `mode, role and devices`."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def hazards_by(rule: str) -> Check:
    """The check of a rule that makes the hazards of decided classes findings."""

    def check(view: View) -> Iterator[Finding]:
        for judged in view.judged:
            for hazard in judged.hazards:
                if hazard.rule == rule:
                    yield hazard_finding(hazard, view.platform, judged)

    return check


def hazard_finding(hazard: Hazard, platform: Platform, judged: ClassJudgement | None = None) -> Finding:
    """A hazard of a class, or of a platform itself, as a finding."""
    found = Finding(
        rule=hazard.rule,
        verdict=hazard.verdict,
        severity=hazard.severity,
        platform=platform.name,
        entry=hazard.entry,
        wanted=hazard.wanted,
        in_force=hazard.in_force,
        title=hazard.title,
        message=f"{hazard.message[:1].upper()}{hazard.message[1:]}.",
        fix=hazard.fix,
        assumption=hazard.assumption,
        subject=hazard.subject,
        headline=hazard.headline,
    )
    if judged is None:
        return found
    one = judged.guest_class
    return replace(
        found,
        guest_class=one.key,
        guests=tuple(one.members),
        message=f"{one.subject}: {hazard.message}.",
        steps=hazard_steps(judged, hazard),
        who=one.who,
        headline=f"{{who}}: {hazard.headline}",
    )


def hazard_steps(judged: ClassJudgement, hazard: Hazard) -> tuple[Step, ...]:
    """From what the guest is to what the hazard does to it."""
    assert judged.profile is not None  # hazards of a decided class alone are findings
    behaviour = judged.profile.behaviour
    return (
        Step(
            kind="premise",
            label="Premise",
            value=behaviour.title,
            why=judged.guest_class.title,
            cites=(behaviour.cite,),
        ),
        Step(
            kind="consequence",
            label="Consequence",
            value=hazard.verdict.word,
            why=hazard.message,
            cites=(hazard.cite,),
        ),
    )
