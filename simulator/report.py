"""The report: what a review found, as plain data of schema patreview.report/1."""

from collections.abc import Sequence

from simulator.analysis import Review, Stated, coverage_of, in_order, review, verdict_of
from simulator.canonical_json import digest
from simulator.case import Case, ClassJudgement, Result
from simulator.catalogue import ENGINE_VERSION, rules_digest
from simulator.finding import Verdict, worst
from simulator.headline import fit
from simulator.kernel import Kernel
from simulator.mapping import Mapping, map_type
from simulator.memory_type import ORDER, MemoryType
from simulator.pair import Target
from simulator.pat import PatLayout
from simulator.picture import draw_entries, draw_wires
from simulator.rules import RULES, View
from simulator.scenario import Scenario, read_scenario

SCHEMA = "patreview.report/1"
ACCOUNTS_LIMIT = 20

Data = dict[str, object]


def analyse(data: object) -> Data:
    """The report on a scenario: plain data in, plain data out, the same for the same scenario.

    Raises InvalidInput where the scenario cannot be read or no rule applies.
    """
    scenario = read_scenario(data)
    reviews = review(scenario)
    findings = in_order(reviews)
    titles = {rule.id: rule.title for rule in RULES}
    verdict = verdict_of(findings)
    report: Data = {
        "schema": SCHEMA,
        "engine": {"version": ENGINE_VERSION, "rules_digest": rules_digest()},
        "kind": scenario.kind,
        "verdict": verdict.word,
        "sentence": _good_sentence(scenario, reviews)
        if verdict is Verdict.COMPATIBLE
        else fit(findings[0].finding.headline, findings[0].finding.who),
        "tally": {
            "before": _tally(reviews, "before") if _is_compared(reviews) else None,
            "after": _tally(reviews, "after"),
        },
        "platforms": [_platform(one) for one in reviews],
        "classes": [_class(one, number) for one in reviews for number in range(len(one.after.judged))],
        "findings": [
            stated.finding.as_data(rule_title=titles[stated.finding.rule], state=stated.state) for stated in findings
        ],
        "coverage": coverage_as_data(reviews, findings),
        "evidence": _evidence(data) if scenario.kind == "guest" else [],
    }
    return report | {"inputs_digest": f"sha256:{_inputs_digest(scenario)}"}


def _evidence(data: object) -> list[Data]:
    """What is known of each guest that came with facts, where they are few: a fleet's are its catalogue's."""
    assert isinstance(data, dict)  # read_scenario() looked
    guests = [one for one in (*(data.get("guests") or ()), data.get("proposal") or {}) if "facts" in one]
    if not 0 < len(guests) <= ACCOUNTS_LIMIT:
        return []
    from simulator.evidence.account import account_of

    return [account_of(one) for one in guests]


def _inputs_digest(scenario: Scenario) -> str:
    """What the scenario says, in an order of its own: the order of guests and platforms is no part of it."""
    platforms = [repr(platform) for platform in scenario.platforms]
    return digest("inputs", [scenario.kind, scenario.setter, platforms, [repr(guest) for guest in scenario.guests]])


def _is_compared(reviews: Sequence[Review]) -> bool:
    return any(one.before is not None for one in reviews)


def _good_sentence(scenario: Scenario, reviews: Sequence[Review]) -> str:
    guests = len({name for one in reviews for judged in one.after.judged for name in judged.guest_class.members})
    what = "the layout in force" if scenario.kind == "guest" else "the proposed layout"
    who = f"the {guests} guests" if guests > 1 else "the guest" if guests else "Xen itself"
    named = [one for one in reviews if one.platform.proposed is not None or one.after.judged]
    platforms = ", ".join(f"{one.platform.name} ({one.platform.xen.title})" for one in named)
    return fit(f"No rule objects to {who} under {what} on {{who}}", platforms)


def _tally(reviews: Sequence[Review], moment: str) -> Data:
    """How many guests have each verdict; a guest on several platforms counts by its worst."""
    by_guest: dict[str, Verdict] = {}
    for one in reviews:
        view = one.before if moment == "before" and one.before is not None else one.after
        for judged in view.judged:
            verdict = judged.verdict
            for name in judged.guest_class.members:
                by_guest[name] = max(by_guest.get(name, verdict), verdict)
    counts = dict.fromkeys(sorted(Verdict, reverse=True), 0)
    for verdict in by_guest.values():
        counts[verdict] += 1
    return {verdict.word: count for verdict, count in counts.items()}


def layout_as_data(layout: PatLayout, name: str) -> Data:
    """A layout as value, words and name."""
    return {"msr": layout.hex, "entries": layout.words, "name": name}


