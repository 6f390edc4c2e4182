"""Threads and comments: say something about a finding, an entry, a guest or a revision; answer; resolve."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from patreview.accounts.models import User
from patreview.analyses.models import Run
from patreview.analyses.queries import last_run, report_of
from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.projects.models import Role
from patreview.projects.principal import Principal
from patreview.projects.queries import may, require
from patreview.projects.text import checked_body, required
from patreview.reviews.models import Comment, Thread
from patreview.submissions.models import Revision, Submission
from patreview.submissions.queries import contributors_of
from patreview.submissions.services import lock, record_act

EDITABLE_FOR = timedelta(minutes=15)
ENTRIES = tuple(f"PA{n}" for n in range(8))
LABEL_MAX = 300


@transaction.atomic
def say(
    revision: Revision,
    body: str,
    *,
    by: Principal,
    anchor: str = Thread.Anchor.REVISION,
    key: str = "",
    asks: bool = False,
    draft: bool = False,
) -> Comment:
    """Begin a thread, or go on with the one there is about this thing.

    Any member who may submit may comment. `asks` opens the thread: it has to be resolved before anything is adopted.
    A draft is seen by its author alone until publish_drafts(). Raises NotFound for a thing that the report does not
    have, Conflict on an empty or over-long text.
    """
    author = _author(revision.submission, by)
    text = required(checked_body(body), "The comment")
    lock(revision.submission_id)
    thread = _thread(revision, anchor, key, author)
    return _add(thread, revision, text, author, by=by, asks=asks, draft=draft)


@transaction.atomic
def reply(thread: Thread, body: str, *, by: Principal, asks: bool = False, draft: bool = False) -> Comment:
    """Go on with a thread."""
    author = _author(thread.submission, by)
    text = required(checked_body(body), "The comment")
    submission = lock(thread.submission_id)
    assert submission.current is not None
    if not Thread.objects.filter(pk=thread.pk).exists():
        raise NotFound("gone", "The thread is gone: the draft that began it was thrown away.")
    return _add(thread, submission.current, text, author, by=by, asks=asks, draft=draft)


def _author(submission: Submission, by: Principal) -> User:
    require(by, submission.project, Role.SUBMITTER, scope="review")
    assert isinstance(by.user, User)
    return by.user


def _thread(revision: Revision, anchor: str, key: str, author: User) -> Thread:
    if anchor not in Thread.Anchor.values:
        raise NotFound("unknown_anchor", f"A thread is about one of {', '.join(Thread.Anchor.values)}.")
    begun = {"opened_on": revision, "opened_by": author}
    about = {"submission_id": revision.submission_id, "anchor": anchor}
    if anchor == Thread.Anchor.REVISION:
        return Thread.objects.create(**about, **begun, label=str(revision))
    if not key.isprintable():  # PostgreSQL cannot even look for U+0000
        raise NotFound("not_in_report", f"The last report on {revision} has no such {anchor}.")
    known = Thread.objects.filter(**about, key=key).first()
    return known or Thread.objects.create(**about, **begun, key=key, label=_label(revision, anchor, key))


def _label(revision: Revision, anchor: str, key: str) -> str:
    """What a thread is about, in words. Raises NotFound where the report has no such thing."""
    run = last_run(revision)
    report = report_of(run) if run and run.state == Run.State.COMPLETED else None
    label = _labels(report, anchor).get(key, "") if report else ""
    if not label:
        raise NotFound("not_in_report", f"The last report on {revision} has no such {anchor}.")
    return label[:LABEL_MAX]


def _labels(report: dict[str, Any], anchor: str) -> dict[str, str]:
    if anchor == Thread.Anchor.FINDING:
        return {one["fingerprint"]: f"{one['rule']} {one['title']}" for one in report["findings"]}
    if anchor == Thread.Anchor.ENTRY:
        return {name: name for name in ENTRIES}
    return {name: name for row in report["classes"] for name in row["members"]}


def _add(
    thread: Thread, revision: Revision, text: str, author: User, *, by: Principal, asks: bool, draft: bool
) -> Comment:
    made = Comment.objects.create(
        thread=thread, revision=revision, author=author, body=text, asks=asks, is_draft=draft
    )  # fmt: skip
    if draft:
        return made  # nobody else knows of it, the journal neither
    opened = _opens(thread, asks)
    _record("comment.added", thread, revision, by=by, comment=made.pk, opened=opened)
    return made


def _opens(thread: Thread, asks: bool) -> bool:
    """Open the thread where the comment asks for something; whether it was not open before."""
    if not asks:
        return False
    closed = Thread.objects.filter(pk=thread.pk).exclude(state=Thread.State.OPEN)
    fields = {"state": Thread.State.OPEN, "resolution": "", "resolved_by": None, "resolved_at": None}
    return closed.update(**fields) == 1


def publish_drafts(submission: Submission, *, by: Principal) -> list[int]:
    """Show the author's drafts to everybody, at once. The caller holds the submission's lock and the transaction."""
    drafts = Comment.objects.filter(thread__submission=submission, author=by.user.pk, is_draft=True)
    published = []
    for draft in drafts.select_related("thread").order_by("pk"):
        _opens(draft.thread, draft.asks)
        published.append(draft.pk)
    Comment.objects.filter(pk__in=published).update(is_draft=False, at=timezone.now())
    return published


@transaction.atomic
def publish(submission: Submission, *, by: Principal) -> list[int]:
    """Publish one's drafts without a vote. Raises Conflict where there are none."""
    _author(submission, by)
    locked = lock(submission.pk)
    published = publish_drafts(locked, by=by)
    if not published:
        raise Conflict("no_drafts", "You have no drafts here.")
    assert locked.current is not None
    record_act("comment.added", locked.current, by=by, comments=published)
    return published


