"""Who one is here: memberships, tokens, where mail goes; and, for administrators of the site, all projects."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview.accounts.services import change_email
from patreview.projects.errors import Conflict
from patreview.projects.queries import all_projects, is_admin, memberships_of, tokens_of
from patreview.projects.services import found_project
from patreview.web.errors import BadAddress, only, permission_denied
from patreview.web.people_forms import MAILS, VISIBILITIES, Address, NewProject
from patreview.web.visitor import frame, principal_of

PAGE = 100


@login_required
@only("GET")
def account(request: HttpRequest) -> HttpResponse:
    """One's own page."""
    assert request.user.is_authenticated
    return _account_page(request, Address(initial={"email": request.user.email}))


@login_required
@only("POST")
def email(request: HttpRequest) -> HttpResponse:
    """Where mail goes from now on."""
    assert request.user.is_authenticated
    form = Address(request.POST)
    if form.is_valid():
        try:
            change_email(request.user, form.cleaned_data["email"])
        except ValidationError as exc:
            form.take(exc)
    if form.errors:
        return _account_page(request, form, status=422)
    messages.success(request, "Saved.")
    return HttpResponse(status=303, headers={"Location": reverse("web:account")})


@login_required
@only("GET")
def projects(request: HttpRequest) -> HttpResponse:
    """Every project of the site, for its administrators."""
    principal = principal_of(request)
    if not is_admin(principal):
        return permission_denied(request, reason="Only an administrator of this site sees all projects.")
    unknown = sorted(set(request.GET) - {"after"})
    if unknown:
        raise BadAddress(f"There is no filter “{unknown[0][:50]}” here; after is known.")
    after = request.GET.get("after", "").replace("\0", "")[:50]
    rows = list(all_projects(principal).filter(slug__gt=after)[: PAGE + 1])
    context: dict[str, Any] = {"projects": rows[:PAGE], "after": rows[PAGE - 1].slug if len(rows) > PAGE else ""}
    return render(request, "projects/all.html", frame(request, None, "projects", "/api/v1/projects") | context)


@login_required
@only("GET", "POST")
def create_project(request: HttpRequest) -> HttpResponse:
    """Found a project, and go on to its settings, where the first people are invited."""
    principal = principal_of(request)
    if not is_admin(principal):
        return permission_denied(request, reason="Only an administrator of this site creates projects.")
    form = NewProject(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                project = found_project(by=principal, **form.cleaned_data)
            except ValidationError as exc:
                form.take(exc)
            except Conflict as exc:
                form.add_error("slug", exc.message)
                status = 409
            else:
                messages.success(request, f"{project.title} is there. Invite its people.")
                return HttpResponse(status=303, headers={"Location": reverse("web:settings", args=[project.slug])})
    around = frame(request, None, "projects", "/api/v1/projects")
    context = {"form": form, "visibilities": VISIBILITIES}
    return render(request, "projects/create.html", around | context, status=status)


def _account_page(request: HttpRequest, form: Address, status: int = 200) -> HttpResponse:
    principal = principal_of(request)
    context = frame(request, None, "account", "/api/v1/whoami") | {
        "memberships": list(memberships_of(principal)),
        "tokens": list(tokens_of(principal)),
        "admin": is_admin(principal),
        "mails": MAILS,
        "form": form,
    }
    return render(request, "accounts/account.html", context, status=status)
