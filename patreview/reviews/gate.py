"""The gate: computed from verdict, coverage, votes, threads and waivers whenever somebody looks, never stored.

Two conclusions. *check* is what a pipeline waits for, *adopt* adds what people must say.
Anything that cannot be computed blocks.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import structlog
from django.db import Error as DatabaseFault

from patreview.accounts.models import User
from patreview.analyses.models import Run
from patreview.analyses.queries import may_be_stale, stale_reasons
from patreview.projects.models import Role
from patreview.projects.principal import Principal
from patreview.reviews.models import Thread, Waiver
from patreview.reviews.queries import (
    REVIEWING,
    StandingVote,
    covering,
    people_in,
    standing_votes,
    today,
    waivers_for,
)
from patreview.submissions.models import Revision, Submission
from patreview.submissions.queries import contributors_of

SATISFIED, UNSATISFIED, PENDING, NOT_APPLICABLE, ERROR = (
    "satisfied", "unsatisfied", "pending", "not_applicable", "error",
)  # fmt: skip
WITH_WARNINGS, BLOCKED = "satisfied_with_warnings", "blocked"
READY = frozenset({SATISFIED, WITH_WARNINGS})
Json = dict[str, Any]
log = structlog.get_logger("patreview.gate")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One line of the checklist: whether it holds, why, and where on the page it can be made to hold."""

    key: str
    title: str
    status: str
    detail: str
    scope: str = "check"
    action: str = ""  # an anchor of the submission's page


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The two conclusions and the conditions that they follow from."""

    check: str
    adopt: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, kw_only=True)
class Review:
    """All that a gate is computed from, as it was when somebody looked."""

    revision: Revision
    run: Run | None
    report: Json | None
    votes: list[StandingVote]
    contributors: set[int]
    people: dict[int, tuple[User, Role]]
    waivers: list[Waiver]
    open_threads: int
    day: date

    @cached_property
    def shown(self) -> Json | None:
        """The report, where the last run has one."""
        return self.report if self.run and self.run.state == Run.State.COMPLETED else None

    @cached_property
    def findings(self) -> list[Json]:
        """Those that count: not what the proposal mends."""
        return [one for one in self.shown["findings"] if one["state"] != "fixed"] if self.shown else []

    @cached_property
    def waived(self) -> dict[str, Waiver]:
        """The active waiver of each finding that has one, by fingerprint."""
        found = {one["fingerprint"]: covering(one, self.waivers, self.day) for one in self.findings}
        return {fingerprint: waiver for fingerprint, waiver in found.items() if waiver}

    @cached_property
    def excluded(self) -> set[int]:
        """Who may not approve: contributors, and who proposed a waiver that the revision needs."""
        return self.contributors | {waiver.proposed_by_id for waiver in self.waived.values()}

    @cached_property
    def approvals(self) -> list[StandingVote]:
        reviewers = {pk for pk, (_, role) in self.people.items() if role in REVIEWING}
        return [
            one
            for one in self.votes
            if one.approves and one.vote.voter_id in reviewers and one.vote.voter_id not in self.excluded
        ]

    @cached_property
    def accepted(self) -> set[str]:
        """Fingerprints of the conditional findings whose assumption somebody accepted."""
        return {fingerprint for one in self.approvals for fingerprint in one.vote.acknowledges}

    @cached_property
    def unaccepted(self) -> set[str]:
        """Fingerprints of the conditional findings that are neither accepted nor waived."""
        conditional = {one["fingerprint"] for one in self.findings if one["verdict"] == "conditional"}
        return conditional - self.accepted - set(self.waived)


def review_of(revision: Revision, run: Run | None, report: Json | None, *, day: date | None = None) -> Review:
    """Read what the gate of a revision needs, given its last run and that run's report."""
    project_id = revision.submission.project_id
    return Review(
        revision=revision,
        run=run,
        report=report,
        votes=standing_votes(revision, run),
        contributors=contributors_of(revision),
        people=people_in(project_id),
        waivers=waivers_for(project_id, report),
        open_threads=Thread.objects.filter(submission=revision.submission_id, state=Thread.State.OPEN).count(),
        day=day or today(),
    )


def gate_of(revision: Revision, run: Run | None, report: Json | None, *, day: date | None = None) -> Gate:
    """The gate of a revision today, or on another day."""
    return conclude(review_of(revision, run, report, day=day))


def conclude(review: Review) -> Gate:
    """The conditions, and what follows from them."""
    conditions = tuple(_judged(review, row) for row in CONDITIONS)
    checks = [one for one in conditions if one.scope == "check"]
    warned = _is_warned(review)
    return Gate(check=_sum(checks, warned=warned), adopt=_sum(conditions, warned=warned), conditions=conditions)


