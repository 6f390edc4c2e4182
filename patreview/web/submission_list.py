"""The submissions of a project: filters are addresses, pages go by key."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview.submissions.queries import KINDS, STATES, visible_submissions
from patreview.web.errors import BadAddress, only
from patreview.web.guest_matrix import VERDICTS
from patreview.web.visitor import LARGEST_ID, frame, principal_of, project_or_404

PAGE = 50
FILTERS = {"state": STATES, "kind": KINDS, "verdict": VERDICTS}
VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    ("All", {}),
    ("Open", {"state": "open"}),
    ("Layouts", {"kind": "layout"}),
    ("Guests", {"kind": "guest"}),
    ("Incompatible", {"verdict": "incompatible"}),
    ("Adopted", {"state": "adopted"}),
)


@only("GET")
def submissions(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of the list, newest first."""
    project = project_or_404(request, slug)
    chosen, before = _chosen(request)
    found = visible_submissions(principal_of(request)).filter(project=project, **chosen)
    if before:
        found = found.filter(pk__lt=before)
    rows = list(found[: PAGE + 1])
    here = reverse("web:submissions", args=[project.slug])
    api_path = f"/api/v1/projects/{project.slug}/submissions"
    context = frame(request, project, "submissions", _with(api_path, chosen)) | {
        "submissions": rows[:PAGE],
        "next_page": _with(here, chosen | {"before": rows[PAGE - 1].pk}) if len(rows) > PAGE else "",
        "filtered": bool(chosen or before),
        "filters": [{"name": n, "values": v, "chosen": chosen.get(n, "")} for n, v in FILTERS.items()],
        "views": [{"label": label, "href": _with(here, view), "here": view == chosen} for label, view in VIEWS],
    }
    return render(request, "submissions/list.html", context)


def _chosen(request: HttpRequest) -> tuple[dict[str, str], int | None]:
    """The filters and the key to start below. Raises BadAddress on any that is not known."""
    chosen: dict[str, str] = {}
    for name, value in request.GET.dict().items():
        if name not in FILTERS and name != "before":
            raise BadAddress(f"There is no filter “{name}”; use {', '.join(FILTERS)} or before.")
        if name in FILTERS and value and value not in FILTERS[name]:
            raise BadAddress(f"“{value}” is no {name}; use {', '.join(FILTERS[name])}.")
        if name in FILTERS and value:
            chosen[name] = value
    return chosen, _before(request.GET.get("before"))


def _before(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > LARGEST_ID:
        raise BadAddress("before is the number of a submission.")
    return int(text)


def _with(path: str, query: dict[str, Any]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
