"""The review of a revision as the page shows it: gate, whose turn, votes, threads, waivers, and what is next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone

from patreview.projects.queries import Role
from patreview.reviews.attention import turns
from patreview.reviews.discussion import EDITABLE_FOR, ENTRIES
from patreview.reviews.gate import READY, approval_refusal, conclude, review_of
from patreview.reviews.queries import Thread, Vote, threads_on, today
from patreview.reviews.waivers import DAYS_MAX, WAIVABLE
from patreview.web.waiver_row import waiver_row

if TYPE_CHECKING:
    from patreview.projects.principal import Principal
    from patreview.reviews.gate import Condition, Gate, Review
    from patreview.reviews.queries import Comment, StandingVote
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
_STANDING = {
    "active": "",
    "carried": "carried: this revision proposes and comes to the same",
    "stands": "still stands",
    "outdated": "outdated: given to an earlier revision",
    "withdrawn": "withdrawn",
    "dismissed": "dismissed",
}
_GUESTS_OFFERED = 40


def context(principal: Principal, revision: Revision, page: Json) -> Json:
    """Gate, discussion and forms for one reader; `page` is what the header found out."""
    review = review_of(revision, page["run"], page["report"])
    reviewer = page["role"] is not None and page["role"].covers(Role.REVIEWER)
    refused = approval_refusal(principal, review) if reviewer and page["is_open"] else ""
    gate = conclude(review) if page["is_current"] else None
    threads = threads_on(revision.submission, principal)
    shown = {
        "gate": _gate(gate) if gate else None,
        "turns": turns(review, gate) if gate else [],
        "votes": [_vote(one, review, principal, page) for one in review.votes],
        "threads": _threads(threads, principal, page, review),
        "drafts": sum(comment.is_draft for _, comments in threads for comment in comments),
        "about": _about(page["report"]),
        "vote_values": _choices(refused) if reviewer else [],
        "approval_refusal": refused,
        "role_hint": _role_hint(page),
        "adoption": _adoption(gate, page),
    }
    voted = any(one.vote.voter_id == principal.user.pk and one.status == "active" for one in review.votes)
    shown |= _waivers(review, principal, page) | _marked(page, review, threads)
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
    action = row.action if row.status in ("unsatisfied", "pending", "error") else ""
    return {
        "title": row.title, "detail": detail, "mark": mark, "icon": f"g-{mark}", "spoken": _SPOKEN[row.status],
        "action": action,
    }  # fmt: skip


def _vote(one: StandingVote, review: Review, principal: Principal, page: Json) -> Json:
    vote, mine = one.vote, one.vote.voter_id == principal.user.pk
    can_act = page["submission"].state == "open" and page["role"] is not None
    dismisses = can_act and page["role"] == Role.MAINTAINER and not mine
    return {
        "it": vote,
        "icon": _VOTE_ICONS.get(vote.value, "g-na"),
        "standing": _STANDING[one.status],
        "counts": one.counts,
        "may_withdraw": can_act and mine and not vote.withdrawn_at,
        "may_dismiss": dismisses and one.opposes and principal.user.pk not in review.contributors,
    }


def _threads(
    threads: Sequence[tuple[Thread, list[Comment]]], principal: Principal, page: Json, review: Review
) -> list[Json]:
    """Open ones first, each with what the reader may do."""
    speaks = page["role"] is not None and page["role"].covers(Role.SUBMITTER)
    settles = page["role"] is not None and page["role"].covers(Role.REVIEWER)
    me = principal.user.pk
    found = {one["fingerprint"] for one in (page["report"] or {}).get("findings", [])}
    rows = [
        {
            "it": thread,
            "comments": [_comment(one, principal, page) for one in comments],
            "about": _thing(thread, page, found),
            "gone": bool(page["report"]) and thread.anchor == "finding" and thread.key not in found,
            "may_reply": speaks,
            "may_settle": speaks and (settles or me == thread.opened_by_id or me in review.contributors),
        }
        for thread, comments in threads
    ]
    order = {"open": 0, "note": 1, "resolved": 2}
    return sorted(rows, key=lambda row: (order[row["it"].state], row["it"].pk))


def _thing(thread: Thread, page: Json, found: set[str]) -> Json:
    """What a thread is about, and where that is on the page."""
    if thread.anchor == "finding":
        where = reverse("web:finding", args=[page["submission"].pk, thread.key]) if thread.key in found else ""
        return {"label": thread.label, "href": where}
    where = {"entry": "#layout", "guest": "#guests"}.get(thread.anchor, "")
    return {"label": "" if thread.anchor == "revision" else thread.label, "href": where if page["report"] else ""}


def _comment(comment: Comment, principal: Principal, page: Json) -> Json:
    mine = comment.author_id == principal.user.pk
    recent = comment.at + EDITABLE_FOR > timezone.now()
    speaks = page["role"] is not None and page["role"].covers(Role.SUBMITTER)
    published = not comment.is_draft and not comment.hidden_at
    return {
        "it": comment,
        "may_edit": speaks and mine and not comment.hidden_at and (comment.is_draft or recent),
        "may_hide": published and page["role"] == Role.MAINTAINER,
    }


def _about(report: Json | None) -> list[Json]:
    """What a new thread may be about, beside the revision: entries and guests. Findings have a page each."""
    if not report:
        return []
    guests = [name for row in report["classes"] for name in row["members"]]
    names = list(dict.fromkeys(guests))[:_GUESTS_OFFERED]
    return [{"value": f"entry:{name}", "label": f"Entry {name}"} for name in ENTRIES] + [
        {"value": f"guest:{name}", "label": f"Guest {name}"} for name in names
    ]


def _waivers(review: Review, principal: Principal, page: Json) -> Json:
    """The waivers that name a finding of the report, and what a new one needs."""
    day = today()
    rows = [waiver_row(one, day, page["role"], principal.user.pk) for one in review.waivers]
    return {
        "waivers": rows,
        "first_day": day.isoformat(),
        "last_day": (day + timedelta(days=DAYS_MAX)).isoformat(),
    }


def _marked(page: Json, review: Review, threads: Sequence[tuple[Thread, list[Comment]]]) -> Json:
    """The findings with what people did about each: its waiver, its thread."""
    about = {thread.key: thread for thread, _ in threads if thread.anchor == "finding"}
    findings = [
        finding
        | {
            "waiver": review.waived.get(finding["fingerprint"]),
            "thread": about.get(finding["fingerprint"]),
            "waivable": finding["verdict"] in WAIVABLE and not finding["fixed"],
            "href": reverse("web:finding", args=[page["submission"].pk, finding["fingerprint"]]),
        }
        for finding in page.get("findings", [])
    ]
    return {"findings": findings, "waived": len(review.waived)}


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
    allowed = gate.adopt in READY
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
