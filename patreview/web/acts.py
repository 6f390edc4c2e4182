"""Entries of the journal in words: what was done, by whom, and where to look at it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse

from patreview.journal.subjects import Place, read_submission

if TYPE_CHECKING:
    from patreview.journal.queries import Entry
    from patreview.projects.queries import Project

# What an action is called; the names in braces are data of its entry. An action that is not here is shown as it is.
SENTENCES = {
    "comment.added": "commented",
    "comment.edited": "edited a comment",
    "comment.hidden": "hid a comment",
    "guest.added": "put a guest in service",
    "guest.changed": "changed what is known of a guest",
    "guest.restored": "put a guest back in service",
    "guest.retired": "retired a guest",
    "invitation.made": "invited somebody as {role}",
    "invitation.revoked": "revoked an invitation",
    "layout.in_force": "put a layout in force: {after} for {before}",
    "member.added": "added a member as {role}",
    "member.changed": "changed a role: {role} for {before}",
    "member.joined": "joined by invitation",
    "member.left": "left the project",
    "member.mail": "changed their mail: {after} for {before}",
    "member.removed": "removed a member",
    "member.set": "gave the role {role}",
    "platform.added": "added a platform: Xen {release}, {layout}",
    "platform.restored": "put a platform back in service",
    "platform.retired": "retired a platform",
    "project.changed": "changed the project",
    "project.created": "created the project",
    "run.cancelled": "cancelled a run",
    "run.completed": "judged: {verdict}",
    "run.failed": "could not judge: {reason}",
    "run.requested": "asked for another run",
    "run.timed_out": "took too long to judge: {reason}",
    "submission.adopted": "adopted a submission",
    "submission.created": "submitted",
    "submission.reopened": "opened a submission again",
    "submission.retitled": "changed a title: {after} for {before}",
    "submission.revised": "submitted a new revision",
    "submission.withdrawn": "withdrew a submission",
    "thread.reopened": "opened a thread again",
    "thread.resolved": "resolved a thread: {resolution}",
    "token.issued": "issued the token {name} to {owner}: {scopes}",
    "token.revoked": "revoked the token {name} of {owner}",
    "vote.cast": "voted: {value}",
    "vote.dismissed": "dismissed the vote of {voter}: {value}",
    "vote.withdrawn": "withdrew a vote: {value}",
    "waiver.accepted": "accepted a waiver",
    "waiver.proposed": "proposed to waive {rule} until {expires_on}",
    "waiver.rejected": "rejected a waiver",
    "waiver.revoked": "revoked a waiver",
}
GROUPS = tuple(sorted({action.partition(".")[0] for action in SENTENCES}))
_FIRST = ("before", "after")


@dataclass(frozen=True)
class Act:
    """A row of the page: an entry, and its words."""

    entry: Entry
    token_name: str
    sentence: str
    place: str
    href: str
    details: list[tuple[str, str]]


def act_of(entry: Entry, project: Project, tokens: dict[str, str], *, linked: bool) -> Act:
    """`linked` is whether the one who reads may see what the entry is about."""
    place, href = _place(entry.object, project.slug)
    return Act(
        entry=entry,
        token_name=tokens.get(entry.token, ""),
        sentence=sentence_of(entry.action, entry.data),
        place=place,
        href=href if linked else "",
        details=_details(entry.data),
    )


def sentence_of(action: str, data: dict[str, Any]) -> str:
    """What was done, without who and to what; the action's own name where there are no words for it."""
    try:
        return SENTENCES[action].format_map({name: _short(value) for name, value in data.items()})
    except LookupError:
        return action


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_short(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _details(data: dict[str, Any]) -> list[tuple[str, str]]:
    """The entry's data by name, what was before and after first."""
    order = sorted(data, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    return [(name, _short(data[name])) for name in order]


def _place(subject: str, slug: str) -> tuple[str, str]:
    """What an entry is about, in words and as an address; "" where nothing is to be seen of it."""
    kind, _, name = subject.partition(":")
    place = read_submission(subject)
    if place:
        return _of_submission(place)
    if kind == "guest":
        return f"guest {name}", f"{reverse('web:guest-list', args=[slug])}?{urlencode({'name': name, 'state': 'all'})}"
    if kind == "platform" and name and "/" not in name:
        return f"platform {name}", reverse("web:platform", args=[slug, name])
    if kind == "project" and name == slug:
        return f"project {name}", reverse("web:project", args=[slug])
    return (f"{kind} {name}", "") if name else (subject, "")


def _of_submission(place: Place) -> tuple[str, str]:
    if not place.revision:
        return f"#{place.submission}", reverse("web:submission", args=[place.submission])
    words = f"#{place.submission} r{place.revision}" + (f", run {place.attempt}" if place.attempt else "")
    return words, reverse("web:revision", args=[place.submission, place.revision])
