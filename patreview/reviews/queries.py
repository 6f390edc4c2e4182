"""Votes and comments of a submission that the caller was allowed to see."""

from django.db.models import Q, QuerySet

from patreview.reviews.models import Comment, Vote
from patreview.submissions.models import Revision, Submission

__all__ = ["Comment", "Vote", "comments_on", "standing_votes", "votes_on"]


def votes_on(revision: Revision) -> QuerySet[Vote]:
    """The votes cast on this revision, oldest first."""
    return Vote.objects.filter(revision=revision).select_related("voter").order_by("pk")


def standing_votes(revision: Revision) -> list[Vote]:
    """What counts for a revision: votes on it, and blocks and requests for changes on earlier ones
    whose authors have not voted since.
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


def comments_on(submission: Submission) -> QuerySet[Comment]:
    """All comments, oldest first, with the revision each was made on."""
    related = ("author", "revision")
    return Comment.objects.filter(revision__submission=submission).select_related(*related).order_by("pk")
