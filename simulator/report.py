"""The report: what a review found, as plain data of schema patreview.report/1."""

from collections.abc import Sequence

from simulator.analysis import Review, coverage_of, in_order, review, verdict_of
from simulator.catalogue import ENGINE_VERSION, rules_digest
from simulator.finding import Verdict, worst
from simulator.headline import fit
from simulator.judgement import ClassJudgement
from simulator.memory_type import MemoryType
from simulator.pat import PatLayout, name_of
from simulator.picture import draw_entries, draw_wires
from simulator.profile import Profile
from simulator.rules import RULES
from simulator.scenario import Scenario, read_scenario

SCHEMA = "patreview.report/1"

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
    return {
        "schema": SCHEMA,
        "engine": {"version": ENGINE_VERSION, "rules_digest": rules_digest()},
        "kind": scenario.kind,
        "verdict": verdict.word,
        "sentence": _good_sentence(scenario, reviews)
        if verdict is Verdict.COMPATIBLE
        else fit(findings[0].finding.headline, findings[0].finding.who),
        "tally": {
            "before": _tally(scenario, reviews, "before") if scenario.kind == "layout" else None,
            "after": _tally(scenario, reviews, "after"),
        },
        "platforms": [_platform(one) for one in reviews],
        "classes": [_class(one, number) for one in reviews for number in range(len(one.after.judged))],
        "findings": [
            stated.finding.as_data(rule_title=titles[stated.finding.rule], state=stated.state) for stated in findings
        ],
        "coverage": _coverage(reviews),
    }


def _good_sentence(scenario: Scenario, reviews: Sequence[Review]) -> str:
    guests = len({name for one in reviews for judged in one.after.judged for name in judged.guest_class.members})
    what = "the proposed layout" if scenario.kind == "layout" else "the layout in force"
    who = f"the {guests} guests" if guests > 1 else "the guest" if guests else "Xen itself"
    named = [one for one in reviews if one.platform.proposed is not None or one.after.judged]
    platforms = ", ".join(f"{one.platform.name} ({one.platform.xen.title})" for one in named)
    return fit(f"No rule objects to {who} under {what} on {{who}}", platforms)


def _tally(scenario: Scenario, reviews: Sequence[Review], moment: str) -> Data:
    """How many guests have each verdict; a guest on several platforms counts by its worst."""
    by_guest: dict[str, list[Verdict]] = {}
    for one in reviews:
        view = one.before if moment == "before" and one.before is not None else one.after
        for judged in view.judged:
            for name in judged.guest_class.members:
                by_guest.setdefault(name, []).append(judged.verdict)
    verdicts = [worst(found) for found in by_guest.values()]
    return {verdict.word: verdicts.count(verdict) for verdict in sorted(Verdict, reverse=True)}


def _layout(layout: PatLayout, name: str) -> Data:
    return {"msr": layout.hex, "entries": layout.words, "name": name}


def _platform(one: Review) -> Data:
    platform, after = one.platform, one.platform.proposed
    return {
        "name": platform.name,
        "hypervisor": platform.xen.title,
        "cpu_vendor": platform.vendor.value,
        "before": _layout(platform.layout, platform.layout_name),
        "after": None if after is None else _layout(after, name_of(after)),
        "entries": draw_entries(one),
        "wires": draw_wires(one),
    }


def _class(one: Review, number: int) -> Data:
    after = one.after.judged[number]
    before = None if one.before is None else one.before.judged[number]
    known = after.guest_class
    profile = after.profile or (before.profile if before is not None else None)
    open_behaviour = "undecided: " + "; ".join(
        sorted({profile.behaviour.title for profile in known.possibilities.profiles})
    )
    return {
        "key": known.key,
        "platform": known.platform,
        "members": list(known.members),
        "title": known.title,
        "behaviour": open_behaviour if profile is None else profile.behaviour.title,
        "wants": [_want(profile, after, wanted, one) for wanted in profile.wants] if profile is not None else [],
        "before": None if before is None else before.verdict.word,
        "after": after.verdict.word,
        "resumed": None if after.resumed is None else after.resumed.word,
        "change": None if before is None else _change(before.verdict, after.verdict),
    }


def _want(profile: Profile, after: ClassJudgement, wanted: MemoryType, one: Review) -> Data:
    def place(layout: PatLayout) -> Data:
        index = profile.encode(wanted, layout)
        return {"index": index, "type": layout.entries[index].word}

    found = [want.verdict for want in after.wants if want.encoded.wanted is wanted]
    verdict = worst(found) if found else after.verdict
    if wanted is MemoryType.WB and profile.dies_under(one.after.layout):
        verdict = Verdict.INCOMPATIBLE
    return {
        "type": wanted.word,
        "before": None if one.before is None else place(one.before.layout),
        "after": place(one.after.layout),
        "verdict": verdict.word,
    }


_BROKEN = (Verdict.INCOMPATIBLE, Verdict.INDETERMINATE)


def _change(before: Verdict, after: Verdict) -> str:
    if after > before:
        return "regressed"
    if after == before:
        return "unchanged"
    return "fixed" if before in _BROKEN and after not in _BROKEN else "improved"


def _coverage(reviews: Sequence[Review]) -> Data:
    covered = coverage_of(reviews, in_order(reviews))

    def row(rule_id: str, title: str, **more: object) -> Data:
        return {"rule": rule_id, "title": title, **more}

    return {
        "ran": [row(one.rule.id, one.rule.title, findings=one.findings) for one in covered if one.findings is not None],
        "not_applicable": [
            row(one.rule.id, one.rule.title, why=one.why_not) for one in covered if one.findings is None
        ],
        "undecided": [row(one.rule.id, one.rule.title, why=one.left_open) for one in covered if one.left_open],
    }
