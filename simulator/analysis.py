"""From a scenario to what is said of it: views judged, rules run, states against the layout in force."""

from collections.abc import Sequence
from typing import NamedTuple

from simulator.finding import SEVERITY_ORDER, Finding, Verdict, worst
from simulator.judgement import judge_class
from simulator.memory_type import MemoryType
from simulator.pat import PatLayout
from simulator.platform import Platform
from simulator.problem import refuse
from simulator.rules import RULES, Rule, View
from simulator.rules.evidence import observed_layouts
from simulator.scenario import GuestClass, Scenario, classes_on

#: Which type to speak of first: WC is what guests notice.
_HEADLINE_ORDER = (
    MemoryType.WC,
    MemoryType.UC_MINUS,
    MemoryType.WT,
    MemoryType.UC,
    MemoryType.WB,
    MemoryType.WP,
    None,
)

NEW, UNCHANGED, CHANGED, FIXED = "new", "unchanged", "changed", "fixed"


class Stated(NamedTuple):
    """A finding with its state against the layout in force; None where nothing is proposed for it."""

    finding: Finding
    state: str | None

    @property
    def counts(self) -> bool:
        """Whether it bears on the verdict: what is fixed does not."""
        return self.state != FIXED


class Review(NamedTuple):
    """One platform, reviewed. `before` is None where no layout is proposed."""

    platform: Platform
    before: View | None
    after: View
    findings: tuple[Stated, ...]


class Coverage(NamedTuple):
    """What became of one rule: findings if it ran, else why it did not apply, and what it left open."""

    rule: Rule
    findings: int | None
    why_not: str
    left_open: str


def review(scenario: Scenario) -> list[Review]:
    """Every platform of a scenario, reviewed.

    Raises InvalidInput if no rule applies: an empty answer must not look like a good one.
    """
    reviews = [
        _review(platform, classes_on(platform, scenario.guests), scenario.setter) for platform in scenario.platforms
    ]
    if all(rule.applies(one.after) for rule in RULES for one in reviews):
        raise refuse(
            "nothing_evaluated",
            "no rule applies: no layout is proposed, and no guest runs on a platform",
            field="guests",
        )
    return reviews


def _review(platform: Platform, classes: Sequence[GuestClass], setter: str) -> Review:
    proposed, observed = platform.proposed, list(observed_layouts(classes))
    # What was seen is in force, whatever is stated or in a table: EVI070 says where they differ.
    layout = observed[0] if len(observed) == 1 else platform.layout
    if proposed is None:
        in_force = view_of(platform, layout, classes)
        found = tuple(Stated(finding=finding, state=None) for finding in run(in_force))
        return Review(platform=platform, before=None, after=in_force, findings=found)
    in_force = view_of(platform._replace(proposed=None, source=None), layout, classes)._replace(judges_layout=True)
    after = view_of(platform, proposed, classes, replaced=layout, setter=setter)
    return Review(platform=platform, before=in_force, after=after, findings=_compare(run(in_force), run(after)))


def view_of(
    platform: Platform,
    layout: PatLayout,
    classes: Sequence[GuestClass],
    *,
    replaced: PatLayout | None = None,
    setter: str = "",
) -> View:
    """One platform under one layout, with every class judged."""
    return View(
        platform=platform,
        layout=layout,
        judged=tuple(judge_class(platform, layout, one, RULES, replaced=replaced) for one in classes),
        judges_layout=platform.proposed is not None,
        replaced=replaced,
        setter=setter,
    )


def run(view: View) -> list[Finding]:
    """What the rules say of a view: of the platform by the rules of that scope, of its guests as they were judged."""
    found = [
        finding for rule in RULES if rule.scope == "platform" and not rule.applies(view) for finding in rule.check(view)
    ]
    return [*found, *(finding for judged in view.judged for finding in judged.findings)]


def _compare(before: list[Finding], after: list[Finding]) -> tuple[Stated, ...]:
    old = {finding.fingerprint: finding for finding in before}
    stated = [Stated(finding=finding, state=_state(old.get(finding.fingerprint), finding)) for finding in after]
    kept = {finding.fingerprint for finding in after}
    gone = [Stated(finding=finding, state=FIXED) for key, finding in old.items() if key not in kept]
    return (*stated, *gone)


def _state(old: Finding | None, new: Finding) -> str:
    if old is None:
        return NEW
    is_same = (old.verdict, old.message, old.outcomes) == (new.verdict, new.message, new.outcomes)
    return UNCHANGED if is_same else CHANGED


def in_order(reviews: Sequence[Review]) -> list[Stated]:
    """All findings, worst first, those that are fixed last."""

    def rank(stated: Stated) -> tuple[object, ...]:
        finding = stated.finding
        return (
            not stated.counts,
            -finding.verdict,
            SEVERITY_ORDER.index(finding.severity),
            finding.rule,
            _HEADLINE_ORDER.index(finding.wanted),
            finding.subject,
            finding.platform,
            finding.title,
            finding.guest_class.identity if finding.guest_class else "",
        )

    return sorted((stated for one in reviews for stated in one.findings), key=rank)


def verdict_of(findings: Sequence[Stated]) -> Verdict:
    """The verdict of a report: the worst finding that counts."""
    return worst(stated.finding.verdict for stated in findings if stated.counts)


def coverage_of(reviews: Sequence[Review], findings: Sequence[Stated]) -> list[Coverage]:
    """What became of each rule of the catalogue."""
    counted: dict[str, int] = {}
    for stated in findings:
        counted[stated.finding.rule] = counted.get(stated.finding.rule, 0) + stated.counts
    left_open = _left_open(reviews)
    covered = []
    for rule in RULES:
        reasons = [rule.applies(one.after) for one in reviews]
        ran = not all(reasons)
        covered.append(
            Coverage(
                rule=rule,
                findings=counted.get(rule.id, 0) if ran else None,
                why_not="" if ran else reasons[0],
                left_open=_open_needs(counted) if rule.id == "DRV030" else left_open if rule.needs_encodings else "",
            )
        )
    return [one if one.findings is not None else one._replace(left_open="") for one in covered]


def _open_needs(counted: dict[str, int]) -> str:
    """DRV030 speaks where nothing says what a guest drives, and that might matter."""
    return "a .config, a module list or drivers" if counted.get("DRV030") else ""


def _left_open(reviews: Sequence[Review]) -> str:
    names = sorted(
        {
            name
            for one in reviews
            for judged in one.after.judged
            if judged.kernel is None
            for name in judged.guest_class.members
        }
    )
    return f"what is known of {', '.join(names)} does not decide how it encodes" if names else ""
