"""Logging in and out."""

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme

from patreview.accounts.services import TooManyAttempts, sign_in
from patreview.web.errors import only

WRONG = "Name or password is wrong."


@only("GET", "POST")
def log_in(request: HttpRequest) -> HttpResponse:
    """The form, and its answer: 303 onwards, 422 for a wrong password, 429 for too many."""
    if request.method != "POST":
        return _to(_onwards(request)) if request.user.is_authenticated else _form(request)
    try:
        user = sign_in(request, request.POST.get("username", ""), request.POST.get("password", ""))
    except TooManyAttempts as exc:
        problem = f"Too many attempts. Try again in {_minutes(exc.retry_after_s)}."
        response = _form(request, problem, status=429)
        response["Retry-After"] = str(exc.retry_after_s)
        return response
    if user is None:
        return _form(request, WRONG, status=422)
    return _to(_onwards(request))


@only("POST")
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect(settings.LOGOUT_REDIRECT_URL)


def _form(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    context = {
        "problem": problem,
        "username": request.POST.get("username", ""),
        "next": request.POST.get("next") or request.GET.get("next", ""),
        "demo": settings.PATREVIEW_DEMO,
    }
    return render(request, "accounts/login.html", context, status=status)


def _to(path: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": iri_to_uri(path)})


def _onwards(request: HttpRequest) -> str:
    """Where the person wanted to go, if it is a page of ours; else home."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours and wanted.startswith("/") and wanted.isprintable() else "/"


def _minutes(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{minutes} minutes" if minutes > 1 else f"{seconds} seconds"
