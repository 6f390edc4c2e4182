"""The page of one project: where it stands, in short."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from patreview.analyses.standing import standing_of
from patreview.catalogue.queries import guests_in, layouts_in, platforms_in
from patreview.projects.queries import members_of
from patreview.submissions.queries import listed_submissions
from patreview.web import standing_page
from patreview.web.catalogue import may_maintain
from patreview.web.errors import only
from patreview.web.visitor import frame, principal_of, project_or_404

RECENT_SHOWN = 6
PLATFORMS_SHOWN = 8
CLASSES_SHOWN = 5
MEMBERS_SHOWN = 30


@only("GET")
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the project stands, and what was proposed lately; the lists have the rest."""
    found = project_or_404(request, slug)
    standing = standing_of(found)
    platforms, members = list(platforms_in(found)), list(members_of(found)[: MEMBERS_SHOWN + 1])
    around = frame(request, found, "project", f"/api/v1/projects/{found.slug}")
    context = around | {
        "may_maintain": may_maintain(around),
        "platforms": [standing_page.platform_row(platform, standing) for platform in platforms[:PLATFORMS_SHOWN]],
        "platform_count": len(platforms),
        "classes": standing_page.first_classes(found, standing, CLASSES_SHOWN),
        "class_count": len(standing.classes),
        "guest_count": guests_in(found).count(),
        "layout_count": layouts_in(found).count(),
        "members": members[:MEMBERS_SHOWN],
        "members_cut": len(members) > MEMBERS_SHOWN,
        "recent": list(listed_submissions(principal_of(request)).filter(project=found)[:RECENT_SHOWN]),
        "curl": _curl(around["json_url"], platforms[0].name if platforms else "PLATFORM"),
    }
    return render(request, "projects/project.html", context)


def _curl(project_url: str, platform: str) -> str:
    """One call of a pipeline, ready to paste."""
    body = {
        "kind": "layout",
        "title": "Linux's layout in Xen",
        "platform": platform,
        "layout": "0x0407050600070106",
        "external_key": "xen-pat",
    }
    return (
        'curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -H "Prefer: wait=30" \\\n'
        f"  {project_url}/submissions \\\n"
        f"  -d @- <<'JSON'\n{json.dumps(body, indent=2)}\nJSON"
    )
