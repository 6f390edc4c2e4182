"""The page behind an invitation's link. It says what is offered, and nothing of what the project holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from patreview.accounts.services import TooManyAttempts, count_invitation_guess, start_session
from patreview.projects.errors import Conflict, NotFound
from patreview.projects.invitations import WORDS, accept, ending_of, find_invitation, join
from patreview.projects.queries import Role, role_in
from patreview.web.errors import only
from patreview.web.people_forms import IN_FULL
from patreview.web.people_forms import Join as JoinForm
from patreview.web.visitor import principal_of

if TYPE_CHECKING:
    from patreview.projects.queries import Invitation


@only("GET", "POST")
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """What is offered, and a button to take it; 404 for a link that never was, 410 for one that is over."""
    response = _answer(request, secret)
    # The address is the secret: no other site, no cache and no search engine is to know it. Not `no-referrer`:
    # with it browsers send the forms of the page with `Origin: null`, which looks like another site's.
    response["Referrer-Policy"] = "strict-origin"
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


def _answer(request: HttpRequest, secret: str) -> HttpResponse:
    found = find_invitation(secret)
    if found is None:
        return _unknown(request)
    ending = ending_of(found)
    if ending == "used" and found.accepted_by_id == request.user.pk and role_in(principal_of(request), found.project):
        return redirect("web:project", found.project.slug)  # it is theirs, and they are there already
    if ending:
        return _over(request, WORDS[ending])
    if request.method != "POST":
        return _offer(request, found)
    return _accept(request, found, secret) if request.user.is_authenticated else _join(request, found, secret)


def _accept(request: HttpRequest, found: Invitation, secret: str) -> HttpResponse:
    try:
        accept(secret, by=principal_of(request))
    except NotFound:
        return _unknown(request)
    except Conflict as exc:
        return _over(request, exc.message) if exc.code in WORDS else _offer(request, found, exc.message, status=409)
    return _welcome(request, found)


def _join(request: HttpRequest, found: Invitation, secret: str) -> HttpResponse:
    form = JoinForm(request.POST)
    if not form.is_valid():
        return _offer(request, found, form=form, status=422)
    try:
        user = join(secret, name=form.cleaned_data["name"], password=form.cleaned_data["password"])
    except ValidationError as exc:
        form.take(exc)
        return _offer(request, found, form=form, status=422)
    except NotFound:
        return _unknown(request)
    except Conflict as exc:
        return _over(request, exc.message)
    start_session(request, user)
    return _welcome(request, found)


def _welcome(request: HttpRequest, found: Invitation) -> HttpResponse:
    messages.success(request, f"Welcome: you are {found.role} in {found.project.title} now.")
    return HttpResponse(status=303, headers={"Location": reverse("web:project", args=[found.project.slug])})


def _offer(
    request: HttpRequest, found: Invitation, problem: str = "", *, form: JoinForm | None = None, status: int = 200
) -> HttpResponse:
    held = role_in(principal_of(request), found.project)
    context = {
        "invitation": found,
        "offered": found.project.title,
        "meaning": IN_FULL[Role(found.role)],
        "held": held,
        "brings_nothing": held is not None and held.covers(Role(found.role)),
        "problem": problem,
        "form": form or JoinForm(),
    }
    return render(request, "accounts/invitation.html", context, status=status)


def _over(request: HttpRequest, reason: str) -> HttpResponse:
    return render(request, "accounts/no_invitation.html", {"reason": reason}, status=410)


def _unknown(request: HttpRequest) -> HttpResponse:
    reason = "There is no such invitation. Perhaps the link was cut off on its way: copy all of it."
    try:
        count_invitation_guess(request)
    except TooManyAttempts as exc:
        reason = "Too many unknown invitations were asked for from your address. Try again in some minutes."
        response = render(request, "accounts/no_invitation.html", {"reason": reason}, status=429)
        response["Retry-After"] = str(exc.retry_after_s)
        return response
    return render(request, "accounts/no_invitation.html", {"reason": reason}, status=404)
