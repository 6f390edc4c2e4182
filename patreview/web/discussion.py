"""What people say about a submission: comments, drafts, threads and their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from patreview.reviews import discussion
from patreview.reviews.queries import Comment, Thread, visible_comments, visible_threads
from patreview.web.decisions import decide
from patreview.web.errors import only
from patreview.web.visitor import principal_of

if TYPE_CHECKING:
    from patreview.submissions.queries import Revision


@only("POST")
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin a thread on what the form names: `entry:PA4`, `guest:dom0`, `finding:` and a fingerprint, or nothing."""
    sent = request.POST
    body = sent.get("body", "")
    anchor, _, key = (sent.get("about") or "revision").partition(":")
    is_draft = sent.get("action") == "draft"

    def act(revision: Revision) -> object:
        by, asks = principal_of(request), "asks" in sent
        return discussion.say(revision, body, by=by, anchor=anchor, key=key, asks=asks, draft=is_draft)

    return decide(request, pk, act, "discussion", _said(is_draft), typed={"comment": body})


def _said(is_draft: bool) -> str:
    return "Kept as a draft: only you see it until you publish it or vote." if is_draft else ""


@only("POST")
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish one's drafts."""

    def act(revision: Revision) -> object:
        return discussion.publish(revision.submission, by=principal_of(request))

    return decide(request, pk, act, "discussion", "Your drafts are published.")


@only("POST")
def reply(request: HttpRequest, pk: int, thread_id: int) -> HttpResponse:
    """Go on with a thread."""
    thread = _thread(request, pk, thread_id)
    sent, by = request.POST, principal_of(request)
    is_draft = sent.get("action") == "draft"

    def act(_: Revision) -> object:
        return discussion.reply(thread, sent.get("body", ""), by=by, asks="asks" in sent, draft=is_draft)

    return decide(request, pk, act, f"thread-{thread_id}", _said(is_draft))


@only("POST")
def resolve(request: HttpRequest, pk: int, thread_id: int) -> HttpResponse:
    """Say how a thread ended."""
    thread = _thread(request, pk, thread_id)
    resolution = request.POST.get("resolution", "")
    return decide(
        request,
        pk,
        lambda _: discussion.resolve(thread, resolution, by=principal_of(request)),
        f"thread-{thread_id}",
        "The thread is resolved.",
    )


@only("POST")
def reopen(request: HttpRequest, pk: int, thread_id: int) -> HttpResponse:
    """Ask for something after all."""
    thread = _thread(request, pk, thread_id)
    return decide(
        request,
        pk,
        lambda _: discussion.reopen_thread(thread, by=principal_of(request)),
        f"thread-{thread_id}",
        "The thread is open.",
    )


@only("POST")
def edit(request: HttpRequest, pk: int, comment_id: int) -> HttpResponse:
    """Change an own comment."""
    said, body = _comment(request, pk, comment_id), request.POST.get("body", "")
    return decide(
        request,
        pk,
        lambda _: discussion.edit(said, body, by=principal_of(request)),
        f"thread-{said.thread_id}",
        "Your comment is changed.",
    )


@only("POST")
def discard(request: HttpRequest, pk: int, comment_id: int) -> HttpResponse:
    """Throw an own draft away."""
    said = _comment(request, pk, comment_id)
    return decide(
        request,
        pk,
        lambda _: discussion.discard(said, by=principal_of(request)),
        "discussion",
        "The draft is gone.",
    )


@only("POST")
def hide(request: HttpRequest, pk: int, comment_id: int) -> HttpResponse:
    """Take a comment from the page."""
    said = _comment(request, pk, comment_id)
    return decide(
        request,
        pk,
        lambda _: discussion.hide(said, by=principal_of(request)),
        f"thread-{said.thread_id}",
        "The comment is hidden.",
    )


def _thread(request: HttpRequest, pk: int, thread_id: int) -> Thread:
    thread: Thread = get_object_or_404(visible_threads(principal_of(request)).filter(submission__pk=pk), pk=thread_id)
    return thread


def _comment(request: HttpRequest, pk: int, comment_id: int) -> Comment:
    said: Comment = get_object_or_404(
        visible_comments(principal_of(request)).filter(thread__submission__pk=pk), pk=comment_id
    )
    return said