def _platform(one: Review) -> Data:
    platform, after = one.platform, one.platform.proposed
    in_force = (one.before or one.after).layout
    return {
        "name": platform.name,
        "hypervisor": platform.xen.title,
        "cpu_vendor": platform.vendor.value,
        "before": layout_as_data(in_force, platform.layout_name if in_force == platform.layout else in_force.name),
        "after": None if after is None else layout_as_data(after, after.name),
        "entries": draw_entries(one),
        "wires": draw_wires(one),
    }


def _class(one: Review, number: int) -> Data:
    after = one.after.judged[number]
    before = None if one.before is None else one.before.judged[number]
    known = after.guest_class
    chosen = after.chosen or (before.chosen if before is not None else None)
    titles = sorted({_behaviour(case.kernel) for case in after.cases})
    kernel = None if chosen is None else chosen.kernel
    return {
        "key": known.key,
        "platform": known.platform,
        "members": list(known.members),
        "title": known.title,
        "row": None if kernel is None else after.row,
        "confidence": None if kernel is None else kernel.confidence.value,
        "behaviour": titles[0] if len(titles) == 1 else f"undecided: {'; '.join(titles)}",
        "needs": [] if kernel is None else [need.as_data() for need in kernel.needs],
        "wants": _wants(one, number, chosen),
        "before": None if before is None else before.verdict.word,
        "after": after.verdict.word,
        "resumed": None if after.resumed is None else after.resumed.word,
        "change": None if before is None else _change(before.verdict, after.verdict),
    }


def _behaviour(kernel: Kernel) -> str:
    """What the guest does, in a few words."""
    if not kernel.is_pv:
        return "has a PAT of its own"
    may_set = kernel.setting.devices or kernel.setting.mode != "pv"
    return kernel.behaviour.title if may_set else "may set no cache bit: PA0 alone"


def _wants(one: Review, number: int, chosen: Case | None) -> list[Data]:
    """Each memory type that a class can map: where it is, what it gives, and whether it is needed."""
    if chosen is None:
        return []
    after = one.after.judged[number]
    results = after.chosen.results if after.chosen is not None else ()
    return [
        _want(one, chosen, wanted, [result for result in results if result.mapping.wanted is wanted], after)
        for wanted in ORDER
    ]


def _want(one: Review, chosen: Case, wanted: MemoryType, results: list[Result], after: ClassJudgement) -> Data:
    new, old = _mapped(one.after, chosen, wanted), None
    if one.before is not None:
        old = _mapped(one.before, chosen, wanted)
    verdict = worst(result.verdict for result in results) if results else new.verdict
    boot = [finding.verdict for finding in after.findings if finding.rule == "EVI010"]
    return {
        "type": wanted.word,
        "needed": [result.need.target.value for result in results],
        "before": None if old is None else _place(old),
        "after": _place(new),
        "refused": None if new.refused is None else {"by": new.refused.by, "why": new.refused.why},
        "verdict": worst([verdict, *boot]).word,
        "mappings": [_result(result) for result in results],
    }


def _mapped(view: View, chosen: Case, wanted: MemoryType) -> Mapping:
    return map_type(chosen.kernel, view.platform, view.layout, wanted, Target.RAM)


def _place(mapping: Mapping) -> Data | None:
    if mapping.pat_type is None:
        return None
    return {"index": mapping.written, "type": mapping.pat_type.word}


def _result(result: Result) -> Data:
    mapping = result.mapping
    return {
        "target": mapping.target.value,
        "pte_index": mapping.written,
        "pat_index": mapping.left,
        "pat_type": None if mapping.pat_type is None else mapping.pat_type.word,
        "in_force": None if mapping.in_force is None else mapping.in_force.word,
        "verdict": result.verdict.word,
        "certain": result.need.certain,
        "why": result.need.why,
        "findings": sorted({finding.rule for finding in result.findings}),
    }


_BROKEN = (Verdict.INCOMPATIBLE, Verdict.INDETERMINATE)


def _change(before: Verdict, after: Verdict) -> str:
    if after > before:
        return "regressed"
    if after == before:
        return "unchanged"
    return "fixed" if before in _BROKEN and after not in _BROKEN else "improved"


def coverage_as_data(reviews: Sequence[Review], findings: Sequence[Stated]) -> Data:
    """Which rules ran, which did not apply and why, and which left something open."""
    covered = coverage_of(reviews, findings)

    def row(rule_id: str, title: str, **more: object) -> Data:
        return {"rule": rule_id, "title": title, **more}

    return {
        "ran": [row(one.rule.id, one.rule.title, findings=one.findings) for one in covered if one.findings is not None],
        "not_applicable": [
            row(one.rule.id, one.rule.title, why=one.why_not) for one in covered if one.findings is None
        ],
        "undecided": [row(one.rule.id, one.rule.title, why=one.left_open) for one in covered if one.left_open],
    }
