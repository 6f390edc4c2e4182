"""Votes, threads and waivers of what the caller was allowed to see."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from patreview import engine
from patreview.accounts.models import User
from patreview.analyses.models import Finding, Run
from patreview.projects.models import Membership, Project, Role
from patreview.projects.principal import Principal
from patreview.projects.queries import project_scope
from patreview.reviews.models import Comment, Thread, Vote, Waiver
from patreview.submissions.models import Revision, Submission

__all__ = [
    "REVIEWING",
    "Comment",
    "StandingVote",
    "Thread",
    "Vote",
    "Waiver",
    "covering",
    "people_in",
    "standing_votes",
    "threads_on",
    "today",
    "visible_comments",
    "visible_threads",
    "visible_votes",
    "visible_waivers",
    "waived_by",
    "waivers_for",
    "waivers_in_use",
]

REVIEWING = (Role.REVIEWER, Role.MAINTAINER)
EXPIRES_SOON = timedelta(days=14)


def today() -> date:
    """The day in UTC by which waivers expire. Whoever computes by it takes it as an argument."""
    return timezone.now().date()


@dataclass(frozen=True)
class StandingVote:
    """Somebody's last vote, and what it is worth for a revision.

    `active` was cast on it; `carried` was given to an earlier one that proposes and comes to the same; `stands` is an
    objection to an earlier one; `outdated`, `withdrawn` and `dismissed` count for nothing.
    """

    vote: Vote
    status: str

    @property
    def counts(self) -> bool:
        return self.status in ("active", "carried", "stands")

    @property
    def approves(self) -> bool:
        return self.counts and self.vote.choice.approves

    @property
    def opposes(self) -> bool:
        return self.counts and self.vote.choice.opposes


def standing_votes(revision: Revision, run: Run | None = None) -> list[StandingVote]:
    """The last vote of each voter, by the time of casting. `run` is the revision's last one.

    An objection stands even when its author left; an approval does not (the gate asks people_in()).
    """
    cast = Vote.objects.filter(revision__submission=revision.submission_id, revision__number__lte=revision.number)
    latest: dict[int, Vote] = {}
    for vote in cast.select_related("voter", "revision", "dismissed_by").order_by("revision__number", "at", "pk"):
        latest[vote.voter_id] = vote
    found = [StandingVote(vote, _status(vote, revision, run)) for vote in latest.values()]
    return sorted(found, key=lambda one: (one.vote.at, one.vote.pk))


def _status(vote: Vote, revision: Revision, run: Run | None) -> str:
    if vote.withdrawn_at:
        return "withdrawn"
    if vote.dismissed_at:
        return "dismissed"
    if vote.revision_id == revision.pk:
        return "active"
    if vote.choice.opposes:
        return "stands"
    return "carried" if vote.choice.approves and _is_alike(vote, run) else "outdated"


def _is_alike(vote: Vote, run: Run | None) -> bool:
    """Whether a run says of the same proposal what the voter read."""
    if run is None or run.state != Run.State.COMPLETED or not vote.verdict_digest:
        return False
    return (vote.proposal_digest, vote.verdict_digest) == (run.proposal_digest, run.verdict_digest)


def people_in(project_id: int) -> dict[int, tuple[User, Role]]:
    """Who can act in a project now, with their roles."""
    members = Membership.objects.filter(project=project_id, user__is_active=True).select_related("user")
    return {member.user_id: (member.user, Role(member.role)) for member in members.order_by("user__username")}


def visible_votes(principal: Principal) -> QuerySet[Vote]:
    """Votes on visible submissions."""
    scope = project_scope(principal, "revision__submission__project__")
    return Vote.objects.filter(scope).select_related("revision__submission__project", "voter").order_by("pk")


def visible_threads(principal: Principal) -> QuerySet[Thread]:
    """Threads of visible submissions that hold something the principal may read: a draft is its author's alone."""
    readable = Comment.objects.filter(thread=OuterRef("pk")).filter(_readable(principal))
    scope = project_scope(principal, "submission__project__")
    related = ("submission__project", "opened_by", "opened_on", "resolved_by")
    return Thread.objects.filter(scope).filter(Exists(readable)).select_related(*related).order_by("pk")


