"""The page of one project: platforms, guests in service, layouts, members."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from patreview.catalogue.queries import guests_in, layouts_in, platforms_in
from patreview.projects.queries import members_of
from patreview.submissions.queries import visible_submissions
from patreview.web.errors import only
from patreview.web.visitor import frame, principal_of, project_or_404

SHOWN = 6


@only("GET")
def project(request: HttpRequest, slug: str) -> HttpResponse:
    """What is in service, and what was proposed lately."""
    found = project_or_404(request, slug)
    platforms, guests = list(platforms_in(found)), list(guests_in(found))
    on = {guest.pk: [platform.name for platform in guest.platforms.all()] for guest in guests}
    frame_of_page = frame(request, found, "project", f"/api/v1/projects/{found.slug}")
    context = frame_of_page | {
        "platforms": [
            {"it": platform, "guests": sum(platform.name in names for names in on.values())} for platform in platforms
        ],
        "guests": [{"it": guest, "on": on[guest.pk]} for guest in guests],
        "layouts": list(layouts_in(found)),
        "members": list(members_of(found)),
        "recent": list(visible_submissions(principal_of(request)).filter(project=found)[:SHOWN]),
        "curl": _curl(frame_of_page["json_url"], platforms[0].name if platforms else "PLATFORM"),
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
