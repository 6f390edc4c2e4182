"""Votes and comments of a submission that the caller was allowed to see."""

from django.db.models import Q, QuerySet

from patreview.projects.models import Membership, Role
from patreview.projects.principal import Principal
from patreview.reviews.models import Comment, Vote
from patreview.submissions.models import Revision, Submission
from patreview.submissions.queries import visible_submissions

__all__ = ["Comment", "Vote", "comments_on", "reviewers_in", "standing_votes", "waiting_for"]

REVIEWING = (Role.REVIEWER, Role.MAINTAINER)


def standing_votes(revision: Revision) -> list[Vote]:
    """What counts for a revision: votes on it, and blocks and requests for changes on earlier ones
    whose authors have not voted since. An objection stands even when its author left; an approval does
    not (the gate asks reviewers_in()).
    """
    counted = Q(revision=revision) | Q(
        revision__submission=revision.submission_id,
        revision__number__lt=revision.number,
    )
    latest: dict[int, Vote] = {}
    for vote in Vote.objects.filter(counted).select_related("voter", "revision").order_by("revision__number", "pk"):
        latest[vote.voter_id] = vote
    lasting = {Vote.Value.BLOCK, Vote.Value.REQUEST_CHANGES}
    return [vote for vote in latest.values() if vote.revision_id == revision.pk or vote.value in lasting]


def reviewers_in(project_id: int) -> set[int]:
    """Ids of those whose approval counts in a project now."""
    members = Membership.objects.filter(project=project_id, role__in=REVIEWING, user__is_active=True)
    return set(members.values_list("user", flat=True))


def comments_on(submission: Submission) -> QuerySet[Comment]:
    """All comments, oldest first, with the revision each was made on."""
    related = ("author", "revision")
    return Comment.objects.filter(revision__submission=submission).select_related(*related).order_by("pk")


def waiting_for(principal: Principal) -> QuerySet[Submission]:
    """Open submissions with a report on which the person's vote is still out, and which they may approve."""
    user = principal.user.pk
    reviewing = {"project__memberships__user": user, "project__memberships__role__in": REVIEWING}
    told = visible_submissions(principal).filter(state=Submission.State.OPEN, run_state="completed", **reviewing)
    return told.exclude(owner=user).exclude(revisions__created_by=user).exclude(current__votes__voter=user)
