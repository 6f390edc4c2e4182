"""What people decide on a submission: vote, adopt, run again, withdraw. One service each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from patreview.analyses.queries import visible_runs
from patreview.analyses.services import cancel_run, request_run
from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.projects.text import checked_line, required
from patreview.reviews import services
from patreview.reviews.queries import visible_votes
from patreview.web.errors import only
from patreview.web.submissions import submission_page
from patreview.web.visitor import principal_of, submission_or_404

if TYPE_CHECKING:
    from patreview.submissions.queries import Revision

Act = Callable[["Revision"], object]


@only("POST")
def vote(request: HttpRequest, pk: int) -> HttpResponse:
    """Vote on the revision that the form showed, and publish the voter's drafts."""
    value, body = request.POST.get("value", ""), request.POST.get("body", "")

    def act(revision: Revision) -> object:
        digest = request.POST.get("digest", "")
        return services.vote(revision, value, by=principal_of(request), body=body, digest=digest)

    return decide(request, pk, act, "discussion", "Your vote is recorded.", {"vote": value, "vote_body": body})


@only("POST")
def withdraw_vote(request: HttpRequest, pk: int, vote_id: int) -> HttpResponse:
    """Take one's own vote back."""
    cast = get_object_or_404(visible_votes(principal_of(request)).filter(revision__submission__pk=pk), pk=vote_id)
    return decide(
        request,
        pk,
        lambda _: services.withdraw_vote(cast, by=principal_of(request)),
        "discussion",
        "Your vote is withdrawn.",
    )


@only("POST")
def dismiss_vote(request: HttpRequest, pk: int, vote_id: int) -> HttpResponse:
    """Set a standing objection aside."""
    cast = get_object_or_404(visible_votes(principal_of(request)).filter(revision__submission__pk=pk), pk=vote_id)
    reason = request.POST.get("reason", "")
    return decide(
        request,
        pk,
        lambda _: services.dismiss_vote(cast, reason, by=principal_of(request)),
        "discussion",
        "The vote is dismissed; it stays readable with your reason.",
    )


@only("POST")
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the revision that the form showed the truth."""

    def act(revision: Revision) -> object:
        return services.adopt(revision, by=principal_of(request), digest=request.POST.get("digest", ""))

    return decide(request, pk, act, "main", "Adopted: later proposals are checked against it.")


@only("POST")
def rerun(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue another run of the current revision, for a reason."""

    def act(revision: Revision) -> object:
        reason = required(checked_line(request.POST.get("reason", "")), "The reason for another run")
        return request_run(revision, by=principal_of(request), reason=reason)

    return decide(request, pk, act, "main")


@only("POST")
def cancel(request: HttpRequest, pk: int, run_id: int) -> HttpResponse:
    """Stop a run that is queued or under way."""
    run = get_object_or_404(visible_runs(principal_of(request)).filter(revision__submission__pk=pk), pk=run_id)
    return decide(request, pk, lambda _: cancel_run(run, by=principal_of(request)), "runs", "The run is cancelled.")


@only("POST")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the submission without adopting it."""

    def act(revision: Revision) -> object:
        reason = request.POST.get("reason", "")
        return services.withdraw(revision.submission, by=principal_of(request), reason=reason)

    return decide(request, pk, act, "main", "Withdrawn.")


@only("POST")
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Open a withdrawn submission again."""

    def act(revision: Revision) -> object:
        return services.reopen(revision.submission, by=principal_of(request))

    return decide(request, pk, act, "main", "Open again.")


@only("POST")
def retitle(request: HttpRequest, pk: int) -> HttpResponse:
    """Give it another title."""
    title = request.POST.get("title", "")

    def act(revision: Revision) -> object:
        return services.retitle(revision.submission, title, by=principal_of(request))

    return decide(request, pk, act, "main", "The title is changed.")


def decide(
    request: HttpRequest,
    pk: int,
    act: Act,
    anchor: str,
    done: str = "",
    typed: dict[str, str] | None = None,
) -> HttpResponse:
    """Call the service and go back to the page; a refusal shows the page again, with what was typed."""
    submission = submission_or_404(request, pk)
    page = reverse("web:submission", args=[pk])
    if not request.user.is_authenticated:
        return redirect(f"{reverse('web:login')}?next={page}")
    if submission.current is None:
        raise Http404
    submission.current.submission = submission
    try:
        act(submission.current)
    except NotFound as exc:
        raise Http404 from exc
    except (Forbidden, Conflict) as exc:
        status = 403 if isinstance(exc, Forbidden) else 409
        return submission_page(request, submission_or_404(request, pk), refusal=exc, typed=typed, status=status)
    if done:
        messages.success(request, done)
    return HttpResponse(status=303, headers={"Location": f"{page}#{anchor}"})