def _is_warned(review: Review) -> bool | None:
    """Whether something remains although the gate lets it pass: said in the conclusion. None: nobody can tell."""
    try:
        return bool(review.waived) or any(one["verdict"] == "degraded" for one in review.findings)
    except DatabaseFault:
        raise
    except Exception:  # as in _judged()
        log.exception("warnings not computed", revision=review.revision.pk)
        return None


def _sum(conditions: Iterable[Condition], *, warned: bool | None) -> str:
    states = {condition.status for condition in conditions}
    if warned is None:
        return BLOCKED
    if states <= {SATISFIED, NOT_APPLICABLE}:
        return WITH_WARNINGS if warned else SATISFIED
    return PENDING if states <= {SATISFIED, NOT_APPLICABLE, PENDING} else BLOCKED


def _judged(review: Review, row: "_Row") -> Condition:
    """One condition. A gate fails closed: an error blocks, whatever it was."""
    try:
        status, detail = (PENDING, "Waits for the run.") if row.waits and not review.shown else row.judge(review)
    except DatabaseFault:
        raise  # nothing was computed at all: the door says that the database is away
    except Exception as exc:  # a stored report, waiver or guest of a shape that nobody foresaw
        log.exception("condition not computed", condition=row.key, revision=review.revision.pk)
        status, detail = ERROR, f"It could not be computed ({type(exc).__name__}), so it blocks."
    return Condition(
        key=row.key, title=row.title, status=status, detail=detail, scope=row.scope, action=row.action
    )  # fmt: skip


def _run_completed(review: Review) -> tuple[str, str]:
    run = review.run
    if run is None or not run.is_finished:
        return PENDING, "The analysis is under way."
    if run.state == Run.State.COMPLETED:
        return SATISFIED, f"Run {run.attempt}."
    return UNSATISFIED, f"Run {run.attempt} {run.get_state_display().lower()}: {run.reason_text} Run it again."


def _report_current(review: Review) -> tuple[str, str]:
    """Whether the report still fits what is in service; a closed submission keeps the one it was decided by."""
    run, submission = review.run, review.revision.submission
    assert run is not None
    if submission.state != Submission.State.OPEN:
        return NOT_APPLICABLE, "The submission is closed."
    changed = stale_reasons(run) if may_be_stale(run, submission.project) else []
    if changed:
        words = ", ".join(_CHANGED[reason] for reason in changed)
        return UNSATISFIED, f"Since run {run.attempt} {words} changed. Run it again."
    return SATISFIED, "The platforms and guests are as the run saw them."


_CHANGED = {"engine": "the engine", "rules": "the rules", "baseline": "the platforms", "fleet": "the guests in service"}


def _coverage(review: Review) -> tuple[str, str]:
    assert review.shown is not None
    coverage = review.shown["coverage"]
    ran, undecided = coverage["ran"], coverage["undecided"]
    if not ran:
        return UNSATISFIED, "No rule ran: that proves nothing."
    detail = f"{len(ran)} rules ran, {len(coverage['not_applicable'])} did not apply"
    return (UNSATISFIED, f"{detail}, {len(undecided)} could not decide.") if undecided else (SATISFIED, f"{detail}.")


def _no_incompatible(review: Review) -> tuple[str, str]:
    hits = [one for one in review.findings if one["verdict"] == "incompatible"]
    blocking = [one for one in hits if one["fingerprint"] not in review.waived]
    waived = _waived_words(review, hits)
    if blocking:
        expired = _expired_words(review, blocking)
        return UNSATISFIED, f"{_count(len(blocking), 'finding')}{waived}{expired}. Change the proposal, or waive it."
    return SATISFIED, f"None but what is waived{waived}." if hits else "None."


def _waived_words(review: Review, findings: list[Json]) -> str:
    used = {review.waived[one["fingerprint"]] for one in findings if one["fingerprint"] in review.waived}
    words = ", ".join(f"{one.name} until {one.expires_on}" for one in sorted(used, key=lambda one: one.pk))
    return f"; waived: {words}" if words else ""


def _expired_words(review: Review, findings: list[Json]) -> str:
    prints = {one["fingerprint"] for one in findings}
    gone = [one for one in review.waivers if one.fingerprint in prints and one.has_expired(review.day)]
    return "".join(f"; {one.name} expired on {one.expires_on}" for one in gone)


def _nothing_indeterminate(review: Review) -> tuple[str, str]:
    hits = sum(one["verdict"] == "indeterminate" for one in review.findings)
    return (UNSATISFIED, f"{_count(hits, 'finding')}. Add the input that is missing.") if hits else (SATISFIED, "None.")


