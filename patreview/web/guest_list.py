"""The guests of a project as a flat list: filters are addresses, pages go by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview import engine
from patreview.analyses.standing import standing_of
from patreview.catalogue.pages import GuestFilter, guest_page
from patreview.catalogue.queries import platforms_in
from patreview.web.catalogue import around
from patreview.web.errors import only
from patreview.web.list_address import Filter, Key, read_address, read_number, with_query
from patreview.web.visitor import project_or_404

if TYPE_CHECKING:
    from patreview.analyses.standing import Standing
    from patreview.catalogue.queries import Guest

Json = dict[str, Any]

KEY = Key("the number of a guest", read_number)
STATES = ("retired", "all")
TEXT_MAX = 100


@only("GET")
def guest_list(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of the guests, by name."""
    project = project_or_404(request, slug)
    platforms = [platform.name for platform in platforms_in(project)]
    filters = (
        Filter("name", longest=TEXT_MAX),
        Filter("platform", tuple(platforms) or ("none",)),
        Filter("verdict", engine.VERDICTS),
        Filter("state", STATES),
        Filter("class", longest=TEXT_MAX),
    )
    address = read_address(request, filters, KEY)
    chosen = dict(address.chosen)
    standing = standing_of(project)
    page = guest_page(project, _filter(chosen, standing), **address.key)
    here, limit = reverse("web:guest-list", args=[project.slug]), address.other_limit
    context = around(request, project, "guests", with_query("guests", chosen)) | {
        "guests": [_row(guest, standing) for guest in page.guests],
        "next_page": address.leading(here, after=page.guests[-1].pk, **limit) if page.has_next else "",
        "previous_page": address.leading(here, before=page.guests[0].pk, **limit) if page.has_previous else "",
        "filtered": bool(request.GET),
        "chosen": chosen,
        "filters": [
            {"name": "platform", "values": platforms, "chosen": chosen.get("platform", "")},
            {"name": "verdict", "values": engine.VERDICTS, "chosen": chosen.get("verdict", "")},
        ],
        "views": [
            {"label": label, "href": with_query(here, view), "here": chosen.get("state", "") == view.get("state", "")}
            for label, view in (("In service", {}), ("Retired", {"state": "retired"}), ("All", {"state": "all"}))
        ],
        "standing": standing,
    }
    return render(request, "catalogue/guest_list.html", context)


def _row(guest: Guest, standing: Standing) -> Json:
    """A guest with its platforms by verdict, worst first."""
    on = sorted(platform.name for platform in guest.platforms.all() if platform.retired_at is None)
    by_verdict: dict[str, list[str]] = {}
    for name in on:
        known = standing.class_of(guest.facts_digest, name) if guest.retired_at is None else None
        by_verdict.setdefault(known["after"] if known else "", []).append(name)
    places = [{"verdict": word, "names": by_verdict[word]} for word in (*engine.VERDICTS, "") if word in by_verdict]
    return {"it": guest, "places": places}


def _filter(chosen: dict[str, str], standing: Standing) -> GuestFilter:
    alike = None
    if chosen.get("verdict") or chosen.get("class"):
        alike = standing.alike(verdict=chosen.get("verdict", ""), key=chosen.get("class", ""))
    return GuestFilter(
        name=chosen.get("name", ""), platform=chosen.get("platform", ""), state=chosen.get("state", ""), alike=alike
    )
