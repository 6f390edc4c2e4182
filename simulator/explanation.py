"""One guest explained: each memory type from the page-table bits to the effective type, as plain data."""

from typing import NamedTuple

from simulator.analysis import coverage_of, in_order, review, verdict_of
from simulator.case import Case, ClassJudgement
from simulator.finding import CONFIDENCE_ORDER, Finding, Verdict, worst
from simulator.judgement import say_of
from simulator.mapping import Mapping, map_type
from simulator.memory_type import ORDER, MemoryType
from simulator.pair import Target
from simulator.pat import PatLayout
from simulator.platform import Platform
from simulator.problem import refuse
from simulator.rules import RULES
from simulator.rules.rule import GuestView, MappingView
from simulator.scenario import read_scenario

Data = dict[str, object]


class _Shown(NamedTuple):
    """A mapping as it is shown, in one case, with what the rules say of it."""

    mapping: Mapping
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the pair and of the findings."""
        return worst([self.mapping.verdict, *(finding.verdict for finding in self.findings)])


def explain(data: object, *, target: str | None = None) -> Data:
    """What becomes of every memory type of the one guest of a scenario, on its one platform.

    `target` is mmio, ram or None, which leaves Xen's rewriting of MMIO out and judges at an MTRR of WB. The verdict is
    that of analyse() on the same scenario. Raises InvalidInput as analyse() does.
    """
    scenario = read_scenario(data)
    reviews = review(scenario)
    if len(reviews) != 1 or len(reviews[0].after.judged) != 1:
        raise refuse("explain", "one guest on one platform is explained", field="guests")
    view, findings = reviews[0].after, in_order(reviews)
    judged = view.judged[0]
    kernels = judged.cases
    shown = [[_show(view.platform, view.layout, judged, case, wanted, target) for case in kernels] for wanted in ORDER]
    covered = coverage_of(reviews, findings)
    said = [_said_of(one, judged) for one in shown]
    listed = _with_shown([stated.finding for stated in findings], said)
    return {
        "guest": _guest(judged),
        "host_layout": _host_layout(view.platform, judged, view.layout),
        "needs": [need.as_data() for need in kernels[0].kernel.needs],
        "mappings": [
            _as_data(*one, platform=view.platform, is_open=judged.guest_class.possibilities.is_open)
            for one in zip(shown, said, strict=True)
        ],
        "findings": [finding.as_said() for finding in listed],
        "verdict": verdict_of(findings).word,
        "coverage": {
            "ran": [one.rule.id for one in covered if one.findings is not None],
            "not_applicable": [{"rule": one.rule.id, "why": one.why_not} for one in covered if one.findings is None],
            "undecided": [{"rule": one.rule.id, "missing": one.left_open} for one in covered if one.left_open],
        },
    }


def _show(
    platform: Platform, layout: PatLayout, judged: ClassJudgement, case: Case, wanted: MemoryType, target: str | None
) -> _Shown:
    where = Target.MMIO if target == "mmio" else Target.RAM
    guest = GuestView(platform, layout, judged.guest_class, case.kernel)
    mapping = map_type(case.kernel, platform, layout, wanted, where)
    need = next((one for one in case.kernel.needs if (one.wanted, one.target) == (wanted, where)), None)
    return _Shown(mapping, tuple(say_of(MappingView(guest, mapping, need), RULES)))


def _said_of(one: list[_Shown], judged: ClassJudgement) -> tuple[Finding, ...]:
    """What is said of a shown mapping: by the case that speaks for all, or by all cases where they agree on it."""
    if judged.chosen is not None:
        kernel = judged.chosen.kernel
        return one[next(n for n, case in enumerate(judged.cases) if case.kernel == kernel)].findings
    is_same = len({shown.findings for shown in one}) == 1 and not judged.guest_class.possibilities.is_open
    return one[0].findings if is_same else ()


def _with_shown(findings: list[Finding], said: list[tuple[Finding, ...]]) -> list[Finding]:
    """What the report says, and what is said of the mappings that are shown besides, each once."""
    found = {(finding.rule, finding.subject): finding for finding in findings}
    for finding in (finding for group in said for finding in group):
        found.setdefault((finding.rule, finding.subject), finding)
    return list(found.values())


def _guest(judged: ClassJudgement) -> Data:
    facts, kernels = judged.guest_class.facts, [case.kernel for case in judged.cases]
    found = judged.guest_class.possibilities
    rows = list(dict.fromkeys(kernel.row.title for kernel in kernels))
    least = max((kernel.confidence for kernel in kernels), key=CONFIDENCE_ORDER.index)
    return {
        "family": facts.family,
        "release": facts.release.text if facts.release is not None else None,
        "mode": facts.mode,
        "role": facts.role.lower() if facts.role is not None else None,
        "devices": kernels[0].setting.devices,
        "row": rows[0] if len(rows) == 1 and not found.is_open else f"undecided: {found.gap or ' or '.join(rows)}",
        "confidence": least.value,
    }


def _host_layout(platform: Platform, judged: ClassJudgement, layout: PatLayout) -> Data:
    kernel, observed = judged.cases[0].kernel, judged.guest_class.facts.observed
    source = "observed" if observed is not None else "guest" if kernel.own is not None else platform.layout_source
    layout = kernel.own or layout
    return {"msr": layout.hex, "entries": layout.words, "source": source}


def _as_data(cases: list[_Shown], said: tuple[Finding, ...], *, platform: Platform, is_open: bool) -> Data:
    """A mapping in every case: where the cases differ its fields are null, and it is indeterminate."""
    rows = [one.mapping.as_data(platform.vendor) for one in cases]
    data, verdicts = rows[0], {one.verdict for one in cases}
    if is_open or any(row != data for row in rows):
        blank: Data = {"refused": None, "pte_bits": None, "pat_index": None, "pat_type": None, "effective": None}
        data = {"wanted": data["wanted"], **blank}
    verdict = Verdict.INDETERMINATE if is_open else _undecided(verdicts)
    rules = sorted({finding.rule for finding in said})
    return {**data, "verdict": verdict.word, "findings": rules}


def _undecided(verdicts: set[Verdict]) -> Verdict:
    """Cases that differ decide nothing, but where none is worse than degraded."""
    highest = max(verdicts)
    return highest if len(verdicts) == 1 or highest <= Verdict.DEGRADED else Verdict.INDETERMINATE
