"""How votes, threads and waivers look in answers."""

from datetime import date
from typing import Any

from patreview.api.documents import ROOT, moment
from patreview.reviews.attention import Turn
from patreview.reviews.queries import Comment, StandingVote, Thread, Waiver


def vote_document(one: StandingVote) -> dict[str, Any]:
    """`standing` says what the vote is worth now."""
    vote = one.vote
    return {
        "id": vote.pk,
        "voter": vote.voter.username,
        "value": vote.value,
        "standing": one.status,
        "counts": one.counts,
        "revision": vote.revision.number,
        "body": vote.body,
        "at": moment(vote.at),
        "dismissed_by": vote.dismissed_by.username if vote.dismissed_by else None,
        "dismissal": vote.dismissal or None,
    }


def turn_document(turn: Turn) -> dict[str, Any]:
    return {"user": turn.name, "reason": turn.reason}


def thread_document(thread: Thread, comments: list[Comment]) -> dict[str, Any]:
    return {
        "id": thread.pk,
        "submission": thread.submission_id,
        "anchor": thread.anchor,
        "key": thread.key or None,
        "label": thread.label,
        "state": thread.state,
        "resolution": thread.resolution or None,
        "resolved_by": thread.resolved_by.username if thread.resolved_by else None,
        "resolved_at": moment(thread.resolved_at),
        "comments": [comment_document(comment) for comment in comments],
    }


def comment_document(comment: Comment) -> dict[str, Any]:
    """A hidden comment keeps its place without its text."""
    return {
        "id": comment.pk,
        "author": comment.author.username,
        "revision": comment.revision.number,
        "body": None if comment.hidden_at else comment.body,
        "draft": comment.is_draft,
        "at": moment(comment.at),
        "edited_at": moment(comment.edited_at),
        "hidden_at": moment(comment.hidden_at),
    }


def waiver_document(waiver: Waiver, day: date) -> dict[str, Any]:
    """`expired` says what an active waiver comes to after its last day."""
    return {
        "id": waiver.pk,
        "name": waiver.name,
        "project": waiver.project.slug,
        "submission": waiver.submission_id,
        "fingerprint": waiver.fingerprint,
        "rule": waiver.rule,
        "title": waiver.title,
        "verdict": waiver.verdict,
        "guests": waiver.guests,
        "state": waiver.state,
        "expired": waiver.has_expired(day),
        "expires_on": waiver.expires_on.isoformat(),
        "reason": waiver.reason,
        "control": waiver.control or None,
        "proposed_by": waiver.proposed_by.username,
        "proposed_at": moment(waiver.proposed_at),
        "decided_by": waiver.decided_by.username if waiver.decided_by else None,
        "decided_at": moment(waiver.decided_at),
        "decision": waiver.decision or None,
        "revoked_by": waiver.revoked_by.username if waiver.revoked_by else None,
        "revocation": waiver.revocation or None,
        "url": f"{ROOT}/waivers/{waiver.pk}",
    }


def waived_document(waiver: Waiver | None) -> dict[str, Any] | None:
    """What a finding says of the waiver that covers it: null where none does."""
    return {"name": waiver.name, "expires_on": waiver.expires_on.isoformat()} if waiver else None
