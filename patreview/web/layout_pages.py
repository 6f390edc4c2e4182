"""Layouts: those that a project knows, and one with who relies on which entry where it is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview import engine
from patreview.analyses.standing import standing_of
from patreview.catalogue.queries import layouts_in, platforms_in
from patreview.submissions.queries import LAYOUTS_LOOKED_AT, proposals_of_layout
from patreview.web import standing_page
from patreview.web.catalogue import around
from patreview.web.errors import BadAddress, only
from patreview.web.layout_table import layout_table
from patreview.web.list_address import Key, read_number
from patreview.web.origins import origin_of
from patreview.web.visitor import principal_of, project_or_404

if TYPE_CHECKING:
    from patreview.catalogue.queries import Layout, Platform

Json = dict[str, Any]

PAGE = 50
TABLES_SHOWN = 3
PROPOSALS_SHOWN = 20


@only("GET")
def layouts(request: HttpRequest, slug: str) -> HttpResponse:
    """Layouts of the project, oldest first, and where each is in force."""
    project = project_or_404(request, slug)
    after = _after(request)
    rows = list(layouts_in(project).filter(pk__gt=after)[: PAGE + 1])
    in_force: dict[int, list[str]] = {}
    for platform in platforms_in(project):
        in_force.setdefault(platform.layout_id, []).append(platform.name)
    here = reverse("web:layouts", args=[project.slug])
    context = around(request, project, "layouts", "layouts") | {
        "layouts": [
            {"it": row, "origin": origin_of(row.origin), "in_force": in_force.get(row.pk, [])} for row in rows[:PAGE]
        ],
        "next_page": f"{here}?{urlencode({'after': rows[PAGE - 1].pk})}" if len(rows) > PAGE else "",
        "first_page": here if after else "",
    }
    return render(request, "catalogue/layouts.html", context)


def _after(request: HttpRequest) -> int:
    unknown = [name for name in request.GET if name != "after"]
    if unknown:
        raise BadAddress(f"There is no filter “{unknown[0][:50]}”; use after.")
    return int(Key("the number of a layout", read_number).of("after", request.GET.get("after", "0")))


@only("GET")
def layout(request: HttpRequest, slug: str, msr: str) -> HttpResponse:
    """One layout: its entries, where it is in force and who relies on them, who proposed it."""
    project = project_or_404(request, slug)
    found = layouts_in(project).filter(msr=msr).first() if "\0" not in msr else None
    if found is None:
        raise Http404
    standing = standing_of(project)
    there = [platform for platform in platforms_in(project) if platform.layout_id == found.pk]
    proposals = list(proposals_of_layout(principal_of(request), project.pk, msr)[: PROPOSALS_SHOWN + 1])
    context = around(request, project, "layouts", f"layouts/{msr}") | {
        "layout": found,
        "origin": origin_of(found.origin),
        "known": [one for one in engine.known_layouts() if one["msr"] == msr],
        "in_force": [standing_page.platform_row(platform, standing) for platform in there],
        "tables": _tables(found, there[:TABLES_SHOWN], standing),
        "proposals": proposals[:PROPOSALS_SHOWN],
        "more_proposals": len(proposals) > PROPOSALS_SHOWN,
        "looked_at": f"{LAYOUTS_LOOKED_AT:,}",
    }
    return render(request, "catalogue/layout.html", context)


def _tables(found: Layout, there: list[Platform], standing: Any) -> list[Any]:
    """One a platform on which it is in force; where there is none, its entries alone."""
    if there:
        return [standing_page.table_of(platform, standing) for platform in there]
    return [layout_table(standing_page.bare_platform(found.name, found.msr, found.name), [])]
