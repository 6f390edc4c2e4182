"""Platforms: the list, one platform with the guests on it, and the form that adds one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from patreview import engine
from patreview.analyses.standing import standing_of
from patreview.catalogue import retirement
from patreview.catalogue.queries import all_platforms_in
from patreview.catalogue.registration import register_platform
from patreview.projects.errors import Conflict, Forbidden
from patreview.submissions.queries import visible_submissions
from patreview.web import standing_page
from patreview.web.catalogue import Act, around, decide
from patreview.web.errors import BadAddress, only, permission_denied
from patreview.web.history import history, retired_because
from patreview.web.platform_form import PlatformForm, presets
from patreview.web.templatetags.marks import verdict_word
from patreview.web.visitor import principal_of, project_or_404

if TYPE_CHECKING:
    from patreview.catalogue.queries import Platform
    from patreview.projects.queries import Project

Json = dict[str, Any]

SHOWN = 200
OPEN_SHOWN = 10
STATES = ("in_service", "retired")


@only("GET")
def platforms(request: HttpRequest, slug: str) -> HttpResponse:
    """Platforms in service with their layouts and guests by verdict; `?state=retired` has the others."""
    project = project_or_404(request, slug)
    state = _state(request)
    found = all_platforms_in(project).filter(retired_at__isnull=state == "in_service")
    rows = list(found[: SHOWN + 1])
    standing = standing_of(project)
    api = "platforms?state=retired" if state == "retired" else "platforms"
    context = around(request, project, "platforms", api) | {
        "platforms": [standing_page.platform_row(platform, standing) for platform in rows[:SHOWN]],
        "is_cut": len(rows) > SHOWN,
        "shown": SHOWN,
        "state": state,
        "standing": standing,
    }
    return render(request, "catalogue/platforms.html", context)


def _state(request: HttpRequest) -> str:
    unknown = [name for name in request.GET if name != "state"]
    if unknown:
        raise BadAddress(f"There is no filter “{unknown[0][:50]}”; use state.")
    state = request.GET.get("state") or "in_service"
    if state not in STATES:
        raise BadAddress(f"“{state[:50]}” is no state; use {', '.join(STATES)}.")
    return state


@only("GET")
def platform(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One platform: the layout in force, who relies on it, the guests by class, history, proposals."""
    project = project_or_404(request, slug)
    return _platform_page(request, project, _platform_or_404(project, name), {})


@only("POST")
def retire(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Take a platform out of service."""
    found = _platform_or_404(project_or_404(request, slug), name)

    return _decide(request, found, retirement.retire, f"{name} is retired: nothing is judged on it any more.")


@only("POST")
def restore(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Put a retired platform back in service."""
    found = _platform_or_404(project_or_404(request, slug), name)

    return _decide(request, found, retirement.restore, f"{name} is in service again.")


def _decide(request: HttpRequest, found: Platform, act: Act, done: str) -> HttpResponse:
    page = reverse("web:platform", args=[found.project.slug, found.name])

    def show(said: Json) -> HttpResponse:
        return _platform_page(request, found.project, found, said)

    return decide(request, found, act, page=page, done=done, show=show)


def _platform_or_404(project: Project, name: str) -> Platform:
    found = all_platforms_in(project).filter(name=name).first() if "\0" not in name else None
    if found is None:
        raise Http404
    found.project = project
    return found


def _platform_page(request: HttpRequest, project: Project, found: Platform, said: Json) -> HttpResponse:
    standing = standing_of(project)
    is_in_service = found.retired_at is None
    findings = standing_page.findings_on(found.name, standing) if is_in_service else []
    guests = standing.counts.get(found.pk, 0)
    frame = around(request, project, "platforms", f"platforms/{found.name}")
    past = history(project, f"platform:{found.name}", role=frame["role"])
    worst, words = standing_page.sentence(found.name, guests, standing) if is_in_service else ("", "")
    open_here = visible_submissions(principal_of(request)).filter(platform=found, state="open")
    proposals = list(open_here[: OPEN_SHOWN + 1])
    context = frame | {
        "platform": found,
        "verdict": worst,
        "word": verdict_word(worst),
        "sentence": words,
        "table": standing_page.table_of(found, standing, findings),
        "matrix": standing_page.matrix(project, found.name, standing) if is_in_service else None,
        "tally": standing_page.tally(found.name, standing) if is_in_service else None,
        "findings": findings,
        "guests": guests,
        "standing": standing,
        "history": past,
        "why_retired": retired_because(past["rows"]),
        "proposals": proposals[:OPEN_SHOWN],
        "more_proposals": len(proposals) > OPEN_SHOWN,
    }
    return render(request, "catalogue/platform.html", context | said)


@login_required
@only("GET", "POST")
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """Add a platform: from the table of Xen's releases, or by hand."""
    project = project_or_404(request, slug)
    context = around(request, project, "platforms", "platforms")
    if not context["may_maintain"]:
        return permission_denied(request, reason=f"Adding a platform needs the role maintainer in {project.title}.")
    chosen = _preset(request)
    form = PlatformForm(request.POST if request.method == "POST" else None, initial=chosen)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            done, status = _add(request, project, form)
            if done:
                return done
    context |= {"form": form, "presets": presets(reverse("web:platform-add", args=[project.slug]))}
    return render(request, "catalogue/platform_add.html", context, status=status)


def _add(request: HttpRequest, project: Project, form: PlatformForm) -> tuple[HttpResponse | None, int]:
    try:
        made = register_platform(project, form.stated(), by=principal_of(request))
    except engine.InvalidInput as exc:
        form.take(engine.problems_of(exc))
        return None, 422
    except (Forbidden, Conflict) as exc:
        form.add_error("name" if exc.code == "name_taken" else None, exc.message)
        return None, 403 if isinstance(exc, Forbidden) else 409
    return redirect("web:platform", project.slug, made.name), 303


def _preset(request: HttpRequest) -> Json:
    """What the form starts with: the release that the address names."""
    release = request.GET.get("release", "")
    if not release:
        return {}
    try:
        engine.stock_layout(release)
    except engine.InvalidInput as exc:
        raise BadAddress(str(exc)) from exc
    return {"release": release, "name": f"xen-{release}"}
