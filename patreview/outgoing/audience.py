"""Who hears of an act, and why: members of the project with an address, by what they chose and what is theirs."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from patreview.accounts.models import User
from patreview.outgoing.acts import Act
from patreview.projects.models import Membership, Role
from patreview.reviews.attention import Turn, turns
from patreview.reviews.models import Comment, Vote, Waiver
from patreview.submissions.models import Revision

ALL, NONE = Membership.Mail.ALL, Membership.Mail.NONE
# A run is under way when these are written, so it is nobody's turn, whatever came since.
_BEFORE_A_RUN = frozenset({"submission.created", "submission.revised", "run.requested"})


@dataclass(frozen=True)
class Recipient:
    """Somebody who hears of an act. `reason` is the first line of the letter."""

    user: User
    why: str
    reason: str


def audience(act: Act) -> list[Recipient]:
    """Who gets a letter, by name: never who did it, nobody without an address, no one who left."""
    reasons = _reasons(act)
    found = []
    for member in reachable(act.entry.project_id):
        why, reason = reasons.get(member.user_id, (str(ALL), "You asked for all mail of this project."))
        if member.user_id != act.actor_id and (why != ALL or member.mail == ALL):
            found.append(Recipient(member.user, why, reason))
    return found


def reachable(project_id: int, *people: int) -> list[Membership]:
    """Members to whom anything may be sent at all; of some people, where they are named."""
    found = Membership.objects.filter(project=project_id, user__is_active=True).exclude(user__email="")
    named = found.filter(user__in=people) if people else found
    members = named.select_related("user").order_by("user__username")
    return [member for member in members if member.mail != NONE]


def _reasons(act: Act) -> dict[int, tuple[str, str]]:
    """The first reason that holds for each person whom it concerns."""
    reasons: dict[int, tuple[str, str]] = {}
    for why, person, reason in _concerns(act):
        reasons.setdefault(person, (why, reason))
    return reasons


def _concerns(act: Act) -> Iterator[tuple[str, int, str]]:
    """Each bond of a person to what happened, the strongest kind first."""
    owner = act.submission.owner_id
    for person in _deciders(act):
        yield "turn", person, "Your decision on a waiver is awaited."
    for turn in _turns(act):
        yield "turn", turn.user_id, _in_words(turn, is_owner=turn.user_id == owner)
    yield "owner", owner, "You own this submission."
    for why, people, reason in (
        ("contributor", _contributors(act), "You sent a revision of this submission."),
        ("waiver", _proposers(act), "You proposed a waiver here."),
        ("voter", _voters(act), "You voted on this submission."),
        ("thread", _speakers(act), "You took part in the discussion."),
    ):
        for person in people:
            yield why, person, reason


def _turns(act: Act) -> list[Turn]:
    """Whose turn it is; what happened to an earlier revision is nobody's."""
    is_early = act.action in _BEFORE_A_RUN or not act.is_of_the_current_revision
    if is_early or act.review is None or act.gate is None:
        return []
    return turns(act.review, act.gate)


def _in_words(turn: Turn, *, is_owner: bool) -> str:
    task, _, detail = turn.reason.partition(": ")
    if task.startswith("vote"):
        return f"Your vote is awaited: {detail}." if detail else "Your vote is awaited."
    return f"You own this submission. Your turn: {turn.reason}." if is_owner else f"Your turn: {turn.reason}."


def _deciders(act: Act) -> list[int]:
    """Maintainers who may decide a waiver that was proposed just now."""
    waiver = act.waiver if act.action == "waiver.proposed" else None
    if waiver is None or waiver.state != Waiver.State.PROPOSED or act.review is None:
        return []
    excluded = {waiver.proposed_by_id, *act.review.contributors}
    maintainers = [pk for pk, (_, role) in act.review.people.items() if role.covers(Role.MAINTAINER)]
    return [pk for pk in maintainers if pk not in excluded]


def _contributors(act: Act) -> QuerySet[Revision, int]:
    return Revision.objects.filter(submission=act.submission).values_list("created_by", flat=True)


def _proposers(act: Act) -> QuerySet[Waiver, int]:
    return Waiver.objects.filter(submission=act.submission).values_list("proposed_by", flat=True)


def _voters(act: Act) -> QuerySet[Vote, int]:
    return Vote.objects.filter(revision__submission=act.submission).values_list("voter", flat=True)


def _speakers(act: Act) -> QuerySet[Comment, int]:
    """Of the threads that it is about; where it is about the whole submission, of all its threads."""
    said = Comment.objects.filter(thread__submission=act.submission, is_draft=False)
    if not act.action.startswith("submission."):
        said = said.filter(thread__in=act.thread_ids)
    return said.values_list("author", flat=True)
