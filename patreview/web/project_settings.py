"""The settings of a project: its people, their tokens, and what its maintainers decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from patreview.projects.queries import (
    Role,
    is_admin,
    may_administer,
    members_of,
    memberships_of,
    reachable_projects,
    visible_invitations,
    visible_projects,
    visible_tokens,
)
from patreview.web.errors import BadAddress, only, permission_denied
from patreview.web.people_forms import IN_FULL, MAILS, ROLES, SCOPES, VISIBILITIES, About, Invite, NewToken
from patreview.web.visitor import frame, principal_of

if TYPE_CHECKING:
    from patreview.projects.errors import Refused
    from patreview.projects.principal import Principal
    from patreview.projects.queries import Project

PAGE = 100
Json = dict[str, Any]


@only("GET")
def settings(request: HttpRequest, slug: str) -> HttpResponse:
    """What the one who asks may see of it, by role."""
    if not request.user.is_authenticated:
        return redirect(f"{reverse('web:login')}?next={request.path}")
    unknown = sorted(set(request.GET) - {"after"})
    if unknown:
        raise BadAddress(f"There is no filter “{unknown[0][:50]}” here; after is known.")
    return settings_page(request, reached_project(request, slug))


def reached_project(request: HttpRequest, slug: str) -> Project:
    """The project, if the one who asks may know of it: an administrator of the site may of all."""
    found = reachable_projects(principal_of(request)).filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def settings_page(
    request: HttpRequest,
    project: Project,
    *,
    status: int = 200,
    refusal: Refused | None = None,
    **shown: Any,
) -> HttpResponse:
    """The page; `shown` has forms that were sent, and what is shown once: `link` or `token_text`."""
    principal = principal_of(request)
    me = memberships_of(principal).filter(project=project).first()
    if me is None and not is_admin(principal):
        return permission_denied(request, reason="Settings are for members of the project.")
    around = frame(request, project, "settings", f"/api/v1/projects/{project.slug}/members")
    people = _people(request, principal, project)
    context = around | people | _forms(project, first=not people["members"])
    may_read = me is not None or visible_projects(principal).filter(pk=project.pk).exists()
    context |= {
        "it": project,
        "project": project if may_read else None,  # the navigation leads only where one may go
        "me": me,
        "may_maintain": around["role"] is Role.MAINTAINER,
        "may_read": may_read,
        "role_meaning": IN_FULL.get(around["role"], ""),
        "refusal": refusal,
    }
    return render(request, "projects/settings.html", context | shown, status=status)


def _people(request: HttpRequest, principal: Principal, project: Project) -> Json:
    """Members from `after` on, and what may be seen of invitations and tokens."""
    after = request.GET.get("after", "").replace("\0", "")[:150]
    rows = list(members_of(project).filter(user__username__gt=after)[: PAGE + 1])
    administers = may_administer(principal, project)
    return {
        "members": rows[:PAGE],
        "members_after": rows[PAGE - 1].user.username if len(rows) > PAGE else "",
        "may_administer": administers,
        "may_add": administers and is_admin(principal),
        "invitations": list(visible_invitations(principal, project)) if administers else [],
        "tokens": list(visible_tokens(principal, project)),
    }


def _forms(project: Project, *, first: bool) -> Json:
    """The forms as they are before anything was typed; whom a project needs `first` is a maintainer."""
    initial = {name: getattr(project, name) for name in ("title", "summary", "required_approvals")}
    return {
        "about_form": About(initial=initial),
        "invite_form": Invite(initial={"role": Role.MAINTAINER if first else Role.SUBMITTER}),
        "token_form": NewToken(),
        "roles": ROLES,
        "scopes": SCOPES,
        "mails": MAILS,
        "visibilities": VISIBILITIES,
    }
