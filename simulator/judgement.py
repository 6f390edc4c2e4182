"""Judging a guest class under one layout: every need in every case that is possible, by the rules."""

from collections.abc import Callable, Iterable, Sequence

from simulator.case import Case, ClassJudgement, Result
from simulator.driver import Need
from simulator.finding import Finding, Verdict, worst
from simulator.kernel import Kernel
from simulator.mapping import map_type
from simulator.memory_type import ORDER, MemoryType
from simulator.pair import Target
from simulator.pat import PatLayout
from simulator.platform import Platform
from simulator.rules.rule import GuestView, MappingView, Rule
from simulator.scenario import GuestClass


def judge_class(
    platform: Platform,
    layout: PatLayout,
    one: GuestClass,
    rules: Sequence[Rule],
    *,
    replaced: PatLayout | None = None,
) -> ClassJudgement:
    """A class under a layout, decided over every behaviour that is possible, anew and restored each on its own."""
    judges_layout = platform.proposed is not None
    views = [GuestView(platform, layout, one, kernel, judges_layout, replaced) for kernel in one.possibilities.kernels]
    cases = tuple(_judge_case(view, rules) for view in views)
    is_open = one.possibilities.is_open and not all(case.cannot_boot for case in cases)
    return ClassJudgement(
        guest_class=one,
        cases=cases,
        chosen=None if is_open else _choose(cases, lambda case: case.fresh),
        restored=None if is_open else _choose(cases, lambda case: case.after_restore),
    )


def _judge_case(view: GuestView, rules: Sequence[Rule]) -> Case:
    replaced = view.replaced
    kept = None
    if replaced is not None and _can_resume(view.kernel, replaced):
        kept = tuple(judge_need(view, need, rules, booted_under=replaced) for need in view.kernel.needs)
    return Case(
        kernel=view.kernel,
        results=tuple(judge_need(view, need, rules) for need in view.kernel.needs),
        kept=kept,
        said=tuple(finding for rule in rules if rule.scope == "guest" for finding in rule.check(view)),
    )


def judge_need(view: GuestView, need: Need, rules: Sequence[Rule], *, booted_under: PatLayout | None = None) -> Result:
    """One need: what it is mapped as, and what the rules of mappings say; of a restored guest, those of a restore."""
    mapping = map_type(view.kernel, view.platform, view.layout, need.wanted, need.target, booted_under=booted_under)
    return Result(mapping, need, tuple(say_of(MappingView(view, mapping, need, booted_under), rules)))


def say_of(view: MappingView, rules: Sequence[Rule]) -> list[Finding]:
    """What the rules of mappings say of one; of a need that is only possible, conditional at worst."""
    scope, need = "mapping" if view.booted_under is None else "restore", view.need
    found = [finding for rule in rules if rule.scope == scope for finding in rule.check(view)]
    return found if need is None or need.certain else [_only_possible(finding, need) for finding in found]


def _only_possible(finding: Finding, need: Need) -> Finding:
    """A finding about a need that may not be there: conditional at worst, right if it is not."""
    if finding.verdict <= Verdict.CONDITIONAL:
        return finding
    return finding._replace(
        verdict=Verdict.CONDITIONAL,
        assumption=need.unless,
        headline=f"{{who}}: right if {need.unless}: {finding.headline.removeprefix('{who}').lstrip(': ')}",
    )


def _can_resume(kernel: Kernel, host: PatLayout) -> bool:
    """Whether the guest ran under a layout and, saved, carries cache bits that a layout gives meaning to."""
    return (
        kernel.is_resumable
        and not kernel.dies_under(host)
        and any(kernel.encode(need.wanted, host) for need in kernel.needs)
    )


def _choose(cases: tuple[Case, ...], verdict_of: Callable[[Case], Verdict]) -> Case | None:
    """The case that speaks for all: all have its verdict, or none is worse than degraded; None if none does.

    Where all are conditional, they are so on all that any of them rests on.
    """
    verdicts = [verdict_of(case) for case in cases]
    highest = worst(verdicts)
    if len(set(verdicts)) > 1 and highest > Verdict.DEGRADED:
        return None
    first = cases[verdicts.index(highest)]
    return _merge(first, cases) if highest is Verdict.CONDITIONAL and len(cases) > 1 else first


def _merge(first: Case, cases: tuple[Case, ...]) -> Case:
    kept = [case.kept for case in cases if case.kept is not None]
    return first._replace(
        results=_worst_results(case.results for case in cases),
        kept=_worst_results(kept) if kept else None,
        said=_all_said(finding for case in cases for finding in case.said),
    )


def _all_said(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What is said in any case, each statement once: the worst of it, right if all that it rests on anywhere holds."""
    found: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        known = found.setdefault((finding.rule, finding.subject), finding)
        worse = max(known, finding, key=lambda one: one.verdict)
        rests_on = dict.fromkeys(one.assumption for one in (known, finding) if one.assumption)
        found[finding.rule, finding.subject] = worse._replace(assumption="; and ".join(rests_on) or None)
    return tuple(found.values())


def _worst_results(groups: Iterable[tuple[Result, ...]]) -> tuple[Result, ...]:
    found: dict[tuple[MemoryType, Target], Result] = {}
    for result in (result for group in groups for result in group):
        key = (result.mapping.wanted, result.mapping.target)
        known = found.setdefault(key, result)
        found[key] = max(known, result, key=lambda one: one.verdict)
    return tuple(sorted(found.values(), key=lambda one: (ORDER.index(one.mapping.wanted), one.mapping.target)))
