"""Where the review of many submissions stands: two statements for a page of a list."""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet

from patreview.analyses.listing import SubmissionRow
from patreview.analyses.models import Run
from patreview.projects.models import Membership
from patreview.reviews.models import Thread, Vote
from patreview.reviews.queries import REVIEWING
from patreview.submissions.models import Revision

_UNDER_WAY = {"", "queued", "running"}
_OWNERS_VERDICTS = {"incompatible", "indeterminate"}


class Tally(NamedTuple):
    """Approvals that count for the current revision, objections that stand against it, threads that wait."""

    approvals: int = 0
    objections: int = 0
    threads: int = 0


class _Cast(NamedTuple):
    submission: int
    voter: int
    revision: int
    value: str
    is_void: bool
    may_approve: bool
    is_alike: bool


@cache
def _votes() -> QuerySet[Vote, tuple[Any, ...]]:
    """Votes in the order in which they were cast, as _Cast has them; for `filter()` alone."""
    submission = "revision__submission"
    members = Membership.objects.filter(
        user=OuterRef("voter"), project=OuterRef(f"{submission}__project"), role__in=REVIEWING, user__is_active=True
    )
    made = Revision.objects.filter(submission=OuterRef(submission), created_by=OuterRef("voter"))
    alike = Run.objects.exclude(verdict_digest="").filter(
        pk=OuterRef(f"{submission}__standing_run"),
        proposal_digest=OuterRef("proposal_digest"),
        verdict_digest=OuterRef("verdict_digest"),
    )
    is_void = Q(withdrawn_at__isnull=False) | Q(dismissed_at__isnull=False)
    may_approve = Q(Exists(members)) & ~Q(Exists(made)) & ~Q(voter=F(f"{submission}__owner"))
    of_vote = (submission, "voter", "revision", "value")
    answers = [ExpressionWrapper(one, BooleanField()) for one in (is_void, may_approve)]
    return Vote.objects.order_by("revision__number", "at", "pk").values_list(*of_vote, *answers, Exists(alike))


def tallies_of(rows: Iterable[SubmissionRow]) -> dict[int, Tally]:
    """The tally of each submission that has votes or open threads; votes count as in standing_votes()."""
    shown = {row.pk: row for row in rows}
    threads = Thread.objects.filter(submission__in=shown, state=Thread.State.OPEN).order_by().values("submission")
    found = {pk: Tally(threads=count) for pk, count in threads.values_list("submission", Count("pk"))}
    casts = map(_Cast._make, _votes().filter(revision__submission__in=shown))
    latest = {(cast.submission, cast.voter): cast for cast in casts}
    for cast in latest.values():
        approvals, objections, open_threads = found.get(cast.submission, Tally())
        approvals += _approves(cast, shown[cast.submission])
        objections += not cast.is_void and Vote.Value(cast.value).opposes
        found[cast.submission] = Tally(approvals, objections, open_threads)
    return found


def _approves(cast: _Cast, row: SubmissionRow) -> bool:
    """Whether the approval counts: it was given to the current revision, or is carried to it."""
    is_carried = cast.is_alike and row.run_state == "completed"
    holds = cast.revision == row.revision_id or is_carried
    return holds and cast.may_approve and not cast.is_void and Vote.Value(cast.value).approves


def turn_of(row: SubmissionRow, tally: Tally, *, needed: int) -> str:
    """Who moves next: the "engine", the "owner", the "reviewers" or a "maintainer"; "" where nobody has to."""
    if row.state != "open":
        return ""
    if row.run_state in _UNDER_WAY:
        return "engine"
    if tally.objections or tally.threads or not row.verdict or row.verdict in _OWNERS_VERDICTS:
        return "owner"
    return "reviewers" if tally.approvals < needed else "maintainer"