@transaction.atomic
def discard(comment: Comment, *, by: Principal) -> None:
    """Throw an own draft away, and its thread if nothing else is in it."""
    _author(comment.thread.submission, by)
    lock(comment.thread.submission_id)
    drafts = Comment.objects.filter(pk=comment.pk, author=by.user.pk, is_draft=True)
    if not drafts.exists():
        raise Forbidden("not_a_draft", "Only an own draft is thrown away; a comment stays.")
    drafts.delete()
    if not Comment.objects.filter(thread=comment.thread_id).exists():
        Thread.objects.filter(pk=comment.thread_id).delete()


@transaction.atomic
def edit(comment: Comment, body: str, *, by: Principal) -> None:
    """Change an own comment: a draft at any time, a published one for a quarter of an hour."""
    _author(comment.thread.submission, by)
    text = required(checked_body(body), "The comment")
    if comment.author_id != by.user.pk:
        raise Forbidden("not_yours", "Only its author edits a comment.")
    lock(comment.thread.submission_id)  # it may be published, hidden or thrown away meanwhile
    held = Comment.objects.filter(pk=comment.pk).first()
    if held is None:
        raise NotFound("gone", "The draft was thrown away.")
    now = timezone.now()
    if held.is_draft:
        Comment.objects.filter(pk=held.pk).update(body=text, at=now)
        return
    if held.hidden_at or held.at + EDITABLE_FOR < now:
        raise Conflict("too_late", "A comment can be edited for 15 minutes; add another one.")
    Comment.objects.filter(pk=held.pk).update(body=text, edited_at=now)
    _record("comment.edited", comment.thread, comment.revision, by=by, comment=held.pk, before=held.body)


@transaction.atomic
def hide(comment: Comment, *, by: Principal) -> None:
    """Take a comment from the page; the row and the journal keep it. By a maintainer."""
    require(by, comment.thread.submission.project, Role.MAINTAINER, scope="review")
    fields = {"hidden_at": timezone.now(), "hidden_by": by.user}
    if Comment.objects.filter(pk=comment.pk, hidden_at=None, is_draft=False).update(**fields) != 1:
        raise Conflict("hidden", "It is hidden already.")
    _record("comment.hidden", comment.thread, comment.revision, by=by, comment=comment.pk)


@transaction.atomic
def resolve(thread: Thread, resolution: str, *, by: Principal) -> None:
    """Say that a thread needs nothing more. By a contributor, a reviewer, or who opened it."""
    submission = _may_settle(thread, by)
    if resolution not in Thread.Resolution.values:
        raise Conflict("unknown_resolution", f"Resolve as one of {', '.join(Thread.Resolution.values)}.")
    fields = {
        "state": Thread.State.RESOLVED,
        "resolution": resolution,
        "resolved_by": by.user,
        "resolved_at": timezone.now(),
    }
    if Thread.objects.filter(pk=thread.pk, state=Thread.State.OPEN).update(**fields) != 1:
        raise Conflict("not_open", "The thread is not open.")
    assert submission.current is not None
    _record("thread.resolved", thread, submission.current, by=by, resolution=resolution)


@transaction.atomic
def reopen_thread(thread: Thread, *, by: Principal) -> None:
    """Ask for something after all."""
    submission = _may_settle(thread, by)
    if not _opens(thread, asks=True):
        raise Conflict("open", "The thread is open already.")
    assert submission.current is not None
    _record("thread.reopened", thread, submission.current, by=by)


def _may_settle(thread: Thread, by: Principal) -> Submission:
    require(by, thread.submission.project, Role.SUBMITTER, scope="review")
    submission = lock(thread.submission_id)
    assert submission.current is not None
    concerned = {thread.opened_by_id, *contributors_of(submission.current)}
    if by.user.pk not in concerned and not may(by, submission.project, Role.REVIEWER, scope="review"):
        raise Forbidden("role", "A thread is settled by who opened it, a contributor, or a reviewer.")
    return submission


def _record(action: str, thread: Thread, revision: Revision, *, by: Principal, **data: Any) -> None:
    about = {"thread": thread.pk, "anchor": thread.anchor, "key": thread.key}
    record_act(action, revision, by=by, **about, **data)
