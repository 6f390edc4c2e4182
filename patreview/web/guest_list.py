"""The guests of a project as a flat list: filters are addresses, pages go by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview.analyses.standing import standing_of
from patreview.catalogue.pages import GuestFilter, guest_page
from patreview.catalogue.queries import platforms_in
from patreview.web.catalogue import around
from patreview.web.errors import BadAddress, only
from patreview.web.guest_matrix import VERDICTS
from patreview.web.visitor import LARGEST_ID, project_or_404

if TYPE_CHECKING:
    from patreview.analyses.standing import Standing
    from patreview.catalogue.queries import Guest

Json = dict[str, Any]

PAGE = 50
STATES = ("retired", "all")
NAMES = ("name", "platform", "verdict", "state", "class", "after", "before")
TEXT_MAX = 100


@only("GET")
def guest_list(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of the guests, by name."""
    project = project_or_404(request, slug)
    platforms = [platform.name for platform in platforms_in(project)]
    chosen, keys = _chosen(request, platforms)
    standing = standing_of(project)
    page = guest_page(project, _filter(chosen, standing), limit=PAGE, **keys)
    here = reverse("web:guest-list", args=[project.slug])
    context = around(request, project, "guests", _with("guests", chosen)) | {
        "guests": [_row(guest, standing) for guest in page.guests],
        "next_page": _with(here, chosen | {"after": page.guests[-1].pk}) if page.has_next else "",
        "previous_page": _with(here, chosen | {"before": page.guests[0].pk}) if page.has_previous else "",
        "filtered": bool(chosen or keys),
        "chosen": chosen,
        "filters": [
            {"name": "platform", "values": platforms, "chosen": chosen.get("platform", "")},
            {"name": "verdict", "values": VERDICTS, "chosen": chosen.get("verdict", "")},
        ],
        "views": [
            {"label": label, "href": _with(here, view), "here": chosen.get("state", "") == view.get("state", "")}
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
    places = [{"verdict": word, "names": by_verdict[word]} for word in (*VERDICTS, "") if word in by_verdict]
    return {"it": guest, "places": places}


def _filter(chosen: dict[str, str], standing: Standing) -> GuestFilter:
    alike = None
    if chosen.get("verdict") or chosen.get("class"):
        alike = standing.alike(verdict=chosen.get("verdict", ""), key=chosen.get("class", ""))
    return GuestFilter(
        name=chosen.get("name", ""), platform=chosen.get("platform", ""), state=chosen.get("state", ""), alike=alike
    )


def _chosen(request: HttpRequest, platforms: list[str]) -> tuple[dict[str, str], dict[str, int]]:
    """The filters, and the key to start at. Raises BadAddress on any that is not known."""
    chosen = {name: value for name, value in request.GET.dict().items() if value}
    unknown = next((name for name in request.GET if name not in NAMES), None)
    if unknown is not None:
        raise BadAddress(f"There is no filter “{unknown[:50]}”; use {', '.join(NAMES)}.")
    for name, values in (("platform", platforms), ("verdict", VERDICTS), ("state", STATES)):
        if name in chosen and chosen[name] not in values:
            raise BadAddress(f"“{chosen[name][:50]}” is no {name}; use {', '.join(values) or 'none'}.")
    if any("\0" in value or len(value) > TEXT_MAX for value in chosen.values()):
        raise BadAddress(f"A filter has at most {TEXT_MAX} characters, and no U+0000.")
    keys: dict[str, int] = {name: _key(name, chosen.pop(name)) for name in ("after", "before") if name in chosen}
    if len(keys) > 1:
        raise BadAddress("Give after or before, not both.")
    return chosen, keys


def _key(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > LARGEST_ID:
        raise BadAddress(f"{name} is the number of a guest.")
    return int(text)


def _with(path: str, query: Json) -> str:
    return f"{path}?{urlencode(query)}" if query else path
