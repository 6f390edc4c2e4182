"""Whose turn it is, and why: computed from the review, for one submission or for all that concern somebody."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from patreview.analyses.models import Run
from patreview.projects.models import Membership, Role
from patreview.projects.principal import Principal
from patreview.reviews.gate import ERROR, READY, UNSATISFIED, Gate, Review
from patreview.reviews.models import Comment, Thread, Vote, Waiver
from patreview.reviews.queries import EXPIRES_SOON, REVIEWING, StandingVote, today, visible_waivers
from patreview.submissions.models import Revision, Submission
from patreview.submissions.queries import listed_submissions

#: Roles that do more than read.
ACTING = (Role.SUBMITTER, Role.REVIEWER, Role.MAINTAINER)


@dataclass(frozen=True)
class Turn:
    """Somebody who has to act before the submission moves on."""

    user_id: int
    name: str
    reason: str


def turns(review: Review, gate: Gate) -> list[Turn]:
    """Who has to act on an open submission, in the order of the people's names; nobody while a run is under way."""
    submission = review.revision.submission
    run = review.run
    if submission.state != Submission.State.OPEN or run is None or not run.is_finished:
        return []
    broken = [one.title.lower() for one in gate.conditions if one.status == ERROR]
    if broken:
        maintainers = (person for person, role in review.people.values() if role.covers(Role.MAINTAINER))
        return [Turn(one.pk, one.username, f"look: {broken[0]} could not be computed") for one in maintainers]
    reasons = {pk: _reason(review, gate, pk, role) for pk, (_, role) in review.people.items()}
    return [Turn(pk, review.people[pk][0].username, reason) for pk, reason in reasons.items() if reason]


def _reason(review: Review, gate: Gate, person: int, role: Role) -> str:
    if role.covers(Role.MAINTAINER) and gate.adopt in READY:
        return "adopt it: every condition holds"
    if role.covers(Role.MAINTAINER) and (proposed := _undecided(review, person)):
        return f"decide on {' and '.join(proposed)}"
    if person == review.revision.submission.owner_id:
        return _owners_reason(review, gate) if role.covers(Role.SUBMITTER) else ""
    if role in REVIEWING and review.shown and person not in review.excluded:
        return _voters_reason(review, next((one for one in review.votes if one.vote.voter_id == person), None))
    return ""


def _undecided(review: Review, person: int) -> list[str]:
    """Waivers that wait for a second person, who this one may be."""
    if person in review.contributors:
        return []
    waiting = (one for one in review.waivers if one.state == Waiver.State.PROPOSED)
    return sorted(one.name for one in waiting if one.proposed_by_id != person)


def _voters_reason(review: Review, own: StandingVote | None) -> str:
    if own is None:
        return "vote"
    if own.status == "outdated" or _waits_for_its_voter(own):
        return "vote again: a new revision came"
    if own.approves and review.unaccepted:
        return "vote again: the report has assumptions that nobody accepted"
    return "" if own.counts else "vote"


def _waits_for_its_voter(one: StandingVote) -> bool:
    """Whether changes were asked for and a new revision came: now who asked has to look at it."""
    return one.status == "stands" and one.vote.choice == Vote.Value.REQUEST_CHANGES


def _owners_reason(review: Review, gate: Gate) -> str:
    """What the owner can do something about."""
    objectors = [str(one.vote.voter) for one in review.votes if one.opposes and not _waits_for_its_voter(one)]
    if objectors:
        return f"answer {' and '.join(objectors)}: a new revision, or talk them round"
    if review.open_threads:
        return f"answer {review.open_threads} open thread{'s' * (review.open_threads > 1)}"
    mine = [one for one in gate.conditions if one.scope == "check" and one.status == UNSATISFIED]
    return f"mend what the gate says under “{mine[0].title}”" if mine else ""


@dataclass(frozen=True)
class Waiting:
    """A submission or a waiver in somebody's queue: what to do, why, and since when it waits."""

    submission: Submission
    act: str
    why: str
    since: datetime | None
    anchor: str = ""


def queue_of(principal: Principal, *, at_most: int = 20) -> list[Waiting]:
    """What waits for one person over all projects, by kind, the longest wait of each first."""
    waiting: list[Waiting] = []
    for found, row in _QUEUES:
        waiting += [row(one) for one in found(principal)[:at_most]]
    return waiting


