"""What a rule is, and what it looks at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simulator.finding import Finding, Severity
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


def needs_guests(view: View) -> str:
    """For the rules of guests."""
    return "" if view.judged else "no guest runs on this platform"