def visible_comments(principal: Principal) -> QuerySet[Comment]:
    """Comments that the principal may read, oldest first."""
    scope = project_scope(principal, "thread__submission__project__")
    related = ("thread__submission__project", "revision", "author", "hidden_by")
    return Comment.objects.filter(scope).filter(_readable(principal)).select_related(*related).order_by("pk")


def _readable(principal: Principal) -> Q:
    return Q(is_draft=False) | Q(author=principal.user.pk)


def threads_on(submission: Submission, principal: Principal) -> list[tuple[Thread, list[Comment]]]:
    """The threads of a submission with their comments, oldest first."""
    by_thread: dict[int, list[Comment]] = {}
    for comment in visible_comments(principal).filter(thread__submission=submission):
        by_thread.setdefault(comment.thread_id, []).append(comment)
    threads = visible_threads(principal).filter(submission=submission)
    return [(thread, by_thread.get(thread.pk, [])) for thread in threads]


def visible_waivers(principal: Principal) -> QuerySet[Waiver]:
    """Waivers of visible projects, newest first."""
    related = ("project", "submission", "proposed_by", "decided_by", "revoked_by")
    return Waiver.objects.filter(project_scope(principal, "project__")).select_related(*related).order_by("-pk")


def waivers_for(project_id: int, report: dict[str, Any] | None) -> list[Waiver]:
    """Waivers of a project that name a finding of the report, whatever their state, newest first."""
    try:
        fingerprints = {finding["fingerprint"] for finding in report["findings"]} if report else set()
    except (LookupError, TypeError):
        return []  # of a report that cannot be read nothing is waived, and the gate says what is wrong with it
    known = Waiver.objects.filter(project=project_id, fingerprint__in=fingerprints)
    return list(known.select_related("proposed_by", "decided_by").order_by("-pk")) if fingerprints else []


def covering(finding: dict[str, Any], waivers: list[Waiver], day: date) -> Waiver | None:
    """The active waiver of a finding: of its fingerprint, of all its guests, and of nothing milder."""
    for waiver in waivers:
        named = waiver.fingerprint == finding["fingerprint"] and waiver.is_active(day)
        if named and set(finding["guests"]) <= set(waiver.guests) and not _is_worse(finding["verdict"], waiver.verdict):
            return waiver
    return None


def waived_by(project_id: int, findings: list[Finding], day: date | None = None) -> dict[int, Waiver]:
    """The active waiver of each stored finding that has one, by the finding's row: two may share a fingerprint."""
    prints = {one.fingerprint for one in findings}
    known = list(Waiver.objects.filter(project=project_id, fingerprint__in=prints, state=Waiver.State.ACTIVE))
    found = {
        one.pk: covering(
            {"fingerprint": one.fingerprint, "guests": one.guests, "verdict": one.verdict}, known, day or today()
        )
        for one in findings
    }
    return {pk: waiver for pk, waiver in found.items() if waiver}


def _is_worse(verdict: str, than: str) -> bool:
    return engine.VERDICTS.index(verdict) < engine.VERDICTS.index(than)


def waivers_in_use(project: Project) -> set[str]:
    """Fingerprints of active waivers that the last run of some open submission found."""
    wanted = Waiver.objects.filter(project=project, state=Waiver.State.ACTIVE).values("fingerprint")
    found = Finding.objects.filter(
        fingerprint__in=wanted,
        run__state=Run.State.COMPLETED,
        run__revision__submission__project=project,
        run__revision__submission__state=Submission.State.OPEN,
    )
    return set(found.values_list("fingerprint", flat=True).distinct())
