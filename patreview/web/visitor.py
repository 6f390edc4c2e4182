"""What a view knows of the one who asks: the principal, and the objects that they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest

from patreview import engine
from patreview.projects.queries import Role, role_in, visible_projects
from patreview.submissions.queries import visible_submissions

if TYPE_CHECKING:
    from patreview.projects.principal import Principal
    from patreview.projects.queries import Project
    from patreview.submissions.queries import Submission


def principal_of(request: HttpRequest) -> Principal:
    """Who asks, as the middleware found it."""
    found: Principal = request.principal  # type: ignore[attr-defined]
    return found


def project_or_404(request: HttpRequest, slug: str) -> Project:
    """The project, if the one who asks may see it."""
    project = visible_projects(principal_of(request)).filter(slug=slug).first()
    if project is None:
        raise Http404
    return project


def submission_or_404(request: HttpRequest, pk: int) -> Submission:
    """The submission, if the one who asks may see it."""
    submission = visible_submissions(principal_of(request)).filter(pk=pk).first()
    if submission is None:
        raise Http404
    return submission


def frame(request: HttpRequest, project: Project | None, here: str, api_path: str) -> dict[str, Any]:
    """What every page shows around its content: project, navigation, the JSON twin."""
    role = role_in(principal_of(request), project) if project else None
    return {
        "project": project,
        "role": role,
        "may_submit": role is not None and role.covers(Role.SUBMITTER),
        "reads_journal": role is not None and role.covers(Role.REVIEWER),
        "here": here,
        "engine_version": engine.ENGINE_VERSION,
        "json_path": api_path,
        "json_url": request.build_absolute_uri(api_path),
    }
