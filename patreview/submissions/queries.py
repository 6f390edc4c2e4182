"""What a principal may see of submissions."""

from django.db.models import QuerySet

from patreview.projects.models import Role
from patreview.projects.principal import Principal
from patreview.projects.queries import may, project_scope
from patreview.submissions.models import Artifact, Revision, Submission

# Doors name these types in annotations; they reach rows only through queries and services.
__all__ = [
    "KINDS",
    "STATES",
    "Artifact",
    "Revision",
    "Submission",
    "artifacts_of",
    "contributors_of",
    "listed_submissions",
    "may_revise",
    "proposals_of_layout",
    "revisions_of",
    "visible_submissions",
]

RELATED = ("project", "platform", "owner", "current", "current__created_by")
STATES = tuple(Submission.State.values)
KINDS = tuple(Submission.Kind.values)


def visible_submissions(principal: Principal) -> QuerySet[Submission]:
    """Newest first, with what a list or a header shows."""
    scope = project_scope(principal, "project__")
    return Submission.objects.filter(scope).select_related(*RELATED).order_by("-pk")


def listed_submissions(principal: Principal) -> QuerySet[Submission]:
    """visible_submissions() for short lists: without what the revisions hold, which may be large."""
    return visible_submissions(principal).defer("current__content")


LAYOUTS_LOOKED_AT = 1_000


def proposals_of_layout(principal: Principal, project_id: int, msr: str) -> QuerySet[Submission]:
    """Submissions whose current revision proposes a value, newest first, among the newest 1,000 of layouts."""
    newest = Submission.objects.filter(project=project_id, kind=Submission.Kind.LAYOUT).order_by("-pk")
    found = visible_submissions(principal).filter(pk__in=newest.values("pk")[:LAYOUTS_LOOKED_AT])
    return found.filter(proposed_msr=msr)


def revisions_of(submission: Submission) -> QuerySet[Revision]:
    """All revisions, newest first."""
    return submission.revisions.select_related("created_by").order_by("-number")


def artifacts_of(revision: Revision) -> QuerySet[Artifact]:
    """The revision's files without their bytes, by role."""
    return revision.artifacts.order_by("role")


def contributors_of(revision: Revision) -> set[int]:
    """Ids of all who had a hand in a revision: its owner, and the author of it and of every earlier one."""
    earlier = Revision.objects.filter(submission_id=revision.submission_id, number__lte=revision.number)
    return {revision.submission.owner_id, *earlier.values_list("created_by", flat=True)}


def may_revise(principal: Principal, submission: Submission) -> bool:
    """Whether the submission is the principal's own, or they are maintainer: who else submits begins another one."""
    needed = Role.SUBMITTER if principal.user.pk == submission.owner_id else Role.MAINTAINER
    return may(principal, submission.project, needed, scope="submit")
