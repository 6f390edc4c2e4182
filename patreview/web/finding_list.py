"""The findings that stand in a project: what its open submissions would bring, by the newest run."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from patreview import engine
from patreview.analyses.finding_listing import STATES, Place, StandingFinding, standing_findings
from patreview.reviews.queries import Waiver, waived_by
from patreview.web.errors import only
from patreview.web.list_address import Address, Filter, Key, control, read_address
from patreview.web.templatetags.marks import named
from patreview.web.visitor import frame, project_or_404

FILTERS = (
    Filter("verdict", engine.VERDICTS),
    Filter("state", STATES),
    Filter("rule", longest=6),
    Filter("guest", longest=100),
)
KEY = Key("the place of a finding, as in 41.7", Place.read)
VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    ("All", {}),
    ("Incompatible", {"verdict": "incompatible"}),
    ("Indeterminate", {"verdict": "indeterminate"}),
    ("Conditional", {"verdict": "conditional"}),
    ("Mended", {"state": "fixed"}),
)


@only("GET")
def findings(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of the list: the newest run first, the worst of each run first."""
    project = project_or_404(request, slug)
    address = read_address(request, FILTERS, KEY)
    page = standing_findings(project, address.chosen, **address.key)
    waived = waived_by(project.pk, [one.finding for one in page.rows])
    here = reverse("web:findings", args=[project.slug])
    api_path = address.leading(f"/api/v1/projects/{project.slug}/findings")
    context = frame(request, project, "findings", api_path) | {
        "rows": [_row(one, waived.get(one.finding.pk)) for one in page.rows],
        "pages": address.neighbours(here, page, [one.place for one in page.rows]),
        "filtered": bool(request.GET),
        "filters": [control(one, address.chosen.get(one.name, "")) for one in FILTERS],
        "views": [
            {"label": label, "href": Address(view).leading(here), "here": view == address.chosen}
            for label, view in VIEWS
        ],
    }
    return render(request, "analyses/findings.html", context)


def _row(one: StandingFinding, waiver: Waiver | None) -> dict[str, Any]:
    return {
        "waiver": waiver,
        "it": one.finding,
        "guests": named(one.finding.guests),
        "submission": one.submission_id,
        "title": one.submission,
        "revision": one.revision,
    }
