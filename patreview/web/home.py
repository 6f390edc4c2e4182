"""The start page: what waits for the one who asks."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from patreview.projects.queries import projects_to_submit_to, visible_projects
from patreview.reviews.queries import waiting_for
from patreview.submissions.queries import visible_submissions
from patreview.web.errors import only
from patreview.web.visitor import frame, principal_of

SHOWN = 8


@only("GET")
def home(request: HttpRequest) -> HttpResponse:
    """Your turn; for one who is not logged in, what this is."""
    principal = principal_of(request)
    mine: list[Any] = []
    waiting: list[Any] = []
    if request.user.is_authenticated:
        mine = list(visible_submissions(principal).filter(state="open", owner=request.user)[: SHOWN + 1])
        waiting = list(waiting_for(principal)[: SHOWN + 1])
    projects = list(visible_projects(principal))
    context = frame(request, None, "home", "/api/v1/projects") | {
        "projects": projects,
        "submit_to": projects_to_submit_to(principal).first(),
        "mine": mine[:SHOWN],
        "waiting": waiting[:SHOWN],
        "recent": list(visible_submissions(principal)[:SHOWN]),
        "standing": _standing(len(waiting), len(mine)),
        "demo": settings.PATREVIEW_DEMO,
    }
    return render(request, "projects/home.html", context)


def _standing(waiting: int, mine: int) -> str:
    votes = f"{_count(waiting)} submission{'s' * (waiting != 1)} wait{'s' * (waiting == 1)} for your vote"
    own = f"{_count(mine)} of yours {'is' if mine == 1 else 'are'} open"
    if not waiting and not mine:
        return "Nothing waits for you."
    return f"{votes}; {own}." if waiting and mine else f"{votes if waiting else own}."


def _count(number: int) -> str:
    return f"More than {SHOWN}" if number > SHOWN else str(number)
