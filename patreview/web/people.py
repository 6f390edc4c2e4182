"""What people do with members, invitations, tokens and settings. One service each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from patreview.projects import invitations, members, services
from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.projects.queries import Role
from patreview.web.errors import only
from patreview.web.list_address import read_number
from patreview.web.people_forms import About, Invite, NewToken, PeopleForm
from patreview.web.project_settings import reached_project, settings_page
from patreview.web.visitor import principal_of

if TYPE_CHECKING:
    from patreview.projects.queries import Project

Act = Callable[["Project"], "HttpResponse | str | None"]


@only("POST")
def about(request: HttpRequest, slug: str) -> HttpResponse:
    """Title, summary and approvals."""
    form = About(request.POST)

    def act(project: Project) -> str:
        services.change_project(project, by=principal_of(request), **form.cleaned_data)
        return "Saved."

    return _act(request, slug, act, "about", form=form, name="about_form")


@only("POST")
def visibility(request: HttpRequest, slug: str) -> HttpResponse:
    """Who may read the project."""
    wanted = request.POST.get("visibility", "")

    def act(project: Project) -> str:
        services.change_project(project, by=principal_of(request), visibility=wanted)
        return "The project is public now." if wanted == "public" else "The project is private now."

    return _act(request, slug, act, "visibility")


@only("POST")
def role(request: HttpRequest, slug: str) -> HttpResponse:
    """Another role for a member; an administrator of the site also adds a person."""
    name, wanted = request.POST.get("name", ""), request.POST.get("role", "")

    def act(project: Project) -> str:
        if wanted not in Role.values:
            raise Conflict("role", f"Choose one of {', '.join(Role.values)}.")
        members.put_member(project, name, Role(wanted), by=principal_of(request))
        return f"{name} is {wanted} now."

    return _act(request, slug, act, "members")


@only("POST")
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """End somebody's membership, or one's own."""
    name = request.POST.get("name", "")

    def act(project: Project) -> HttpResponse | str:
        principal = principal_of(request)
        members.remove_member(project, name, by=principal)
        if name == principal.name:
            messages.success(request, f"You left {project.title}.")
            return _to(reverse("web:account"))
        return f"{name} is no member any more; their tokens of this project are revoked."

    return _act(request, slug, act, "members")


@only("POST")
def mail(request: HttpRequest, slug: str) -> HttpResponse:
    """Of what one hears by mail."""

    def act(project: Project) -> str:
        members.choose_mail(project, request.POST.get("mail", ""), by=principal_of(request))
        return f"Mail of {project.title}: {request.POST.get('mail')}."

    return _act(request, slug, act, "you")


@only("POST")
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a link, and show it this once."""
    form = Invite(request.POST)

    def act(project: Project) -> HttpResponse:
        sent = form.cleaned_data
        issued = invitations.invite(
            project, Role(sent["role"]), email=sent["email"], note=sent["note"], by=principal_of(request)
        )
        link = {"url": request.build_absolute_uri(issued.path), "issued": issued}
        return settings_page(request, project, link=link)

    return _act(request, slug, act, "invitations", form=form, name="invite_form")


@only("POST")
def revoke_invitation(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a link worthless."""

    def act(project: Project) -> str:
        invitations.revoke_invitation(project, _number(request.POST.get("id", "")), by=principal_of(request))
        return "The invitation is revoked: its link is worth nothing now."

    return _act(request, slug, act, "invitations")


@only("POST")
def create_token(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a token of one's own, and show it this once."""
    form = NewToken(request.POST)

    def act(project: Project) -> HttpResponse:
        issued = services.create_token(project, by=principal_of(request), **form.cleaned_data)
        return settings_page(request, project, issued_token=issued)

    return _act(request, slug, act, "tokens", form=form, name="token_form")


@only("POST")
def revoke_token(request: HttpRequest, slug: str) -> HttpResponse:
    """End a token."""

    def act(project: Project) -> str:
        services.revoke_token(project, request.POST.get("key", ""), by=principal_of(request))
        return "The token is revoked: what uses it is refused from now on."

    return _act(request, slug, act, "tokens")


def _act(
    request: HttpRequest, slug: str, act: Act, anchor: str, *, form: PeopleForm | None = None, name: str = ""
) -> HttpResponse:
    """Do it and go back to where it was asked; a refusal shows the settings with what was typed."""
    page = reverse("web:settings", args=[slug])
    if not request.user.is_authenticated:
        return redirect(f"{reverse('web:login')}?next={page}")
    project = reached_project(request, slug)
    shown: dict[str, Any] = {name: form} if form else {}
    if form and not form.is_valid():
        return settings_page(request, project, status=422, wrong_at=anchor, **shown)
    try:
        done = act(project)
    except ValidationError as exc:
        if form is None:
            return settings_page(request, project, status=422, refusal=Conflict("invalid", " ".join(exc.messages)))
        form.take(exc)
        return settings_page(request, project, status=422, wrong_at=anchor, **shown)
    except (Forbidden, Conflict) as exc:
        status = 403 if isinstance(exc, Forbidden) else 409
        return settings_page(request, project, status=status, refusal=exc, **shown)
    except NotFound as exc:
        if exc.code == "not_found":
            raise Http404 from exc
        return settings_page(request, project, status=404, refusal=Conflict(exc.code, exc.message), **shown)
    if isinstance(done, HttpResponse):
        return done
    messages.success(request, str(done))
    return _to(reverse("web:account") if request.POST.get("back") == "account" else f"{page}#{anchor}")


def _to(path: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": path})


def _number(text: str) -> int:
    """The number of a row that a form names; 0, which none has, for what is no number."""
    try:
        return read_number(text)
    except ValueError:
        return 0
