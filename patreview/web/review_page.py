"""The review of a revision as the page shows it: gate, votes and comments, what the reader may do, what is next."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from patreview.projects.queries import Role
from patreview.reviews.gate import approval_refusal, gate_of
from patreview.reviews.queries import Vote, comments_on, standing_votes

if TYPE_CHECKING:
    from patreview.projects.principal import Principal
    from patreview.reviews.gate import Condition, Gate
    from patreview.submissions.queries import Revision

Json = dict[str, Any]

_GATE_WORDS = {
    "satisfied": "ready to adopt",
    "satisfied_with_warnings": "ready, with warnings",
    "blocked": "blocked",
    "pending": "pending",
}
_MARKS = {"satisfied": "ok", "unsatisfied": "no", "error": "no", "pending": "wait", "not_applicable": "na"}
_SPOKEN = {
    "satisfied": "Satisfied",
    "unsatisfied": "Not satisfied",
    "error": "Could not be computed",
    "pending": "Pending",
    "not_applicable": "Does not apply",
}
_FIRST = ("error", "unsatisfied", "pending", "satisfied", "not_applicable")  # what to act on comes first
_VOTE_ICONS = {"approve": "g-ok", "nits": "g-ok", "comment": "g-na", "request_changes": "g-no", "block": "g-no"}


def context(principal: Principal, revision: Revision, page: Json) -> Json:
    """Gate, thread and forms for one reader; `page` is what the header found out."""
    votes = standing_votes(revision)
    reviewer = page["role"] is not None and page["role"].covers(Role.REVIEWER)
    refused = approval_refusal(principal, revision) if reviewer and page["is_open"] else ""
    gate = gate_of(revision, page["run"], page["report"]) if page["is_current"] else None
    shown = {
        "gate": _gate(gate) if gate else None,
        "votes": votes,
        "thread": _thread(votes, comments_on(revision.submission), revision),
        "vote_values": _choices(refused) if reviewer else [],
        "approval_refusal": refused,
        "role_hint": _role_hint(page),
        "adoption": _adoption(gate, page),
    }
    voted = any(vote.voter_id == principal.user.pk and vote.revision_id == revision.pk for vote in votes)
    return shown | {"action": _action(revision, page | shown, voted=voted)}


def _gate(gate: Gate) -> Json:
    rows = sorted(gate.conditions, key=lambda condition: _FIRST.index(condition.status))
    counted = [row for row in rows if row.status != "not_applicable"]
    return {
        "word": _GATE_WORDS.get(gate.adopt, gate.adopt),
        "conditions": [_condition(row) for row in rows],
        "satisfied": sum(row.status == "satisfied" for row in counted),
        "counted": len(counted),
    }


def _condition(row: Condition) -> Json:
    mark = _MARKS[row.status]
    detail = "" if row.detail == "None." else row.detail
    return {"title": row.title, "detail": detail, "mark": mark, "icon": f"g-{mark}", "spoken": _SPOKEN[row.status]}


def _thread(votes: Sequence[Any], comments: Any, revision: Revision) -> list[Json]:
    """Votes and comments in one row of time."""
    said = [{"who": c.author, "body": c.body, "at": c.at, "revision": c.revision.number} for c in comments]
    cast = [
        {
            "who": vote.voter,
            "body": vote.body,
            "at": vote.at,
            "revision": vote.revision.number,
            "label": vote.label,
            "icon": _VOTE_ICONS.get(vote.value, "g-na"),
            "outdated": vote.revision_id != revision.pk,
        }
        for vote in votes
    ]
    return sorted(said + cast, key=itemgetter("at"))


def _choices(refused: str) -> list[Json]:
    """The votes that the reader may cast: no approval for one who may not approve."""
    offered = [choice for choice in Vote.Value if not (refused and choice.approves)]
    return [{"value": choice.value, "label": choice.label, "meaning": choice.meaning} for choice in offered]


def _role_hint(page: Json) -> str:
    if page["role"] is None:
        return "Voting needs the role reviewer in this project."
    if page["contributed"]:
        return "You submitted this, so somebody else must approve it. Voting needs the role reviewer."
    return f"You are {page['role']} here; voting needs the role reviewer."


def _adoption(gate: Gate | None, page: Json) -> Json | None:
    """Whether the reader may adopt; None where they never may."""
    if page["role"] != Role.MAINTAINER or not page["is_open"] or gate is None:
        return None
    allowed = gate.adopt in ("satisfied", "satisfied_with_warnings")
    return {"allowed": allowed, "reason": "" if allowed else f"The gate is {gate.adopt}: see the checklist above."}


def _action(revision: Revision, page: Json, *, voted: bool) -> Json | None:
    """The one next thing for this reader, with what it brings."""
    submission, report = revision.submission, page["report"]
    if not page["is_current"]:
        here = reverse("web:submission", args=[submission.pk])
        return _to(here, "Read the latest", "The current revision; this one is superseded.")
    if page["running"] or not page["is_open"]:
        return None
    if report is None:
        return _to("#runs", "Run again", "The submission is stored.") if page["may_rerun"] else None
    if page["adoption"] and page["adoption"]["allowed"]:
        return _to("#adopt", f"Adopt r{revision.number}", "Every condition of the gate holds.")
    if page["vote_values"] and not page["approval_refusal"] and not voted:
        return _to("#vote", f"Vote on r{revision.number}", "Read the findings first; your vote binds to this revision.")
    if page["may_revise"] and report["verdict"] in ("incompatible", "indeterminate"):
        here = reverse("web:revise", args=[submission.pk])
        return _to(here, "Revise it", "A new revision, checked at once; this one stays readable.")
    if page["may_submit"]:
        return _to("#discussion", "Discuss it", "The gate says what is still missing.")
    return _to("#findings", "Read the findings", "Each shows how it follows, step by step.")


def _to(href: str, label: str, brings: str) -> Json:
    return {"href": href, "label": label, "brings": brings}
