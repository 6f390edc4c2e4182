"""What people do with a submission: comment, vote, adopt, run again, withdraw. One service each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from patreview.analyses.services import request_run
from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.reviews import services
from patreview.web.errors import only
from patreview.web.submissions import submission_page
from patreview.web.visitor import principal_of, submission_or_404

if TYPE_CHECKING:
    from patreview.submissions.queries import Revision

Decision = Callable[["Revision"], object]


@only("POST")
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Say something on the current revision."""
    body = request.POST.get("body", "")

    def decide(revision: Revision) -> object:
        return services.comment(revision, body, by=principal_of(request))

    return _decide(request, pk, decide, "discussion", typed={"comment": body})


@only("POST")
def vote(request: HttpRequest, pk: int) -> HttpResponse:
    """Vote on the revision that the form showed."""
    value, body = request.POST.get("value", ""), request.POST.get("body", "")

    def decide(revision: Revision) -> object:
        digest = request.POST.get("digest", "")
        return services.vote(revision, value, by=principal_of(request), body=body, digest=digest)

    return _decide(request, pk, decide, "discussion", "Your vote is recorded.", {"vote": value, "vote_body": body})


@only("POST")
def adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the revision that the form showed the truth."""

    def decide(revision: Revision) -> object:
        return services.adopt(revision, by=principal_of(request), digest=request.POST.get("digest", ""))

    return _decide(request, pk, decide, "main", "Adopted: later proposals are checked against it.")


@only("POST")
def rerun(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue another run of the current revision."""

    def decide(revision: Revision) -> object:
        return request_run(revision, by=principal_of(request))

    return _decide(request, pk, decide, "main")


@only("POST")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the submission without adopting it."""

    def decide(revision: Revision) -> object:
        return services.withdraw(revision.submission, by=principal_of(request))

    return _decide(request, pk, decide, "main", "Withdrawn.")


def _decide(
    request: HttpRequest,
    pk: int,
    decide: Decision,
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
        decide(submission.current)
    except NotFound as exc:
        raise Http404 from exc
    except (Forbidden, Conflict) as exc:
        status = 403 if isinstance(exc, Forbidden) else 409
        return submission_page(request, submission_or_404(request, pk), refusal=exc, typed=typed, status=status)
    if done:
        messages.success(request, done)
    return HttpResponse(status=303, headers={"Location": f"{page}#{anchor}"})