def _to_vote(submission: Submission) -> Waiting:
    return _row(submission, "Vote", "Waits for your vote.", "vote")


def _adopt(submission: Submission) -> Waiting:
    return _row(submission, "Adopt", "Approved, and you maintain the project.", "adopt")


def _decide(waiver: Waiver) -> Waiting:
    why = f"{waiver.name}: {waiver.proposed_by} asks to waive {waiver.rule}."
    return Waiting(waiver.submission, "Decide", why, waiver.proposed_at, "waivers")


def _mend(submission: Submission) -> Waiting:
    return _row(submission, "Mend", _blocked_by(submission), "main")


def _run_again(submission: Submission) -> Waiting:
    return _row(submission, "Run again", "Its report was made by another engine or other rules.", "runs")


def _look(waiver: Waiver) -> Waiting:
    why = f"{waiver.name} for {waiver.rule} ends on {waiver.expires_on}."
    return Waiting(waiver.submission, "Look", why, waiver.decided_at, "waivers")


def _row(submission: Submission, act: str, why: str, anchor: str) -> Waiting:
    return Waiting(submission, act, why, submission.reported_at or submission.created_at, anchor)


def _open(principal: Principal) -> QuerySet[Submission]:
    """Open submissions of projects in which the person does things, the oldest report first."""
    found = listed_submissions(principal).filter(_as(principal, *ACTING), state=Submission.State.OPEN)
    return found.order_by(F("reported_at").asc(nulls_last=True), "pk")


def _as(principal: Principal, *roles: Role) -> Q:
    """Rows of projects in which the person has one of the roles."""
    mine = Membership.objects.filter(user=principal.user.pk, role__in=roles).values("project")
    return Q(project__in=mine)


def _contributed(principal: Principal) -> Q:
    made = Revision.objects.filter(submission=OuterRef("pk"), created_by=principal.user.pk)
    return Q(Q(owner=principal.user.pk) | Q(Exists(made)))


def _to_vote_on(principal: Principal) -> QuerySet[Submission]:
    """Those with a report on which the person's vote is out, and which they may approve.

    A carried approval still counts: it shows as one that waits, and voting again does no harm.
    """
    voted = Vote.objects.filter(
        revision=OuterRef("current"), voter=principal.user.pk, withdrawn_at=None, dismissed_at=None
    )  # fmt: skip
    told = _open(principal).filter(_as(principal, *REVIEWING), run_state=Run.State.COMPLETED)
    return told.exclude(_contributed(principal)).exclude(Exists(voted)).exclude(Exists(_standing_objection(principal)))


def _standing_objection(principal: Principal) -> QuerySet[Vote]:
    """One's own block that still stands: the author of the submission is to act."""
    return _last_votes().filter(voter=principal.user.pk, value=Vote.Value.BLOCK, dismissed_at=None)


def _objections() -> QuerySet[Vote]:
    standing = (Vote.Value.BLOCK, Vote.Value.REQUEST_CHANGES)
    return _last_votes().filter(value__in=standing, dismissed_at=None)


def _last_votes() -> QuerySet[Vote]:
    """The last vote of each voter on a submission, but for those that were withdrawn."""
    later = Vote.objects.filter(
        revision__submission=OuterRef("revision__submission"), voter=OuterRef("voter"),
        revision__number__gt=OuterRef("revision__number"),
    )  # fmt: skip
    return Vote.objects.filter(revision__submission=OuterRef("pk"), withdrawn_at=None).exclude(Exists(later))


def _open_threads() -> QuerySet[Thread]:
    return Thread.objects.filter(submission=OuterRef("pk"), state=Thread.State.OPEN)


