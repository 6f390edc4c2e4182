"""Guests: by class, and one guest with its facts, its verdict everywhere, and its history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview import engine
from patreview.analyses.standing import UNREADABLE, guest_standing, standing_of
from patreview.catalogue import retirement
from patreview.catalogue.queries import all_guests_in, platforms_in
from patreview.web import facts, report_page, standing_page
from patreview.web.catalogue import Act, around, decide
from patreview.web.errors import BadAddress, only
from patreview.web.history import history, retired_because
from patreview.web.origins import origin_of
from patreview.web.templatetags.marks import verdict_word
from patreview.web.visitor import project_or_404

if TYPE_CHECKING:
    from patreview.analyses.standing import Standing
    from patreview.catalogue.queries import Guest, Platform
    from patreview.projects.queries import Project

Json = dict[str, Any]

MATRICES_SHOWN = 3  # platforms on one page
TABLES_SHOWN = 2


@only("GET")
def guests(request: HttpRequest, slug: str) -> HttpResponse:
    """The guests in service by class, on the first platforms or on the one that the address names."""
    project = project_or_404(request, slug)
    standing = standing_of(project)
    names = [platform.name for platform in platforms_in(project)]
    chosen = _platform(request, names)
    occupied = [name for name in names if standing.classes_on(name)]
    shown = [chosen] if chosen else occupied[:MATRICES_SHOWN]
    api = f"guest-classes?{urlencode({'platform': chosen})}" if chosen else "guest-classes"
    context = around(request, project, "guests", api) | {
        "matrices": [standing_page.matrix(project, name, standing) for name in shown],
        "platforms": names,
        "chosen": chosen,
        "unshown": [] if chosen else occupied[MATRICES_SHOWN:],
        "standing": standing,
        "total": sum(standing.counts.values()),
    }
    return render(request, "catalogue/guests.html", context)


def _platform(request: HttpRequest, names: list[str]) -> str:
    unknown = [name for name in request.GET if name != "platform"]
    if unknown:
        raise BadAddress(f"There is no filter “{unknown[0][:50]}”; use platform.")
    chosen = request.GET.get("platform", "")
    if chosen and chosen not in names:
        raise BadAddress(f"“{chosen[:50]}” is no platform in service; use {', '.join(names[:10]) or 'none'}.")
    return chosen


@only("GET")
def guest(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One guest."""
    project = project_or_404(request, slug)
    return _guest_page(request, project, _guest_or_404(project, pk), {})


@only("POST")
def retire(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take a guest out of service."""
    found = _guest_or_404(project_or_404(request, slug), pk)

    return _decide(
        request, found, retirement.retire, f"{found.name} is retired: no layout is checked against it any more."
    )


@only("POST")
def restore(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Put a retired guest back in service."""
    found = _guest_or_404(project_or_404(request, slug), pk)

    return _decide(request, found, retirement.restore, f"{found.name} is in service again.")


def _decide(request: HttpRequest, found: Guest, act: Act, done: str) -> HttpResponse:
    page = reverse("web:guest", args=[found.project.slug, found.pk])

    def show(said: Json) -> HttpResponse:
        return _guest_page(request, found.project, found, said)

    return decide(request, found, act, page=page, done=done, show=show)


def _guest_or_404(project: Project, pk: int) -> Guest:
    found = all_guests_in(project).filter(pk=pk).first()
    if found is None:
        raise Http404
    found.project = project
    return found


def _guest_page(request: HttpRequest, project: Project, found: Guest, said: Json) -> HttpResponse:
    on = sorted(found.platforms.all(), key=lambda platform: platform.name)
    in_service = _with_layouts(project, [platform for platform in on if platform.retired_at is None])
    judged = guest_standing(found, in_service)
    frame = around(request, project, "guests", f"guests/{found.pk}")
    past = history(project, f"guest:{found.name}", role=frame["role"])
    context = frame | {
        "guest": found,
        "retired_platforms": [platform.name for platform in on if platform.retired_at is not None],
        "problem": judged.problem,
        "report": judged.report,
        "word": verdict_word(judged.report["verdict"]) if judged.report else "",
        "origin": origin_of(found.origin),
        "history": past,
        "why_retired": retired_because(past["rows"]),
        "places": _places(found, judged.report, standing_of(project)),
        **_facts(found),
    }
    if judged.report:
        context |= _drawn(judged.report)
    return render(request, "catalogue/guest.html", context | said)


def _with_layouts(project: Project, on: list[Platform]) -> list[Platform]:
    """The same platforms with their layouts, by one query."""
    ids = {platform.pk for platform in on}
    return list(platforms_in(project).filter(pk__in=ids))


def _drawn(report: Json) -> Json:
    """The report of one guest as the page of a submission draws it; many platforms are cut short."""
    drawn = report_page.context(report)
    tables, matrices = drawn["tables"], drawn["matrices"]
    return drawn | {
        "tables": tables[:TABLES_SHOWN],
        "matrices": matrices[:MATRICES_SHOWN],
        "tables_cut": len(tables) - len(tables[:TABLES_SHOWN]),
    }


def _places(found: Guest, report: Json | None, standing: Standing) -> list[Json]:
    """The guest's verdict on each platform, worst first, and how many are of its class there."""
    rows = report["classes"] if report else []
    places = []
    for row in sorted(rows, key=lambda row: (engine.VERDICTS.index(row["after"]), row["platform"])):
        known = standing.class_of(found.facts_digest, row["platform"]) if found.retired_at is None else None
        places.append(
            {
                "platform": row["platform"],
                "verdict": row["after"],
                "behaviour": row["behaviour"],
                "alike": known["guests"] if known else 0,
                "key": known["key"] if known else "",
            }
        )
    return places


def _facts(found: Guest) -> Json:
    """The facts with their origins; nothing where they cannot be read."""
    try:
        return facts.context_of({"guest": found.facts})
    except UNREADABLE:
        return {}
