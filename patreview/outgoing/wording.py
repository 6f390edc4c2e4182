"""An act in words: a sentence, and what people wrote along with it."""

from collections.abc import Callable

from django.conf import settings

from patreview.outgoing.acts import Act
from patreview.outgoing.text import paragraph, quoted, report_text
from patreview.reviews.gate import NOT_APPLICABLE, SATISFIED
from patreview.reviews.models import Vote
from patreview.submissions.models import Submission


def account(act: Act) -> list[str]:
    """What happened, as paragraphs: the same for everybody who hears of it."""
    return [paragraph(_SENTENCES[act.action](act)), *_PARTICULARS.get(act.action, _nothing)(act)]


def address(act: Act) -> str:
    """Where to read on."""
    place = f"{settings.PATREVIEW_URL}/s/{act.submission.pk}/"
    if len(act.thread_ids) == 1:
        return f"{place}#thread-{next(iter(act.thread_ids))}"
    return f"{place}#waivers" if act.waiver else place


def _created(act: Act) -> str:
    submission = act.submission
    if submission.kind == Submission.Kind.LAYOUT:
        return f"{act.actor} proposes a layout for {submission.platform.name if submission.platform else 'a platform'}."
    return f"{act.actor} proposes the guest {submission.subject}."


def _adopted(act: Act) -> str:
    superseded = ", ".join(f"#{number}" for number in act.data.get("superseded", []))
    after = f" It takes the place of {superseded}." if superseded else ""
    if act.submission.kind == Submission.Kind.LAYOUT and act.submission.platform:
        return f"{act.actor} adopted {act.revision}: the layout is in force on {act.submission.platform.name}.{after}"
    return f"{act.actor} adopted {act.revision}: the guest {act.submission.subject} is in service.{after}"


def _ended(act: Act) -> str:
    assert act.run is not None
    ended = act.run.get_state_display().lower()
    return f"Run {act.run.attempt} on {act.revision} {ended}: {act.run.reason_text} There is no report; run it again."


def _completed(act: Act) -> str:
    assert act.run is not None
    return f"Run {act.run.attempt} on {act.revision} is completed."


def _run_again(act: Act) -> str:
    assert act.run is not None
    return f"{act.revision} is judged once more, run {act.run.attempt}. {act.data.get('reason', '')}"


def _vote_word(act: Act) -> str:
    value = act.data.get("value", "")
    return str(Vote.Value(value).label).lower() if value in Vote.Value.values else "a vote"


def _commented(act: Act) -> str:
    about = list(dict.fromkeys(_label(comment.thread.label) for comment in act.comments))
    opened = ", and asks for an answer" if any(comment.asks for comment in act.comments) else ""
    where = about[0] if len(about) == 1 else f"{len(about)} things"
    return f"{act.actor} comments on {where}{opened}."


def _label(label: str) -> str:
    return label or "the submission"


def _thread_label(act: Act) -> str:
    return _label(act.thread.label if act.thread else "")


def _waiver(act: Act) -> str:
    waiver = act.waiver
    return f"{waiver.name} of {waiver.rule}, until {waiver.expires_on}" if waiver else "a waiver"


_SENTENCES: dict[str, Callable[[Act], str]] = {
    "submission.created": _created,
    "submission.revised": lambda act: f"{act.actor} sent {act.revision}. It is being judged.",
    "submission.adopted": _adopted,
    "submission.withdrawn": lambda act: f"{act.actor} withdrew the submission. {act.data.get('reason', '')}",
    "submission.reopened": lambda act: f"{act.actor} opened the submission again.",
    "run.completed": _completed,
    "run.failed": _ended,
    "run.timed_out": _ended,
    "run.requested": _run_again,
    "vote.cast": lambda act: f"{act.actor} votes on {act.revision}: {_vote_word(act)}.",
    "vote.withdrawn": lambda act: f"{act.actor} takes the vote on {act.revision} back: {_vote_word(act)}.",
    "vote.dismissed": lambda act: (
        f"{act.actor} dismissed the vote of {act.data.get('voter')}, {_vote_word(act)}: {act.data.get('reason')}"
    ),
    "comment.added": _commented,
    "thread.resolved": lambda act: (
        f"{act.actor} resolved the thread about {_thread_label(act)}: "
        f"{str(act.data.get('resolution', '')).replace('_', ' ')}."
    ),
    "thread.reopened": lambda act: f"{act.actor} opened the thread about {_thread_label(act)} again.",
    "waiver.proposed": lambda act: f"{act.actor} proposes a waiver, {_waiver(act)}.",
    "waiver.accepted": lambda act: f"{act.actor} accepted a waiver, {_waiver(act)}. {act.data.get('note', '')}",
    "waiver.rejected": lambda act: f"{act.actor} rejected a waiver, {_waiver(act)}. {act.data.get('note', '')}",
    "waiver.revoked": lambda act: f"{act.actor} revoked a waiver, {_waiver(act)}. {act.data.get('reason', '')}",
}


def _nothing(act: Act) -> list[str]:
    return []


def _note(act: Act) -> list[str]:
    return [quoted(act.revision.note)] if act.revision and act.revision.note else []


def _vote(act: Act) -> list[str]:
    """The vote's words, unless the voter changed their mind since; then the comments that came along."""
    vote = act.vote
    body = vote.body if vote and vote.at <= act.entry.at and vote.withdrawn_at is None else ""
    return [quoted(body)] * bool(body) + _comments(act)


def _comments(act: Act) -> list[str]:
    if len(act.comments) == 1 and act.action == "comment.added":
        return [quoted(act.comments[0].body)]
    parts = []
    for comment in act.comments:
        parts += [paragraph(f"On {_label(comment.thread.label)}:"), quoted(comment.body)]
    return parts


def _proposed_waiver(act: Act) -> list[str]:
    waiver = act.waiver
    if waiver is None:
        return []
    parts = [paragraph(waiver.title), quoted(waiver.reason)]
    return [*parts, "Until then:", quoted(waiver.control)] if waiver.control else parts


def _report(act: Act) -> list[str]:
    """The report, and what the gate still asks for where the report is of the last run."""
    report, review = act.report, act.review
    if report is None:
        return []
    if review is None or review.run != act.run:
        return [*report_text(report, {}), "There is a later run."]
    waived = {key: f"{waiver.expires_on} ({waiver.name})" for key, waiver in review.waived.items()}
    return [*report_text(report, waived), _open_conditions(act)]


def _open_conditions(act: Act) -> str:
    conditions = act.gate.conditions if act.gate else ()
    left = [one for one in conditions if one.status not in {SATISFIED, NOT_APPLICABLE}]
    if not left:
        return "Every condition of the gate holds."
    lines = [paragraph(f"- {one.title} ({one.status}): {one.detail}", hang="  ") for one in left]
    return "\n".join(["Before it can be adopted:", *lines])


_PARTICULARS: dict[str, Callable[[Act], list[str]]] = {
    "submission.created": _note,
    "submission.revised": _note,
    "run.completed": _report,
    "vote.cast": _vote,
    "comment.added": _comments,
    "waiver.proposed": _proposed_waiver,
}
