"""Where a project stands: every guest in service against the layouts in force, class by class.

A hundred thousand guests are few distinct facts: one GROUP BY finds them, one analysis judges one guest of each,
and the numbers are put back in. What it comes to changes only with the catalogue or the engine, so each process
keeps the last few.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from patreview import engine
from patreview.analyses.scenario import platform_data
from patreview.catalogue.queries import (
    FactGroup,
    Guest,
    Platform,
    catalogue_version,
    distinct_facts_in,
    fact_groups_in,
    facts_of,
    guest_counts_by_platform,
    platforms_in,
)
from patreview.projects.models import Project

Json = dict[str, Any]

PAIRS_MAX = 2_000  # of distinct facts and a platform, the most frequent first
KEPT_MAX = 16  # standings a process remembers
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)  # engine.InvalidInput is a ValueError


@dataclass(frozen=True)
class Standing:
    """The guests in service under the layouts in force.

    `platforms` are those of the engine's report and `classes` its classes, worst first. Their members are the first
    guests of their groups; `first` is the id of one, and `guests` says how many there are. `counts` holds for all
    guests; `left_out` says how many pairs of facts and platform were too many to judge, `unread` how many guests had
    facts that cannot be read, `problem` why nothing could be judged at all.
    """

    platforms: dict[str, Json] = field(default_factory=dict)
    classes: tuple[Json, ...] = ()
    findings: tuple[Json, ...] = ()
    counts: dict[int, int] = field(default_factory=dict)
    digests: dict[tuple[str, str], Json] = field(default_factory=dict)
    left_out: int = 0
    unread: int = 0
    problem: str = ""

    def classes_on(self, platform: str) -> list[Json]:
        """The classes on one platform, worst first, then the largest."""
        return [one for one in self.classes if one["platform"] == platform]

    def class_of(self, facts_digest: str, platform: str) -> Json | None:
        """The class of guests with such facts on a platform; None where it was not judged."""
        return self.digests.get((facts_digest, platform))

    def alike(self, *, verdict: str = "", key: str = "") -> dict[str, set[str]]:
        """Platform -> digests of facts that have a verdict there, or that make up one class."""
        found: dict[str, set[str]] = {}
        for (digest, platform), one in self.digests.items():
            if (not verdict or one["after"] == verdict) and (not key or one["key"] == key):
                found.setdefault(platform, set()).add(digest)
        return found

    def tally(self, platform: str) -> list[tuple[str, int]]:
        """How many guests of a platform have each verdict, worst first, without those that nobody has."""
        totals = dict.fromkeys(engine.VERDICTS, 0)
        for one in self.classes_on(platform):
            totals[one["after"]] += one["guests"]
        return [(word, count) for word, count in totals.items() if count]


_kept: OrderedDict[tuple[Any, ...], Standing] = OrderedDict()
_lock = Lock()


def standing_of(project: Project) -> Standing:
    """The standing of a project as of now, from memory where nothing changed."""
    version = catalogue_version(project.pk)
    # The time of creation: under a running process a database may be replaced by a backup.
    key = (project.pk, project.created_at, version, engine.rules_digest(), engine.ENGINE_VERSION)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = _standing(project)
    with _lock:
        _kept[key] = made
        while len(_kept) > KEPT_MAX:
            _kept.popitem(last=False)
    return made


def _standing(project: Project) -> Standing:
    counts = guest_counts_by_platform(project)
    groups = fact_groups_in(project, PAIRS_MAX + 1)
    left_out = 0
    if len(groups) > PAIRS_MAX:
        groups, left_out = groups[:PAIRS_MAX], distinct_facts_in(project) - PAIRS_MAX
    platforms = {platform.pk: platform for platform in platforms_in(project)[:100]}
    groups = [group for group in groups if group.platform in platforms]
    facts = facts_of({group.first for group in groups})
    readable = {pk: found for pk, found in facts.items() if _is_readable(*found)}
    unread = sum(group.guests for group in groups if group.first not in readable)
    judged = [group for group in groups if group.first in readable]
    known = Standing(counts=counts, left_out=left_out, unread=unread)
    return _judged(known, judged, platforms, readable) if judged else known


def _is_readable(name: str, facts: object) -> bool:
    try:
        engine.guest_title({"name": name, "facts": facts})
    except UNREADABLE:
        return False
    return True


def _judged(
    known: Standing, groups: list[FactGroup], platforms: dict[int, Platform], facts: dict[int, tuple[str, object]]
) -> Standing:
    first: dict[str, int] = {}
    placed: dict[str, list[str]] = {}
    for group in groups:
        first.setdefault(group.digest, group.first)
        placed.setdefault(group.digest, []).append(platforms[group.platform].name)
    names = {digest: facts[pk][0] for digest, pk in first.items()}
    guests = [
        {"name": names[digest], "facts": facts[pk][1], "platforms": placed[digest]} for digest, pk in first.items()
    ]
    scenario = {
        "schema": engine.SCENARIO_SCHEMA,
        "platforms": [platform_data(platform) for platform in platforms.values()],
        "guests": guests,
    }
    try:
        report = engine.analyse(scenario)
    except UNREADABLE as exc:
        return Standing(
            counts=known.counts,
            left_out=known.left_out,
            unread=known.unread,
            problem=_said(exc, "what is in service cannot be read"),
        )
    sizes = {(group.digest, platforms[group.platform].name): group for group in groups}
    firsts = {pk: name for pk, (name, _) in facts.items()}
    return _counted(known, report, {name: digest for digest, name in names.items()}, sizes, firsts)


def _said(exc: Exception, otherwise: str) -> str:
    """What the engine refused; an exception of Python is no sentence."""
    return str(exc)[:500] if isinstance(exc, engine.InvalidInput) else otherwise


def _counted(
    known: Standing,
    report: Json,
    digests: dict[str, str],
    sizes: dict[tuple[str, str], FactGroup],
    names: dict[int, str],
) -> Standing:
    """The report with the numbers of all guests that its members stand for, each named by one of that platform."""

    def told(members: list[str], platform: str | None) -> Json:
        found = [sizes.get((digests[name], platform)) for name in members if platform]
        groups = [group for group in found if group is not None]
        return {
            "members": [names[group.first] for group in groups],
            "guests": sum(group.guests for group in groups),
        } | ({"first": groups[0].first} if groups else {})

    rows = [(row, row | told(row["members"], row["platform"])) for row in report["classes"]]
    classes = sorted(
        (row for _, row in rows),
        key=lambda row: (row["platform"], engine.VERDICTS.index(row["after"]), -row["guests"], row["key"]),
    )
    return Standing(
        platforms={one["name"]: one | {"entries": _entries(one, told)} for one in report["platforms"]},
        classes=tuple(classes),
        findings=tuple(_finding(one, told(one["guests"], one["platform"])) for one in report["findings"]),
        counts=known.counts,
        digests={(digests[name], row["platform"]): row for judged, row in rows for name in judged["members"]},
        left_out=known.left_out,
        unread=known.unread,
    )


def _finding(one: Json, told: Json) -> Json:
    return one | {"guests": told["members"], "count": told["guests"]}


def _entries(platform: Json, told: Callable[[list[str], str], Json]) -> list[Json]:
    name = platform["name"]
    return [
        entry | {"relied_on": [relied | told(relied["members"], name) for relied in entry["relied_on"]]}
        for entry in platform["entries"]
    ]


@dataclass(frozen=True)
class GuestStanding:
    """One guest under the layouts in force: the engine's report, or why there is none."""

    report: Json | None
    problem: str = ""


def guest_standing(guest: Guest, platforms: list[Platform]) -> GuestStanding:
    """Judged here and now, also a retired one: as if it were in service on these platforms."""
    if not platforms:
        return GuestStanding(None)
    try:
        known = {"facts": guest.facts["facts"], "notes": guest.facts.get("notes") or []}
        facts = known | {"name": guest.name, "platforms": [platform.name for platform in platforms]}
        data = [platform_data(platform) for platform in platforms]
        return GuestStanding(engine.analyse({"schema": engine.SCENARIO_SCHEMA, "platforms": data, "guests": [facts]}))
    except UNREADABLE as exc:
        return GuestStanding(None, _said(exc, "its facts cannot be read"))