def _to_adopt(principal: Principal) -> QuerySet[Submission]:
    """What has its approvals and nothing that people hold against it; the gate has the last word."""
    last = Run.objects.filter(revision=OuterRef("current")).order_by("-attempt")
    alike = Q(proposal_digest=OuterRef("proposed"), verdict_digest=OuterRef("said")) & ~Q(verdict_digest="")
    approvals = _last_votes().filter(
        Q(revision=OuterRef("current")) | alike, value__in=(Vote.Value.APPROVE, Vote.Value.NITS),
        voter__is_active=True,
        voter__memberships__project=OuterRef("project"), voter__memberships__role__in=REVIEWING,
    )  # fmt: skip
    counted = approvals.order_by().values("revision__submission").annotate(n=Count("voter", distinct=True))
    found = _open(principal).filter(_as(principal, Role.MAINTAINER), run_state=Run.State.COMPLETED)
    found = found.exclude(verdict="indeterminate").annotate(
        proposed=Subquery(last.values("proposal_digest")[:1]), said=Subquery(last.values("verdict_digest")[:1])
    )
    enough = found.annotate(approved=Subquery(counted.values("n")))
    enough = enough.filter(approved__gte=F("project__required_approvals"))
    return enough.exclude(Exists(_objections())).exclude(Exists(_open_threads()))


def _to_decide(principal: Principal) -> QuerySet[Waiver]:
    """Proposed waivers that the person may decide."""
    proposed = visible_waivers(principal).filter(_as(principal, Role.MAINTAINER), state=Waiver.State.PROPOSED)
    made = Revision.objects.filter(submission=OuterRef("submission"), created_by=principal.user.pk)
    foreign = proposed.exclude(proposed_by=principal.user.pk).exclude(submission__owner=principal.user.pk)
    return foreign.exclude(Exists(made)).order_by("proposed_at")


def _to_answer(principal: Principal) -> QuerySet[Thread]:
    """Open threads that the person takes part in or whose submission is theirs, where somebody else spoke last."""
    said = Comment.objects.filter(thread=OuterRef("pk"), is_draft=False)
    last = said.order_by("-pk")
    mine = Q(submission__owner=principal.user.pk) | Q(Exists(said.filter(author=principal.user.pk)))
    found = Thread.objects.filter(mine, state=Thread.State.OPEN, submission__in=_open(principal).order_by())
    found = found.annotate(spoke=Subquery(last.values("author")[:1]), spoke_at=Subquery(last.values("at")[:1]))
    related = ("submission__project", "submission__owner")
    return found.exclude(spoke=principal.user.pk).exclude(spoke=None).select_related(*related).order_by("spoke_at")


def _answer(thread: Thread) -> Waiting:
    since: datetime = thread.spoke_at  # type: ignore[attr-defined]
    about = thread.label or "the submission"
    return Waiting(thread.submission, "Answer", f"An open thread about {about}.", since, f"thread-{thread.pk}")


def _to_mend(principal: Principal) -> QuerySet[Submission]:
    """One's own that do not get on: by their verdict, a run without a report, or an objection."""
    stuck = Q(verdict__in=("incompatible", "indeterminate")) | Q(run_state__in=("failed", "timed_out"))
    asked = _objections().filter(Q(value=Vote.Value.BLOCK) | Q(revision=OuterRef("current")))
    return _open(principal).filter(owner=principal.user.pk).filter(stuck | Q(Exists(asked)))


def _blocked_by(submission: Submission) -> str:
    if submission.run_state in ("failed", "timed_out"):
        return "Yours: its run ended without a report."
    if submission.verdict in ("incompatible", "indeterminate"):
        return f"Yours: the report says {submission.verdict}."
    return "Yours: somebody blocks it or requests changes."


def _to_run_again(principal: Principal) -> QuerySet[Submission]:
    mine = Q(owner=principal.user.pk) | _as(principal, Role.MAINTAINER)
    return _open(principal).filter(mine, is_stale=True)


def _expiring(principal: Principal) -> QuerySet[Waiver]:
    """Active waivers that end within two weeks: one's own, and those of the projects that one maintains."""
    day = today()
    mine = Q(proposed_by=principal.user.pk) | _as(principal, Role.MAINTAINER)
    soon = visible_waivers(principal).filter(mine, _as(principal, *ACTING), state=Waiver.State.ACTIVE)
    return soon.filter(expires_on__gte=day, expires_on__lte=day + EXPIRES_SOON).order_by("expires_on")


_QUEUES: tuple[tuple[Callable[[Principal], QuerySet[Any]], Callable[[Any], Waiting]], ...] = (
    (_to_vote_on, _to_vote),
    (_to_adopt, _adopt),
    (_to_decide, _decide),
    (_to_answer, _answer),
    (_to_mend, _mend),
    (_to_run_again, _run_again),
    (_expiring, _look),
)
