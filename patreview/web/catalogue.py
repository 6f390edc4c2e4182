"""What the pages of platforms, layouts and guests share: their frame, and the form that retires and restores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from patreview.projects.errors import Conflict, Forbidden, NotFound
from patreview.projects.queries import Role
from patreview.web.visitor import frame, principal_of

if TYPE_CHECKING:
    from patreview.catalogue.queries import Guest, Platform
    from patreview.projects.principal import Principal
    from patreview.projects.queries import Project

Json = dict[str, Any]
Page = Callable[[Json], HttpResponse]


class Act(Protocol):
    """Retire or restore."""

    def __call__(self, one: Platform | Guest, *, reason: str, by: Principal) -> None: ...


def around(request: HttpRequest, project: Project, here: str, api: str) -> Json:
    """The frame of a page of the catalogue; `api` is its JSON twin below the project."""
    context = frame(request, project, here, f"/api/v1/projects/{project.slug}/{api}")
    return context | {"may_maintain": may_maintain(context)}


def may_maintain(context: Json) -> bool:
    """Whether the one who looks at a page with this frame is a maintainer."""
    role = context["role"]
    return role is not None and role.covers(Role.MAINTAINER)


def decide(request: HttpRequest, one: Platform | Guest, act: Act, *, page: str, done: str, show: Page) -> HttpResponse:
    """Retire or restore, and go back to the page; a refusal shows the page again, with the reason that was typed."""
    if not request.user.is_authenticated:
        return redirect(f"{reverse('web:login')}?next={page}")
    reason = request.POST.get("reason", "")
    try:
        act(one, reason=reason, by=principal_of(request))
    except NotFound as exc:
        raise Http404 from exc
    except (Forbidden, Conflict) as exc:
        answer = show({"refusal": exc, "typed": reason})
        answer.status_code = 403 if isinstance(exc, Forbidden) else 409
        return answer
    messages.success(request, done)
    return HttpResponse(status=303, headers={"Location": page})