def _conditionals(review: Review) -> tuple[str, str]:
    conditional = {one["fingerprint"] for one in review.findings if one["verdict"] == "conditional"}
    if not conditional:
        return NOT_APPLICABLE, "None."
    open_count = len(review.unaccepted)
    detail = f"{len(conditional) - open_count} of {len(conditional)}: an approval accepts the assumptions listed."
    return (PENDING, detail) if open_count else (SATISFIED, detail)


def _no_regression(review: Review) -> tuple[str, str]:
    report = review.shown
    assert report is not None
    if report["kind"] != "layout":
        return NOT_APPLICABLE, "A proposed guest has no verdict of before."
    regressed = [row for row in report["classes"] if row["change"] == "regressed"]
    names = [name for row in regressed if not _is_excused(review, row) for name in row["members"]]
    excused = sum(len(row["members"]) for row in regressed) - len(names)
    waived = f"{_count(excused, 'guest')} waived" if excused else ""
    if not names:
        return SATISFIED, f"None but {waived}." if waived else "None."
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return UNSATISFIED, f"{_count(len(names), 'guest')}: {', '.join(names[:5])}{more}{waived and '; '}{waived}."


def _is_excused(review: Review, row: Json) -> bool:
    """Whether everything that makes a class worse than before is waived."""
    worse = _WORSE_THAN[row["before"]]
    why = [
        one
        for one in review.findings
        if (one["platform"], one["class"]) == (row["platform"], row["key"]) and one["verdict"] in worse
    ]
    return bool(why) and all(one["fingerprint"] in review.waived for one in why)


_WORSE_THAN = {
    "incompatible": (),
    "indeterminate": ("incompatible",),
    "conditional": ("incompatible", "indeterminate"),
    "degraded": ("incompatible", "indeterminate", "conditional"),
    "compatible": ("incompatible", "indeterminate", "conditional", "degraded"),
}


def _approvals(review: Review) -> tuple[str, str]:
    needed, given = review.revision.submission.project.required_approvals, len(review.approvals)
    carried = sum(one.status == "carried" for one in review.approvals)
    note = f" ({carried} carried)" if carried else ""
    detail = f"{given} of {needed}{note}, by people who did not contribute to this revision."
    return SATISFIED if given >= needed else PENDING, detail


def _no_objection(review: Review) -> tuple[str, str]:
    names = ", ".join(f"{one.vote.voter} ({one.vote.label.lower()})" for one in review.votes if one.opposes)
    return (UNSATISFIED, f"{names}.") if names else (SATISFIED, "None.")


def _threads(review: Review) -> tuple[str, str]:
    left = review.open_threads
    return (UNSATISFIED, f"{_count(left, 'open thread')}.") if left else (SATISFIED, "None is open.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


@dataclass(frozen=True)
class _Row:
    """How one condition is judged; those that wait need a report."""

    key: str
    title: str
    judge: Callable[[Review], tuple[str, str]]
    waits: bool = True
    scope: str = "check"
    action: str = ""


CONDITIONS = (
    _Row("run_completed", "Run completed", _run_completed, waits=False, action="runs"),
    _Row("report_current", "Report up to date", _report_current, action="runs"),
    _Row("coverage_complete", "Coverage complete", _coverage, action="coverage"),
    _Row("no_incompatible", "Nothing incompatible", _no_incompatible, action="findings"),
    _Row("nothing_indeterminate", "Nothing indeterminate", _nothing_indeterminate, action="findings"),
    _Row("conditionals_acknowledged", "Conditionals acknowledged", _conditionals, action="discussion"),
    _Row("no_regression", "No regression", _no_regression, action="guests"),
    _Row("approvals", "Approvals", _approvals, waits=False, scope="adopt", action="discussion"),
    _Row(
        "no_objection", "No block or request for changes", _no_objection,
        waits=False, scope="adopt", action="discussion",
    ),
    _Row("threads_resolved", "Threads resolved", _threads, waits=False, scope="adopt", action="discussion"),
)  # fmt: skip


def approval_refusal(principal: Principal, review: Review) -> str:
    """Empty when the principal may approve this revision, else the reason why not."""
    _, role = review.people.get(principal.user.pk or 0, (None, None))
    if role not in REVIEWING or not principal.has_scope("review"):
        return "Approving needs the role reviewer."
    if principal.user.pk in review.contributors:
        return "You contributed to this revision, so somebody else must approve it."
    if principal.user.pk in review.excluded:
        return "You proposed a waiver that this revision needs, so somebody else must approve it."
    return ""
